"""What the page Inspect shows: source, items, methods, and everything known of the current item."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from app.inspecting.cache import DEFAULT_LIMIT_BYTES
from app.inspecting.runner import Failed, Made, Progress, Runner
from app.inspecting.sources import Source, freeze, open_source
from app.inspecting.store import LIVE, ResultStore
from app.pipeline.status import LiveResult
from capture.errors import DatasetError
from models.data.pairs import Pair
from models.engine import Colorization, SearchRange
from models.errors import ModelError
from models.evaluation.methods import Prediction

log = logging.getLogger(__name__)

USUAL_METHODS = ("live",)


@dataclass(frozen=True, eq=False)
class ItemData:
    """What is known of the current item by now; results come one after the other.

    Attributes:
        store: where it comes from.
        item: its name.
        pair: its images; None while they are read.
        search: where colours are searched in it.
        predictions: by method, what is there.
        explanations: by method, results with their W.
        problems: by method, why there is no result, one line; under "" what is wrong with the pair.
    """

    store: ResultStore
    item: str
    pair: Pair | None = None
    search: SearchRange | None = None
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    explanations: Mapping[str, Colorization] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


class InspectModel(QObject):
    """Belongs to the GUI thread. What takes time happens in threads of its own; stale answers are dropped.

    Args:
        cache: folder for results.
        limit_bytes: how large it may grow.

    Signals:
        source_changed: another source is open (or none, after a failure).
        methods_changed: other methods; `methods` has their names.
        item_changed: name of the current item.
        shown_changed: `ItemData` of the current item, whenever more of it is known.
        made: item and method of a result that is there now, of whichever item.
        spoiled: item, and why a result of it could not be made.
        progress_changed: `Progress` of the run in bulk.
        failed: one line for the banner.
        busy_changed: whether a source is being opened.
    """

    source_changed = Signal()
    methods_changed = Signal()
    item_changed = Signal(str)
    shown_changed = Signal(object)
    made = Signal(str, str)
    spoiled = Signal(str, str)
    progress_changed = Signal(object)
    failed = Signal(str)
    busy_changed = Signal(bool)
    _answered = Signal(object)

    def __init__(
        self, cache: Path, parent: QObject | None = None, *, limit_bytes: int = DEFAULT_LIMIT_BYTES
    ) -> None:
        super().__init__(parent)
        self._cache = cache
        self._limit_bytes = limit_bytes
        self._specs: tuple[str, ...] = USUAL_METHODS
        self._store: ResultStore | None = None
        self._runner: Runner | None = None
        self._shown: ItemData | None = None
        self._explained = ""
        self._preferred: dict[str, frozenset[str]] = {}
        self._generation = 0
        self._worker: ThreadPoolExecutor | None = None
        self._progress = Progress()
        self._closing: list[threading.Thread] = []
        self._answered.connect(self._on_answered, Qt.ConnectionType.QueuedConnection)

    # --- what is there ---

    @property
    def source(self) -> Source | None:
        """What is open."""
        return None if self._store is None else self._store.source

    @property
    def store(self) -> ResultStore | None:
        """The results of what is open; its calls block, so ask it in a worker thread."""
        return self._store

    @property
    def cache(self) -> Path:
        """Folder for results and measures."""
        return self._cache

    @property
    def items(self) -> Sequence[str]:
        """Names of all pairs, in order."""
        return [] if self._store is None else self._store.items

    @property
    def methods(self) -> Sequence[str]:
        """Names of the methods."""
        return [] if self._store is None else self._store.methods

    @property
    def specs(self) -> tuple[str, ...]:
        """What the methods were opened from."""
        return self._specs

    @property
    def shown(self) -> ItemData | None:
        """What is known of the current item."""
        return self._shown

    @property
    def item(self) -> str:
        """Name of the current item, empty if there is none."""
        return "" if self._shown is None else self._shown.item

    @property
    def progress(self) -> Progress:
        """The run in bulk."""
        return self._progress

    # --- requests ---

    def open(self, path: Path, names: Sequence[str] = (), methods: Sequence[str] = ()) -> None:
        """Open a dataset, a folder of pairs or of results; `source_changed` or `failed` follows.

        Args:
            path, names: see `open_source`.
            methods: specs of those to compare; without, those that results come from, else those in use.
        """
        self._open(lambda: open_source(path, names), tuple(methods))

    def freeze(self, result: LiveResult) -> None:
        """Show a live result."""
        self._open(lambda: freeze(result))

    def use_methods(self, specs: Sequence[str]) -> None:
        """Show the results of these methods; `methods_changed` or `failed` follows."""
        store, specs = self._store, tuple(specs)
        if store is None:
            self._specs = specs
            return

        def job() -> Callable[[], None]:
            store.use_methods(specs)
            return lambda: self._on_methods(store, specs)

        self._submit(job)

    def set_limit(self, limit_bytes: int) -> None:
        """Let kept results take so much room from now on."""
        self._limit_bytes = limit_bytes
        if self._store is not None:
            self._store.limit_bytes = limit_bytes

    def set_item(self, name: str) -> None:
        """Make a pair the current one."""
        store = self._store
        if store is None or name == self.item or name not in store.source.by_name:
            return
        self._shown = ItemData(store, name)
        self.item_changed.emit(name)
        self.shown_changed.emit(self._shown)
        self._load()

    def step(self, count: int) -> None:
        """Go `count` pairs on in the order of the source."""
        names = list(self.items)
        if self.item in names:
            self.set_item(names[max(0, min(len(names) - 1, names.index(self.item) + count))])

    def explain(self, method: str) -> None:
        """Keep W of this method at hand for the current item from now on; empty: of none."""
        if method != self._explained:
            self._explained = method
            self._want()

    def prefer(self, methods: Collection[str], part: str = "canvas") -> None:
        """Make the results of these methods for the current item: this part of the page shows them.

        What nobody shows is not made.
        """
        if self._preferred.get(part) != frozenset(methods):
            self._preferred[part] = frozenset(methods)
            self._want()

    def run_all(self, items: Sequence[str], methods: Sequence[str]) -> None:
        """Make results in bulk."""
        if self._runner is not None:
            self._runner.run_all(items, methods)

    def cancel(self) -> None:
        """Stop making results in bulk."""
        if self._runner is not None:
            self._runner.cancel()

    def close(self) -> None:
        """End all threads, and wait for them. Idempotent."""
        self._generation += 1
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(wait=True, cancel_futures=True)
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()
        for thread in self._closing:
            thread.join()
        self._closing.clear()

    # --- in the worker's and the runner's threads ---

    def _open(self, make: Callable[[], Source], methods: tuple[str, ...] = ()) -> None:
        self._generation += 1
        specs = self._specs
        cache, limit_bytes = self._cache, self._limit_bytes
        self.busy_changed.emit(True)

        def job() -> Callable[[], None]:
            source = make()
            store = ResultStore(source, cache, limit_bytes)
            used, problem = _use_what_opens(store, methods or source.methods or specs)
            return lambda: self._on_opened(store, used, problem)

        self._submit(job)

    def _submit(self, job: Callable[[], Callable[[], None]]) -> None:
        """Run a job in the worker; what it returns is called in the GUI thread unless it is stale by then."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inspect-loader")
        self._worker.submit(self._perform, self._generation, job)

    def _perform(self, generation: int, job: Callable[[], Callable[[], None]]) -> None:
        try:
            answer = job()
        except (ModelError, DatasetError) as error:
            text = str(error)
            self._answered.emit((generation, lambda: self._on_failed(text)))
        except Exception as error:
            log.exception("a request of the page Inspect failed")
            text = f"That failed: {error!r}"
            self._answered.emit((generation, lambda: self._on_failed(text)))
        else:
            self._answered.emit((generation, answer))

    def _tell(self, store: ResultStore, event: Made | Failed | Progress) -> None:
        self._answered.emit((self._generation, lambda: self._on_event(store, event)))

    # --- in the GUI thread ---

    def _on_answered(self, answer: tuple[int, Callable[[], None]]) -> None:
        generation, then = answer
        if generation == self._generation:
            then()

    def _on_failed(self, text: str) -> None:
        self.busy_changed.emit(False)
        self.failed.emit(text)

    def _on_opened(self, store: ResultStore, specs: tuple[str, ...], problem: str) -> None:
        former, self._runner = self._runner, Runner(store, partial(self._tell, store))
        self._runner.start()
        if former is not None:
            # It may be in the middle of a result: nobody waits for that here.
            self._closing = [thread for thread in self._closing if thread.is_alive()]
            self._closing.append(threading.Thread(target=former.close, name="inspect-former"))
            self._closing[-1].start()
        self._store, self._specs, self._shown = store, specs, None
        self._progress = Progress()
        self.busy_changed.emit(False)
        self.source_changed.emit()
        self.methods_changed.emit()
        self.progress_changed.emit(self._progress)
        if store.items:
            self.set_item(store.items[0])
        if problem:
            self.failed.emit(problem)

    def _on_methods(self, store: ResultStore, specs: tuple[str, ...]) -> None:
        if store is not self._store:
            return
        self._specs = specs
        self.methods_changed.emit()
        if self._shown is not None:
            self._load()

    def _load(self) -> None:
        """Read the current item and what there is of its results; the rest is made."""
        shown = self._shown
        if shown is None:
            return
        store, item = shown.store, shown.item
        wanted = ItemData(store, item)

        def job() -> Callable[[], None]:
            now = self._shown
            if now is None or now.store is not store or now.item != item:
                return lambda: None  # the person has gone on to another pair
            try:
                pair, search = store.pair(item), store.search(item)
                there = {m: p for m in store.methods if (p := store.prediction(item, m)) is not None}
            except (ModelError, DatasetError) as error:
                text = str(error)
                return lambda: self._on_loaded(replace(wanted, problems={"": text}))
            return lambda: self._on_loaded(replace(wanted, pair=pair, search=search, predictions=there))

        self._submit(job)

    def _on_loaded(self, loaded: ItemData) -> None:
        if self._shown is None or self._shown.item != loaded.item or self._shown.store is not loaded.store:
            return
        self._shown = replace(loaded, explanations=self._shown.explanations)
        self.shown_changed.emit(self._shown)
        self._want()

    def _want(self) -> None:
        """Ask for the results of the current item that are not there."""
        shown = self._shown
        if shown is None or shown.pair is None or self._runner is None:
            return
        preferred = frozenset[str]().union(*self._preferred.values())
        explained = self._explained if shown.store.explains(self._explained) else ""
        wishes = [
            (shown.item, method, method == explained)
            for method in shown.store.methods
            if method not in shown.problems
            and (
                (method in preferred and method not in shown.predictions)
                or (method == explained and method not in shown.explanations)
            )
        ]
        self._runner.want(sorted(wishes, key=lambda wish: (not wish[2], wish[1] != LIVE)))

    def _on_event(self, store: ResultStore, event: Made | Failed | Progress) -> None:
        if store is not self._store:
            return
        if isinstance(event, Progress):
            self._progress = event
            self.progress_changed.emit(event)
            return
        shown = self._shown
        if isinstance(event, Made):
            self.made.emit(event.item, event.method)
        else:
            self.spoiled.emit(event.item, f"{event.method}: {event.problem}")
        if shown is None or event.item != shown.item:
            return
        if isinstance(event, Failed):
            problems = {**shown.problems, event.method: event.problem}
            self._shown = replace(shown, problems=problems)
        else:
            self._shown = _with(shown, event)
        self.shown_changed.emit(self._shown)


def _use_what_opens(store: ResultStore, specs: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Use those methods that can be opened: weights that are gone must not keep anyone from the pairs.

    Returns them, and what is wrong with the others in one line.
    """
    problem = ""
    usable = list(specs)
    for spec in specs:
        try:
            store.use_methods((spec,))
        except ModelError as error:
            problem = str(error)
            usable.remove(spec)
    kept = tuple(usable) or USUAL_METHODS
    store.use_methods(kept)
    return kept, problem


def _with(shown: ItemData, event: Made) -> ItemData:
    predictions, explanations = dict(shown.predictions), dict(shown.explanations)
    if event.prediction is not None:
        predictions[event.method] = event.prediction
    if event.explanation is not None:
        explanations[event.method] = event.explanation
    problems = dict(shown.problems)
    if event.prediction is None:
        problems[event.method] = f"{event.method} was trained on this pair: it says nothing of it."
    return replace(shown, predictions=predictions, explanations=explanations, problems=problems)
