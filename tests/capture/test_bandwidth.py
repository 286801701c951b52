"""The budget of a link, against figures worked out by hand."""

from __future__ import annotations

import pytest

from capture.bandwidth import Link, Stream, budget, budget_lines

GIGABIT = Link("eno1", "GEV", 1000)


def stream(name: str = "mono", rate_hz: float = 20.0, packet_bytes: int = 1500) -> Stream:
    return Stream(name, "Mono8", 1920, 1200, rate_hz, packet_bytes)


def test_one_camera_by_hand() -> None:
    found = budget(GIGABIT, stream())
    # 1920 · 1200 · 20 = 46.08 MB/s of image; 1464 of each 1538 bytes on the wire are image.
    assert found.needed[0] == pytest.approx(46.08e6 * 1538 / 1464)
    assert found.usable == pytest.approx(118.75e6)
    assert found.fits
    assert found.limits == (118_750_000,)


def test_jumbo_frames_waste_less() -> None:
    assert budget(GIGABIT, stream(packet_bytes=9000)).needed[0] < budget(GIGABIT, stream()).needed[0] * 0.97


def test_two_cameras_on_one_gigabit_link_do_not_fit() -> None:
    mono = Stream("mono", "Mono12p", 1920, 1200, 20)
    color = Stream("colour", "BayerRG8", 1920, 1200, 20)
    found = budget(GIGABIT, mono, color)
    assert not found.fits
    assert sum(found.limits) <= 118.75e6
    assert found.limits[0] / found.limits[1] == pytest.approx(1.5, rel=1e-4), "shared out by need"
    slower = budget(
        GIGABIT,
        Stream("mono", "Mono12p", 1920, 1200, found.highest_rate_hz),
        Stream("colour", "BayerRG8", 1920, 1200, found.highest_rate_hz),
    )
    assert slower.load == pytest.approx(1.0)
    words = " ".join(budget_lines(found))
    assert "does not fit" in words
    assert f"DeviceLinkThroughputLimit, bytes/s: mono {found.limits[0]}" in words


def test_each_share_is_enough_where_all_fit() -> None:
    found = budget(GIGABIT, stream(rate_hz=10), stream("colour", rate_hz=12))
    assert found.fits
    assert all(limit >= need for limit, need in zip(found.limits, found.needed, strict=True))


def test_usb_has_no_packets_and_a_practical_limit() -> None:
    found = budget(Link("USB 3", "U3V", 5000), stream(rate_hz=100))
    assert found.needed[0] == pytest.approx(230.4e6)
    assert found.usable == 380e6


def test_a_format_nobody_knows_is_no_budget() -> None:
    with pytest.raises(ValueError, match="known formats"):
        budget(GIGABIT, Stream("mono", "Vendor13", 640, 480, 10))
