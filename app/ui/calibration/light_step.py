"""Fourth step, optional: black level, flat field and colours, beside the live raw pictures."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.calibrating.light import LightResult, middle_of
from app.ui.calibration.corner_view import Corners, CornerView
from app.ui.calibration.layouts import heading, scrolling
from app.ui.calibration.lighting import Lighting, RawPictures
from app.ui.theme import ACCENT, GREEN
from app.ui.viewport import Viewport
from capture.frames import ROLES, Role
from capture.photometric.model import CameraPhotometric, Photometric

STEPS = (
    # key, headline, what to do, button
    ("caps", "Black level", "Put the caps on both lenses.", "Measure the dark"),
    (
        "white", "Flat field",
        "Fill both views with an evenly lit white target. Turn the rig and press again to average it.",
        "Add a white picture",
    ),
    (
        "chart", "Colours from a chart",
        (
            "Show the 24-patch colour checker in the light that will be used. If it is not found, click the "
            "outer corners of its brown, bluish green, black and white patch, in this order."
        ),
        "Find the chart",
    ),
    (
        "card", "or white balance from a grey card",
        "Cover the marked middle of the colour picture with it.",
        "Measure the card",
    ),
)  # fmt: skip
CORNERS = 4
_TITLES: dict[Role, str] = {"mono": "Mono camera, raw", "color": "Colour camera, raw"}


class LightStep(QWidget):
    """Live raw pictures and one button per measurement.

    Signals:
        wanted: key of a measurement; marked: the chart's corners in the colour picture, 4×2;
        use_wanted: keep what was measured and correct with it; forget_wanted: correct nothing any more.
    """

    wanted = Signal(str)
    marked = Signal(object)
    use_wanted = Signal()
    forget_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 8, 10, 8)
        row.setSpacing(12)
        pictures = QHBoxLayout()
        pictures.setSpacing(6)
        self._viewports = {role: Viewport(self) for role in ROLES}
        self.views = {role: CornerView(_TITLES[role], self._viewports[role], self) for role in ROLES}
        for view in self.views.values():
            view.set_message("No rig is running: start one (F5).")
            pictures.addWidget(view, 1)
        self._marks: list[tuple[int, int]] = []
        self.views["color"].clicked.connect(self._on_click)
        row.addLayout(pictures, 1)
        row.addWidget(scrolling(self._build_right(), 300))
        self.show_state(None, usable=False, pending=False)

    def _build_right(self) -> QWidget:
        right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 4, 0)
        column.setSpacing(6)
        self.buttons: dict[str, QPushButton] = {}
        self.results: dict[str, QLabel] = {}
        for key, title, words, action in STEPS:
            what = QLabel(words, right)
            what.setWordWrap(True)
            what.setProperty("role", "dim")
            button = QPushButton(action, right)
            button.setObjectName(key)
            button.clicked.connect(self._on_clicked)
            result = QLabel(right)
            result.setWordWrap(True)
            self.buttons[key], self.results[key] = button, result
            for widget in (heading(title), what, button, result):
                column.addWidget(widget)
            column.addSpacing(4)
        self.state = QLabel(right)
        self.state.setWordWrap(True)
        self.use = QPushButton("Save and use", right)
        self.use.setToolTip("Keep it in the calibration file, and correct the live pictures from now on")
        self.use.clicked.connect(self.use_wanted)
        self.forget = QPushButton("Forget all", right)
        self.forget.setToolTip("Correct neither light nor colours any more")
        self.forget.clicked.connect(self.forget_wanted)
        column.addStretch(1)
        column.addWidget(self.state)
        buttons = QHBoxLayout()
        buttons.addWidget(self.use, 1)
        buttons.addWidget(self.forget, 1)
        column.addLayout(buttons)
        return right

    def connect_to(self, lighting: Lighting) -> None:
        """Let the buttons measure, and show what comes of it."""
        self.wanted.connect(self.show_busy)
        self.wanted.connect(lighting.measure)
        self.marked.connect(lighting.measure_marked)
        lighting.shown.connect(self.show_pictures)
        lighting.measured.connect(self.show_result)
        lighting.refused.connect(self.show_problem)

    def show_pictures(self, shown: RawPictures) -> None:
        """Show the newest raw pair, and where a grey card has to be."""
        for role, view in self.views.items():
            view.set_picture(shown.pictures[role])
        if self.views["color"].corners.outline_px is None:
            left, top, width, height = middle_of(shown.pictures["color"].size)
            outline = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
            self.views["color"].set_corners(Corners(outline_px=np.array(outline)))

    def show_state(self, photometric: Photometric | None, *, usable: bool, pending: bool) -> None:
        """Show what is known, and whether it is `pending`: not in use yet. `usable`: it can be measured."""
        for button in self.buttons.values():
            button.setEnabled(usable)
        self.use.setEnabled(usable and pending)
        self.use.setDefault(pending)
        self.forget.setEnabled(usable and photometric is not None)
        lines = [
            f"{name}: {_words(camera)}"
            for name, camera in (
                ("Mono", photometric.mono if photometric else None),
                ("Colour", photometric.color if photometric else None),
            )
        ]
        head = "Measured, not in use yet" if pending else "In use"
        self.state.setText(f"{head}\n" + "\n".join(lines))
        if not usable:
            self.state.setText("Start a rig that has a calibration: light and colours are kept with it.")

    def show_busy(self, key: str) -> None:
        """Say that a measurement is under way."""
        self.results[key].setText("Measuring …")
        self.results[key].setStyleSheet("")
        for button in self.buttons.values():
            button.setEnabled(False)

    def show_result(self, key: str, result: LightResult) -> None:
        """Show what came of a measurement."""
        self.results[key].setText("\n".join(result.lines))
        self.results[key].setStyleSheet(f"color: {GREEN};")
        if result.corners_px is not None:
            self.views["color"].set_corners(Corners(outline_px=result.corners_px))

    def show_problem(self, key: str, problem: str) -> None:
        """Say why there is no result."""
        self.results[key].setText(f"{problem[:1].upper()}{problem[1:]}")
        self.results[key].setStyleSheet(f"color: {ACCENT};")

    def _on_click(self, x: int, y: int) -> None:
        """Mark a corner of the chart; with the fourth it is measured."""
        if not self.buttons["chart"].isEnabled():
            return
        self._marks.append((x, y))
        corners = np.array(self._marks, np.float64)
        self.views["color"].set_corners(Corners(outline_px=corners))
        if len(self._marks) == CORNERS:
            self._marks.clear()
            self.show_busy("chart")
            self.marked.emit(corners)
        else:
            self.results["chart"].setText(f"Corner {len(corners)} of {CORNERS}")
            self.results["chart"].setStyleSheet("")

    def _on_clicked(self) -> None:
        self._marks.clear()
        self.wanted.emit(self.sender().objectName())


def _words(camera: CameraPhotometric | None) -> str:
    if camera is None:
        return "nothing is corrected"
    parts = []
    if camera.black_level:
        parts.append(f"black {camera.black_level:.2%}")
    if camera.flat_field is not None:
        parts.append(f"flat field up to × {float(camera.flat_field.max()):.2f}")
    if camera.white_balance is not None:
        parts.append("white balance")
    if camera.color_matrix is not None:
        parts.append("colour matrix")
    return ", ".join(parts) or "nothing is corrected"
