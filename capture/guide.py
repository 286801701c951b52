"""The guide: takes a shot of the board by itself when it is worth one, and says why it did not."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from capture.board_views import FEWEST_COMMON
from capture.coverage import (
    COVERAGE_CELLS,
    Bars,
    BoardView,
    Holding,
    bars,
    cells_of,
    corner_counts,
    coverage,
    holding,
)
from capture.frames import ROLES, Role
from capture.targets.base import Detection, NotSeen, Target, common_ids

_ROLE_WORDS: dict[Role, str] = {"mono": "mono", "color": "colour"}


@dataclass(frozen=True)
class GuideSettings:
    """What makes a shot worth taking.

    Attributes:
        still_px: the board's points may move this far (RMS) from one offer to the next, per 1000 px of
            image width.
        longest_gap_s: offers further apart say nothing of motion.
        skew_px: with a known skew between the cameras, the board may move this far within it.
        sharp_px: edges may be this wide (2 px: perfectly sharp).
        new_distance: how differently the board must be held from every shot taken (see `Holding`).
        new_cells: so many parts of an image that had no corner yet are reason enough.
        enough_shots, enough_coverage, enough_bar: the set is complete when all three are reached.
    """

    still_px: float = 1.5
    longest_gap_s: float = 0.5
    skew_px: float = 0.1
    sharp_px: float = 5.0
    new_distance: float = 0.25
    new_cells: int = 2
    enough_shots: int = 20
    enough_coverage: float = 0.75
    enough_bar: float = 0.9


@dataclass(frozen=True)
class Offer:
    """What became of an offer. `view` is the shot if it was taken; `reason` says why, or why not."""

    view: BoardView | None
    reason: str

    @property
    def accepted(self) -> bool:
        """Return whether a shot was taken."""
        return self.view is not None


class Guide:
    """Decides shot by shot; holds the views taken. For one thread at a time; no clock of its own.

    Args:
        target: what is held before the cameras.
        settings: thresholds.
    """

    def __init__(self, target: Target, settings: GuideSettings | None = None) -> None:
        self.target = target
        self.settings = settings or GuideSettings()
        self._views: dict[str, BoardView] = {}
        self._holdings: dict[str, Holding] = {}
        self._last: tuple[float, Detection] | None = None
        self._taken = 0

    @property
    def views(self) -> tuple[BoardView, ...]:
        """Return the shots taken, oldest first."""
        return tuple(self._views.values())

    def offer(
        self,
        mono: Detection | NotSeen,
        color: Detection | NotSeen,
        time_s: float,
        skew_s: float | None = None,
    ) -> Offer:
        """Take a shot of what both cameras see now, or say why not.

        Args:
            mono, color: what `Target.detect` returned for both images of one pair.
            time_s: when it was, any clock that goes forward.
            skew_s: time between the two exposures, if known.
        """
        for role, seen in (("mono", mono), ("colour", color)):
            if isinstance(seen, NotSeen):
                self._last = None
                return Offer(None, f"{role.capitalize()} camera: {seen.reason}")
        assert isinstance(mono, Detection)
        assert isinstance(color, Detection)
        view = BoardView(self._next_name(), *self.target.paired(mono, color))
        assert view.color is not None
        problem = self._unsteady(mono, time_s, skew_s) or self._blurred(view) or self._too_little(view)
        if problem:
            return Offer(None, problem)
        new = self._new_cells(view)
        held = self._holding(view)
        nearest = min((held.distance(other) for other in self._holdings.values()), default=np.inf)
        if nearest < self.settings.new_distance and new < self.settings.new_cells:
            return Offer(None, f"Still, sharp, but like a shot already taken: {self.hint()}")
        self.add(view)
        return Offer(view, f"Taken as {view.name}: {self.hint()}")

    def add(self, view: BoardView) -> None:
        """Take a view in, such as one from a folder of images, whatever it adds; its name must be new."""
        if view.name in self._views:
            raise ValueError(f"there is a view {view.name!r} already")
        self._views[view.name] = view
        self._holdings[view.name] = self._holding(view)
        self._taken += 1

    def remove(self, name: str) -> BoardView:
        """Take a view out again and return it (`add` puts it back)."""
        del self._holdings[name]
        return self._views.pop(name)

    def clear(self) -> None:
        """Start again."""
        self._views.clear()
        self._holdings.clear()
        self._last = None

    def bars(self) -> Bars:
        """Return how much of the useful range of place, size, skew and tilt was shown, 0 … 1 each."""
        return bars(list(self._holdings.values()))

    def counts(self, role: Role) -> NDArray[np.int64]:
        """Return how many corners were seen in each cell of a camera's image, 6 rows × 8 columns."""
        return corner_counts(self.views, role)

    def coverage(self, role: Role) -> float:
        """Return the part of a camera's image in which the board was seen, 0 … 1."""
        return coverage(self.views, role)

    @property
    def complete(self) -> bool:
        """Return whether the set is good enough to solve without a wish left."""
        wanted = self.settings
        return (
            len(self._views) >= wanted.enough_shots
            and min(self.coverage(role) for role in ROLES) >= wanted.enough_coverage
            and min(getattr(self.bars(), field.name) for field in fields(Bars)) >= wanted.enough_bar
        )

    def hint(self) -> str:
        """Return what would add most now, in words."""
        if self.complete:
            return "enough for a good solution."
        shown = self.bars()
        lacking = min(fields(Bars), key=lambda field: getattr(shown, field.name)).name
        thinnest = min(ROLES, key=self.coverage)
        if self._views and self.coverage(thinnest) < getattr(shown, lacking):
            return f"show the board {_place(self.counts(thinnest))} of the {_ROLE_WORDS[thinnest]} image."
        return {
            "x": "move it to the left and right edges.",
            "y": "move it to the upper and lower edges.",
            "size": "bring it nearer, until it fills the image, and take it farther away.",
            "skew": "turn it, so that its corners are no right angles in the image.",
            "tilt": "tilt it by 30 to 45 degrees, up, down, left and right.",
        }[lacking]

    def _next_name(self) -> str:
        return f"{self._taken + 1:03}"

    def _holding(self, view: BoardView) -> Holding:
        seen = view.mono or view.color
        assert seen is not None, "a view is seen by one camera at least"
        return holding(seen, self.target)

    def _unsteady(self, mono: Detection, time_s: float, skew_s: float | None) -> str:
        before, self._last = self._last, (time_s, mono)
        if before is None or not 0 < time_s - before[0] <= self.settings.longest_gap_s:
            return "Hold it still …"
        ids, now_px, before_px = common_ids(mono, before[1])
        if ids.size == 0:
            return "Hold it still …"
        moved = float(np.sqrt(((now_px - before_px) ** 2).sum(axis=1).mean()))
        allowed = self.settings.still_px * mono.size_px[0] / 1000
        if moved > allowed:
            return f"The board moves: {moved:.1f} px from one image to the next, {allowed:.1f} are allowed."
        if skew_s is not None:
            within = moved / (time_s - before[0]) * abs(skew_s)
            if within > self.settings.skew_px:
                return (
                    f"The board moves {within:.2f} px between the two exposures "
                    f"({abs(skew_s) * 1e3:.1f} ms): hold it stiller, or trigger the cameras together."
                )
        return ""

    def _blurred(self, view: BoardView) -> str:
        for role in ROLES:
            seen = view.of(role)
            assert seen is not None
            if seen.edge_px > self.settings.sharp_px:
                return (
                    f"Not sharp in the {_ROLE_WORDS[role]} image: edges are {seen.edge_px:.1f} px wide, "
                    f"{self.settings.sharp_px:.1f} are allowed. Focus, or expose shorter."
                )
        return ""

    def _too_little(self, view: BoardView) -> str:
        assert view.mono is not None
        assert view.color is not None
        common = common_ids(view.mono, view.color)[0].size
        if common < FEWEST_COMMON:
            return (
                f"Only {common} points are seen by both cameras: {FEWEST_COMMON} are needed. "
                "Show more of the board to both."
            )
        return ""

    def _new_cells(self, view: BoardView) -> int:
        """Return in how many cells of either image this view has the first corner, the better camera."""
        counts = []
        for role in ROLES:
            seen = view.of(role)
            assert seen is not None
            columns, rows = cells_of(seen)
            now = np.zeros(COVERAGE_CELLS[::-1], bool)
            now[rows, columns] = True
            counts.append(int((now & (self.counts(role) == 0)).sum()))
        return max(counts)


def _place(counts: NDArray[np.int64]) -> str:
    """Return where in the image most cells without a corner lie: "in the upper left part"."""
    empty = counts == 0
    rows, columns = (np.array_split(np.arange(size), 3) for size in empty.shape)
    vertical, horizontal = ("upper", "middle", "lower"), ("left", "", "right")
    shares = {
        (row, column): float(empty[np.ix_(rows[row], columns[column])].mean())
        for row in range(3)
        for column in range(3)
    }
    row, column = max(shares, key=lambda place: shares[place])
    words = " ".join(word for word in (vertical[row], horizontal[column]) if word)
    return f"in the {words} part"
