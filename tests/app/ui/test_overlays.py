"""Zebra and focus peaking: from raw frames to marks in the rectified picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from app.pipeline.status import RectifiedPair
from app.raw_measures import OVER, SHARP, UNDER
from app.ui.layers import LAYERS, Scene
from app.ui.overlays import COLOURS, OVERLAYS, PEAKING, ZEBRA, OverlayPainter
from capture.calibration import load_calibration
from capture.frames import Frame, FramePair, Layout, frozen
from capture.rectify import Rectifier
from capture.virtual.rig import SHIPPED_CALIBRATION

HEIGHT, WIDTH = 480, 640
BOTH = frozenset(OVERLAYS)


def calibrated_pair(mono: np.ndarray, mosaic: np.ndarray) -> RectifiedPair:
    """A pair as the virtual rig sends it, rectified."""
    calibration = load_calibration(SHIPPED_CALIBRATION)
    frames = (
        Frame("mono", frozen(mono), Layout.MONO, 8, "Mono8", 0, None, 0),
        Frame("color", frozen(mosaic), Layout.BAYER_RG, 8, "BayerRG8", 0, None, 0),
    )
    color = cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2RGB)
    images = Rectifier(calibration).rectify(mono, np.asarray(color, np.uint8))
    return RectifiedPair(FramePair(0, *frames, skew_ns=0), *images, rectified=True, calibration=calibration)


def picture() -> np.ndarray:
    """Middle gray with a white and a black disc."""
    image = np.full((HEIGHT, WIDTH), 120, np.uint8)
    cv2.circle(image, (200, 240), 60, 255, -1)
    cv2.circle(image, (430, 200), 60, 0, -1)
    return image


def test_marks_lie_where_the_rectified_picture_is_clipped() -> None:
    pair = calibrated_pair(picture(), picture())
    painter = OverlayPainter()
    for layer, shown in (("gray", pair.mono), ("reference", pair.reference[..., 1])):
        mask = painter.mask(layer, pair, frozenset({ZEBRA}))
        assert mask is not None
        for code, there in ((OVER, shown >= 254), (UNDER, shown == 0)):
            inside = cv2.erode(there.astype(np.uint8), np.ones((5, 5), np.uint8))[20:-20, 40:-40].astype(bool)
            marked = mask[20:-20, 40:-40] == code
            assert inside.any()
            assert marked[inside].mean() > 0.98
            assert marked.sum() < 1.1 * there[20:-20, 40:-40].sum() + 200


def test_clipping_covers_focus_and_other_layers_stay_clean() -> None:
    pair = calibrated_pair(picture(), picture())
    painter = OverlayPainter()
    mask = painter.mask("gray", pair, BOTH)
    assert mask is not None
    assert {OVER, UNDER, SHARP} <= set(np.unique(mask))
    alone = painter.mask("gray", pair, frozenset({PEAKING}))
    assert alone is not None
    assert set(np.unique(alone)) == {0, SHARP}
    assert painter.mask("refined", pair, BOTH) is None
    assert painter.mask("gray", pair, frozenset()) is None


def test_a_pair_without_calibration_is_marked_as_it_is() -> None:
    mosaic = picture()
    pair = calibrated_pair(picture(), mosaic)
    raw = replace(pair, mono=pair.pair.mono.image, rectified=False, calibration=None)
    mask = OverlayPainter().mask("gray", raw, frozenset({ZEBRA}))
    assert mask is not None
    np.testing.assert_array_equal(mask == OVER, picture() == 255)


def test_the_picture_is_painted_but_its_values_are_not() -> None:
    pair = calibrated_pair(picture(), picture())
    mask = OverlayPainter().mask("gray", pair, BOTH)
    plain, marked = (LAYERS["gray"].picture(Scene(pair), mask=m) for m in (None, mask))
    assert plain is not None
    assert marked is not None
    np.testing.assert_array_equal(marked.values, plain.values)
    colours = {tuple(pixel) for pixel in marked.buffers[0][..., 2::-1].reshape(-1, 3)}
    assert set(COLOURS.values()) <= colours
    assert not set(COLOURS.values()) & {tuple(p) for p in plain.buffers[0][..., 2::-1].reshape(-1, 3)}
