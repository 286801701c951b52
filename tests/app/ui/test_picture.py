from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from app.ui.picture import COLOUR_MAPS, Scale, make_picture, nice_ceiling


def pixels(image: QImage) -> np.ndarray:
    """H×W×3 RGB of a picture as Qt sees it."""
    copy = image.convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(copy.constBits(), np.uint8).reshape(copy.height(), copy.bytesPerLine())
    return flat[:, : copy.width() * 3].reshape(copy.height(), copy.width(), 3).copy()


def test_colours_arrive_in_order() -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(pixels(make_picture(values).levels[0]), values)


def test_gray_and_sixteen_bit() -> None:
    values = np.arange(35, dtype=np.uint16).reshape(5, 7) * 1800
    shown = pixels(make_picture(values).levels[0])
    assert np.array_equal(shown[..., 0], values >> 8)
    assert np.array_equal(shown[..., 0], shown[..., 2])


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_maps_span_their_scale_and_clip(name: str) -> None:
    values = np.array([[0.0, 10.0, -5.0, 50.0, 5.0, np.nan]], np.float32)
    shown = pixels(make_picture(values, Scale(0, 10, "px", name)).levels[0])[0]
    table = pg.colormap.get(name).getLookupTable(nPts=256)
    assert np.array_equal(shown, table[[0, 255, 0, 255, 128, 0]])


def test_levels_halve_and_average() -> None:
    values = np.random.default_rng(1).integers(0, 256, (600, 800), dtype=np.uint8)
    picture = make_picture(values)
    assert [(level.width(), level.height()) for level in picture.levels] == [
        (800, 600),
        (400, 300),
        (200, 150),
    ]
    half = values.reshape(300, 2, 400, 2).mean(axis=(1, 3))
    assert np.abs(pixels(picture.levels[1])[..., 0] - half).max() <= 1


@pytest.mark.parametrize(
    ("scale", "level"), [(4.0, 0), (1.0, 0), (0.51, 0), (0.5, 1), (0.3, 1), (0.25, 2), (0.01, 2)]
)
def test_the_level_painted_is_never_blown_up(scale: float, level: int) -> None:
    picture = make_picture(np.zeros((600, 800), np.uint8))
    assert picture.level_for(scale) == level


@given(st.floats(1e-6, 1e9))
def test_a_round_ceiling_is_close_above(value: float) -> None:
    ceiling = nice_ceiling(value)
    assert value <= ceiling * 1.00001
    assert ceiling <= value * 2.51
