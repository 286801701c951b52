"""Opens whatever is dropped on the window, and what was open before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.browsing.kinds import Found, look_at
from app.ui.banner import Banner, Toast
from app.ui.settings import UiSettings
from models.errors import ModelError


@dataclass(frozen=True)
class Ways:
    """How the window opens each kind of thing.

    Attributes:
        rig: by its name: a rig file's path, or "replay:DIR".
        dataset: on the page Dataset.
        inspect: pairs (all, or those named) or results, on the page Inspect.
        weights: as the model, or as one more method to inspect.
        calibration: to rectify with from now on.
    """

    rig: Callable[[str], object]
    dataset: Callable[[Path], None]
    inspect: Callable[[Path, tuple[str, ...]], None]
    weights: Callable[[Path], None]
    calibration: Callable[[Path], None]


class Opening(QObject):
    """Takes drops for a window, and fills its menu of recent things. For the GUI thread."""

    _checked = Signal(object, str)

    def __init__(
        self, window: QWidget, ways: Ways, settings: UiSettings, banner: Banner, toast: Toast
    ) -> None:
        super().__init__(window)
        self._ways = ways
        self._settings = settings
        self._banner = banner
        self._toast = toast
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="opening")
        self._checked.connect(self._on_checked, Qt.ConnectionType.QueuedConnection)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def open(self, path: Path) -> None:
        """Open what lies at a path; what cannot be opened is said in the banner."""
        try:
            found = look_at(path)
        except OSError as error:
            self._banner.show_failure(f"cannot open {path}: {error.strerror or error}")
            return
        if found.kind == "unknown":
            self._banner.show_failure(found.why)
        elif found.kind == "rig":
            self._ways.rig(str(found.path))
        elif found.kind == "dataset":
            self._ways.dataset(found.path)
        elif found.kind in ("pairs", "results"):
            self._ways.inspect(found.path, found.names)
        elif found.kind == "weights":
            self._toast.flash(f"Reading {found.path.name} …", stays=True)
            self._worker.submit(self._check, found.path)
        else:
            self._ways.calibration(found.path)

    def close(self) -> None:
        """End the thread, and wait for it."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    # --- weights are read elsewhere: they take a second ---

    def _check(self, path: Path) -> None:
        from models.presets import load_networks

        try:
            load_networks(path)
        except ModelError as error:
            self._checked.emit(path, str(error))
        except Exception as error:  # noqa: BLE001 - the user must learn of it; the thread must go on
            self._checked.emit(path, f"{path} cannot be read: {error}")
        else:
            self._checked.emit(path, "")

    def _on_checked(self, path: Path, problem: str) -> None:
        self._toast.hide()
        if problem:
            self._banner.show_failure(problem)
        else:
            self._ways.weights(path)

    # --- recent things ---

    def fill(self, menu: QMenu) -> None:
        """Make a menu show what was open before, whenever it is opened."""
        menu.aboutToShow.connect(partial(self._fill, menu))
        menu.triggered.connect(self._on_recent)

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        settings = self._settings
        for title, paths in (
            ("Rigs", tuple(name.removeprefix("replay:") for name in settings.recent_rigs)),
            ("Datasets", tuple(map(str, settings.recent_datasets))),
            ("Inspected", tuple(map(str, settings.recent_sources))),
        ):
            if paths:
                menu.addSection(title)
            for path in paths:
                action = menu.addAction(_short(Path(path)).replace("&", "&&"))
                action.setToolTip(escape(path))
                action.setData((title, path))
                action.setEnabled(Path(path).exists())
        if menu.isEmpty():
            menu.addAction("Nothing was open before").setEnabled(False)

    def _on_recent(self, action: QAction) -> None:
        data = action.data()
        if not data:
            return
        title, path = data
        if title == "Rigs":
            self._ways.rig(path if path.endswith(".toml") else f"replay:{path}")
        elif title == "Datasets":
            self._ways.dataset(Path(path))
        else:
            self._ways.inspect(Path(path), ())

    # --- dropping ---

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take files and folders that are dragged over the window."""
        del watched
        if event.type() == QEvent.Type.DragEnter and isinstance(event, QDragEnterEvent):
            paths = dropped_paths(event.mimeData())
            if paths:
                event.acceptProposedAction()
                self._toast.flash(_looked_at(paths[0]).words, stays=True)
                return True
        elif event.type() == QEvent.Type.DragLeave:
            self._toast.hide()
        elif event.type() == QEvent.Type.Drop and isinstance(event, QDropEvent):
            paths = dropped_paths(event.mimeData())
            if paths:
                event.acceptProposedAction()
                self._toast.hide()
                self.open(paths[0])
                for path in paths[1:]:
                    if (
                        path.suffix == ".safetensors"
                    ):  # several networks are compared; of all else, one is open
                        self.open(path)
                return True
        return False


def dropped_paths(data: QMimeData) -> list[Path]:
    """Return the files and folders of this computer that are dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def _looked_at(path: Path) -> Found:
    try:
        return look_at(path)
    except OSError as error:
        return Found("unknown", path, why=f"cannot open {path}: {error.strerror or error}")


def _short(path: Path) -> str:
    """Return a path that fits into a menu: its name, and the end of where it lies."""
    place = str(path.parent)
    return f"{path.name}    {place if len(place) <= 40 else f'…{place[-40:]}'}"
