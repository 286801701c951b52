"""The sets of pairs that methods are judged on: where colours are searched, and which subsets have a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.data.pairs import Pair, PairSource, open_pairs, pair_folders
from models.engine import SearchRange, usual_search
from models.errors import ModelError

KNOWN_RANGES = {
    "real_pairs": SearchRange(48),
    "kitti_mono_color": SearchRange(24, offset=-2),
    "middlebury_v3": SearchRange(144),
    "middlebury_2001_2003": SearchRange(64),
    "sceneflow": SearchRange(144),
}
"""Candidates that cover the disparities of public sets, by the name of their folder."""

CHANGED_LIGHT = frozenset({"ArtL", "PianoL", "MotorcycleE"})
"""Middlebury pairs whose two views were taken under different light or exposure."""

PairId = tuple[str, str]
"""Name of the set and of the pair."""


@dataclass(frozen=True, eq=False)
class DataSet:
    """One folder of pairs.

    Attributes:
        name: the folder's.
        source: its pairs.
        search: candidates of every pair; None: what the pair says, else what is usual for its width.
    """

    name: str
    source: PairSource
    search: SearchRange | None

    def search_for(self, pair: Pair) -> SearchRange:
        """Return where to search the colours of a pair."""
        if self.search is not None:
            return self.search
        usual = usual_search(pair.mono.shape[1])
        return replace(usual, max_disparity=pair.max_disparity or usual.max_disparity)


def open_sets(folders: Sequence[Path], ranges: Mapping[str, SearchRange]) -> list[DataSet]:
    """Open folders of pairs, and folders of such folders.

    Args:
        folders: what a person named.
        ranges: candidates by name of the set; they come before `KNOWN_RANGES`.

    Raises:
        ModelError: no pairs there, two sets of one name, a range for a set that is not there.
    """
    found = [inside for folder in folders for inside in pair_folders(folder)]
    names = [folder.resolve().name for folder in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"two folders of pairs are called {twice}: rename one")
    unknown = next((name for name in ranges if name not in names), None)
    if unknown is not None:
        raise ModelError(f"a search range for {unknown}, but the sets are {', '.join(names)}")
    wanted = {**KNOWN_RANGES, **ranges}
    return [
        DataSet(name, open_pairs(folder), wanted.get(name)) for name, folder in zip(names, found, strict=True)
    ]


def groups(pairs: Iterable[PairId]) -> dict[str, list[PairId]]:
    """Return the pairs by what tables have a row for: every set, and the named unions and subsets.

    `middlebury` takes the place of several sets whose names begin so; `middlebury, same light` leaves out
    `CHANGED_LIGHT`.
    """
    every = list(pairs)
    found: dict[str, list[PairId]] = {}
    for pair in every:
        found.setdefault(pair[0], []).append(pair)
    middlebury = [pair for pair in every if pair[0].startswith("middlebury")]
    same_light = [pair for pair in middlebury if pair[1] not in CHANGED_LIGHT]
    parts = {name for name, _ in middlebury}
    if len(parts) > 1:
        found = {name: pairs for name, pairs in found.items() if name not in parts}
        found["middlebury"] = middlebury
    if len(same_light) < len(middlebury):
        found["middlebury, same light"] = same_light
    return found
