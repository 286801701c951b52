"""Matching the mono camera's luma to the colour one's: on live pictures of the virtual rig, and on paper."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from app.exposure import TOLERANCE, Limits, LumaMatch, MatchResult, MatchStep, limits_of, undo
from app.luma_levels import measure_levels
from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.slots import LatestSlot
from app.pipeline.status import RectifiedPair
from app.pipeline.taps import Taps
from capture.frames import Frame, FramePair, Layout, Role, frozen
from capture.rig import Setting, SettingValue
from capture.spec import VirtualSpec

PATIENCE_S = 60.0
SMALL = VirtualSpec(width=160, height=120, frame_rate_hz=60.0)


class Bench:
    """A running virtual rig with a tap, and what a match does on it."""

    def __init__(self) -> None:
        self.taps = Taps()
        self._running = threading.Event()
        self.pipeline = LivePipeline(LiveConfig(SMALL, colorize=False), taps=self.taps, on_view=self._on_view)

    def _on_view(self) -> None:
        self.pipeline.take_view()
        self._running.set()

    def __enter__(self) -> Self:
        self.pipeline.start()
        assert self._running.wait(PATIENCE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pipeline.stop()

    def set_mono(self, exposure_us: float, gain_db: float = 0.0) -> None:
        self.pipeline.apply("mono", "ExposureTime", exposure_us)
        self.pipeline.apply("mono", "Gain", gain_db)

    def match(self, **options: float) -> MatchResult:
        return LumaMatch(self.pipeline.cameras, self.taps.rectified.open(), **options).run()

    def values(self) -> tuple[SettingValue, SettingValue]:
        settings = self.pipeline.settings("mono")
        return settings["ExposureTime"].value, settings["Gain"].value

    def fresh_pairs(self, count: int) -> list[RectifiedPair]:
        slot = self.taps.rectified.open()
        pairs = [slot.take(PATIENCE_S) for _ in range(count + 4)][4:]
        slot.close()
        return [pair for pair in pairs if pair is not None]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as made:
        yield made


def check_matched(bench: Bench) -> None:
    """Look at new pictures, with the matcher's measure and with another one."""
    pairs = bench.fresh_pairs(5)
    assert np.mean([measure_levels(pair).ratio for pair in pairs]) == pytest.approx(1, abs=1.5 * TOLERANCE)
    medians = [np.median(pair.reference @ [0.299, 0.587, 0.114]) / np.median(pair.mono) for pair in pairs]
    assert np.mean(medians) == pytest.approx(1, abs=0.12), "two sensors see two scenes: only roughly the same"


@pytest.mark.parametrize("exposure_us", [60.0, 1200.0, 15_000.0])
def test_luma_is_matched_from_dark_and_from_bright(bench: Bench, exposure_us: float) -> None:
    bench.set_mono(exposure_us)
    result = bench.match()
    assert result.matched, result
    assert result.message.startswith("Matched to")
    assert abs(result.steps[-1].levels.ratio - 1) <= TOLERANCE
    assert bench.values()[1] == 0.0, "exposure first: it suffices here"
    check_matched(bench)
    assert undo(bench.pipeline.cameras, result.before) == ()
    assert bench.values() == (exposure_us, 0.0)


def test_a_picture_clipped_from_edge_to_edge_is_found_out_of(bench: Bench) -> None:
    bench.set_mono(60_000.0, 24.0)
    bench.fresh_pairs(1)
    result = bench.match()
    assert result.matched, result
    assert result.steps[0].ratio is None, "nothing could be compared at first"
    assert bench.values()[1] == 0.0, "gain goes first when it gets darker"
    check_matched(bench)


def test_gain_does_what_motion_forbids_exposure_to_do(bench: Bench) -> None:
    bench.set_mono(4000.0)
    result = bench.match(motion_us=900.0)
    exposure_us, gain_db = bench.values()
    assert result.matched, result
    assert exposure_us == 900.0
    assert isinstance(gain_db, float)
    assert gain_db > 3
    check_matched(bench)


def test_limits_that_do_not_suffice_are_explained_and_undone(bench: Bench) -> None:
    bench.set_mono(4000.0, 1.0)
    result = bench.match(motion_us=25.0)
    assert not result.matched
    assert "25 µs is the longest exposure (motion), with all its gain" in result.message
    assert "Open its aperture" in result.message
    undo(bench.pipeline.cameras, result.before)
    assert bench.values() == (4000.0, 1.0)


def test_cancelling_puts_everything_back(bench: Bench) -> None:
    bench.set_mono(100.0, 2.0)
    slot = bench.taps.rectified.open()
    steps: list[MatchStep] = []

    def cancel_at_second(step: MatchStep) -> None:
        steps.append(step)
        if len(steps) == 2:
            match.cancel()

    match = LumaMatch(bench.pipeline.cameras, slot, on_step=cancel_at_second)
    result = match.run()
    assert result.cancelled
    assert len(steps) == 2
    assert bench.values() == (100.0, 2.0)


# -- on paper


def pair_of(mono: np.ndarray, luma: np.ndarray) -> RectifiedPair:
    color = np.repeat(luma[..., None], 3, axis=2)
    frames = (
        Frame("mono", frozen(mono), Layout.MONO, 8, "Mono8", 0, None, 0),
        Frame("color", frozen(color), Layout.RGB, 8, "RGB8", 0, None, 0),
    )
    return RectifiedPair(FramePair(0, *frames, skew_ns=0), mono, color, rectified=True)


def scene(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(3.0, 20.0, (240, 320))


def seen(light: np.ndarray, gain: float) -> np.ndarray:
    return np.clip(np.round(light * gain), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.25, 2.0])
def test_the_ratio_survives_clipping(gain: float) -> None:
    """At twice the light, a third of this scene is clipped in the mono picture: means would be far off."""
    light = scene()
    levels = measure_levels(pair_of(seen(light, gain), seen(light, 1.0)))
    assert levels.comparable
    assert levels.ratio == pytest.approx(1 / gain, rel=0.02)


def test_what_is_clipped_as_a_whole_cannot_be_compared() -> None:
    light = scene()
    levels = measure_levels(pair_of(np.full(light.shape, 255, np.uint8), seen(light, 1.0)))
    assert not levels.comparable
    assert levels.mono_median > levels.color_median


SETTINGS = {
    "ExposureTime": Setting("ExposureTime", 5000.0, 20.0, 1e6, "µs"),
    "Gain": Setting("Gain", 0.0, 0.0, 24.0, "dB"),
}


def test_the_tightest_bound_holds_and_has_a_name() -> None:
    assert limits_of(SETTINGS, None, None) == Limits((20.0, 1e6), (0.0, 24.0), "the camera")
    assert limits_of(SETTINGS, 50.0, None) == Limits((20.0, 18_000.0), (0.0, 24.0), "the frame rate")
    assert limits_of(SETTINGS, 50.0, 2000.0) == Limits((20.0, 2000.0), (0.0, 24.0), "motion")
    raw = SETTINGS | {"Gain": Setting("Gain", 0, 0, 480, "")}
    assert limits_of(raw, None, None).gain_db is None, "steps are no dB"


def test_light_is_split_with_exposure_first() -> None:
    limits = Limits((20.0, 10_000.0), (0.0, 20.0), "motion")
    assert limits.split(5000.0) == (5000.0, 0.0)
    exposure, gain = limits.split(50_000.0)
    assert (exposure, gain) == (10_000.0, pytest.approx(13.98, abs=0.01))
    assert limits.split(1e9) == (10_000.0, 20.0)
    assert limits.split(1.0) == (20.0, 0.0)
    assert limits.light == (20.0, 100_000.0)


class PaperCameras:
    """A mono camera under automatic control, with gamma, that answers with pictures."""

    def __init__(self, gamma: float) -> None:
        self.slot: LatestSlot[RectifiedPair] = LatestSlot()
        self.gamma = gamma
        self.now: dict[str, SettingValue] = {"ExposureAuto": "Continuous", "ExposureTime": 1000.0}

    def settings(self, role: Role) -> dict[str, Setting]:
        assert role == "mono"
        auto = Setting("ExposureAuto", self.now["ExposureAuto"], choices=("Off", "Continuous"))
        exposure = Setting("ExposureTime", self.now["ExposureTime"], 10.0, 1e5, "µs")
        return {"ExposureAuto": auto} | ({"ExposureTime": exposure} if auto.value == "Off" else {})

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        self.now[name] = value
        return value

    def picture(self) -> RectifiedPair:
        exposure = self.now["ExposureTime"]
        assert isinstance(exposure, float)
        light = scene() / 255
        mono = np.clip(light * exposure / 9000.0, 0, 1) ** self.gamma * 255
        color = np.clip(light, 0, 1) ** self.gamma * 255
        pair = pair_of(mono.round().astype(np.uint8), color.round().astype(np.uint8))
        late = Frame("mono", pair.pair.mono.image, Layout.MONO, 8, "Mono8", 0, None, 1 << 62)
        return RectifiedPair(
            FramePair(0, late, pair.pair.color, skew_ns=0), pair.mono, pair.reference, rectified=True
        )


class Endless(LatestSlot[RectifiedPair]):
    """A slot that always has a picture with the settings of now."""

    def __init__(self, cameras: PaperCameras) -> None:
        super().__init__()
        self._cameras = cameras

    def take(self, timeout_s: float | None = None) -> RectifiedPair | None:
        return None if self.closed else self._cameras.picture()


@pytest.mark.parametrize("gamma", [0.45, 1.0])
def test_automatics_are_ended_the_response_learned_and_undo_is_whole(gamma: float) -> None:
    cameras = PaperCameras(gamma)
    result = LumaMatch(cameras, Endless(cameras)).run()
    assert result.matched, result
    assert cameras.now["ExposureAuto"] == "Off"
    assert cameras.now["ExposureTime"] == pytest.approx(9000.0, rel=2 * TOLERANCE / gamma)
    assert len(result.steps) <= 6
    undo(cameras, result.before)
    assert cameras.now == {"ExposureAuto": "Continuous", "ExposureTime": 1000.0}
    assert result.before[-1] == ("ExposureAuto", "Continuous")


def test_no_pictures_are_a_failure_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.exposure.NO_PICTURE_S", 0.01)
    cameras = PaperCameras(1.0)
    result = LumaMatch(cameras, LatestSlot()).run()
    assert not result.matched
    assert "No pictures come" in result.message
    undo(cameras, result.before)
    assert cameras.now["ExposureAuto"] == "Continuous"
