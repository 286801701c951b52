"""The tab "Export": a figure, a video or a report of chosen pairs and methods, made in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.inspecting.export_figure import STAGES
from app.inspecting.export_jobs import KINDS, ExportStep, ExportWish, Kind, export
from app.inspecting.measures import Measure
from app.ui.calibration.jobs import Job
from app.ui.inspect.measured import GATE_COLUMNS
from app.ui.inspect.model import InspectModel
from app.ui.settings import UiSettings

TITLES: dict[Kind, str] = {"figure": "Figure", "video": "Video", "report": "Report"}
TIPS: dict[Kind, str] = {
    "figure": "One PNG as in the paper: a row for each pair, a column for each method, places shown larger.",
    "video": "All methods side by side, one pair after the other.",
    "report": "One HTML file with all measures, charts and pictures of the worst pairs; needs no network.",
}
CURRENT, SELECTED, WORST, ALL = "current", "selected", "worst", "all"
FOUND, VISIBLE, NONE = "found", "visible", "none"


class ExportPanel(QWidget):
    """Form and progress of exports.

    Args:
        selected: names of the pairs that are selected in the list.
        worst: the table's rows as they are ordered: names of pairs, the worst first, and by what.
        visible: the part of the picture that is on screen as x, y, width, height; None: all of it.

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
        visible: Callable[[], tuple[int, int, int, int] | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model, self._settings = model, settings
        self._selected, self._worst, self._visible = selected, worst, visible
        self._dialog: QFileDialog | None = None
        self._written: Path | None = None
        self._job = Job("exporting", self)
        self._make_fields()
        self._arrange()
        self._connect()
        self._on_kind()
        self._offer_methods()

    @property
    def folder(self) -> Path:
        """Where files go."""
        return self._settings.export_folder or usual_folder()

    @property
    def running(self) -> bool:
        """Whether an export is under way."""
        return self._job.running

    def choose_kind(self, kind: Kind) -> None:
        """Offer this kind of export."""
        self.kind_box.setCurrentIndex(KINDS.index(kind))

    def wish(self) -> ExportWish:
        """Return what the form asks for."""
        items, by = self._items()
        place = self._visible() if self.crop_box.currentData() == VISIBLE else None
        return ExportWish(
            kind=self.kind_box.currentData(),
            folder=self.folder,
            items=items,
            methods=self._methods(),
            stage=self.stage_box.currentData(),
            truth=self.truth_box.isChecked(),
            crops=() if place is None else (place,),
            auto_crops=2 if self.crop_box.currentData() == FOUND else 0,
            ending=self.ending_box.currentData(),
            frames_per_s=self.rate_box.value(),
            labels=self.labels_box.isChecked(),
            by=by,
            gates=tuple(GATE_COLUMNS.values()),
        )

    def start(self) -> None:
        """Export what the form asks for."""
        store = self._model.store
        if store is None:
            self.failed.emit("Nothing is open to export.")
            return
        wish, cache = self.wish(), self._model.cache
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

    def _items(self) -> tuple[list[str], Measure | None]:
        which = self.pairs_box.currentData()
        worst, by = self._worst()
        if which == CURRENT:
            return ([self._model.item] if self._model.item else []), by
        if which == SELECTED:
            return list(self._selected()), by
        if which == WORST:
            return list(dict.fromkeys(worst))[: self.count_box.value()], by
        return list(self._model.items), by

    def _methods(self) -> list[str]:
        entries = [self.methods.item(i) for i in range(self.methods.count())]
        return [entry.text() for entry in entries if entry.checkState() == Qt.CheckState.Checked]

    def _offer_methods(self) -> None:
        unchecked = {
            self.methods.item(i).text()
            for i in range(self.methods.count())
            if self.methods.item(i).checkState() == Qt.CheckState.Unchecked
        }
        self.methods.clear()
        for name in self._model.methods:
            entry = QListWidgetItem(name, self.methods)
            entry.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            state = Qt.CheckState.Unchecked if name in unchecked else Qt.CheckState.Checked
            entry.setCheckState(state)

    def _on_kind(self) -> None:
        kind: Kind = self.kind_box.currentData()
        self.kind_box.setToolTip(TIPS[kind])
        self.tip.setText(TIPS[kind])
        for field, kinds in (
            (self.stage_box, ("figure", "video")),
            (self.crop_box, ("figure",)),
            (self.truth_box, ("figure",)),
            (self.ending_box, ("video",)),
            (self.rate_box, ("video",)),
            (self.labels_box, ("video",)),
        ):
            self._options.setRowVisible(field, kind in kinds)
        self._show_running()

    def _on_pairs(self) -> None:
        self.count_box.setVisible(self.pairs_box.currentData() == WORST)

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

    def _make_fields(self) -> None:
        self.kind_box = _box(self, [(TITLES[kind], kind) for kind in KINDS], "")
        self.pairs_box = _box(
            self,
            [
                ("Current pair", CURRENT),
                ("Selected pairs", SELECTED),
                ("Worst of the table", WORST),
                ("All pairs", ALL),
            ],
            "Which pairs become rows, frames or lines.",
        )
        self.count_box = QSpinBox(self)
        self.count_box.setRange(1, 100)
        self.count_box.setValue(4)
        self.count_box.setToolTip("How many pairs.")
        self.methods = QListWidget(self)
        self.methods.setMinimumHeight(50)
        self.methods.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.methods.setToolTip("Methods, in this order. Results that are not there are made.")
        self.methods.setAccessibleName("Methods to export")
        self.stage_box = _box(
            self, [(f"{stage.capitalize()} result", stage) for stage in STAGES], "Which picture of a method."
        )
        self.crop_box = _box(
            self,
            [("Where they differ", FOUND), ("What is on screen", VISIBLE), ("None", NONE)],
            "Places that are shown larger below every picture.",
        )
        self.truth_box = QCheckBox("column for truth", self)
        self.ending_box = _box(
            self,
            [("AVI, exact", ".avi"), ("MP4, small", ".mp4")],
            "Motion JPEG keeps grays neutral; MPEG-4 tints them by up to 5 levels.",
        )
        self.rate_box = QDoubleSpinBox(self)
        self.rate_box.setRange(0.5, 60.0)
        self.rate_box.setValue(5.0)
        self.rate_box.setSuffix(" pairs/s")
        self.labels_box = QCheckBox("titles and names", self)
        self.labels_box.setChecked(True)
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
        what = QFormLayout()
        pairs = QHBoxLayout()
        pairs.addWidget(self.pairs_box, 1)
        pairs.addWidget(self.count_box)
        what.addRow("Make a", self.kind_box)
        what.addRow("Of", pairs)
        what.addRow("By", self.methods)
        self._options = QFormLayout()
        self._options.addRow("Picture", self.stage_box)
        self._options.addRow("Larger", self.crop_box)
        self._options.addRow("", self.truth_box)
        self._options.addRow("File", self.ending_box)
        self._options.addRow("Pace", self.rate_box)
        self._options.addRow("", self.labels_box)
        for form in (what, self._options):
            form.setSpacing(5)
            form.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
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
        row.addLayout(what, 4)
        row.addLayout(self._options, 4)
        row.addLayout(end, 4)
        self._on_pairs()

    def _connect(self) -> None:
        self.kind_box.currentIndexChanged.connect(self._on_kind)
        self.pairs_box.currentIndexChanged.connect(self._on_pairs)
        self.start_button.clicked.connect(self.start)
        self.cancel_button.clicked.connect(self.cancel)
        self.show_button.clicked.connect(self._on_show)
        self.folder_button.clicked.connect(self.choose_folder)
        self._job.progressed.connect(self._on_step)
        self._job.finished.connect(self._on_finished)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._show_running)
        self._model.methods_changed.connect(self._offer_methods)


def usual_folder() -> Path:
    """Return where exports go unless a person chose: the user's pictures."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(place or Path.home()) / "CycleRig"


def _box(parent: QWidget, entries: Sequence[tuple[str, str]], tip: str) -> QComboBox:
    box = QComboBox(parent)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for title, key in entries:
        box.addItem(title, key)
    box.setToolTip(tip)
    return box
