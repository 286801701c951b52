"""What the simulated cameras send: the virtual rig's pictures, and what settings do to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from genicam import genapi

from capture.develop import develop
from capture.frames import Frame, Layout
from capture.virtual.sensor import COLOR, MONO
from capture.virtual.stage import Stage
from tests.capture.simulator.cameras import setting, take, take_single, value, wait_until
from tests.simulated import SMALL

MONO_FORMATS = ("Mono8", "Mono10", "Mono10p", "Mono10Packed", "Mono12", "Mono12p", "Mono12Packed")
BAYER_FORMATS = tuple(name.replace("Mono", "BayerRG") for name in MONO_FORMATS)


def still(acquirer: Any, frames: int = 8) -> np.ndarray[Any, Any]:
    """Return the median of some frames: free of noise, nearly, and of what moves."""
    acquirer.start()
    images = [taken.image for taken in take(acquirer, frames)]
    acquirer.stop()
    return np.median(images, axis=0)


def test_pictures_are_the_virtual_rigs(mono: Any, color: Any) -> None:
    stage = Stage(SMALL)
    for acquirer, role, sensor in ((mono, "mono", MONO), (color, "color", COLOR)):
        setting(acquirer, AcquisitionFrameRate=100.0)
        expected = np.median([stage.image(role, i, i * 100_000_000, sensor.look) for i in range(8)], axis=0)
        difference = np.abs(still(acquirer) - expected)
        assert np.median(difference) <= 2
        # What moves is elsewhere; the rest agrees.
        assert (difference < 12).mean() > 0.8


def test_colors_are_right(color: Any) -> None:
    """Demosaiced by the same code as for real cameras, pictures look like the virtual rig's."""
    image = take_single(color).image
    frame = Frame("color", image, Layout.BAYER_RG, 8, "BayerRG8", 0, 0, 0)
    expected = Frame(
        "color", Stage(SMALL).image("color", 0, 0, COLOR.look), Layout.BAYER_RG, 8, "BayerRG8", 0, 0, 0
    )
    seen, true = develop(frame).astype(float), develop(expected).astype(float)
    np.testing.assert_allclose(seen.mean(axis=(0, 1)), true.mean(axis=(0, 1)), atol=3)
    correlation = np.corrcoef((seen[..., 0] - seen[..., 2]).ravel(), (true[..., 0] - true[..., 2]).ravel())[
        0, 1
    ]
    assert correlation > 0.8


@pytest.mark.parametrize(("camera", "formats"), [("mono", MONO_FORMATS), ("color", BAYER_FORMATS)])
def test_all_pixel_formats_hold_the_same_picture(
    request: pytest.FixtureRequest, camera: str, formats: tuple[str, ...]
) -> None:
    """Frame 0 has the same noise in every format: packed and unpacked values must agree exactly."""
    acquirer = request.getfixturevalue(camera)
    assert tuple(acquirer.remote_device.node_map.PixelFormat.symbolics) == formats
    pictures = {}
    for name in formats:
        setting(acquirer, PixelFormat=name)
        pictures[name] = take_single(acquirer).image
        bits = int("".join(filter(str.isdigit, name)))
        assert pictures[name].max() < 1 << bits
        # The same curve in other steps: medians agree up to rounding.
        assert np.median(pictures[name]) / ((1 << bits) - 1) == pytest.approx(
            np.median(pictures[formats[0]]) / 255, abs=0.02
        )
    stem = formats[0].removesuffix("8")
    for bits in (10, 12):
        for packing in ("p", "Packed"):
            same = pictures[f"{stem}{bits}"] == pictures[f"{stem}{bits}{packing}"]
            assert same.mean() > 0.5, "all but what moved meanwhile"


def test_exposure_and_gain(mono: Any) -> None:
    setting(mono, Gamma=1.0, PixelFormat="Mono12", AcquisitionFrameRate=100.0)
    levels = {}
    for exposure_us, gain_db in ((1000.0, 0.0), (2000.0, 0.0), (1000.0, 6.0206)):
        setting(mono, ExposureTime=exposure_us, Gain=gain_db)
        levels[exposure_us, gain_db] = np.median(still(mono))
    dark = levels[1000.0, 0.0]
    assert levels[2000.0, 0.0] == pytest.approx(2 * dark, rel=0.03)
    assert levels[1000.0, 6.0206] == pytest.approx(2 * dark, rel=0.03)
    setting(mono, ExposureTime=1_000_000.0, Gain=24.0, AcquisitionFrameRateEnable=False)
    setting(mono, ExposureTime=60_000.0)
    assert take_single(mono).image.min() == 4095, "clipped"


def test_black_level_lifts_the_dark(mono: Any) -> None:
    setting(mono, Gamma=1.0, PixelFormat="Mono12", ExposureTime=20.0, AcquisitionFrameRate=100.0)
    before = still(mono)
    setting(mono, BlackLevel=100.0)
    assert np.median(still(mono) - before) == pytest.approx(100, abs=2)


def test_white_balance_is_for_red_and_blue(color: Any) -> None:
    setting(color, Gamma=1.0, ExposureTime=2000.0, AcquisitionFrameRate=100.0, PixelFormat="BayerRG12")
    before = still(color)
    setting(color, BalanceRatioSelector="Red")
    red = value(color, "BalanceRatio")
    setting(color, BalanceRatio=2 * red)
    after = still(color)
    for row, column, growth in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 1)):
        part = (slice(row, None, 2), slice(column, None, 2))
        assert np.median(after[part]) / np.median(before[part]) == pytest.approx(growth, rel=0.05)
    setting(color, BalanceRatioSelector="Blue")
    assert value(color, "BalanceRatio") != 2 * red, "each colour has its own"


def test_the_region_of_interest_is_cut_from_the_whole(color: Any) -> None:
    setting(color, AcquisitionFrameRate=100.0)
    whole = still(color)
    setting(color, Width=64, Height=48, OffsetX=32, OffsetY=16)
    part = still(color)
    assert part.shape == (48, 64)
    assert np.median(np.abs(part - whole[16:64, 32:96])) <= 2
    with pytest.raises(genapi.GenericException):
        setting(color, OffsetX=100)
    node = color.remote_device.node_map.OffsetX
    assert (node.min, node.max, node.inc) == (0, 96, 4)


def test_size_and_format_are_locked_while_acquiring(mono: Any) -> None:
    mono.start()
    for name, other in (("Width", 64), ("Height", 64), ("PixelFormat", "Mono12"), ("ChunkModeActive", True)):
        assert mono.remote_device.node_map.get_node(name).get_access_mode() == genapi.EAccessMode.RO
        with pytest.raises(genapi.GenericException):
            setting(mono, **{name: other})
    setting(mono, ExposureTime=100.0, OffsetX=0)
    mono.stop()
    setting(mono, Width=64)


def test_the_frame_rate_follows_exposure_and_link(mono: Any) -> None:
    node = mono.remote_device.node_map.AcquisitionFrameRate
    setting(mono, ExposureTime=100_000.0)
    assert node.max == pytest.approx(10, rel=0.01)
    assert node.value == node.max
    setting(mono, ExposureTime=100.0, DeviceLinkThroughputLimit=1_000_000)
    assert node.max == pytest.approx(1_000_000 / (160 * 120), rel=0.01)
    setting(mono, DeviceLinkThroughputLimitMode="Off")
    assert node.max > 500
    setting(mono, AcquisitionFrameRateEnable=False)
    assert node.get_access_mode() == genapi.EAccessMode.RO


def test_the_board_is_held_before_both(mono: Any, color: Any) -> None:
    before = still(color)
    setting(mono, SimulatorBoard=True)
    assert value(color, "SimulatorBoard") is True
    assert (np.abs(still(color) - before) > 20).mean() > 0.05


@pytest.mark.parametrize("mode", ["Once", "Continuous"])
def test_automatic_exposure(mono: Any, mode: str) -> None:
    setting(mono, ExposureTime=100.0, AcquisitionFrameRate=100.0, ExposureAuto=mode)
    node = mono.remote_device.node_map.ExposureTime
    assert node.get_access_mode() == genapi.EAccessMode.RO, "the camera sets it"
    mono.start()
    while abs(take(mono)[0].image.mean() / 255 - 0.45) > 0.03:
        pass
    assert node.value > 1000
    if mode == "Once":
        wait_until(lambda: value(mono, "ExposureAuto") == "Off", "the end of Once")
    else:
        assert value(mono, "ExposureAuto") == "Continuous"
        setting(mono, ExposureAuto="Off")
    assert node.get_access_mode() == genapi.EAccessMode.RW


def test_automatic_white_balance(color: Any) -> None:
    for channel in ("Red", "Blue"):
        setting(color, BalanceRatioSelector=channel, BalanceRatio=1.0)
    setting(color, AcquisitionFrameRate=100.0, BalanceWhiteAuto="Once")
    color.start()
    wait_until(lambda: bool(take(color)) and value(color, "BalanceWhiteAuto") == "Off", "the end of Once")
    for channel in ("Red", "Blue"):
        setting(color, BalanceRatioSelector=channel)
        assert value(color, "BalanceRatio") > 1.2
    image = take(color)[0].image.astype(float)
    green = (image[0::2, 1::2].mean() + image[1::2, 0::2].mean()) / 2
    assert image[0::2, 0::2].mean() == pytest.approx(green, rel=0.03)
    assert image[1::2, 1::2].mean() == pytest.approx(green, rel=0.03)
