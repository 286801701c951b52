"""Runs a capture session: measures pairs, lets the plan decide, saves, remembers."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from app.capturing.fingerprints import Fingerprints, Signature, signature
from app.capturing.gates import GateLimit, Verdict, judge
from app.capturing.measuring import Measured, PairMeasurer, thumbnail
from app.capturing.modes import Plan, Situation, decide
from app.capturing.picture_measures import small_picture
from app.capturing.state import CaptureState, read_state, write_state
from app.capturing.status import CaptureStatus, SavedPair
from app.pipeline.board import Board
from app.pipeline.recorder import RECORDED, Recorder
from app.pipeline.worker import step_back
from app.version import APP_VERSION
from capture.dataset import DatasetEditor, DatasetReader, Edit, PairNote, SessionAbout, write_notes
from capture.errors import DatasetError
from capture.frames import FramePair
from models.engine import Colorization

log = logging.getLogger(__name__)

TOPIC = "capturing"
SHARE_OF_A_CORE = 0.3
"""Measuring takes at most this share of a core, except for the shots of a plan that waits for one."""
LONGEST_IDLE_S = 1.0
KNOWN_FOR_S = 3.0
"""Values of an older measurement say nothing about a pair that is recorded now."""
STRIP_LENGTH = 24
NICENESS = 5


class Capturing:
    """The capture session of a pipeline. `run` is the body of its thread; the rest is for any thread, returns
    at once, and what fails is told on the board.

    Args:
        recorder: where pairs are saved.
        board: where errors are shown, under the topic "capturing".
        row_error_px: the newest row error, None if unknown.
        on_change: called from any thread when the status has changed.
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

        # Shared, under the condition.
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._newest: FramePair | None = None
        self._wanted: FramePair | None = None
        self._watched = False
        self._closing = False
        self._burst_left = 0
        self._status = CaptureStatus()
        self._verdict_at: float | None = None
        self._cycle: tuple[float, float] | None = None

        # Of this thread alone.
        self._measurer = PairMeasurer()
        self._fingerprints = Fingerprints()
        self._folder: Path | None = None
        self._history: list[str] = []
        self._last_saved_at: float | None = None
        self._plan_began_at = 0.0
        self._next_measurement_at = 0.0

    # --- from the pipeline's threads ---

    def pair_arrived(self, pair: FramePair) -> None:
        """Take the next pair of the stream: for a recording and a burst every one, else the newest counts."""
        recording = self._recorder.recording
        self._recorder.offer(pair, self._note(pair, "record") if recording else RECORDED)
        with self._changed:
            burst = self._burst_left > 0
            if burst:
                self._burst_left -= 1
            self._newest = pair
            self._changed.notify()
        if burst:
            self._save_of_burst(pair)

    def colorized(self, result: Colorization) -> None:
        """Take in how well the newest colorization came back."""
        with self._changed:
            self._cycle = (time.monotonic(), (result.cycle_ssim_cb + result.cycle_ssim_cr) / 2)

    def rig_changed(self) -> None:
        """Another rig, or other settings: what was the best sharpness says nothing any more."""
        self._post(self._begin_anew)

    # --- requests ---

    def opened(self, folder: Path) -> None:
        """The recorder has opened this dataset."""
        self._post(lambda: self._open(folder))

    def watch(self, watched: bool) -> None:
        """Measure although no plan runs: somebody looks at the gates."""
        with self._changed:
            self._watched = watched
            self._changed.notify()

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

    def set_limit(self, key: str, limit: GateLimit) -> None:
        """Change a gate."""
        self._change(lambda state: replace(state, limits={**state.limits, key: limit}))

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
        with self._changed:
            status = self._status
            age_s = None if self._verdict_at is None else now - self._verdict_at
        return replace(status, age_s=age_s)

    def close(self) -> None:
        """End the thread once what was asked for is done. Idempotent."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    # --- the thread ---

    def run(self) -> None:
        """Measure and decide until closed."""
        step_back(NICENESS)
        while True:
            job, pair = self._wait()
            if job is not None:
                self._attempt(job)
            elif pair is not None:
                self._attempt(lambda pair=pair: self._look_at(pair))  # type: ignore[misc]
            else:
                break
        self._attempt(self._remember)

    def _wait(self) -> tuple[Callable[[], None] | None, FramePair | None]:
        """Return the next thing to do: a job, or a pair to measure; neither once closed."""
        with self._changed:
            while True:
                if self._jobs:
                    return self._jobs.popleft(), None
                if self._closing:
                    return None, None
                if self._wanted is not None:
                    pair, self._wanted = self._wanted, None
                    return None, pair
                due_s = self._due_in_s()
                if due_s is not None and due_s <= 0 and self._newest is not None:
                    pair, self._newest = self._newest, None
                    return None, pair
                self._changed.wait(due_s if self._newest is not None else None)

    def _due_in_s(self) -> float | None:
        """Return the time until the next measurement, None if nobody wants any."""
        plan = self._status.state.plan
        if plan is not None and not plan.goes_on:
            return 0.0
        if plan is None and not self._watched and not self._recorder.recording:
            return None
        return self._next_measurement_at - time.monotonic()

    def _look_at(self, pair: FramePair) -> None:
        started = time.monotonic()
        measured = self._measurer.measure(pair, self._row_error_px(), self._cycle_ssim(started))
        values = {**measured.values, "duplicate_distance": self._fingerprints.distance(measured.signature)}
        verdict = judge(values, self._status.state.limits)
        with self._changed:
            self._status = replace(self._status, verdict=verdict)
            self._verdict_at = time.monotonic()
        self._follow_plan(measured, verdict)
        spent_s = time.monotonic() - started
        self._next_measurement_at = started + min(spent_s / SHARE_OF_A_CORE, LONGEST_IDLE_S)
        self._on_change()

    def _follow_plan(self, measured: Measured, verdict: Verdict) -> None:
        state = self._status.state
        if state.plan is None or (state.plan.kind == "burst" and self._last_saved_at is not None):
            return  # the rest of a burst is saved as it arrives
        now = time.monotonic()
        since = None if self._last_saved_at is None else now - self._last_saved_at
        last = self._history[-1] if self._history else None
        changed = None if last is None else self._fingerprints.distance_to(last, measured.signature)
        decision = decide(state.plan, Situation(verdict, changed, since), state.limits)
        if decision.save:
            self._save(measured, verdict, state.plan)
        elif verdict.refused and decision.reason:
            self._set(refused=self._status.refused + 1)
        self._set(reason=decision.reason)
        if not state.plan.goes_on and not (
            decision.save and state.plan.kind == "burst" and state.plan.count > 1
        ):
            self._end_plan()

    def _save(self, measured: Measured, verdict: Verdict, plan: Plan) -> None:
        if plan.kind == "burst":
            with self._changed:
                self._burst_left = plan.count - 1
        self._last_saved_at = time.monotonic()
        note = PairNote(verdict.values, verdict.warnings, self._status.state.tags, plan.kind)
        self._recorder.save(measured.pair, note).add_done_callback(
            lambda future: self._post(lambda: self._was_saved(future, measured, verdict, note.tags))
        )

    def _save_of_burst(self, pair: FramePair) -> None:
        """Save a further pair of a burst, in the thread that brought it."""
        note = self._note(pair, "burst")
        try:
            future = self._recorder.save(pair, note)
        except DatasetError as error:
            self._board.pin(TOPIC, f"The burst was cut short. {error}")
            with self._changed:
                self._burst_left = 0
        else:
            verdict = Verdict(note.gates, (), note.warnings)
            future.add_done_callback(
                lambda done: self._post(
                    lambda: self._was_saved(done, Measured(pair, {}, _sign(pair)), verdict, note.tags)
                )
            )
        with self._changed:
            over = self._burst_left == 0
        if over:
            self._post(self._end_plan)

    def _was_saved(
        self, future: Future[str], measured: Measured, verdict: Verdict, tags: tuple[str, ...]
    ) -> None:
        error = future.exception()
        if error is not None:
            self._end_plan()
            raise error
        name = future.result()
        self._history.append(name)
        self._fingerprints.add(name, measured.signature)
        status = self._status
        plan = status.state.plan
        saved = status.saved + 1
        strip = (*status.strip, SavedPair(name, thumbnail(measured.pair), verdict, tags))[-STRIP_LENGTH:]
        total = status.total + 1
        self._set(
            total=total,
            saved=saved,
            strip=strip,
            can_undo=True,
            seconds_left=self._seconds_left(total, saved),
        )
        if plan is not None and plan.goes_on and total >= plan.target:
            self._end_plan()
            self._set(reason=f"The target of {plan.target} pairs is reached")
        self._on_change()

    def _seconds_left(self, total: int, saved: int) -> float | None:
        plan = self._status.state.plan
        if plan is None or not plan.goes_on or saved < 2:
            return None
        pace_s = (time.monotonic() - self._plan_began_at) / saved
        return max(0, plan.target - total) * pace_s

    # --- jobs ---

    def _open(self, folder: Path) -> None:
        state = read_state(folder) or CaptureState()
        reader = DatasetReader.open(folder)
        self._folder = folder
        self._history = []
        self._fingerprints = Fingerprints(folder)
        missing = self._fingerprints.load([record.name for record in reader])
        resumable, state = state.plan, replace(state, plan=None)
        with self._changed:
            self._status = CaptureStatus(
                folder=str(folder),
                state=state,
                total=len(reader),
                resumable=resumable,
                verdict=self._status.verdict,
            )
        self._describe()
        for record in reader.records:
            if record.name in missing[-2000:]:
                self._post(lambda record=record: self._sign_saved(reader, record.name))  # type: ignore[misc]
        self._on_change()

    def _sign_saved(self, reader: DatasetReader, name: str) -> None:
        """Look at a saved pair whose signature is not known, one at a time so that others get their turn."""
        record = next(record for record in reader if record.name == name)
        self._fingerprints.add(name, _sign(reader.load(record)))

    def _begin_anew(self) -> None:
        self._measurer = PairMeasurer()

    def _begin(self, plan: Plan, pair: FramePair | None) -> None:
        if self._folder is None:
            raise DatasetError("no dataset is open: open or create one first")
        self._board.clear(TOPIC)
        self._plan_began_at = time.monotonic()
        self._last_saved_at = None
        state = replace(
            self._status.state, plan=plan, target=plan.target if plan.goes_on else self._status.state.target
        )
        self._set(state=state, saved=0, refused=0, reason="", seconds_left=None, resumable=None)
        with self._changed:
            self._wanted = pair
        self._remember()
        self._describe()
        self._on_change()

    def _stop(self) -> None:
        with self._changed:
            self._burst_left = 0
        self._end_plan()
        self._set(reason="")

    def _end_plan(self) -> None:
        if self._status.state.plan is not None:
            self._set(state=replace(self._status.state, plan=None), seconds_left=None)
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
        if self._folder is None or not self._history:
            raise DatasetError("nothing was saved since the dataset was opened")
        name = self._history[-1]
        DatasetEditor(self._folder).apply(Edit((name,), trashed=True))
        self._history.pop()
        self._fingerprints.remove(name)
        status = self._status
        self._set(
            strip=tuple(saved for saved in status.strip if saved.name != name),
            total=status.total - 1,
            can_undo=bool(self._history),
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
        if self._folder is None:
            raise DatasetError("no dataset is open: notes belong to one")
        write_notes(self._folder, text)

    def _remember(self) -> None:
        if self._folder is not None:
            try:
                write_state(self._folder, self._status.state)
            except OSError as error:
                raise DatasetError(
                    f"how this dataset is captured was not saved in {self._folder}: {error.strerror or error}"
                ) from error

    def _describe(self) -> None:
        state = self._status.state
        self._recorder.describe(
            SessionAbout(
                APP_VERSION,
                state.operator,
                state.lens_note,
                gate_limits={
                    key: None if limit.mode == "off" else limit.limit for key, limit in state.limits.items()
                },
            )
        )

    # --- small things ---

    def _note(self, pair: FramePair, mode: str) -> PairNote:
        """Return what is known of a pair that is not measured: its skew, the rest from the newest one."""
        now = time.monotonic()
        with self._changed:
            fresh = self._verdict_at is not None and now - self._verdict_at <= KNOWN_FOR_S
            values = self._status.verdict.values if fresh else {}
            state = self._status.state
        verdict = judge({**values, "skew_ms": abs(pair.skew_ns) / 1e6}, state.limits)
        return PairNote(verdict.values, (*verdict.refused, *verdict.warnings), state.tags, mode)

    def _cycle_ssim(self, now: float) -> float | None:
        with self._changed:
            return self._cycle[1] if self._cycle is not None and now - self._cycle[0] <= KNOWN_FOR_S else None

    def _set(self, **values: object) -> None:
        with self._changed:
            self._status = replace(self._status, **values)  # type: ignore[arg-type]

    def _post(self, job: Callable[[], None]) -> None:
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()

    def _attempt(self, job: Callable[[], None]) -> None:
        """Do something; what goes wrong is told, and the thread goes on."""
        try:
            job()
        except DatasetError as error:
            self._board.pin(TOPIC, str(error))
            self._set(reason=str(error))
            self._end_quietly()
            self._on_change()

    def _end_quietly(self) -> None:
        """End the plan without writing anything: writing may be what failed."""
        self._set(state=replace(self._status.state, plan=None), seconds_left=None)


def _sign(pair: FramePair) -> Signature:
    return signature(small_picture(pair.mono))
