"""Third step: see with one's own eyes whether rows agree, and which disparities the scene has."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.calibrating.preview import Overlay, PreviewWish
from app.calibrating.ranges import Cost, SceneRange, cost_in_words
from app.ui.calibration.corner_view import Corners, CornerView
from app.ui.calibration.layouts import heading, scrolling
from app.ui.calibration.previewing import PreviewPictures
from app.ui.viewport import Viewport
from capture.calibration import RigCalibration
from capture.rectify import RectifiedView
from models.engine import SearchRange

SCAN_LINES = 16
SLIDER_STEPS_PER_PX = 4
MODES: dict[str, Overlay | None] = {
    "Side by side, scan lines": None,
    "Red–cyan at a disparity": "red-cyan",
    "Blend at a disparity": "blend",
    "Difference at a disparity": "difference",
}


class CheckStep(QWidget):
    """The rectified pair, a slider for the disparity, the range that the scene needs.

    Signals:
        wished: a `PreviewWish`.
        measure_wanted: measure the range; apply_wanted: search the proposed range from now on.
        cancel_wanted: give up measuring.
    """

    wished = Signal(object)
    measure_wanted = Signal()
    apply_wanted = Signal()
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view: RectifiedView | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        row.addLayout(self._build_middle(), 1)
        row.addWidget(scrolling(self._build_right(), 262))
        self.show_calibration(None, "")
        self.show_proposal(None)
        self._on_mode()

    # --- building ---

    def _build_middle(self) -> QVBoxLayout:
        self.mode = QComboBox(self)
        self.mode.addItems(list(MODES))
        self.mode.setToolTip("How both rectified pictures are shown")
        self.mode.currentIndexChanged.connect(self._on_mode)
        self.source = QLabel(self)
        self.source.setProperty("role", "dim")
        head = QHBoxLayout()
        head.addWidget(self.mode)
        head.addWidget(self.source, 1)
        # One viewport: zooming into one picture shows the same rows of the other.
        self._viewport = Viewport(self)
        self.mono = CornerView("Mono, rectified", self._viewport, self)
        self.reference = CornerView("Reference, rectified", self._viewport, self)
        self.over = CornerView("Both", self._viewport, self)
        pictures = QHBoxLayout()
        pictures.setSpacing(2)
        for view in (self.mono, self.reference, self.over):
            pictures.addWidget(view, 1)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setToolTip("Moves the reference by this disparity: things fit where they have it")
        self.slider.valueChanged.connect(self._on_slider)
        self.disparity = QDoubleSpinBox(self)
        self.disparity.setDecimals(2)
        self.disparity.setSingleStep(1 / SLIDER_STEPS_PER_PX)
        self.disparity.setSuffix(" px")
        self.disparity.setToolTip("Disparity, px of the rectified picture")
        self.disparity.valueChanged.connect(self._on_disparity)
        self.distance = QLabel(self)
        self.distance.setMinimumWidth(90)
        self.distance.setToolTip("Distance along the optical axis that has this disparity")
        slide = QHBoxLayout()
        slide.setSpacing(10)
        self._slide_label = QLabel("Disparity", self)
        for widget in (self._slide_label, self.disparity, self.slider, self.distance):
            slide.addWidget(widget, int(widget is self.slider))
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(pictures, 1)
        column.addLayout(slide)
        return column

    def _build_right(self) -> QWidget:
        right = QWidget(self)
        self.now = QLabel(right)
        self.measure = QPushButton("Measure the scene", right)
        self.measure.setToolTip(
            "Match the live pictures, and propose what must be searched. Show the nearest and the farthest "
            "things that will ever matter"
        )
        self.measure.clicked.connect(self.measure_wanted)
        self.cancel = QPushButton("Cancel", right)
        self.cancel.clicked.connect(self.cancel_wanted)
        self.cancel.hide()
        self.found = QLabel(right)
        self.cost = QLabel(right)
        self.apply = QPushButton("Search this range", right)
        self.apply.setToolTip("Use the proposed range from now on, and note it in the calibration file")
        self.apply.clicked.connect(self.apply_wanted)
        self.help = QLabel(
            "The same thing must lie on the same line in both pictures. Zoom in with the wheel; far away and "
            "in the corners errors show first.",
            right,
        )
        self.help.setProperty("role", "dim")
        for label in (self.now, self.found, self.cost, self.help):
            label.setWordWrap(True)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(8)
        column.addWidget(heading("Rows"))
        column.addWidget(self.help)
        column.addSpacing(8)
        column.addWidget(heading("Disparities to search"))
        column.addWidget(self.now)
        buttons = QHBoxLayout()
        buttons.addWidget(self.measure, 2)
        buttons.addWidget(self.cancel, 1)
        column.addLayout(buttons)
        column.addWidget(self.found)
        column.addWidget(self.cost)
        column.addWidget(self.apply)
        column.addStretch(1)
        return right

    # --- showing ---

    def show_calibration(self, calibration: RigCalibration | None, source: str) -> None:
        """Say which calibration is looked at; None: there is none."""
        self.source.setText(source)
        self._view = RectifiedView(calibration) if calibration is not None else None
        self.measure.setEnabled(calibration is not None)
        if calibration is None:
            self.now.setText("")
            for view in (self.mono, self.reference, self.over):
                view.set_picture(None)
                view.set_message("No calibration yet: solve one, or open a rig that has one.")
            return
        self.now.setText(f"Now: {_range_words(calibration.max_disparity, calibration.offset)}")
        lowest = min(calibration.offset, 0)
        highest = max(calibration.offset + calibration.max_disparity, lowest + 16)
        self.slider.setRange(lowest * SLIDER_STEPS_PER_PX, highest * SLIDER_STEPS_PER_PX)
        self.disparity.setRange(lowest, highest)
        self._show_depth()

    def show_pictures(self, shown: PreviewPictures) -> None:
        """Show the newest rectified pair."""
        self.mono.set_picture(shown.mono)
        self.reference.set_picture(shown.reference)
        self.over.set_picture(shown.overlay)
        height = shown.mono.size[1]
        rows = tuple((number + 0.5) * height / SCAN_LINES for number in range(SCAN_LINES))
        for view in (self.mono, self.reference):
            view.set_corners(Corners(row_px=rows))

    def show_proposal(self, scene: SceneRange | None, problem: str = "") -> None:
        """Show what the scene needs, or why that is not known."""
        self.apply.setEnabled(scene is not None)
        self.cost.setText("")
        if scene is None:
            self.found.setText(problem)
            return
        proposal = scene.proposal
        self.found.setText(
            f"Seen: {proposal.lowest_px:.1f} … {proposal.highest_px:.1f} px, that is "
            f"{_metres(scene.farthest_mm)} … {_metres(scene.nearest_mm)}, in {proposal.matches} "
            f"matches from {scene.pairs} pair{'s' * (scene.pairs != 1)}.\n"
            f"Proposed: {_range_words(proposal.count, proposal.offset)}."
        )

    def show_measuring(self, words: str) -> None:
        """Say what is being measured; empty: nothing."""
        self.cancel.setVisible(bool(words))
        self.measure.setEnabled(not words and self._view is not None)
        if words:
            self.cost.setText(words)

    def show_costs(self, now: Cost, proposed: Cost) -> None:
        """Show what both ranges cost."""
        self.cost.setText(
            f"Measured on {proposed.device}:\nnow: {cost_in_words(now)}\nproposed: {cost_in_words(proposed)}"
        )

    def wish(self) -> PreviewWish:
        """Return what to show."""
        return PreviewWish(MODES[self.mode.currentText()], self.disparity.value())

    def _on_mode(self) -> None:
        overlaid = MODES[self.mode.currentText()] is not None
        self.mono.setVisible(not overlaid)
        self.reference.setVisible(not overlaid)
        self.over.setVisible(overlaid)
        for widget in (self._slide_label, self.slider, self.disparity, self.distance):
            widget.setEnabled(overlaid)
        self.wished.emit(self.wish())

    def _on_slider(self, value: int) -> None:
        self.disparity.setValue(value / SLIDER_STEPS_PER_PX)

    def _on_disparity(self, value: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(value * SLIDER_STEPS_PER_PX))
        self.slider.blockSignals(False)
        self._show_depth()
        self.wished.emit(self.wish())

    def _show_depth(self) -> None:
        if self._view is not None:
            self.distance.setText(_metres(float(self._view.depth_mm(self.disparity.value()))))


def range_of(calibration: RigCalibration) -> SearchRange:
    """Return what a calibration asks to search."""
    return SearchRange(calibration.max_disparity, calibration.offset, calibration.mirrored)


def _range_words(number: int, offset: int) -> str:
    return f"{number} disparities from {offset} px".replace("-", "−")


def _metres(millimetres: float) -> str:
    return f"{millimetres / 1000:.2f} m" if millimetres < 1e6 else "∞"
