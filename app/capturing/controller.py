"""Runs a capture session: measures pairs, lets the plan decide, saves, remembers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.capturing.book import Colorized, SessionBook
from app.capturing.gates import GateLimit, Verdict, default_limits
from app.capturing.history import History
from app.capturing.intake import Arrival, Intake, Work
from app.capturing.judging import Judge
from app.capturing.measuring import Measured
from app.capturing.modes import Plan, Situation, decide, pause_s
from app.capturing.saver import Saver
from app.capturing.state import CaptureState, read_state
from app.capturing.status import CaptureStatus
from app.pipeline.board import Board
from app.pipeline.recorder import Recorder
from app.pipeline.worker import step_back
from capture.dataset import write_notes
from capture.errors import DatasetError
from capture.frames import FramePair

log = logging.getLogger(__name__)

TOPIC = "capturing"
SHARE_OF_A_CORE = 0.3
"""Measuring takes at most this share of a core, except for a single shot and for bursts."""
SHARE_WHILE_RECORDING = 0.1
LONGEST_IDLE_S = 1.0
NICENESS = 5


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
        self._on_change = on_change

        self._intake = Intake(self._look_at, self._take_single, self._take_of_burst)
        self._book = SessionBook(recorder)
        self._judge = Judge(self._book, row_error_px)
        self._saver = Saver(recorder, self._book, self._intake.post, self._was_saved, self._interrupt)
        self._watched = False

        # Of this thread alone.
        self._burst_passed = False
        self._due_at = 0.0
        self._began_at = 0.0
        self._next_measurement_at = 0.0
        self._next_signature_at = 0.0

    # --- from the pipeline's threads ---

    def pair_arrived(self, pair: FramePair) -> None:
        """Take the next pair of the stream: for a recording and a burst every one, else the newest counts."""
        self._saver.record(pair)
        self._intake.arrive(pair)

    def colorized(self, pair: FramePair, cycle_ssim: float) -> None:
        """Take in how well the newest colorization came back, −1 … 1."""
        self._book.was_colorized(Colorized(pair, cycle_ssim))

    def rig_changed(self) -> None:
        """Another rig: what was the best sharpness says nothing any more."""
        self._post(self._begin_anew)

    # --- requests ---

    def opened(self, folder: Path) -> threading.Event:
        """The recorder has opened this dataset. The event is set when the session knows it, too."""
        known = threading.Event()

        def job() -> None:
            try:
                self._open(folder)
            finally:
                known.set()

        self._post(job)
        return known

    def watch(self, watched: bool) -> None:
        """Measure although no plan runs: somebody looks at the gates."""
        self._watched = watched
        self._intake.post(self._catch_up)

    def begin(self, plan: Plan, pair: FramePair | None = None) -> None:
        """Begin a plan in place of the one that runs; "single" saves a pair in between.

        `pair`: what "single" saves; None takes the next.
        """
        self._post(lambda: self._begin(plan, pair))

    def begin_to_target(self, plan: Plan) -> None:
        """Begin a plan, with the target that the dataset has by then in place of the plan's own."""
        self._post(lambda: self._begin(replace(plan, target=self._status.state.target), None))

    def stop(self) -> None:
        """End the plan that runs."""
        self._post(self._stop)

    def continue_plan(self, go_on: bool) -> None:
        """Answer "continue?": begin what was interrupted, or forget it."""
        self._post(lambda: self._continue(go_on))

    def undo(self) -> None:
        """Take back what was done last: a save (the pair goes to the trash), or `discard`."""
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
            self._judge.begin_anew()
            self._set(state=replace(self._status.state, sharpest={}))
            self._book.remember()

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
        return self._book.status()

    def close(self) -> None:
        """End the thread once what was asked for is done. Idempotent."""
        self._intake.close()

    # --- the thread ---

    def run(self) -> None:
        """Measure and decide until closed."""
        step_back(NICENESS)
        while (work := self._intake.next(self._due_in_s, self._idle_work)) is not None:
            self._attempt(work)
        self._attempt(self._book.remember)

    def _idle_work(self) -> Work | None:
        """Return the next piece of what can wait; pairs that arrive ask for it again and again."""
        waits = self._recorder.recording or time.monotonic() < self._next_signature_at
        return None if waits or not self._saver.history.missing else self._sign_one

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
        measured, verdict = self._judge.measure(arrival, self._saver.history)
        if self._status.state.plan is not None:
            self._follow(self._status.state.plan, measured, verdict)
        spent_s = time.monotonic() - started
        share = SHARE_WHILE_RECORDING if self._recorder.recording else SHARE_OF_A_CORE
        self._next_measurement_at = started + min(spent_s / share, LONGEST_IDLE_S)

    def _follow(self, plan: Plan, measured: Measured, verdict: Verdict) -> None:
        """Save a pair, if the plan says so."""
        if plan.goes_on and self._saver.under_way:
            return  # how new the next one is, is known once this one has its name
        changed = self._saver.history.distance_to_last(measured.signature)
        now = time.monotonic()
        situation = Situation(verdict, changed, self._due_at - now, self._judge.colors_to_come(verdict))
        decision = decide(plan, situation, self._status.state.limits)
        if decision.save:
            # The next is due a period after this one was, not after it came: delays must not add up.
            self._due_at = max(self._due_at, now - pause_s(plan)) + pause_s(plan)
            self._saver.save(measured, verdict, plan)
        self._tell_decision(plan, verdict, decision.reason)
        if plan.kind == "single":
            self._end_plan()

    def _take_single(self, arrival: Arrival) -> None:
        """Save the pair that somebody wants, if it passes; a plan that goes on by itself still does."""
        measured, verdict = self._judge.measure(arrival, self._saver.history)
        plan = Plan("single")
        decision = decide(plan, Situation(verdict, None, 0.0), self._status.state.limits)
        if decision.save:
            self._saver.save(measured, verdict, plan)
        self._tell_decision(plan, verdict, decision.reason)
        if self._book.plan is not None and self._book.plan.kind == "single":
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
            self._saver.save_unmeasured(arrival.pair, plan)
        else:
            self._take_measured(arrival, plan)
        if self._intake.burst_is_over:
            self._end_burst()

    def _take_measured(self, arrival: Arrival, plan: Plan) -> None:
        measured, verdict = self._judge.measure(arrival, self._saver.history)
        if not self._burst_passed:
            decision = decide(plan, Situation(verdict, None, 0.0), self._status.state.limits)
            if not decision.save:
                self._tell_decision(plan, verdict, decision.reason)
                self._end_burst()
                return
            self._burst_passed = True
        self._saver.save(measured, verdict, plan)

    def _was_saved(self) -> None:
        """A pair of a plan is safe."""
        status, plan = self._status, self._status.state.plan
        self._set(seconds_left=self._seconds_left(status.total, status.saved))
        if plan is not None and plan.goes_on and status.total >= plan.target:
            self._end_plan(f"The target of {plan.target} pairs is reached")
        self._on_change()

    def _seconds_left(self, total: int, saved: int) -> float | None:
        plan = self._status.state.plan
        if plan is None or not plan.goes_on or saved < 2:
            return None
        pace_s = max((time.monotonic() - self._began_at) / saved, pause_s(plan))
        return max(0, plan.target - total) * pace_s

    def _sign_one(self) -> None:
        """Look at a saved pair whose signature is not known, one at a time so that others get their turn."""
        began_at = time.monotonic()
        self._saver.history.sign_one()
        self._set(unsigned=len(self._saver.history.missing))
        now = time.monotonic()
        self._next_signature_at = now + (now - began_at) * (1 / SHARE_OF_A_CORE - 1)

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
        self._saver.begin_anew(history)
        self._judge.begin_anew(dict(state.sharpest))
        resumable = state.plan if state.plan is not None and state.plan.goes_on else None
        self._book.begin(
            CaptureStatus(
                folder=str(folder),
                state=replace(state, plan=None),
                total=len(history),
                strip=history.strip,
                can_undo=history.can_undo,
                resumable=resumable,
                unsigned=len(history.missing),
            )
        )
        self._book.remember()
        self._book.describe()
        self._board.pin(TOPIC, trouble)
        self._on_change()

    def _begin_anew(self) -> None:
        self._judge.begin_anew()
        self._book.was_colorized(None)
        self._intake.begin_anew()

    def _begin(self, plan: Plan, pair: FramePair | None) -> None:
        status = self._status
        if not status.folder:
            raise DatasetError("no dataset is open: open or create one first")
        self._board.clear(TOPIC)
        if plan.kind == "single" and status.state.plan is not None and status.state.plan.goes_on:
            self._intake.want(pair)  # in between
            return
        self._end_burst()
        self._catch_up()
        status = self._status
        self._began_at, self._due_at, self._burst_passed = time.monotonic(), 0.0, False
        target = plan.target if plan.goes_on else status.state.target
        self._set(state=replace(status.state, plan=plan, target=target))
        resumable = None if plan.goes_on else status.resumable
        self._set(saved=0, refused=0, reason="", seconds_left=None, resumable=resumable)
        if plan.kind == "burst":
            self._intake.begin_burst(plan.count)
        elif plan.kind == "single" and pair is not None:
            self._intake.want(pair)
        self._book.remember()
        self._book.describe()
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
            self._book.remember()
        self._on_change()

    def _continue(self, go_on: bool) -> None:
        plan = self._status.resumable
        self._set(resumable=None)
        if go_on and plan is not None:
            self._begin(plan, None)
        else:
            self._book.remember()
        self._on_change()

    def _undo(self) -> None:
        self._was_edited(self._saver.history.undo())

    def _discard(self, name: str) -> None:
        self._was_edited(self._saver.history.discard(name))

    def _was_edited(self, words: str) -> None:
        self._show_history()
        self._set(reason=words)
        self._on_change()

    def _catch_up(self) -> None:
        """See what was done to the dataset elsewhere: pairs went to the trash, or came back."""
        busy = self._saver.under_way or self._recorder.recording or self._recorder.status().queued
        folder = self._status.folder
        if folder and not busy and self._saver.history.is_stale:
            self._saver.begin_anew(History(Path(folder)))
            self._show_history()
            self._on_change()

    def _show_history(self) -> None:
        history = self._saver.history
        self._set(
            strip=history.strip,
            total=len(history),
            can_undo=history.can_undo,
            unsigned=len(history.missing),
        )

    def _change(self, change: Callable[[CaptureState], CaptureState]) -> None:
        def job() -> None:
            self._set(state=change(self._status.state))
            self._book.remember()
            self._book.describe()
            self._on_change()

        self._post(job)

    def _write_notes(self, text: str) -> None:
        if not self._status.folder:
            raise DatasetError("no dataset is open: notes belong to one")
        write_notes(Path(self._status.folder), text)

    # --- small things ---

    @property
    def _status(self) -> CaptureStatus:
        return self._book.now

    def _set(self, **values: object) -> None:
        self._book.set(**values)

    def _post(self, job: Work) -> None:
        self._intake.post(job)

    def _attempt(self, job: Work) -> None:
        """Do something; what goes wrong is told, and the thread goes on."""
        try:
            job()
        except DatasetError as error:
            log.info("a request to the capture session failed", exc_info=True)
            self._board.pin(TOPIC, str(error))
            self._set(reason=str(error))
            self._on_change()

    def _interrupt(self, error: BaseException) -> None:
        """End the plan: a pair was not saved. What goes on by itself can be continued."""
        log.info("capturing was interrupted", exc_info=error)
        self._board.pin(TOPIC, str(error))
        status = self._status
        plan = status.state.plan
        resumable = plan if plan is not None and plan.goes_on else status.resumable
        self._set(
            state=replace(status.state, plan=None), seconds_left=None, reason=str(error), resumable=resumable
        )
        self._intake.end_burst()
        self._on_change()


def _keys(reason: str) -> tuple[str, ...]:
    """Return a reason without its figures, which change from pair to pair."""
    return tuple("".join(c for c in part if not c.isdigit()) for part in reason.split(";"))
