"""What a capture session knows and remembers: its status, what goes into notes, and `capture.toml`."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from app.capturing.gates import Values, Verdict, judge
from app.capturing.modes import Plan
from app.capturing.state import CaptureState, write_state
from app.capturing.status import CaptureStatus
from app.pipeline.recorder import Recorder
from app.version import APP_VERSION
from capture.dataset import PairNote, SessionAbout
from capture.errors import DatasetError
from capture.frames import FramePair

KNOWN_FOR_S = 1.0
"""Values of an older measurement say nothing about a pair that is recorded now."""


@dataclass(frozen=True, eq=False)
class Colorized:
    """How well a pair's colorization came back, −1 … 1."""

    pair: FramePair
    cycle_ssim: float


class SessionBook:
    """For any thread; but only the session's own changes the status.

    Args:
        recorder: is told what is known of a session.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()
        self._now = CaptureStatus()
        self._measured_at: float | None = None
        self._colorized: Colorized | None = None

    @property
    def now(self) -> CaptureStatus:
        """Return the status, without ages."""
        with self._lock:
            return self._now

    @property
    def plan(self) -> Plan | None:
        """Return what runs."""
        return self.now.state.plan

    @property
    def colorized(self) -> Colorized | None:
        """Return the newest colorization."""
        with self._lock:
            return self._colorized

    def status(self) -> CaptureStatus:
        """Return a snapshot."""
        time_s = time.monotonic()
        with self._lock:
            status = self._now
            age_s = None if self._measured_at is None else time_s - self._measured_at
            newest = self._colorized
        cycle_age_s = None if newest is None else time_s - newest.pair.mono.host_ns / 1e9
        return replace(status, age_s=age_s, cycle_age_s=cycle_age_s)

    def set(self, **values: object) -> None:
        """Change fields of the status."""
        with self._lock:
            self._now = replace(self._now, **values)  # type: ignore[arg-type]

    def begin(self, status: CaptureStatus) -> None:
        """Begin anew with another dataset; what was measured last is still so."""
        with self._lock:
            self._now = replace(status, verdict=self._now.verdict, refusals=self._now.refusals)

    def was_measured(self, verdict: Verdict) -> None:
        """Take in what the gates say of the newest pair."""
        with self._lock:
            self._now = replace(self._now, verdict=verdict)
            self._measured_at = time.monotonic()

    def was_colorized(self, colorized: Colorized | None) -> None:
        """Take in the newest colorization; None: those so far are of another rig."""
        with self._lock:
            self._colorized = colorized

    def note(self, pair: FramePair, mode: str) -> PairNote:
        """Return what is known of a pair that is not measured: its skew, the rest from the newest one."""
        time_s = time.monotonic()
        with self._lock:
            measured_at, status = self._measured_at, self._now
        fresh = measured_at is not None and time_s - measured_at <= KNOWN_FOR_S
        values = status.verdict.values if fresh else {}
        verdict = judge({**values, "skew_ms": abs(pair.skew_ns) / 1e6}, status.state.limits)
        known = dict(self.with_age(verdict.values))
        if fresh and measured_at is not None:
            known["measured_age_s"] = round(time_s - measured_at, 3)
        return PairNote(known, warnings_of_series(verdict), status.state.tags, mode)

    def with_age(self, values: Values) -> Values:
        """Add how old the colorization is that the cycle SSIM is from."""
        age_s = self.status().cycle_age_s
        if values.get("cycle_ssim") is None or age_s is None:
            return values
        return {**values, "cycle_age_s": round(age_s, 3)}

    def remember(self) -> None:
        """Write down how things stand, so that they go on from here after a crash. Raises DatasetError."""
        status = self.now
        if not status.folder:
            return
        plan = status.state.plan
        lasting = plan if plan is not None and plan.goes_on else status.resumable
        try:
            write_state(Path(status.folder), replace(status.state, plan=lasting))
        except OSError as error:
            raise DatasetError(
                f"how this dataset is captured was not saved in {status.folder}: {error.strerror or error}"
            ) from error

    def describe(self) -> None:
        """Tell the recorder what is known of this session."""
        state: CaptureState = self.now.state
        limits = {key: None if limit.mode == "off" else limit.limit for key, limit in state.limits.items()}
        self._recorder.describe(
            SessionAbout(APP_VERSION, state.operator, state.lens_note, gate_limits=limits)
        )


def warnings_of_series(verdict: Verdict) -> tuple[str, ...]:
    """Return the warnings for a pair of a burst or a recording: of these, neighbours are alike."""
    return tuple(key for key in (*verdict.refused, *verdict.warnings) if key != "duplicate_distance")
