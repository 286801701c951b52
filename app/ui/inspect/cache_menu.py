"""The menu about kept results: where they are, how much room they take, and how much they may."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QAction, QActionGroup, QDesktopServices
from PySide6.QtWidgets import QMenu, QWidget

from app.inspecting.cache import CacheSize, size_of, trim
from app.ui.calibration.jobs import Job
from app.ui.settings import UiSettings

LIMITS_GB = (1, 4, 16, 64, 256)


class CacheMenu(QMenu):
    """Results are kept by the content of their pair and of their weights, so that nothing is computed twice.

    Args:
        folder: where they are.

    Signals:
        limit_changed: bytes that they may take from now on.
    """

    limit_changed = Signal(object)

    def __init__(self, folder: Path, settings: UiSettings, parent: QWidget) -> None:
        super().__init__("Kept results", parent)
        self._folder = folder
        self._settings = settings
        self.setToolTipsVisible(True)
        self._size = self.addAction("Counting …")
        self._size.setEnabled(False)
        self._limits = QActionGroup(self)
        limits = self.addMenu("At most")
        for gb in sorted({*LIMITS_GB, settings.inspect_cache_gb}):
            action = QAction(f"{gb} GB", self._limits)
            action.setCheckable(True)
            action.setData(gb)
            action.setChecked(gb == settings.inspect_cache_gb)
            limits.addAction(action)
        self._limits.triggered.connect(self._on_limit)
        show = self.addAction("Open their folder")
        show.setToolTip(str(folder))
        show.triggered.connect(self._on_open)
        empty = self.addAction("Remove all of them")
        empty.setToolTip(
            "They are made again when they are wanted; results of evaluations stay where they are"
        )
        empty.triggered.connect(self._on_empty)
        self._job = Job("kept results", self)
        self._job.finished.connect(self._on_counted)
        self.aboutToShow.connect(self._on_show)

    @property
    def limit_bytes(self) -> int:
        """How much room they may take."""
        return self._settings.inspect_cache_gb << 30

    def size_words(self) -> str:
        """Return what the first line says."""
        return self._size.text()

    def close_threads(self) -> None:
        """Wait for what runs, then keep to the limit."""
        self._job.close()
        trim(self._folder, self.limit_bytes)

    def _on_show(self) -> None:
        self._size.setText("Counting …")
        self._trim_to(None)

    def _on_limit(self, action: QAction) -> None:
        self._settings.inspect_cache_gb = int(action.data())
        self.limit_changed.emit(self.limit_bytes)
        self._trim_to(self.limit_bytes)

    def _on_empty(self) -> None:
        self._trim_to(0)

    def _trim_to(self, limit_bytes: int | None) -> None:
        folder = self._folder

        def work(_tell: Callable[[object], None], _cancelled: Callable[[], bool]) -> CacheSize:
            if limit_bytes is not None:
                trim(folder, limit_bytes)
            return size_of(folder)

        self._job.start(work)

    def _on_counted(self, size: CacheSize) -> None:
        share = f"{size.bytes / 2**20:.0f} MB of {self._settings.inspect_cache_gb} GB"
        self._size.setText(f"{size.count} results, {share}")

    def _on_open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))
