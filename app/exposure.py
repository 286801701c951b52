"""Brings the mono camera's luma to the colour camera's, on live pictures, within what the scene allows.

While nothing of the two pictures can be compared, because one is black or white, exposure is changed by large
steps; from then on by what the last change did.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.luma_levels import Levels, mean_levels, measure_levels
from app.pipeline.slots import LatestSlot
from app.pipeline.status import RectifiedPair
from capture.errors import CaptureError, SettingRejected
from capture.frames import Role
from capture.rig import Setting, SettingValue

TOLERANCE = 0.02
MOST_STEPS = 14
SETTLE_PAIRS = 2
"""Pairs thrown away after a change: their exposure began before it."""
MEASURED_PAIRS = 3
NO_PICTURE_S = 10.0
FRAME_SHARE = 0.9
"""Share of the frame period that an exposure may take; the rest is for reading out."""

BLIND_STEP = 4.0
LARGEST_STEP = 8.0
AUTOMATICS = ("ExposureAuto", "GainAuto")
RESPONSE_LIMITS = (0.25, 1.6)
"""Bounds for the exponent from light to values: gamma 0.45 is usual, more than 1 a contrast curve."""


@dataclass(frozen=True)
class Limits:
    """How far the mono camera may go.

    Attributes:
        exposure_us: shortest and longest exposure, after motion and frame rate had their say.
        gain_db: lowest and highest gain; None where the camera has no gain in dB to turn.
        bound_by: what sets the longest exposure: "the camera", "motion" or "the frame rate".
    """

    exposure_us: tuple[float, float]
    gain_db: tuple[float, float] | None
    bound_by: str

    def split(self, light: float) -> tuple[float, float | None]:
        """Return exposure in µs and gain in dB for µs at 0 dB: exposure first, gain for what is left."""
        low, high = self.exposure_us
        lowest = 1.0 if self.gain_db is None else 10 ** (self.gain_db[0] / 20)
        exposure = min(max(light / lowest, low), high)
        if self.gain_db is None:
            return exposure, None
        gain = 20 * math.log10(max(light / exposure, 1e-6))
        return exposure, min(max(gain, self.gain_db[0]), self.gain_db[1])

    @property
    def light(self) -> tuple[float, float]:
        """Return the least and the most light they allow, µs at 0 dB."""
        low, high = (0.0, 0.0) if self.gain_db is None else self.gain_db
        return self.exposure_us[0] * 10 ** (low / 20), self.exposure_us[1] * 10 ** (high / 20)


def limits_of(
    settings: Mapping[str, Setting], frame_rate_hz: float | None, motion_us: float | None
) -> Limits:
    """Return the limits of a camera.

    Args:
        settings: what can be set on it; ExposureTime must be there.
        frame_rate_hz: rate that must be kept, None if it does not matter.
        motion_us: longest exposure before moving things blur, None if nothing moves.
    """
    exposure, gain = settings["ExposureTime"], settings.get("Gain")
    low, high = exposure.minimum or 1.0, exposure.maximum or 1e7
    bounds = {"the camera": high}
    if motion_us is not None:
        bounds["motion"] = motion_us
    if frame_rate_hz:
        bounds["the frame rate"] = FRAME_SHARE * 1e6 / frame_rate_hz
    bound_by = min(bounds, key=lambda name: bounds[name])
    in_db = gain is not None and gain.unit.lower() == "db" and gain.maximum is not None
    gains = (gain.minimum or 0.0, gain.maximum or 0.0) if gain is not None and in_db else None
    return Limits((low, max(low, bounds[bound_by])), gains, bound_by)


class Cameras(Protocol):
    """What of `app.pipeline.cameras.CameraDesk` is needed."""

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set, as last read."""

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set a value. Raises SettingRejected, DeviceLost."""


@dataclass(frozen=True)
class MatchStep:
    """One look at the pictures. `ratio`: colour by mono luma, None while nothing can be compared."""

    number: int
    exposure_us: float
    gain_db: float | None
    levels: Levels
    ratio: float | None


@dataclass(frozen=True)
class MatchResult:
    """How it ended.

    Attributes:
        matched: within TOLERANCE.
        cancelled: everything is as it was before.
        message: for people; what to do if it did not work.
        before: what was changed, with the values from before; for `undo`, in the order to set them.
    """

    matched: bool
    cancelled: bool
    message: str
    steps: tuple[MatchStep, ...]
    before: tuple[tuple[str, SettingValue], ...] = ()


class _CancelledError(Exception):
    pass


class LumaMatch:
    """One run. `run` blocks and belongs to a thread of its own; `cancel` is for any thread.

    Args:
        cameras: where the mono camera is set.
        pairs: rectified pairs as they come, newest first; closed by `cancel` and at the end.
        motion_us: longest exposure before moving things blur, None if nothing moves.
        frame_rate_hz: rate that must be kept, None if it does not matter.
        on_step: called in the thread after each look.
    """

    def __init__(
        self,
        cameras: Cameras,
        pairs: LatestSlot[RectifiedPair],
        *,
        motion_us: float | None = None,
        frame_rate_hz: float | None = None,
        on_step: Callable[[MatchStep], None] = lambda _step: None,
    ) -> None:
        self._cameras = cameras
        self._pairs = pairs
        self._motion_us = motion_us
        self._frame_rate_hz = frame_rate_hz
        self._on_step = on_step
        self._cancelled = threading.Event()
        self._before: dict[str, SettingValue] = {}
        self._steps: list[MatchStep] = []
        self._response = 1.0

    def cancel(self) -> None:
        """End early and put everything back."""
        self._cancelled.set()
        self._pairs.close()

    def run(self) -> MatchResult:
        """Match, and say how it went. Raises nothing of the cameras': failures are in the message."""
        try:
            matched, message = self._match()
        except _CancelledError:
            return self._put_back()
        except CaptureError as error:
            return MatchResult(False, False, str(error), tuple(self._steps), self._undo_list())
        finally:
            self._pairs.close()
        return MatchResult(matched, False, message, tuple(self._steps), self._undo_list())

    def _put_back(self) -> MatchResult:
        try:
            refused = undo(self._cameras, self._undo_list())
        except CaptureError as error:  # the rig is gone, or going
            refused = (str(error),)
        message = " ".join(refused) or "Cancelled: everything is as it was."
        return MatchResult(False, True, message, tuple(self._steps))

    def _match(self) -> tuple[bool, str]:
        settings = self._cameras.settings("mono")
        if "ExposureTime" not in settings and "ExposureAuto" not in settings:
            return False, "The mono camera's exposure cannot be set."
        self._end_automatics(settings)
        settings = self._cameras.settings("mono")
        if "ExposureTime" not in settings:
            return False, "The mono camera's exposure cannot be set."
        limits = limits_of(settings, self._frame_rate_hz, self._motion_us)
        exposure_us = float(settings["ExposureTime"].value)
        gain_db = None if limits.gain_db is None else float(settings["Gain"].value)
        levels = self._look()
        for number in range(1, MOST_STEPS + 1):
            ratio = levels.ratio if levels.comparable else None
            self._note(MatchStep(number, exposure_us, gain_db, levels, ratio))
            if ratio is not None and abs(ratio - 1) <= TOLERANCE and exposure_us <= limits.exposure_us[1]:
                return True, self._success(levels, exposure_us, gain_db)
            light = exposure_us * 10 ** ((gain_db or 0.0) / 20)
            wanted = min(max(light * self._factor(levels), limits.light[0]), limits.light[1])
            new_exposure, new_gain = limits.split(wanted)
            if math.isclose(wanted, light, rel_tol=1e-3) and exposure_us <= limits.exposure_us[1]:
                return False, self._at_the_limit(levels, limits)
            exposure_us = self._set("ExposureTime", new_exposure, exposure_us)
            if new_gain is not None and gain_db is not None:
                gain_db = self._set("Gain", new_gain, gain_db)
            after = self._look()
            self._learn(light, levels, exposure_us * 10 ** ((gain_db or 0.0) / 20), after)
            levels = after
        return (
            False,
            "The pictures did not come to rest: is the light, or the colour camera's exposure, changing?",
        )

    def _end_automatics(self, settings: Mapping[str, Setting]) -> None:
        for name in AUTOMATICS:
            setting = settings.get(name)
            if setting is not None and setting.value != "Off" and "Off" in setting.choices:
                self._before[name] = setting.value
                self._cameras.apply("mono", name, "Off")

    def _set(self, name: str, value: float, now: float) -> float:
        """Set a value of the mono camera, remember what it was, and return what it became."""
        if self._cancelled.is_set():
            raise _CancelledError
        if math.isclose(value, now, rel_tol=1e-4, abs_tol=1e-3):
            return now
        self._before.setdefault(name, now)
        setting = self._cameras.settings("mono").get(name)
        wanted: SettingValue = value
        if setting is not None and setting.minimum is not None and setting.maximum is not None:
            value = min(max(value, setting.minimum), setting.maximum)  # limits follow other settings
            wanted = round(value) if isinstance(setting.value, int) else value
        return float(self._cameras.apply("mono", name, wanted))

    def _look(self) -> Levels:
        """Return the levels of pictures that were exposed after now."""
        changed_ns = time.monotonic_ns()
        seen: list[Levels] = []
        skipped = 0
        while len(seen) < MEASURED_PAIRS:
            pair = self._pairs.take(NO_PICTURE_S)
            if self._cancelled.is_set():
                raise _CancelledError
            if pair is None:
                raise CaptureError("No pictures come: is the rig running, and are they not frozen?")
            if pair.pair.mono.host_ns <= changed_ns or skipped < SETTLE_PAIRS:
                skipped += pair.pair.mono.host_ns > changed_ns
                continue
            seen.append(measure_levels(pair))
        return mean_levels(seen)

    def _factor(self, levels: Levels) -> float:
        """Return by how much the light must change."""
        if not levels.comparable:
            return BLIND_STEP if levels.mono_median < levels.color_median else 1 / BLIND_STEP
        factor = levels.ratio ** (1 / self._response)
        return float(min(max(factor, 1 / LARGEST_STEP), LARGEST_STEP))

    def _learn(self, light: float, levels: Levels, new_light: float, after: Levels) -> None:
        """Take the exponent from light to values from what the last change did."""
        if not (levels.comparable and after.comparable) or abs(math.log(new_light / light)) < 0.03:
            return
        exponent = math.log(levels.ratio / after.ratio) / math.log(new_light / light)
        self._response = min(max(exponent, RESPONSE_LIMITS[0]), RESPONSE_LIMITS[1])

    def _note(self, step: MatchStep) -> None:
        self._steps.append(step)
        self._on_step(step)

    def _undo_list(self) -> tuple[tuple[str, SettingValue], ...]:
        # What is controlled automatically takes no value: the automatics come last.
        return tuple(sorted(self._before.items(), key=lambda entry: entry[0] in AUTOMATICS))

    @staticmethod
    def _success(levels: Levels, exposure_us: float, gain_db: float | None) -> str:
        gain = "" if gain_db is None else f", gain {gain_db:.1f} dB"
        off = abs(levels.ratio - 1)
        return f"Matched to {off:.1%}: exposure {exposure_us:.0f} µs{gain}."

    @staticmethod
    def _at_the_limit(levels: Levels, limits: Limits) -> str:
        if not levels.comparable and levels.mono_median >= levels.color_median:
            return "Both pictures are clipped: shorten the colour camera's exposure, then match again."
        darker = not levels.comparable or levels.ratio > 1
        if not darker:
            return "The mono picture stays brighter at its shortest exposure: close its aperture."
        bound = f"{limits.exposure_us[1]:.0f} µs is the longest exposure ({limits.bound_by})"
        gain = ", with all its gain" if limits.gain_db is not None else ", and its gain is not in dB"
        return f"The mono picture stays darker: {bound}{gain}. Open its aperture, or allow a longer exposure."


def undo(cameras: Cameras, before: tuple[tuple[str, SettingValue], ...]) -> tuple[str, ...]:
    """Put values back that a match changed; return what was refused. Raises DeviceLost."""
    refused = []
    for name, value in before:
        try:
            cameras.apply("mono", name, value)
        except SettingRejected as error:
            refused.append(str(error))
    return tuple(refused)
