"""The light in the status bar: does the rig still stand as it was calibrated, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.pipeline.drift import AMBER_PX, RED_PX
from app.pipeline.status import DriftStatus, Light
from app.ui.theme import ACCENT, FAINT, GREEN, RECORD

_COLOURS: dict[Light, str] = {"unknown": FAINT, "green": GREEN, "amber": ACCENT, "red": RECORD}
_WORDS: dict[Light, str] = {
    "unknown": "Nothing is known of the calibration",
    "green": "The calibration holds",
    "amber": "The calibration has drifted a little: fine level detail begins to suffer",
    "red": "The calibration does not fit the rig any more: colours bleed along level edges",
}


class DriftLight(QToolButton):
    """A coloured dot with the row error beside it; a click offers what can be done.

    Signals:
        recalibrate_wanted, correct_wanted, undo_wanted: the answers.
    """

    recalibrate_wanted = Signal()
    correct_wanted = Signal()
    undo_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._light: Light | None = None
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(10, 10))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet(
            "QToolButton { padding: 0 4px; font-size: 12px; } QToolButton::menu-indicator { image: none; }"
        )
        menu = QMenu(self)
        self.correct = menu.addAction("Correct small rotation")
        self.correct.setToolTip("Turn the colour camera of the calibration so that rows agree again")
        self.undo = menu.addAction("Undo correction")
        menu.addSeparator()
        self.recalibrate = menu.addAction("Recalibrate …")
        self.correct.triggered.connect(self.correct_wanted)
        self.undo.triggered.connect(self.undo_wanted)
        self.recalibrate.triggered.connect(self.recalibrate_wanted)
        menu.setToolTipsVisible(True)
        self.setMenu(menu)
        self.show_drift(DriftStatus(), corrected=False)

    @property
    def light(self) -> Light:
        """The light that is on."""
        return self._light or "unknown"

    def show_drift(self, drift: DriftStatus, *, corrected: bool) -> None:
        """Show another state; `corrected`: the calibration in use carries a correction."""
        if drift.light != self._light:
            self._light = drift.light
            self.setIcon(_dot(_COLOURS[drift.light]))
        known = drift.shift is not None
        self.setText(f"rows {drift.row_error_px:.2f} px" if known else "rows –")
        self.correct.setEnabled(known and drift.light in ("amber", "red"))
        self.undo.setEnabled(corrected)
        self.setToolTip(_tip(drift, corrected=corrected))


def _tip(drift: DriftStatus, *, corrected: bool) -> str:
    lines = [f"{_WORDS[drift.light]}."]
    shift = drift.shift
    if shift is None:
        lines.append(f"Rows cannot be compared: {drift.reason}." if drift.reason else "")
    else:
        lines += [
            (
                f"Rows of matched features differ by {drift.row_error_px:.2f} px ({shift.matches} matches, "
                "about once a second, smoothed)."
            ),
            (
                f"Offset {shift.offset_px:+.2f} px, rotation {shift.shear_px:+.2f} px across, scale "
                f"{shift.stretch_px:+.2f} px from top to bottom."
            ),
            f"Green below {AMBER_PX:g} px, amber below {RED_PX:g} px; 0.1 px is noise.",
        ]
    if corrected:
        lines.append("The calibration carries a correction of the rotation, which can be undone.")
    return "\n".join(line for line in lines if line).replace("-", "−")


def _dot(colour: str) -> QIcon:
    pixmap = QPixmap(20, 20)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(QRectF(2, 2, 16, 16))
    painter.end()
    return QIcon(pixmap)
