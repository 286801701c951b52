"""What to export: the fields of the tab "Export"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from app.inspecting.export_figure import STAGES, Crop
from app.inspecting.export_jobs import KINDS, ExportWish, Kind
from app.inspecting.measures import Measure
from app.ui.inspect.measured import GATE_COLUMNS
from app.ui.inspect.model import InspectModel

TITLES: dict[Kind, str] = {"figure": "Figure", "video": "Video", "report": "Report"}
TIPS: dict[Kind, str] = {
    "figure": "One PNG as in the paper: a row for each pair, a column for each method, places shown larger.",
    "video": "All methods side by side, one pair after the other.",
    "report": "One HTML file with all measures, charts and pictures of the worst pairs; needs no network.",
}
CURRENT, SELECTED, WORST, ALL = "current", "selected", "worst", "all"
FOUND, VISIBLE, NONE = "found", "visible", "none"


class ExportForm(QWidget):
    """Kind, pairs, methods, and what is particular to the kind.

    Args:
        selected: names of the pairs that are selected in the list.
        worst: the table's rows as they are ordered: names of pairs, the worst first, and by what.
        visible: the part of the picture that is on screen; None: all of it.

    Signals:
        kind_changed: another kind was chosen.
    """

    kind_changed = Signal()

    def __init__(
        self,
        model: InspectModel,
        selected: Callable[[], Sequence[str]],
        worst: Callable[[], tuple[Sequence[str], Measure | None]],
        visible: Callable[[], Crop | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._selected, self._worst, self._visible = selected, worst, visible
        self._make_fields()
        self._arrange()
        self.kind_box.currentIndexChanged.connect(self._on_kind)
        self.pairs_box.currentIndexChanged.connect(self._on_pairs)
        model.methods_changed.connect(self._offer_methods)
        self._on_kind()
        self._on_pairs()
        self._offer_methods()

    @property
    def kind(self) -> Kind:
        """What is to be made."""
        kind: Kind = self.kind_box.currentData()
        return kind

    def choose_kind(self, kind: Kind) -> None:
        """Offer this kind of export."""
        self.kind_box.setCurrentIndex(KINDS.index(kind))

    def wish(self, folder: Path) -> ExportWish:
        """Return what the form asks for, to be written to a folder."""
        items, by = self._items()
        place = self._visible() if self.crop_box.currentData() == VISIBLE else None
        return ExportWish(
            kind=self.kind,
            folder=folder,
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
        self.kind_box.setToolTip(TIPS[self.kind])
        for field, kinds in (
            (self.stage_box, ("figure", "video")),
            (self.crop_box, ("figure",)),
            (self.truth_box, ("figure",)),
            (self.ending_box, ("video",)),
            (self.rate_box, ("video",)),
            (self.labels_box, ("video",)),
        ):
            self._options.setRowVisible(field, self.kind in kinds)
        self.kind_changed.emit()

    def _on_pairs(self) -> None:
        self.count_box.setVisible(self.pairs_box.currentData() == WORST)

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

    def _arrange(self) -> None:
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
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addLayout(what, 1)
        row.addLayout(self._options, 1)


def _box(parent: QWidget, entries: Sequence[tuple[str, str]], tip: str) -> QComboBox:
    box = QComboBox(parent)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    for title, key in entries:
        box.addItem(title, key)
    box.setToolTip(tip)
    return box
