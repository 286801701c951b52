"""Second step: what the calibration is worth, shot by shot, and what to leave out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.calibrating.collection import CollectionState
from app.ui.calibration.corner_view import Corners, CornerView, residual_scale
from app.ui.calibration.error_chart import ErrorChart, words_of
from app.ui.calibration.gauges import WeakMap
from app.ui.calibration.layouts import heading, scrolling
from app.ui.calibration.model import CalibrationModel, ShotPictures
from app.ui.labels import ElidedLabel
from app.ui.theme import ACCENT, DIM, GREEN, PANEL, RECORD, SKY, TEXT
from app.ui.viewport import Viewport
from capture.calibrate import Progress, RigSolution, ViewErrors
from capture.calibration import CameraCalibration, RigCalibration
from capture.frames import ROLES, Role
from capture.quality import Grade, Quality

GRADE_COLOURS: dict[Grade, str] = {
    "excellent": GREEN, "acceptable": SKY, "poor": ACCENT, "unusable": RECORD,
}  # fmt: skip
_TITLES: dict[Role, str] = {"mono": "Mono camera", "color": "Colour camera"}
_NUMBERS = ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")


class ResultStep(QWidget):
    """Verdict, errors, residuals, uncertainties.

    Signals:
        save_wanted: save the calibration and use it; save_as_wanted: the same, under another name.
    """

    save_wanted = Signal()
    save_as_wanted = Signal()

    def __init__(self, model: CalibrationModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._solution: RigSolution | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        row.addLayout(self._build_middle(), 1)
        row.addWidget(scrolling(self._build_right(), 300))
        model.shot_loaded.connect(self._on_shot)
        self.show_solution(None)

    # --- building ---

    def _build_middle(self) -> QVBoxLayout:
        self.verdict = QLabel(self)
        self.verdict.setObjectName("verdict")
        self.verdict.setWordWrap(True)
        self.verdict.setMinimumHeight(44)
        self.progress = QProgressBar(self)
        self.progress.setFixedHeight(6)
        self.progress.setTextVisible(False)
        self.cancel = QPushButton("Cancel", self)
        self.cancel.clicked.connect(self._model.cancel)
        busy = QHBoxLayout()
        busy.addWidget(self.progress, 1)
        busy.addWidget(self.cancel)
        self.chart = ErrorChart(self)
        self.chart.selected.connect(self._on_selected)
        self.chart.toggled.connect(self._on_toggle)
        self._viewports = {role: Viewport(self) for role in ROLES}
        self.views = {role: CornerView(_TITLES[role], self._viewports[role], self) for role in ROLES}
        for view in self.views.values():
            view.set_message("Click a bar to see the shot.")
        pictures = QHBoxLayout()
        pictures.setSpacing(6)
        for role in ROLES:
            pictures.addWidget(self.views[role], 1)
        self.figures = ElidedLabel(Qt.TextElideMode.ElideRight, self)
        self.figures.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.figures.set_dim(dim=True)
        self.leave_out = QPushButton("Leave out", self)
        self.leave_out.setToolTip("Do not solve with this shot, or do so again (Delete)")
        self.leave_out.clicked.connect(self._on_leave_out)
        self.undo = QPushButton("Undo", self)
        self.undo.setToolTip("Take the last choice back (Ctrl+Z)")
        self.undo.setShortcut("Ctrl+Z")
        self.undo.clicked.connect(self._model.undo)
        self.again = QPushButton("Solve again", self)
        self.again.setToolTip("Solve from the shots that are not left out")
        self.again.clicked.connect(self._model.solve)
        below = QHBoxLayout()
        below.addWidget(self.figures, 1)
        for button in (self.leave_out, self.undo, self.again):
            below.addWidget(button)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addWidget(self.verdict)
        column.addLayout(busy)
        column.addWidget(self.chart, 2)
        column.addLayout(pictures, 5)
        column.addLayout(below)
        return column

    def _build_right(self) -> QWidget:
        right = QWidget(self)
        self.table = QGridLayout()
        self.table.setHorizontalSpacing(8)
        self.table.setVerticalSpacing(2)
        self.weak = WeakMap("Uncertainty of rows", right)
        self.weak.setToolTip("Where in the rectified image the calibration is weak")
        self.weak.setMaximumHeight(190)
        self.advice = QLabel(right)
        self.advice.setWordWrap(True)
        self.save = QPushButton("Save and use", right)
        self.save.setToolTip("Write the calibration file, and rectify the live pictures with it from now on")
        self.save.clicked.connect(self.save_wanted)
        self.save_as = QPushButton("Save as …", right)
        self.save_as.setToolTip("Write it under another name, and use it")
        self.save_as.clicked.connect(self.save_as_wanted)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        column.addWidget(heading("Solution, ± one standard deviation"))
        column.addLayout(self.table)
        column.addSpacing(6)
        column.addWidget(self.weak)
        column.addWidget(self.advice)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.save, 1)
        buttons.addWidget(self.save_as, 1)
        column.addLayout(buttons)
        return right

    # --- showing ---

    def show_solution(self, solution: RigSolution | None) -> None:
        """Show a solution; None: there is none yet."""
        self._solution = solution
        self.progress.hide()
        self.cancel.hide()
        self.save.setEnabled(solution is not None)
        self.save_as.setEnabled(solution is not None)
        _clear(self.table)
        if solution is None:
            self._say("Nothing is solved yet: collect shots, then press Solve.", DIM)
            self.chart.show_errors((), frozenset())
            self.weak.show_values(None)
            self.advice.setText("")
        else:
            self._say(solution.verdict.words, GRADE_COLOURS[solution.verdict.grade])
            self.weak.show_values(solution.quality.row_std_px, solution.calibration.mono.size_px)
            self.advice.setText("\n".join(f"•  {line}" for line in solution.advice))
            self._fill_table(solution.calibration, solution.quality)
        self.show_collection(self._model.state)
        if solution is not None and not self.chart.current and solution.views:
            worst = max(solution.views, key=lambda view: max(view.mono_px or 0.0, view.color_px or 0.0))
            self.chart.select(worst.name)
        self._show_current()

    def show_progress(self, progress: Progress) -> None:
        """Show how far a solution is."""
        self.progress.show()
        self.cancel.show()
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)
        self._say(f"Solving: {progress.text} …", DIM)
        self.again.setEnabled(False)

    def show_collection(self, state: CollectionState) -> None:
        """Mark what is left out, and whether that is solved already."""
        errors = self._solution.views if self._solution is not None else ()
        self.chart.show_errors(errors, state.excluded)
        self.undo.setEnabled(state.can_undo)
        stale = self._model.is_stale and self._solution is not None
        self.again.setEnabled(bool(state.used) and not self._model.is_busy)
        self.again.setDefault(stale)
        self.again.setText("Solve again *" if stale else "Solve again")
        self._show_current()

    def show_ended(self) -> None:
        """Show the last solution again after a cancel or a failure."""
        self.show_solution(self._solution)

    def _say(self, words: str, colour: str) -> None:
        self.verdict.setText(words)
        self.verdict.setStyleSheet(
            f"#verdict {{ background: {PANEL}; border-left: 5px solid {colour}; color: {TEXT};"
            " font-size: 14px; padding: 4px 12px; }"
        )

    def _fill_table(self, calibration: RigCalibration, quality: Quality) -> None:
        self._row(0, "", "mono", "colour", dim=True)
        cameras: Sequence[tuple[CameraCalibration, NDArray[np.float64]]] = (
            (calibration.mono, quality.mono_std),
            (calibration.color, quality.color_std),
        )
        for number, name in enumerate(_NUMBERS):
            self._row(
                number + 1,
                name,
                *(_plus_minus(_number(camera, number), std[number]) for camera, std in cameras),
            )
        turn = float(np.linalg.norm(quality.rotation_std_deg))
        rows = (
            ("baseline", f"{calibration.baseline_mm:.2f} ± {quality.baseline_std_mm:.2f} mm"),
            ("rotation", f"± {turn:.4f}°"),
            ("reprojection", f"{calibration.reprojection_px:.3f} px RMS"),
            ("colour is", f"{calibration.color_side} of mono"),
            ("search", f"{calibration.max_disparity} from {calibration.offset} px"),
        )
        for number, (name, value) in enumerate(rows):
            self._row(len(_NUMBERS) + 1 + number, name, value)

    def _row(self, number: int, name: str, *values: str, dim: bool = False) -> None:
        label = QLabel(name, self)
        label.setProperty("role", "smalldim")
        self.table.addWidget(label, number, 0)
        for column, value in enumerate(values):
            cell = QLabel(value, self)
            cell.setProperty("role", "smalldim" if dim else "small")
            cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self.table.addWidget(cell, number, column + 1, 1, 2 if len(values) == 1 else 1)

    # --- the selected shot ---

    def _current_errors(self) -> ViewErrors | None:
        name = self.chart.current
        return next((view for view in self.chart.errors if view.name == name), None)

    def _show_current(self) -> None:
        view = self._current_errors()
        self.leave_out.setEnabled(view is not None)
        excluded = view is not None and view.name in self._model.state.excluded
        self.leave_out.setText("Take in" if excluded else "Leave out")
        if view is None:
            self.figures.setText("")
            return
        self.figures.setText(f"{words_of(view)}; arrows: {self._scale(view):.0f} × the error")
        self.figures.setToolTip(self.figures.text())

    def _scale(self, view: ViewErrors) -> float:
        assert self._solution is not None
        width_px = self._solution.calibration.mono.size_px[0]
        return residual_scale((view.mono_residuals_px, view.color_residuals_px), width_px)

    def _on_selected(self, name: str) -> None:
        self._show_current()
        self._model.load_shot(name)

    def _on_leave_out(self) -> None:
        self._on_toggle(self.chart.current)

    def _on_toggle(self, name: str) -> None:
        self._model.set_excluded(name, excluded=name not in self._model.state.excluded)

    def _on_shot(self, shot: ShotPictures) -> None:
        errors = self._current_errors()
        if errors is None or errors.name != shot.name:
            return
        view = next((view for view in self._model.state.views if view.name == shot.name), None)
        residuals = {"mono": errors.mono_residuals_px, "color": errors.color_residuals_px}
        for role in ROLES:
            self.views[role].set_picture(shot.pictures[role])
            seen = view.of(role) if view is not None else None
            points = seen.points_px if seen is not None else None
            self.views[role].set_corners(Corners(points, residuals[role], self._scale(errors)))


def _number(camera: CameraCalibration, number: int) -> float:
    matrix = camera.camera_matrix
    values = [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *camera.distortion]
    return float(values[number]) if number < len(values) else 0.0


def _plus_minus(value: float, std: float) -> str:
    if std == 0:
        return f"{value:.4g} (fixed)".replace("-", "−")
    decimals = int(np.clip(-np.floor(np.log10(std)), 1, 6))
    return f"{value:.{decimals}f} ± {std:.{decimals}f}".replace("-", "−")


def _clear(grid: QGridLayout) -> None:
    while (item := grid.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
