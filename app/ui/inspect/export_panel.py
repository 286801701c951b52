"""The tab "Export": a figure, a video or a report of chosen pairs and methods, made in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.export_figure import Crop
from app.inspecting.export_jobs import ExportStep, export
from app.inspecting.measures import Measure
from app.ui.calibration.jobs import Job
from app.ui.inspect.export_form import TIPS, ExportForm
from app.ui.inspect.model import InspectModel
from app.ui.settings import UiSettings


class ExportPanel(QWidget):
    """Form and progress of exports.

    Args:
        selected, worst, visible: as for `ExportForm`.

    Signals:
        exported: the file that was written.
        failed: one line for the banner.
    """

    exported = Signal(object)
    failed = Signal(str)

    def __init__(
        self,
        model: InspectModel,
        settings: UiSettings,
        selected: Callable[[], Sequence[str]],
        worst: Callable[[], tuple[Sequence[str], Measure | None]],
        visible: Callable[[], Crop | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._settings = model, settings
        self._dialog: QFileDialog | None = None
        self._written: Path | None = None
        self._job = Job("exporting", self)
        self.form = ExportForm(model, selected, worst, visible, self)
        self._make_parts()
        self._arrange()
        self._connect()
        self._on_kind()

    @property
    def folder(self) -> Path:
        """Where files go."""
        return self._settings.export_folder or usual_folder()

    @property
    def running(self) -> bool:
        """Whether an export is under way."""
        return self._job.running

    def start(self) -> None:
        """Export what the form asks for."""
        store = self._model.store
        if store is None:
            self.failed.emit("Nothing is open to export.")
            return
        wish, cache = self.form.wish(self.folder), self._model.cache
        self.progress.setRange(0, 0)
        self.words.setText("Begins …")
        self._written = None
        self._job.start(lambda tell, cancelled: export(wish, store, cache, tell, cancelled))
        self._show_running()

    def cancel(self) -> None:
        """Give the export up; nothing is left of it."""
        self._job.cancel()
        self.words.setText("Stopped; nothing was written.")

    def close_threads(self) -> None:
        """End what runs in the background."""
        self._job.close()

    def choose_folder(self) -> None:
        """Ask where files should go."""
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Folder for exports")
            self._dialog.setModal(False)
            self._dialog.setFileMode(QFileDialog.FileMode.Directory)
            self._dialog.setOption(QFileDialog.Option.ShowDirsOnly)
            self._dialog.fileSelected.connect(self._on_folder)
        self._dialog.show()

    def _on_kind(self) -> None:
        self.tip.setText(TIPS[self.form.kind])
        self._show_running()

    def _on_step(self, step: ExportStep) -> None:
        self.progress.setRange(0, step.total)
        self.progress.setValue(step.done)
        self.words.setText(f"{step.done} of {step.total}: {step.what}")

    def _on_finished(self, path: Path | None) -> None:
        if path is None:
            return
        self._written = path
        self.words.setText(f"Written: {path}")
        self.exported.emit(path)

    def _on_failed(self, problem: str) -> None:
        self.words.setText("Not written.")
        self.failed.emit(problem)

    def _show_running(self) -> None:
        running = self._job.running
        self.progress.setVisible(running)
        self.start_button.setText("Export")
        self.start_button.setEnabled(not running)
        self.cancel_button.setVisible(running)
        self.show_button.setVisible(self._written is not None and not running)

    def _on_folder(self, folder: str) -> None:
        self._settings.export_folder = Path(folder)
        self._show_folder()

    def _show_folder(self) -> None:
        self.folder_button.setText(f"To {self.folder.name}/ …")
        self.folder_button.setToolTip(f"Exports go to {self.folder}. Click to choose another folder.")

    def _on_show(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written)))

    def _make_parts(self) -> None:
        self.tip = QLabel(self)
        self.tip.setWordWrap(True)
        self.tip.setProperty("role", "dim")
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.progress = QProgressBar(self)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.start_button = QPushButton("Export", self)
        self.cancel_button = QPushButton("Stop", self)
        self.show_button = QPushButton("Open it", self)
        self.folder_button = QPushButton(self)
        self._show_folder()

    def _arrange(self) -> None:
        self.setMinimumHeight(120)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.show_button)
        buttons.addStretch(1)
        end = QVBoxLayout()
        end.setSpacing(6)
        end.addWidget(self.tip)
        end.addLayout(buttons)
        end.addWidget(self.progress)
        end.addWidget(self.words)
        end.addStretch(1)
        end.addWidget(self.folder_button, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 6)
        row.setSpacing(14)
        row.addWidget(self.form, 2)
        row.addLayout(end, 1)

    def _connect(self) -> None:
        self.form.kind_changed.connect(self._on_kind)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self.show_button.clicked.connect(self._on_show)
        self.folder_button.clicked.connect(self.choose_folder)
        self._job.progressed.connect(self._on_step)
        self._job.finished.connect(self._on_finished)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._show_running)


def usual_folder() -> Path:
    """Return where exports go unless a person chose: the user's pictures."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(place or Path.home()) / "CycleRig"
