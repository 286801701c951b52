from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QSlider

from app.ui.cameras.fields import SLIDER_STEPS, NumberField, SliderField
from app.ui.cameras.panel import CameraPanel
from capture.rig import Setting

SETTINGS = {
    "ExposureTime": Setting("ExposureTime", 8000.0, 10.0, 50_000.0, "µs", logarithmic=True),
    "AcquisitionFrameRate": Setting("AcquisitionFrameRate", 15.0, 1.0, 200.0, "Hz"),
    "Width": Setting("Width", 640, 16, 800, "px", increment=16),
    "TriggerMode": Setting("TriggerMode", "Off", choices=("Off", "On")),
    "ReverseX": Setting("ReverseX", False),
}


@pytest.fixture
def panel(qtbot) -> CameraPanel:
    made = CameraPanel()
    qtbot.addWidget(made)
    made.show_settings("mono", SETTINGS)
    made.show()
    qtbot.waitExposed(made)
    return made


def number(panel: CameraPanel, name: str) -> NumberField:
    field = panel.boxes["mono"].field(name)
    assert isinstance(field, SliderField)
    return field.number


def slider(panel: CameraPanel, name: str) -> QSlider:
    field = panel.boxes["mono"].field(name)
    assert isinstance(field, SliderField)
    return field.slider


def test_a_number_is_sent_when_it_is_complete(panel: CameraPanel, qtbot) -> None:
    wishes: list[tuple[str, str, object]] = []
    panel.changed.connect(lambda *wish: wishes.append(wish))
    field = number(panel, "ExposureTime")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1234 us")
    assert wishes == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert wishes == [("mono", "ExposureTime", 1234.0)]


@pytest.mark.parametrize(
    ("typed", "microseconds"), [("2.5", 2500.0), ("2,5 ms", 2500.0), ("900 µs", 900.0), ("0.02s", 20_000.0)]
)
def test_times_are_typed_in_any_unit(panel: CameraPanel, qtbot, typed: str, microseconds: float) -> None:
    field = number(panel, "ExposureTime")
    assert field.text() == "8 ms", "a number alone is in the unit that is shown"
    field.setFocus()
    field.selectAll()
    with qtbot.waitSignal(panel.changed) as signal:
        QTest.keyClicks(field, typed)
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert signal.args == ["mono", "ExposureTime", pytest.approx(microseconds)]


def test_what_lies_outside_the_limits_becomes_the_limit(panel: CameraPanel, qtbot) -> None:
    field = number(panel, "ExposureTime")
    field.setFocus()
    field.selectAll()
    with qtbot.waitSignal(panel.changed) as signal:
        QTest.keyClicks(field, "9 s")
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert signal.args == ["mono", "ExposureTime", 50_000.0]
    field.selectAll()
    with qtbot.assertNotEmitted(panel.changed):
        QTest.keyClicks(field, "long")
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == 50_000.0


def test_a_range_of_decades_has_a_logarithmic_slider(panel: CameraPanel, qtbot) -> None:
    middle = slider(panel, "ExposureTime")
    with qtbot.waitSignal(panel.changed) as signal:
        middle.setValue(SLIDER_STEPS // 2)
    assert signal.args[2] == pytest.approx((10.0 * 50_000.0) ** 0.5)
    rate = slider(panel, "AcquisitionFrameRate")
    with qtbot.waitSignal(panel.changed) as signal:
        rate.setValue(SLIDER_STEPS // 2)
    assert signal.args[2] == pytest.approx(100.5)


def test_a_slider_keeps_to_the_camera_s_steps(panel: CameraPanel, qtbot) -> None:
    with qtbot.waitSignal(panel.changed) as signal:
        slider(panel, "Width").setValue(333)
    assert signal.args[2] == 272
    assert isinstance(signal.args[2], int)


def test_a_drag_sends_the_last_value_only_once_it_is_free(panel: CameraPanel, qtbot) -> None:
    """The camera is slower than the hand: what came meanwhile is not queued up."""
    wishes: list[tuple[str, str, object]] = []
    panel.changed.connect(lambda *wish: wishes.append(wish))
    field = number(panel, "AcquisitionFrameRate")
    for rate in (20.0, 30.0, 40.0):
        field.setValue(rate)
    assert wishes == [("mono", "AcquisitionFrameRate", 20.0)]
    panel.answered("mono", "AcquisitionFrameRate")
    assert wishes[1:] == [("mono", "AcquisitionFrameRate", 40.0)]
    panel.answered("mono", "AcquisitionFrameRate")
    assert len(wishes) == 2


def test_limits_follow_the_camera(panel: CameraPanel, qtbot) -> None:
    tighter = Setting("ExposureTime", 8000.0, 10.0, 9000.0, "µs", logarithmic=True)
    panel.show_settings("mono", {**SETTINGS, "ExposureTime": tighter})
    field = number(panel, "ExposureTime")
    assert field.maximum() == 9000.0
    assert "9 ms" in field.toolTip()


def test_what_something_else_controls_is_shown_but_not_offered(panel: CameraPanel, qtbot) -> None:
    automatic = Setting("ExposureTime", 777.0, 10.0, 50_000.0, "µs", writable=False)
    panel.show_settings("mono", {**SETTINGS, "ExposureTime": automatic})
    field = number(panel, "ExposureTime")
    assert not field.isEnabled()
    assert not slider(panel, "ExposureTime").isEnabled()
    assert field.text() == "777 µs"
    assert "Controlled automatically" in field.toolTip()


def test_what_interrupts_acquisition_says_so_and_waits_for_the_end_of_a_drag(
    panel: CameraPanel, qtbot
) -> None:
    stops = Setting("Width", 640, 16, 800, "px", increment=16, while_stopped=True)
    panel.show_settings("mono", {**SETTINGS, "Width": stops})
    bar = slider(panel, "Width")
    assert "stops acquisition" in bar.toolTip()
    wishes: list[tuple[str, str, object]] = []
    panel.changed.connect(lambda *wish: wishes.append(wish))
    bar.setSliderDown(True)
    bar.setValue(0)
    assert number(panel, "Width").value() == 16, "the number follows the hand"
    field = panel.boxes["mono"].field("Width")
    assert isinstance(field, SliderField)
    assert not field._drag.isActive(), "nothing is on its way"
    bar.setSliderDown(False)
    assert wishes == [("mono", "Width", 16)]


def test_whole_numbers_stay_whole(panel: CameraPanel, qtbot) -> None:
    with qtbot.waitSignal(panel.changed) as signal:
        number(panel, "Width").setValue(320)
    assert signal.args == ["mono", "Width", 320]
    assert isinstance(signal.args[2], int)


def test_choices_and_switches(panel: CameraPanel, qtbot) -> None:
    box = panel.boxes["mono"]
    trigger = box.field("TriggerMode")
    assert isinstance(trigger, QComboBox)
    with qtbot.waitSignal(panel.changed) as signal:
        trigger.setCurrentIndex(1)
        trigger.textActivated.emit("On")
    assert signal.args == ["mono", "TriggerMode", "On"]
    with qtbot.waitSignal(panel.changed) as signal:
        QTest.mouseClick(box.field("ReverseX"), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert signal.args == ["mono", "ReverseX", True]


def test_what_the_camera_says_is_shown_and_sends_nothing_back(panel: CameraPanel, qtbot) -> None:
    with qtbot.assertNotEmitted(panel.changed):
        panel.show_settings(
            "mono", {**SETTINGS, "ExposureTime": Setting("ExposureTime", 77.0, 10.0, 99.0, "µs")}
        )
    assert number(panel, "ExposureTime").value() == 77.0


def test_the_wheel_over_an_input_changes_nothing(panel: CameraPanel, qtbot) -> None:
    field = number(panel, "ExposureTime")
    field.clearFocus()
    centre = QPointF(field.rect().center())
    turn = QWheelEvent(
        centre,
        field.mapToGlobal(centre),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.assertNotEmitted(panel.changed):
        QApplication.sendEvent(field, turn)


def test_nothing_is_cut_off(panel: CameraPanel, qtbot) -> None:
    field = number(panel, "AcquisitionFrameRate")
    qtbot.waitUntil(lambda: field.mapTo(panel, QPoint(field.width(), 0)).x() <= panel.viewport().width())
    assert field.width() >= field.sizeHint().width()
    text = field.lineEdit()
    assert text.width() >= text.fontMetrics().horizontalAdvance(field.text())
