"""What can be inspected: datasets, folders of pairs, folders of results, and a frame frozen from live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from app.inspecting.foreign import FoundPairs, is_kitti_like
from app.pipeline.status import LiveResult
from app.training_data import CapturedPairs, is_captured
from capture.calibration import RigCalibration, load_calibration
from capture.dataset_records import PairRecord
from capture.errors import CalibrationError
from models.data.pairs import Pair
from models.engine import Colorization, SearchRange
from models.errors import ModelError
from models.evaluation.evaluated import is_evaluation, read_evaluated
from models.evaluation.sets import DataSet, open_sets


@dataclass(frozen=True, eq=False)
class Item:
    """A pair that can be inspected.

    Attributes:
        name: unique in its source.
        data: the set it belongs to.
        index: its number there.
        record: what a captured dataset knows of it.
        calibration_file: what it was rectified with, None if that is not known.
    """

    name: str
    data: DataSet
    index: int
    record: PairRecord | None = None
    calibration_file: Path | None = None

    def read(self) -> Pair:
        """Read it; it keeps the name it has here. Raises ModelError."""
        return replace(self.data.source.read(self.index), name=self.name)

    def calibration(self) -> RigCalibration | None:
        """Return what it was rectified with. Raises ModelError."""
        if self.calibration_file is None:
            return None
        try:
            return load_calibration(self.calibration_file)
        except CalibrationError as error:
            raise ModelError(str(error)) from error


@dataclass(frozen=True, eq=False)
class Source:
    """Something that was opened.

    Attributes:
        title: its name on screen.
        path: where it lies; None for a frame from live.
        items: its pairs, in order.
        methods: specs (see `models.evaluation.methods`) that its results come from, if it has results.
        results: folder of an evaluation whose predictions are there already.
        live: by item, a result that was frozen, with its W.
        notice: what a person should know of it; empty for nothing.
    """

    title: str
    path: Path | None
    items: Sequence[Item]
    methods: tuple[str, ...] = ()
    results: Path | None = None
    live: Mapping[str, Colorization] = field(default_factory=dict)
    notice: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, Item]:
        """Return the items by their names."""
        return {item.name: item for item in self.items}

    def item(self, name: str) -> Item:
        """Return an item. Raises ModelError if there is none of that name."""
        if name not in self.by_name:
            raise ModelError(f"{self.title} has no pair {name}")
        return self.by_name[name]


def open_source(path: Path, names: Sequence[str] = ()) -> Source:
    """Open what lies at a path.

    Args:
        path: a captured dataset, a folder of pairs (or of such folders), a KITTI-like one, or what `evaluate`
            wrote.
        names: of the pairs to show; all without.

    Raises:
        ModelError: in one line: nothing there that can be inspected, or what reading it raises.
    """
    if not path.exists():
        raise ModelError(f"{path} does not exist")
    if is_evaluation(path):
        source = _open_results(path)
    elif is_captured(path):
        source = _open_captured(path)
    elif is_kitti_like(path):
        source = _open_found(path)
    else:
        source = Source(path.resolve().name, path, _items_of(open_sets([path], {})))
    return _narrowed(source, names) if names else source


def freeze(result: LiveResult) -> Source:
    """Return the newest live result as a source of one pair, with its W."""
    pair = Pair(
        name="live",
        scene="live",
        mono=result.rectified.mono,
        reference=result.rectified.reference,
        truth=None if result.truth is None else result.truth.color,
        disparity=None if result.truth is None else result.truth.disparity,
        visible=None if result.truth is None else ~result.truth.occluded,
    )
    data = DataSet("live", _OnePair(pair), result.colorization.search)
    item = _ItemWithCalibration("live", data, 0, in_use=result.rectified.calibration)
    return Source("Frozen from live", None, (item,), live={"live": result.colorization})


@dataclass(frozen=True, eq=False)
class _ItemWithCalibration(Item):
    in_use: RigCalibration | None = None

    def calibration(self) -> RigCalibration | None:
        return self.in_use


class _OnePair:
    """A pair in memory as a source of pairs."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self.names: Sequence[str] = (pair.name,)

    def __len__(self) -> int:
        return 1

    def read(self, index: int) -> Pair:
        """Return the pair."""
        del index
        return self._pair

    def scene_of(self, index: int) -> str:
        """Return its scene."""
        del index
        return self._pair.scene


def _open_captured(path: Path) -> Source:
    pairs = CapturedPairs(path, unrectified=True)
    name = path.resolve().name
    sets: dict[Path | None, DataSet] = {}
    items = []
    for index, record in enumerate(pairs.records):
        file = pairs.known_calibration(index)
        if file not in sets:
            search = None if file is None else SearchRange(pairs.max_disparity(index))
            sets[file] = DataSet(name, pairs, search)
        items.append(Item(record.name, sets[file], index, record, file))
    notice = ""
    if None in sets:
        notice = f"{name} has no calibration: its pairs are shown as the cameras gave them, not rectified."
    return Source(name, path, items, notice=notice)


def _items_of(sets: Sequence[DataSet]) -> list[Item]:
    several = len(sets) > 1
    return [
        Item(f"{data.name}/{name}" if several else name, data, index)
        for data in sets
        for index, name in enumerate(data.source.names)
    ]


def _open_results(path: Path) -> Source:
    """Open an evaluation: the pairs that it read, and the methods that it judged."""
    made_from = read_evaluated(path)
    missing = [folder for folder in made_from.data if not folder.is_dir()]
    if missing:
        raise ModelError(f"{path} was made from {missing[0]}, which is not there any more: bring it back")
    items = _items_of(open_sets(made_from.data, made_from.ranges))
    return Source(path.resolve().name, path, items, made_from.methods, path)


def _open_found(path: Path) -> Source:
    """Open pairs in folders as KITTI names them."""
    pairs = FoundPairs(path)
    data = DataSet(path.resolve().name, pairs, pairs.search)
    items = [
        _ItemWithCalibration(name, data, n, in_use=pairs.calibration) for n, name in enumerate(pairs.names)
    ]
    return Source(path.resolve().name, path, items)


def _narrowed(source: Source, names: Sequence[str]) -> Source:
    return replace(source, items=[source.item(name) for name in names])
