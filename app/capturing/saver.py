"""Saves what was decided on, and takes in what has become safe."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from app.capturing.book import SessionBook, warnings_of_series
from app.capturing.gates import Verdict
from app.capturing.history import History
from app.capturing.intake import Work
from app.capturing.judging import sign
from app.capturing.measuring import Measured, thumbnail
from app.capturing.modes import Plan
from app.capturing.status import SavedPair
from app.pipeline.recorder import Recorder
from capture.dataset import PairNote
from capture.errors import DatasetError
from capture.frames import FramePair

log = logging.getLogger(__name__)

SHOWN_EVERY_S = 0.25
"""Of a recording, the strip shows no more pairs than that, and only these are looked at for duplicates."""


class Saver:
    """For the session's thread, `record` excepted.

    Args:
        recorder: writes the pairs.
        book: of the session.
        post: lets the session's thread do something; called in the recorder's.
        was_saved: called for each pair of a plan that is safe.
        failed: called where one could not be saved.

    Attributes:
        history: the pairs of the open dataset.
        under_way: pairs of plans that are being written.
    """

    def __init__(
        self,
        recorder: Recorder,
        book: SessionBook,
        post: Callable[[Work], None],
        was_saved: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._recorder = recorder
        self._book = book
        self._post = post
        self._was_saved = was_saved
        self._failed = failed
        self._shown_at = 0.0
        self.history = History()
        self.under_way = 0

    def begin_anew(self, history: History) -> None:
        """Another dataset was opened."""
        self.history, self.under_way = history, 0

    def record(self, pair: FramePair) -> None:
        """Offer a pair to the recording, with the values that are known. For the thread that brings it."""
        if not self._recorder.recording:
            self._recorder.offer(pair)
            return
        note = self._book.note(pair, "record")
        future = self._recorder.offer(pair, note)
        if future is not None:
            history = self.history
            future.add_done_callback(
                lambda done: self._post(partial(self._recorded, done, history, pair, note))
            )

    def save_unmeasured(self, pair: FramePair, plan: Plan) -> None:
        """Save a pair of a burst for which there is no time."""
        note = self._book.note(pair, plan.kind)
        self._queue(pair, note, Measured(pair, {}, sign(pair)))

    def save(self, measured: Measured, verdict: Verdict, plan: Plan) -> None:
        """Save a pair. In a burst, what walls say is a warning only: its first pair has passed."""
        warnings = warnings_of_series(verdict) if plan.kind == "burst" else verdict.warnings
        values = self._book.with_age(verdict.values)
        self._queue(measured.pair, PairNote(values, warnings, self._book.now.state.tags, plan.kind), measured)

    def _queue(self, pair: FramePair, note: PairNote, measured: Measured) -> None:
        history = self.history
        try:
            future = self._recorder.save(pair, note)
        except DatasetError as error:
            self._failed(error)
            return
        self.under_way += 1
        future.add_done_callback(
            lambda done: self._post(partial(self._is_safe, done, history, note, measured))
        )

    def _is_safe(self, future: Future[str], history: History, note: PairNote, measured: Measured) -> None:
        if history is not self.history:
            return  # another dataset was opened meanwhile
        self.under_way -= 1
        error = future.exception()
        if error is not None:
            self._failed(error)
            return
        name = future.result()
        history.add(name, measured.signature)
        self._show(name, measured.pair, note)
        status = self._book.now
        self._book.set(saved=status.saved + 1, total=len(history), can_undo=True)
        self._was_saved()

    def _recorded(self, future: Future[str], history: History, pair: FramePair, note: PairNote) -> None:
        """A pair of a continuous recording is safe."""
        if history is not self.history or future.exception() is not None:
            return  # of another dataset; or the recorder has stopped, and says why
        name, now_s = future.result(), time.monotonic()
        if now_s - self._shown_at >= SHOWN_EVERY_S:
            self._shown_at = now_s
            history.add(name, sign(pair))
            self._show(name, pair, note)
        else:
            history.add(name, None)
        self._book.set(total=len(history), can_undo=True)

    def _show(self, name: str, pair: FramePair, note: PairNote) -> None:
        self.history.show(SavedPair(name, thumbnail(pair), Verdict(note.gates, (), note.warnings), note.tags))
        self._book.set(strip=self.history.strip)
