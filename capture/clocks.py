"""What time a frame was taken, on one time axis for both cameras, from clocks that do not agree."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capture.frames import Frame

# Delays are estimated over this many frames: long enough to meet an undelayed one, short enough to follow the
# drift of a quartz (50 ppm are 0.1 ms in 2 s).
WINDOW = 64
# A difference between clock and arrival that a busy computer does not explain.
SMALLEST_JUMP_NS = 50_000_000
# The same as long as nothing is known about the rhythm of the camera, or it has none: triggers of a busy
# computer come irregularly, and its frames late.
SMALLEST_JUMP_WITHOUT_RHYTHM_NS = 1_000_000_000
# Frames until a rhythm is trusted, and by how many periods single intervals may miss it.
RHYTHM_NEEDS = 32
RHYTHM_WITHIN = 0.25
# One sample of the clock's offset is the least delayed frame of this time.
DRIFT_STEP_NS = 1_000_000_000
# Samples kept: five minutes.
DRIFT_SAMPLES = 300
# Drift is told from this many samples on.
DRIFT_NEEDS = 8
OUTLIER_IN_MEDIANS = 5.0

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class ClockState:
    """What is known of a camera's clock.

    Attributes:
        ticks: whether its frames carry a time at all.
        jumps: how often it jumped (was set, reset, or changed its time scale) since the stream began.
        last_jump_ns: by how much the last time, forward > 0; exact to a few ms.
        last_jump_at_ns: when that was noticed, on the axis of `host_ns`; None without a jump.
        drift_ppm: how much faster it runs than the computer's clock, in millionths; None while unknown.
        drift_error_ppm: standard error of that.
        offsets: (time on the axis of `host_ns` in ns, clock minus computer in ns from the first sample on),
            one per second since the last jump.
    """

    ticks: bool = False
    jumps: int = 0
    last_jump_ns: int = 0
    last_jump_at_ns: int | None = None
    drift_ppm: float | None = None
    drift_error_ppm: float = 0.0
    offsets: tuple[tuple[int, int], ...] = ()


class StreamClock:
    """Puts the frames of one camera on the time axis of `host_ns`. Not thread-safe.

    A frame arrives late, never early: the smallest recent `host_ns − device_ns` is the clock's offset plus
    the shortest way through cable and driver. The time of a frame is then when it would have arrived on that
    shortest way. Without `device_ns` it is the arrival itself.

    A jump of the device clock (reset, resynchronisation) shows in that the clock fits neither the frame ids
    nor the arrivals; a pause of the camera fits the arrivals, and a stalled computer fits the ids.
    """

    def __init__(self, frame_rate_hz: float | None = None) -> None:
        self._nominal_period_ns = None if not frame_rate_hz else 1e9 / frame_rate_hz
        self._delays_ns: deque[int] = deque(maxlen=WINDOW)
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)  # frame id, time by the clock it has
        self._last: Frame | None = None
        self._drift = _DriftMeter()
        self._jumps = 0
        self._last_jump_ns = 0
        self._last_jump_at_ns: int | None = None

    @property
    def jumps(self) -> int:
        """Return how often the clock has jumped."""
        return self._jumps

    def state(self) -> ClockState:
        """Return what is known of the clock. Costs about 0.1 ms."""
        ppm, error_ppm = self._drift.estimate()
        return ClockState(
            ticks=self._last is not None and self._last.device_ns is not None,
            jumps=self._jumps,
            last_jump_ns=self._last_jump_ns,
            last_jump_at_ns=self._last_jump_at_ns,
            drift_ppm=ppm,
            drift_error_ppm=error_ppm,
            offsets=self._drift.offsets(),
        )

    @property
    def period_ns(self) -> float | None:
        """Return the mean time between exposures, lost frames allowed for; None while unknown."""
        if len(self._recent) < 3:
            return self._nominal_period_ns
        (first_id, first_ns), (last_id, last_ns) = self._recent[0], self._recent[-1]
        seen = len(self._recent) - 1
        # Ids count lost frames too. An id that runs far ahead counts something else.
        counted = last_id - first_id
        intervals = counted if seen <= counted <= 4 * seen else seen
        return max(1.0, (last_ns - first_ns) / intervals)

    def time_ns(self, frame: Frame) -> int:
        """Return when the frame was taken, on the axis of `host_ns`; call once per frame, in order."""
        restarted = bool(self._recent) and frame.frame_id <= self._recent[-1][0]
        if restarted or (
            self._last is not None and (self._last.device_ns is None) != (frame.device_ns is None)
        ):
            self._recent.clear()  # ids or times count from somewhere else now
        time_ns = frame.host_ns
        if frame.device_ns is not None:
            delay_ns = frame.host_ns - frame.device_ns
            if self._jumped(frame, frame.device_ns, delay_ns):
                self._jumps += 1
                self._last_jump_ns = min(self._delays_ns) - delay_ns
                self._last_jump_at_ns = frame.host_ns
                self._delays_ns.clear()
                self._recent.clear()
                self._drift.clear()
            self._delays_ns.append(delay_ns)
            self._drift.add(frame.host_ns, delay_ns)
            time_ns = frame.device_ns + min(self._delays_ns)
        # The camera's own time: what the frame met on its way has no part in the rhythm.
        self._recent.append((frame.frame_id, frame.host_ns if frame.device_ns is None else frame.device_ns))
        self._last = frame
        return time_ns

    def _jumped(self, frame: Frame, device_ns: int, delay_ns: int) -> bool:
        if not self._delays_ns or self._last is None or self._last.device_ns is None:
            return False
        passed_ns = device_ns - self._last.device_ns
        if passed_ns <= 0:
            return True
        period_ns = self.period_ns
        surprise_ns = abs(delay_ns - min(self._delays_ns))
        if surprise_ns <= SMALLEST_JUMP_NS:
            return False
        if period_ns is None or not self._has_rhythm(period_ns):
            return surprise_ns > SMALLEST_JUMP_WITHOUT_RHYTHM_NS
        expected_ns = max(1, frame.frame_id - self._last.frame_id) * period_ns
        return abs(passed_ns - expected_ns) >= period_ns / 2

    def _has_rhythm(self, period_ns: float) -> bool:
        """Tell whether frames came regularly so far, lost ones allowed for."""
        if len(self._recent) < RHYTHM_NEEDS:
            return False
        return all(
            abs((time_ns - before_ns) - (frame_id - before_id) * period_ns) < RHYTHM_WITHIN * period_ns
            for (before_id, before_ns), (frame_id, time_ns) in pairwise(self._recent)
        )


class _DriftMeter:
    """How fast one clock runs against the other, from the least delayed frame of every second."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=DRIFT_SAMPLES)  # host_ns, delay
        self._second: tuple[int, int] | None = None  # the least delayed frame of the second under way
        self._began_ns = 0

    def clear(self) -> None:
        self._samples.clear()
        self._second = None

    def add(self, host_ns: int, delay_ns: int) -> None:
        if self._second is not None and host_ns - self._began_ns >= DRIFT_STEP_NS:
            self._samples.append(self._second)
            self._second = None
        if self._second is None:
            self._began_ns = host_ns
        if self._second is None or delay_ns < self._second[1]:
            self._second = (host_ns, delay_ns)

    def offsets(self) -> tuple[tuple[int, int], ...]:
        if not self._samples:
            return ()
        first = self._samples[0][1]
        return tuple((host_ns, first - delay_ns) for host_ns, delay_ns in self._samples)

    def estimate(self) -> tuple[float | None, float]:
        """Return drift and its standard error in ppm, by a line through the offsets (least squares)."""
        if len(self._samples) < DRIFT_NEEDS:
            return None, 0.0
        times, offsets = np.asarray(self.offsets(), np.float64).T
        slope, left, spread = _line(times, offsets)
        # A second in which the computer was busy throughout has no undelayed frame: it tells nothing.
        kept = np.abs(left) <= OUTLIER_IN_MEDIANS * np.median(np.abs(left)) + 1.0
        if kept.sum() >= DRIFT_NEEDS:
            slope, left, spread = _line(times[kept], offsets[kept])
        error = float(np.sqrt(left @ left / (len(left) - 2) / spread))
        return slope * 1e6, error * 1e6


def _line(times: Samples, values: Samples) -> tuple[float, Samples, float]:
    """Return slope and residuals of the line through samples, and Σ(t − t̄)²."""
    centred = times - times.mean()
    spread = float(centred @ centred)
    slope = float(centred @ values) / spread
    return slope, values - values.mean() - slope * centred, spread
