"""What time a frame was taken, on one time axis for both cameras, from clocks that do not agree."""

from __future__ import annotations

from collections import deque

from capture.frames import Frame

# Delays are estimated over this many frames: long enough to meet an undelayed one, short enough to follow the
# drift of a quartz (50 ppm are 0.1 ms in 2 s).
WINDOW = 64
# A difference between clock and arrival that a busy computer does not explain.
SMALLEST_JUMP_NS = 50_000_000
# The same as long as nothing is known about the rhythm of the camera.
SMALLEST_JUMP_AT_START_NS = 1_000_000_000


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
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)  # frame id, time
        self._last: Frame | None = None

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
        if self._recent and frame.frame_id <= self._recent[-1][0]:
            self._recent.clear()  # the ids restarted: they count from somewhere else now
        time_ns = frame.host_ns
        if frame.device_ns is not None:
            delay_ns = frame.host_ns - frame.device_ns
            if self._jumped(frame, frame.device_ns, delay_ns):
                self._delays_ns.clear()
                self._recent.clear()
            self._delays_ns.append(delay_ns)
            time_ns = frame.device_ns + min(self._delays_ns)
        self._recent.append((frame.frame_id, time_ns))
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
        if period_ns is None:
            return surprise_ns > SMALLEST_JUMP_AT_START_NS
        expected_ns = max(1, frame.frame_id - self._last.frame_id) * period_ns
        fits_ids = abs(passed_ns - expected_ns) < period_ns / 2
        return surprise_ns > SMALLEST_JUMP_NS and not fits_ids
