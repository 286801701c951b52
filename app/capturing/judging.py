"""Measures what arrives and holds it against the gates, with all that is known from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.capturing.book import Colorized, SessionBook
from app.capturing.fingerprints import Signature, signature
from app.capturing.gates import Verdict, judge
from app.capturing.history import History
from app.capturing.intake import Arrival
from app.capturing.measuring import Measured, PairMeasurer
from app.capturing.picture_measures import small_picture
from capture.frames import FramePair, Role

SAME_SCENE = 0.2
"""Distance (see `fingerprints`) up to which a colorization of an earlier pair tells of this one, too."""
COLORS_WITHIN_S = 15.0
"""While colorizations come at least this often, a walk-through waits for that of its scene."""
SHARPER_BY = 1.02
"""A best sharpness is written down when it has grown by this factor."""


class Judge:
    """For the session's thread.

    Args:
        book: of the session.
        row_error_px: the newest row error, None if unknown.
    """

    def __init__(self, book: SessionBook, row_error_px: Callable[[], float | None]) -> None:
        self._book = book
        self._row_error_px = row_error_px
        self._measurer = PairMeasurer()
        self._cycle: tuple[Colorized, Signature] | None = None

    def begin_anew(self, sharpest: dict[Role, float] | None = None) -> None:
        """Another rig, lens or dataset: the best sharpness so far is this, or unknown."""
        self._measurer = PairMeasurer(sharpest)
        self._cycle = None

    def measure(self, arrival: Arrival, history: History) -> tuple[Measured, Verdict]:
        """Measure a pair and say what the gates say. Raises DatasetError: the best was not written down."""
        measured = self._measurer.measure(arrival.pair, arrival.before)
        values = {
            **measured.values,
            "duplicate_distance": history.distance(measured.signature),
            "row_error_px": self._row_error_px(),
            "cycle_ssim": self._cycle_ssim(measured),
        }
        verdict = judge(values, self._book.now.state.limits)
        self._book.was_measured(verdict)
        self._note_sharpest()
        return measured, verdict

    def colors_to_come(self, verdict: Verdict) -> bool:
        """Return whether this scene's colorization is under way."""
        age_s = self._book.status().cycle_age_s
        return verdict.values.get("cycle_ssim") is None and age_s is not None and age_s <= COLORS_WITHIN_S

    def _cycle_ssim(self, measured: Measured) -> float | None:
        """Return the newest cycle SSIM if it is of the same scene."""
        newest = self._book.colorized
        if newest is None:
            return None
        if self._cycle is None or self._cycle[0] is not newest:
            self._cycle = newest, sign(newest.pair)
        distance = 1 - float(self._cycle[1] @ measured.signature)
        return newest.cycle_ssim if distance <= SAME_SCENE else None

    def _note_sharpest(self) -> None:
        """Remember the best sharpness: after a restart, a lens that has moved must not pass for sharp."""
        status, best = self._book.now, self._measurer.best
        known = status.state.sharpest
        if status.folder and any(value > SHARPER_BY * known.get(role, 0.0) for role, value in best.items()):
            rounded = {role: round(value, 4) for role, value in best.items()}
            self._book.set(state=replace(status.state, sharpest=rounded))
            self._book.remember()


def sign(pair: FramePair) -> Signature:
    """Return the signature of a pair."""
    return signature(small_picture(pair.mono))
