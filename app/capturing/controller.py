"""Runs a capture session: measures pairs, lets the plan decide, saves, remembers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app.capturing.fingerprints import signature
from app.capturing.gates import GateLimit, Limits, Values, Verdict, default_limits, judge
from app.capturing.history import History
from app.capturing.intake import Arrival, Intake, Work
from app.capturing.measuring import Measured, PairMeasurer, thumbnail
from app.capturing.modes import Plan, Situation, decide, pause_s
from app.capturing.picture_measures import small_picture
from app.capturing.state import CaptureState, read_state, write_state
from app.capturing.status import CaptureStatus, SavedPair
from app.pipeline.board import Board
from app.pipeline.recorder import Recorder
from app.pipeline.worker import step_back
from app.version import APP_VERSION
from capture.dataset import PairNote, SessionAbout, write_notes
from capture.errors import DatasetError
from capture.frames import FramePair

log = logging.getLogger(__name__)

TOPIC = "capturing"
SHARE_OF_A_CORE = 0.3
"""Measuring takes at most this share of a core, except for a single shot and for bursts."""
SHARE_WHILE_RECORDING = 0.1
LONGEST_IDLE_S = 1.0
KNOWN_FOR_S = 1.0
"""Values of an older measurement say nothing about a pair that is recorded now."""
SAME_SCENE = 0.2
"""Distance (see `fingerprints`) up to which a colorization of an earlier pair tells of this one, too."""
SHOWN_EVERY_S = 0.25
"""Of a recording, the strip shows no more pairs than that, and only these are looked at for duplicates."""
SHARPER_BY = 1.02
"""A best sharpness is written down when it has grown by this factor."""
NICENESS = 5


@dataclass(frozen=True, eq=False)
class _Colorized:
    """How well a pair's colorization came back."""

    pair: FramePair
    cycle_ssim: float


class Capturing:
    """The capture session of a pipeline. `run` is the body of its thread; the rest is for any thread, returns
    at once, and what fails is told on the board.

    Args:
        recorder: where pairs are saved.
        board: where errors are shown, under the topic "capturing".
        row_error_px: the newest row error, None if unknown.
        on_change: called from any thread when something happened; not for each measurement.
    """

    def __init__(
        self,
        recorder: Recorder,
        board: Board,
        row_error_px: Callable[[], float | None],
        on_change: Callable[[], None],
    ) -> None:
        self._recorder = recorder
        self._board = board
        self._row_error_px = row_error_px
        self._on_change = on_change

        self._intake = Intake(self._look_at, self._take_of_burst)
        self._watched = False

        # Shared, under the lock.
        self._lock = threading.Lock()
        self._status = CaptureStatus()
        self._measured_at: float | None = None
        self._colorized: _Colorized | None = None

        # Of this thread alone.
        self._measurer = PairMeasurer()
        self._history = History()
        self._cycle: tuple[_Colorized, Measured] | None = None
        self._under_way = 0
        self._burst_passed = False
        self._due_at = 0.0
        self._began_at = 0.0
        self._shown_at = 0.0
        self._next_measurement_at = 0.0

    # --- from the pipeline's threads ---

    def pair_arrived(self, pair: FramePair) -> None:
        """Take the next pair of the stream: for a recording and a burst every one, else the newest counts."""
        if self._recorder.recording:
            note = self._note(pair)
            future = self._recorder.offer(pair, note)
            if future is not None:
                verdict = Verdict(note.gates, (), note.warnings)
                future.add_done_callback(
                    lambda done: self._post(partial(self._recorded, done, pair, verdict))
                )
        else:
            self._recorder.offer(pair)
        self._intake.arrive(pair)

    def colorized(self, pair: FramePair, cycle_ssim: float) -> None:
        """Take in how well the newest colorization came back, −1 … 1."""
        with self._lock:
            self._colorized = _Colorized(pair, cycle_ssim)

    def rig_changed(self) -> None:
        """Another rig: what was the best sharpness says nothing any more."""
        self._post(self._begin_anew)

    # --- requests ---

    def opened(self, folder: Path) -> None:
        """The recorder has opened this dataset."""
        self._post(lambda: self._open(folder))

    def watch(self, watched: bool) -> None:
        """Measure although no plan runs: somebody looks at the gates."""
        self._watched = watched
        self._intake.look_again()

    def begin(self, plan: Plan, pair: FramePair | None = None) -> None:
        """Begin a plan in place of the one that runs. `pair`: what "single" saves; None takes the next."""
        self._post(lambda: self._begin(plan, pair))

    def stop(self) -> None:
        """End the plan that runs."""
        self._post(self._stop)

    def continue_plan(self, go_on: bool) -> None:
        """Answer "continue?": begin what was interrupted, or forget it."""
        self._post(lambda: self._continue(go_on))

    def undo(self) -> None:
        """Move the pair that was saved last to the trash."""
        self._post(self._undo)

    def discard(self, name: str) -> None:
        """Move any pair of the dataset to the trash."""
        self._post(partial(self._discard, name))

    def set_limit(self, key: str, limit: GateLimit) -> None:
        """Change a gate."""
        self._change(lambda state: replace(state, limits={**state.limits, key: limit}))

    def reset_limits(self) -> None:
        """Put all gates back to where they were at first."""
        self._change(lambda state: replace(state, limits=default_limits()))

    def forget_sharpest(self) -> None:
        """Look for the best sharpness anew: a lens was changed, or focused better."""

        def forget() -> None:
            self._measurer = PairMeasurer()
            self._set(state=replace(self._status.state, sharpest={}))
            self._remember()

        self._post(forget)

    def set_target(self, target: int) -> None:
        """Change how many pairs are wanted in all."""

        def change(state: CaptureState) -> CaptureState:
            plan = None if state.plan is None else replace(state.plan, target=target)
            return replace(state, target=target, plan=plan)

        self._change(change)

    def set_tags(self, tags: tuple[str, ...]) -> None:
        """Give these scene tags to pairs from now on."""
        self._change(lambda state: replace(state, tags=tags))

    def set_palette(self, palette: tuple[str, ...]) -> None:
        """Change which tags are at hand."""
        self._change(lambda state: replace(state, palette=palette))

    def set_people(self, operator: str, lens_note: str) -> None:
        """Say who captures, and with which lenses."""
        self._change(lambda state: replace(state, operator=operator, lens_note=lens_note))

    def set_notes(self, text: str) -> None:
        """Keep the free notes of the dataset."""
        self._post(lambda: self._write_notes(text))

    def status(self) -> CaptureStatus:
        """Return a snapshot."""
        now = time.monotonic()
        with self._lock:
            status = self._status
            age_s = None if self._measured_at is None else now - self._measured_at
            cycle = self._colorized
        cycle_age_s = None if cycle is None else now - cycle.pair.mono.host_ns / 1e9
        return replace(status, age_s=age_s, cycle_age_s=cycle_age_s)

    def close(self) -> None:
        """End the thread once what was asked for is done. Idempotent."""
        self._intake.close()

    # --- the thread ---

    def run(self) -> None:
        """Measure and decide until closed."""
        step_back(NICENESS)
        while (work := self._intake.next(self._due_in_s, self._idle_work)) is not None:
            self._attempt(work)
        self._attempt(self._remember)

    def _idle_work(self) -> Work | None:
        return self._sign_one if self._history.missing and not self._recorder.recording else None

    def _due_in_s(self) -> float | None:
        """Return the time until the next measurement, None if nobody wants any."""
        plan = self._status.state.plan
        if plan is not None and not plan.goes_on:
            return 0.0 if plan.kind == "single" else None  # a burst brings its own
        if plan is None and not self._watched and not self._recorder.recording:
            return None
        return self._next_measurement_at - time.monotonic()

    def _look_at(self, arrival: Arrival) -> None:
        started = time.monotonic()
        measured, verdict = self._measure(arrival)
        if self._status.state.plan is not None:
            self._follow(self._status.state.plan, measured, verdict)
        spent_s = time.monotonic() - started
        share = SHARE_WHILE_RECORDING if self._recorder.recording else SHARE_OF_A_CORE
        self._next_measurement_at = started + min(spent_s / share, LONGEST_IDLE_S)

    def _measure(self, arrival: Arrival) -> tuple[Measured, Verdict]:
        measured = self._measurer.measure(arrival.pair, arrival.before)
        values = {
            **measured.values,
            "duplicate_distance": self._history.distance(measured.signature),
            "row_error_px": self._row_error_px(),
            "cycle_ssim": self._cycle_ssim(measured),
        }
        verdict = judge(values, self._status.state.limits)
        with self._lock:
            self._status = replace(self._status, verdict=verdict)
            self._measured_at = time.monotonic()
        self._note_sharpest()
        return measured, verdict

    def _cycle_ssim(self, measured: Measured) -> float | None:
        """Return the newest cycle SSIM if it is of the same scene."""
        with self._lock:
            newest = self._colorized
        if newest is None:
            return None
        if self._cycle is None or self._cycle[0] is not newest:
            own = signature(small_picture(newest.pair.mono))
            self._cycle = newest, Measured(newest.pair, {}, own)
        distance = 1 - float(self._cycle[1].signature @ measured.signature)
        return newest.cycle_ssim if distance <= SAME_SCENE else None

    def _follow(self, plan: Plan, measured: Measured, verdict: Verdict) -> None:
        """Save a pair, if the plan says so."""
        if plan.goes_on and self._under_way:
            return  # how new the next one is, is known once this one has its name
        changed = self._history.distance_to_last(measured.signature)
        now = time.monotonic()
        decision = decide(plan, Situation(verdict, changed, self._due_at - now), self._status.state.limits)
        if decision.save:
            # The next is due a period after this one was, not after it came: delays must not add up.
            self._due_at = max(self._due_at, now - pause_s(plan)) + pause_s(plan)
            self._save(measured, verdict, plan)
        self._tell_decision(plan, verdict, decision.reason)
        if plan.kind == "single":
            self._end_plan()

    def _tell_decision(self, plan: Plan, verdict: Verdict, reason: str) -> None:
        status = self._status
        # By the same walls as before, it is still the same shot that waits.
        waits = plan.goes_on and _keys(reason) == _keys(status.reason)
        if reason and verdict.refused and not waits:
            self._set(refused=status.refused + 1, refusals=status.refusals + 1)
        if reason != status.reason:
            self._set(reason=reason)
        if not plan.goes_on:
            self._on_change()

    def _take_of_burst(self, arrival: Arrival, hurried: bool) -> None:
        """Save the next pair of a burst. The first has to pass the gates, the others only tell."""
        plan = self._status.state.plan
        if plan is None:
            return
        if hurried and self._burst_passed:
            note = self._note(arrival.pair)
            measured = Measured(arrival.pair, {}, signature(small_picture(arrival.pair.mono)))
            verdict = Verdict(note.gates, (), note.warnings)
        else:
            measured, verdict = self._measure(arrival)
        if not self._burst_passed:
            decision = decide(plan, Situation(verdict, None, 0.0), self._status.state.limits)
            if not decision.save:
                self._tell_decision(plan, verdict, decision.reason)
                self._end_burst()
                return
            self._burst_passed = True
        self._save(measured, replace(verdict, refused=(), warnings=_of_series(verdict)), plan)
        if self._intake.burst_is_over:
            self._end_plan()

    def _save(self, measured: Measured, verdict: Verdict, plan: Plan) -> None:
        state = self._status.state
        note = PairNote(self._with_age(verdict.values), verdict.warnings, state.tags, plan.kind)
        future = self._recorder.save(measured.pair, note)
        self._under_way += 1
        future.add_done_callback(
            lambda done: self._post(partial(self._was_saved, done, measured, verdict, note.tags))
        )

    def _was_saved(
        self, future: Future[str], measured: Measured, verdict: Verdict, tags: tuple[str, ...]
    ) -> None:
        self._under_way -= 1
        name = future.result()
        self._history.add(name, measured.signature)
        self._show(name, measured.pair, verdict, tags)
        status = self._status
        saved, total = status.saved + 1, status.total + 1
        self._set(saved=saved, total=total, can_undo=True)
        self._set(seconds_left=self._seconds_left(total, saved))
        plan = status.state.plan
        if plan is not None and plan.goes_on and total >= plan.target:
            self._end_plan(f"The target of {plan.target} pairs is reached")
        self._on_change()

    def _recorded(self, future: Future[str], pair: FramePair, verdict: Verdict) -> None:
        """A pair of a continuous recording is safe."""
        if future.exception() is not None:
            return  # the recorder has stopped, and says why
        name, now = future.result(), time.monotonic()
        if now - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = now
            self._history.add(name, signature(small_picture(pair.mono)))
            self._show(name, pair, verdict, self._status.state.tags)
        else:
            self._history.add(name, None)
        self._set(total=self._status.total + 1, can_undo=True)

    def _show(self, name: str, pair: FramePair, verdict: Verdict, tags: tuple[str, ...]) -> None:
        self._history.show(SavedPair(name, thumbnail(pair), verdict, tags))
        self._set(strip=self._history.strip)

    def _seconds_left(self, total: int, saved: int) -> float | None:
        plan = self._status.state.plan
        if plan is None or not plan.goes_on or saved < 2:
            return None
        pace_s = (time.monotonic() - self._began_at) / saved
        return max(0, plan.target - total) * pace_s

    def _sign_one(self) -> None:
        """Look at a saved pair whose signature is not known, one at a time so that others get their turn."""
        self._history.sign_one()
        self._set(unsigned=len(self._history.missing))

    # --- jobs ---

    def _open(self, folder: Path) -> None:
        self._end_burst()
        history = History(folder)
        trouble = ""
        try:
            state = read_state(folder) or replace(self._status.state, plan=None, sharpest={})
        except DatasetError as error:
            trouble = f"Gates and tags begin anew. {error}"
            state = CaptureState()
        self._history, self._under_way = history, 0
        self._measurer = PairMeasurer(state.sharpest)
        resumable = state.plan if state.plan is not None and state.plan.goes_on else None
        with self._lock:
            self._status = CaptureStatus(
                folder=str(folder),
                state=replace(state, plan=None),
                verdict=self._status.verdict,
                total=len(history),
                refusals=self._status.refusals,
                strip=history.strip,
                can_undo=bool(len(history)),
                resumable=resumable,
                unsigned=len(history.missing),
            )
        self._remember()
        self._describe()
        self._board.pin(TOPIC, trouble)
        self._on_change()

    def _begin_anew(self) -> None:
        self._measurer = PairMeasurer()
        self._cycle = None
        with self._lock:
            self._colorized = None
        self._intake.begin_anew()

    def _begin(self, plan: Plan, pair: FramePair | None) -> None:
        status = self._status
        if not status.folder:
            raise DatasetError("no dataset is open: open or create one first")
        self._board.clear(TOPIC)
        self._end_burst()
        self._began_at, self._due_at, self._burst_passed = time.monotonic(), 0.0, False
        target = plan.target if plan.goes_on else status.state.target
        self._set(state=replace(status.state, plan=plan, target=target))
        self._set(saved=0, refused=0, reason="", seconds_left=None, resumable=None)
        if plan.kind == "burst":
            self._intake.begin_burst(plan.count)
        elif plan.kind == "single" and pair is not None:
            self._intake.want(pair)
        self._remember()
        self._describe()
        if plan.goes_on and status.total >= plan.target:
            self._end_plan(f"The target of {plan.target} pairs is reached")
        self._on_change()

    def _stop(self) -> None:
        self._end_burst()
        self._end_plan()
        self._set(reason="")

    def _end_burst(self) -> None:
        self._intake.end_burst()
        plan = self._status.state.plan
        if plan is not None and plan.kind == "burst":
            self._end_plan()

    def _end_plan(self, reason: str | None = None) -> None:
        status = self._status
        if status.state.plan is not None:
            reason = status.reason if reason is None else reason
            self._set(state=replace(status.state, plan=None), seconds_left=None, reason=reason)
            self._remember()
        self._on_change()

    def _continue(self, go_on: bool) -> None:
        plan = self._status.resumable
        self._set(resumable=None)
        if go_on and plan is not None:
            self._begin(plan, None)
        else:
            self._remember()
        self._on_change()

    def _undo(self) -> None:
        self._is_gone(self._history.undo())

    def _discard(self, name: str) -> None:
        self._history.discard(name)
        self._is_gone(name)

    def _is_gone(self, name: str) -> None:
        self._set(
            strip=self._history.strip,
            total=len(self._history),
            can_undo=bool(len(self._history)),
            reason=f"Pair {name} is in the trash",
        )
        self._on_change()

    def _change(self, change: Callable[[CaptureState], CaptureState]) -> None:
        def job() -> None:
            self._set(state=change(self._status.state))
            self._remember()
            self._describe()
            self._on_change()

        self._post(job)

    def _write_notes(self, text: str) -> None:
        if not self._status.folder:
            raise DatasetError("no dataset is open: notes belong to one")
        write_notes(Path(self._status.folder), text)

    def _remember(self) -> None:
        """Write down how things stand, so that they go on from here after a crash. Raises DatasetError."""
        status = self._status
        if not status.folder:
            return
        try:
            write_state(
                Path(status.folder), replace(status.state, plan=status.state.plan or status.resumable)
            )
        except OSError as error:
            raise DatasetError(
                f"how this dataset is captured was not saved in {status.folder}: {error.strerror or error}"
            ) from error

    def _describe(self) -> None:
        state = self._status.state
        limits: Limits = state.limits
        self._recorder.describe(
            SessionAbout(
                APP_VERSION,
                state.operator,
                state.lens_note,
                gate_limits={
                    key: None if limit.mode == "off" else limit.limit for key, limit in limits.items()
                },
            )
        )

    def _note_sharpest(self) -> None:
        """Remember the best sharpness: after a restart, a lens that has moved must not pass for sharp."""
        state, best = self._status.state, self._measurer.best
        if self._status.folder and any(
            value > SHARPER_BY * state.sharpest.get(role, 0.0) for role, value in best.items()
        ):
            rounded = {role: round(value, 4) for role, value in best.items()}
            self._set(state=replace(state, sharpest=rounded))
            self._remember()

    # --- small things ---

    def _note(self, pair: FramePair) -> PairNote:
        """Return what is known of a pair that is not measured: its skew, the rest from the newest one."""
        now = time.monotonic()
        with self._lock:
            fresh = self._measured_at is not None and now - self._measured_at <= KNOWN_FOR_S
            age_s = now - (self._measured_at or now)
            values = self._status.verdict.values if fresh else {}
            state = self._status.state
        verdict = judge({**values, "skew_ms": abs(pair.skew_ns) / 1e6}, state.limits)
        known = dict(self._with_age(verdict.values))
        if values:
            known["measured_age_s"] = round(age_s, 3)
        return PairNote(known, _of_series(verdict), state.tags, "record")

    def _with_age(self, values: Values) -> Values:
        """Add how old the colorization is that the cycle SSIM is from."""
        age_s = self.status().cycle_age_s
        if values.get("cycle_ssim") is None or age_s is None:
            return values
        return {**values, "cycle_age_s": round(age_s, 3)}

    def _set(self, **values: object) -> None:
        with self._lock:
            self._status = replace(self._status, **values)  # type: ignore[arg-type]

    def _post(self, job: Work) -> None:
        self._intake.post(job)

    def _attempt(self, job: Work) -> None:
        """Do something; what goes wrong is told, and the thread goes on."""
        try:
            job()
        except DatasetError as error:
            log.info("capturing was interrupted", exc_info=True)
            self._board.pin(TOPIC, str(error))
            self._interrupt(str(error))
            self._on_change()

    def _interrupt(self, reason: str) -> None:
        """End the plan without writing anything, as writing may be what failed; it can be continued."""
        state = self._status.state
        plan = state.plan if state.plan is not None and state.plan.goes_on else self._status.resumable
        self._set(state=replace(state, plan=None), seconds_left=None, reason=reason, resumable=plan)
        self._intake.end_burst()


def _of_series(verdict: Verdict) -> tuple[str, ...]:
    """Return the warnings for a pair of a burst or a recording: of these, neighbours are alike."""
    return tuple(key for key in (*verdict.refused, *verdict.warnings) if key != "duplicate_distance")


def _keys(reason: str) -> tuple[str, ...]:
    """Return a reason without its figures, which change from pair to pair."""
    return tuple("".join(c for c in part if not c.isdigit()) for part in reason.split(";"))
