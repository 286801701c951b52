"""Which board is held before the cameras: its kind, its numbers, a picture of it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import RECORD, WELL
from capture.board_pdf import usual_target
from capture.errors import CalibrationError
from capture.targets import Charuco, Chessboard, CircleGrid, Target
from capture.targets.charuco import DICTIONARIES
from capture.targets.drawing import Disc, Rectangle

KINDS = {"chessboard": "Chessboard", "charuco": "ChArUco", "circles": "Asymmetric circles"}
_COUNT_TIPS = {
    "chessboard": "Inner corners, where four squares meet: one less than the squares",
    "charuco": "Squares",
    "circles": "Discs: columns in each row, an odd number of rows",
}


class TargetPicture(QWidget):
    """The board as it is printed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target: Target | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(128)

    def show_target(self, target: Target | None) -> None:
        """Draw another board; None draws nothing."""
        self._target = target
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of a thumbnail."""
        return QSize(200, 128)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name
        """Paint black on white, to scale."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(WELL))
        if self._target is None:
            return
        width, height = self._target.extent_mm
        margin = 0.06 * max(width, height)
        scale = min((self.width() - 8) / (width + 2 * margin), (self.height() - 8) / (height + 2 * margin))
        painter.translate(
            (self.width() - scale * (width + 2 * margin)) / 2,
            (self.height() - scale * (height + 2 * margin)) / 2,
        )
        painter.scale(scale, scale)
        painter.fillRect(QRectF(0, 0, width + 2 * margin, height + 2 * margin), QColor("#e8e8e8"))
        painter.translate(margin, margin)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#101010"))
        for shape in self._target.shapes():
            if isinstance(shape, Rectangle):
                painter.fillRect(
                    QRectF(shape.x_mm, shape.y_mm, shape.width_mm, shape.height_mm), QColor("#101010")
                )
            elif isinstance(shape, Disc):
                side = 2 * shape.radius_mm
                painter.drawEllipse(
                    QRectF(shape.x_mm - shape.radius_mm, shape.y_mm - shape.radius_mm, side, side)
                )


class TargetPanel(QWidget):
    """Kind and numbers of the board.

    Signals:
        changed: a valid `Target` that a person has entered.
    """

    changed = Signal(object)

    def __init__(self, target: Target, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.dictionary = QComboBox(self), QComboBox(self)
        self.kind.setToolTip("Which pattern is on the board")
        for chooser in (self.kind, self.dictionary):
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.setMinimumContentsLength(8)
        for key, name in KINDS.items():
            self.kind.addItem(name, key)
        self.columns, self.rows = QSpinBox(self), QSpinBox(self)
        for box in (self.columns, self.rows):
            box.setRange(3, 100)
        self.size_mm = _millimetres("Measure it on the print, across many squares: it sets the scale", self)
        self.mark_mm = _millimetres("", self)
        self.dictionary.addItems(list(DICTIONARIES))
        self.dictionary.setToolTip("Which set of markers is printed in the white squares")
        self._size_label, self._mark_label, self._dictionary_label = (QLabel(self) for _ in range(3))
        self._dictionary_label.setText("Markers")
        self.picture = TargetPicture(self)
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {RECORD};")
        self.problem.hide()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(5)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Pattern", self.kind)
        form.addRow("Columns", self.columns)
        form.addRow("Rows", self.rows)
        form.addRow(self._size_label, self.size_mm)
        form.addRow(self._mark_label, self.mark_mm)
        form.addRow(self._dictionary_label, self.dictionary)
        self._form = form
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.picture)
        column.addLayout(form)
        column.addWidget(self.problem)
        self._target = target
        self._filling = False
        self.show_target(target)
        self.kind.currentIndexChanged.connect(self._on_kind)
        for spin in (self.columns, self.rows, self.size_mm, self.mark_mm):
            spin.setKeyboardTracking(False)
            spin.setMinimumWidth(70)
            spin.valueChanged.connect(self._on_edited)
        self.dictionary.currentIndexChanged.connect(self._on_edited)

    @property
    def target(self) -> Target:
        """The last valid target."""
        return self._target

    def show_target(self, target: Target) -> None:
        """Show a target's numbers."""
        self._target = target
        self._filling = True
        self.kind.setCurrentIndex(list(KINDS).index(target.kind))
        for box in (self.columns, self.rows):
            box.setToolTip(_COUNT_TIPS[target.kind])
        if isinstance(target, Chessboard | Charuco | CircleGrid):
            self.columns.setValue(target.columns)
            self.rows.setValue(target.rows)
        if isinstance(target, CircleGrid):
            self._show_lengths("Spacing", target.spacing_mm, "Diameter", target.diameter_mm)
        elif isinstance(target, Charuco):
            self._show_lengths("Square", target.square_mm, "Marker", target.marker_mm)
            self.dictionary.setCurrentText(target.dictionary)
        elif isinstance(target, Chessboard):
            self._show_lengths("Square", target.square_mm, "", 0.0)
        self._form.setRowVisible(self.mark_mm, not isinstance(target, Chessboard))
        self._form.setRowVisible(self.dictionary, isinstance(target, Charuco))
        self.picture.show_target(target)
        self.problem.hide()
        self._filling = False

    def _show_lengths(self, size: str, size_mm: float, mark: str, mark_mm: float) -> None:
        self._size_label.setText(size)
        self.size_mm.setValue(size_mm)
        self._mark_label.setText(mark)
        self.mark_mm.setValue(mark_mm)

    def _on_kind(self) -> None:
        if not self._filling:
            usual = usual_target(self.kind.currentData(), "A4")
            self.show_target(usual)
            self.changed.emit(usual)

    def _on_edited(self) -> None:
        if self._filling:
            return
        try:
            target = self._entered()
        except CalibrationError as error:
            words = str(error)
            self.problem.setText(f"{words[:1].upper()}{words[1:]}.")
            self.problem.show()
            return
        self.problem.hide()
        if target != self._target:
            self._target = target
            self.picture.show_target(target)
            self.changed.emit(target)

    def _entered(self) -> Target:
        columns, rows = self.columns.value(), self.rows.value()
        size_mm, mark_mm = self.size_mm.value(), self.mark_mm.value()
        kind = self.kind.currentData()
        if kind == "charuco":
            legacy = isinstance(self._target, Charuco) and self._target.legacy
            return Charuco(columns, rows, size_mm, mark_mm, self.dictionary.currentText(), legacy)
        if kind == "circles":
            return CircleGrid(columns, rows, size_mm, mark_mm)
        return Chessboard(columns, rows, size_mm)


def _millimetres(tip: str, parent: QWidget) -> QDoubleSpinBox:
    box = QDoubleSpinBox(parent)
    box.setRange(0.5, 1000.0)
    box.setDecimals(3)
    box.setSuffix(" mm")
    box.setToolTip(tip)
    return box
