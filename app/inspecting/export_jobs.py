"""Exports that take a while: each makes what is missing, tells how far it is, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.inspecting.export_figure import Crop, draw_figure, make_row, picture_of
from app.inspecting.export_files import free_name, write_png
from app.inspecting.export_report import usual_column, worst_grids, write_report
from app.inspecting.export_video import Cancelled, VideoLook, write_video
from app.inspecting.measures import Measure
from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_run import measured_rows
from app.inspecting.store import ResultStore
from capture.errors import DatasetError
from models.color import as_uint8
from models.errors import ModelError
from models.evaluation.methods import Prediction

Kind = Literal["figure", "video", "report"]
KINDS: tuple[Kind, ...] = ("figure", "video", "report")
Tell = Callable[[object], None]
IsCancelled = Callable[[], bool]
_WORST_PICTURES = 8


@dataclass(frozen=True)
class ExportWish:
    """What to export.

    Attributes:
        kind: what becomes of it.
        folder: where the file goes; it gets a name of its own and replaces nothing.
        items, methods: whose results, in order.
        stage: which picture of a method: refined, first or second.
        truth: figure: a last column with it.
        crops: figure: places to show larger, of every pair; none: `auto_crops` that the program finds.
        auto_crops: figure: how many to find.
        ending: video: .avi or .mp4.
        frames_per_s, hold, labels: video, as in `VideoLook`.
        by, gates: report: what the worst are worst by, and how gates are called.
    """

    kind: Kind
    folder: Path
    items: Sequence[str]
    methods: Sequence[str]
    stage: str = "refined"
    truth: bool = False
    crops: tuple[Crop, ...] = ()
    auto_crops: int = 2
    ending: str = ".avi"
    frames_per_s: float = 5.0
    hold: int = 1
    labels: bool = True
    by: Measure | None = None
    gates: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class ExportStep:
    """How far an export is."""

    done: int
    total: int
    what: str


def export(
    wish: ExportWish, store: ResultStore, cache: Path, tell: Tell, is_cancelled: IsCancelled
) -> Path | None:
    """Export; return the file, None if it was cancelled. For a worker thread.

    Args:
        cache: folder that measures are kept in.
        tell: gets `ExportStep`.

    Raises:
        DatasetError, ModelError: in one line.
    """
    if not wish.items or not wish.methods:
        raise DatasetError("nothing to export: choose pairs and methods")
    title = store.source.title.replace(" ", "-")
    try:
        if wish.kind == "figure":
            return _figure(wish, store, free_name(wish.folder / f"{title}-figure.png"), tell, is_cancelled)
        if wish.kind == "video":
            path = free_name(wish.folder / f"{title}-video{wish.ending}")
            return _video(wish, store, path, tell, is_cancelled)
        path = free_name(wish.folder / f"{title}-report.html")
        return _report(wish, store, MeasuresCache(cache / "measures"), path, tell, is_cancelled)
    except Cancelled:
        return None


def _figure(wish: ExportWish, store: ResultStore, path: Path, tell: Tell, is_cancelled: IsCancelled) -> Path:
    rows = []
    for done, item in enumerate(wish.items):
        tell(ExportStep(done, len(wish.items), item))
        predictions = _made(wish, store, item, is_cancelled)
        pair = store.pair(item)
        if wish.truth and pair.truth is None:
            raise DatasetError(f"{item} has no truth: leave the column away, or choose other pairs")
        try:
            rows.append(
                make_row(
                    pair,
                    predictions,
                    stage=wish.stage,
                    crops=wish.crops,
                    truth=wish.truth,
                    auto_crops=wish.auto_crops,
                )
            )
        except ValueError as error:
            raise DatasetError(f"{item}: {error}") from error
    captions = ["input pair", *wish.methods, *(["truth"] if wish.truth else [])]
    write_png(path, draw_figure(rows, captions))
    return path


def _video(wish: ExportWish, store: ResultStore, path: Path, tell: Tell, is_cancelled: IsCancelled) -> Path:
    def frames() -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
        for item in wish.items:
            pictures = [picture_of(made, wish.stage) for made in _made(wish, store, item, is_cancelled)]
            pair = store.pair(item)
            yield item, [as_uint8(pair.mono), as_uint8(pair.reference), *pictures]

    def on_frame(done: int) -> None:
        tell(ExportStep(done, len(wish.items), wish.items[done - 1]))

    look = VideoLook(("mono", "reference", *wish.methods), wish.frames_per_s, wish.hold, wish.labels)
    write_video(path, frames(), look, on_frame=on_frame, is_cancelled=is_cancelled)
    return path


def _report(
    wish: ExportWish,
    store: ResultStore,
    cache: MeasuresCache,
    path: Path,
    tell: Tell,
    is_cancelled: IsCancelled,
) -> Path:
    for done, item in enumerate(wish.items):
        tell(ExportStep(done, 2 * len(wish.items), item))
        _made(wish, store, item, is_cancelled)
    rows = []
    for row in measured_rows(store, cache, items=wish.items, methods=wish.methods, is_cancelled=is_cancelled):
        rows.append(row)
        done = len(wish.items) + len(rows) // len(wish.methods)
        tell(ExportStep(done, 2 * len(wish.items), f"{row.item}, {row.method}"))
    if is_cancelled():
        raise Cancelled(str(path))
    about = {
        "source": str(store.source.path or store.source.title),
        "methods": ", ".join(wish.methods),
        "pairs": str(len(wish.items)),
    }
    by = wish.by or usual_column(rows)
    grids = worst_grids(store, rows, by, _WORST_PICTURES)
    write_report(path, rows, grids, about, gates={gate.key: gate for gate in wish.gates}, by=by)
    return path


def _made(wish: ExportWish, store: ResultStore, item: str, is_cancelled: IsCancelled) -> list[Prediction]:
    """Return the results of a pair, made where they are not there."""
    predictions = []
    for method in wish.methods:
        if is_cancelled():
            raise Cancelled(item)
        prediction = store.make(item, method)
        if prediction is None:
            raise ModelError(f"{method} has no result for {item}")
        predictions.append(prediction)
    return predictions
