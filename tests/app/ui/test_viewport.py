from __future__ import annotations

import pytest

from app.ui.viewport import MAX_SCALE, Viewport

IMAGE, WIDGET = (640, 480), (400, 300)


@pytest.fixture
def viewport() -> Viewport:
    return Viewport()


def test_fit_shows_the_whole_image_in_the_middle(viewport: Viewport) -> None:
    placement = viewport.placement(IMAGE, (400, 400))
    assert placement.scale == pytest.approx(400 / 640)
    assert (placement.left, placement.top) == (0, 50)


def test_zoom_keeps_the_point_under_the_mouse(viewport: Viewport) -> None:
    at = (120.0, 210.0)
    before = viewport.placement(IMAGE, WIDGET).to_image(*at)
    viewport.zoom(3.0, at, IMAGE, WIDGET)
    after = viewport.placement(IMAGE, WIDGET).to_image(*at)
    # To half a screen pixel: pictures lie on whole ones.
    assert after == pytest.approx(before, abs=0.5 / viewport.scale + 1e-6)


def test_zooming_out_ends_at_fit(viewport: Viewport) -> None:
    viewport.zoom(4.0, (10, 10), IMAGE, WIDGET)
    assert not viewport.fit
    viewport.zoom(0.01, (10, 10), IMAGE, WIDGET)
    assert viewport.fit


def test_zoom_has_an_end(viewport: Viewport) -> None:
    for _ in range(50):
        viewport.zoom(2.0, (200, 150), IMAGE, WIDGET)
    assert viewport.scale == MAX_SCALE


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_actual_size_puts_image_pixels_on_device_pixels(viewport: Viewport, ratio: float) -> None:
    viewport.show_actual(IMAGE, ratio)
    placement = viewport.placement(IMAGE, (401, 299), ratio)
    assert placement.scale * ratio == 1.0
    assert (placement.left * ratio) % 1 == pytest.approx(0, abs=1e-9)
    assert (placement.top * ratio) % 1 == pytest.approx(0, abs=1e-9)


def test_pan_moves_the_picture_with_the_mouse_but_never_loses_it(viewport: Viewport) -> None:
    viewport.zoom(4.0, (200, 150), IMAGE, WIDGET)
    before = viewport.placement(IMAGE, WIDGET)
    viewport.pan(30, -20, IMAGE)
    after = viewport.placement(IMAGE, WIDGET)
    assert (after.left - before.left, after.top - before.top) == pytest.approx((30, -20), abs=1)
    viewport.pan(1e6, 1e6, IMAGE)
    assert viewport.centre == (0, 0)


def test_pan_does_nothing_at_fit(viewport: Viewport) -> None:
    before = viewport.placement(IMAGE, WIDGET)
    viewport.pan(50, 50, IMAGE)
    assert viewport.placement(IMAGE, WIDGET) == before
