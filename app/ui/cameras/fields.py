"""Inputs for one value of a camera, within its limits and steps and in its unit."""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from capture.rig import Setting

NO_LIMIT = 1e9
SLIDER_STEPS = 1000
DRAG_MS = 80
"""While a slider is dragged, values are sent this often."""

TIME_UNITS = {"µs": 1.0, "us": 1.0, "ms": 1e3, "s": 1e6}
"""Microseconds, the unit of SFNC, and what people say instead."""

_TYPED = re.compile(r"\s*([-+]?[\d.,]+(?:[eE][-+]?\d+)?)\s*(\D*?)\s*")


class NumberField(QDoubleSpinBox):
    """A number with its unit and limits; `entered` when the user is done with it (not at every key).

    Times are shown in the unit that suits them (800 µs, 8 ms); a unit that is typed is understood, a number
    alone is in the unit shown.
    """

    entered = Signal(float)

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = isinstance(setting.value, int)
        self._is_time = setting.unit == "µs"
        self._time_unit = "µs"
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setDecimals(0 if self._whole else 3)
        self.follow(setting)
        self.valueChanged.connect(self.entered)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return self._whole

    def follow(self, setting: Setting) -> None:
        """Show what the camera says now."""
        if self.hasFocus() and self.lineEdit().isModified():
            return
        before = self.blockSignals(True)
        low = -NO_LIMIT if setting.minimum is None else setting.minimum
        high = NO_LIMIT if setting.maximum is None else setting.maximum
        self._time_unit = _unit_for(float(setting.value)) if self._is_time else "µs"
        self.setRange(low, high)
        if self._whole and setting.increment:
            self.setSingleStep(setting.increment)
        else:
            self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        if not self._is_time:
            self.setSuffix(f" {setting.unit}" if setting.unit else "")
        self.setValue(float(setting.value))
        self.setEnabled(setting.writable)
        self.setToolTip(tip_of(setting))
        self.blockSignals(before)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        """Return a value as it is shown: no more digits than make sense."""
        if self._whole:
            return str(round(value))
        if self._is_time:
            scale = TIME_UNITS[self._time_unit]
            return f"{_digits(value / scale)} {self._time_unit}"
        return _digits(value)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """Return the value of a text; times with any unit of TIME_UNITS."""
        number, unit = _parts(text.removesuffix(self.suffix()))
        if number is None:
            return self.value()
        return number * TIME_UNITS.get(unit or self._time_unit, 1.0) if self._is_time else number

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Take what can be read as a number; what lies outside the limits goes to the nearest one."""
        number, unit = _parts(text.removesuffix(self.suffix()))
        if number is None or (self._is_time and unit not in ("", *TIME_UNITS)):
            return (QValidator.State.Intermediate, text, position)
        return (QValidator.State.Acceptable, text, position)

    def fixup(self, text: str) -> str:
        """Return the old text for one that cannot be read."""
        number, _ = _parts(text)
        return text if number is not None else self.textFromValue(self.value()) + self.suffix()


def _parts(text: str) -> tuple[float | None, str]:
    found = _TYPED.fullmatch(text)
    if found is None:
        return None, ""
    try:
        return float(found[1].replace(",", ".")), found[2].strip()
    except ValueError:
        return None, ""


def _unit_for(time_us: float) -> str:
    return "µs" if time_us < 1e3 else "ms" if time_us < 1e6 else "s"


def _digits(value: float) -> str:
    """Return a number with four significant digits, plain."""
    if value == 0 or not math.isfinite(value):
        return "0"
    decimals = max(0, min(4, 3 - math.floor(math.log10(abs(value)))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def limit_text(value: float, unit: str) -> str:
    """Return a limit with its unit, as an input would show it."""
    if unit != "µs":
        return f"{value:g} {unit}".rstrip()
    shown = _unit_for(value)
    return f"{_digits(value / TIME_UNITS[shown])} {shown}"


def tip_of(setting: Setting) -> str:
    """Return what is worth knowing of a setting: name, limits, step, and what setting it does."""
    lines = [setting.name]
    if setting.minimum is not None and setting.maximum is not None:
        low, high = (limit_text(limit, setting.unit) for limit in (setting.minimum, setting.maximum))
        step = f", in steps of {setting.increment:g}" if setting.increment else ""
        lines.append(f"{low} to {high}{step}")
    if not setting.writable:
        lines.append("Controlled automatically, or switched off.")
    if setting.while_stopped:
        lines.append("Changing it stops acquisition for a moment.")
    return "\n".join(lines)


class SliderField(QWidget):
    """A slider beside a number, linear or logarithmic over the limits.

    Signals:
        entered: the value the user wants; during a drag now and then, in the end for sure.
    """

    entered = Signal(float)

    def __init__(self, setting: Setting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setting = setting
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, SLIDER_STEPS)
        self.slider.setMinimumWidth(60)
        self.number = NumberField(setting, self)
        self.number.setFixedWidth(88)
        self.setFocusProxy(self.number)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self._drag = QTimer(self)
        self._drag.setSingleShot(True)
        self._drag.setInterval(DRAG_MS)
        self._drag.timeout.connect(self._send)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.sliderReleased.connect(self._send)
        self.number.entered.connect(self.entered)
        for part in (self.slider, self.number):
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            part.installEventFilter(self)
        self.follow(setting)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return self.number.whole

    def follow(self, setting: Setting) -> None:
        """Show what the camera says now, unless the user holds the slider."""
        self._setting = setting
        if self.slider.isSliderDown() or self._drag.isActive():
            return
        self.number.follow(setting)
        before = self.slider.blockSignals(True)
        self.slider.setEnabled(setting.writable)
        self.slider.setValue(round(_share(float(setting.value), setting) * SLIDER_STEPS))
        self.slider.setToolTip(tip_of(setting))
        self.slider.blockSignals(before)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Let the wheel scroll the panel: only what has the focus may be turned by it."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _on_moved(self) -> None:
        value = self._slider_value()
        before = self.number.blockSignals(True)
        self.number.setValue(value)
        self.number.blockSignals(before)
        if self.slider.isSliderDown() and self._setting.while_stopped:
            return  # acquisition stops once, when the slider is let go
        if not self._drag.isActive():
            self._drag.start()

    def _send(self) -> None:
        self._drag.stop()
        self.entered.emit(self._slider_value())

    def _slider_value(self) -> float:
        setting = self._setting
        share = self.slider.value() / SLIDER_STEPS
        low, high = float(setting.minimum or 0.0), float(setting.maximum or 0.0)
        value = low * (high / low) ** share if setting.logarithmic and low > 0 else low + share * (high - low)
        if setting.increment:
            value = low + round((value - low) / setting.increment) * setting.increment
        return min(max(value, low), high)


def _share(value: float, setting: Setting) -> float:
    """Return where a value lies between the limits, 0 … 1."""
    low, high = float(setting.minimum or 0.0), float(setting.maximum or 0.0)
    if high <= low:
        return 0.0
    if setting.logarithmic and low > 0:
        return min(max(math.log(max(value, low) / low) / math.log(high / low), 0.0), 1.0)
    return min(max((value - low) / (high - low), 0.0), 1.0)
