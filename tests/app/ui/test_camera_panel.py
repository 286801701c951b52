from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox

from app.ui.camera_panel import CameraPanel, NumberField
from capture.rig import Setting

SETTINGS = {
    "ExposureTime": Setting("ExposureTime", 8000.0, 10.0, 50_000.0, "µs"),
    "AcquisitionFrameRate": Setting("AcquisitionFrameRate", 15.0, 1.0, 200.0, "Hz"),
    "Width": Setting("Width", 640, 16, 800, "px"),
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
    assert isinstance(field, NumberField)
    return field


def test_a_number_is_sent_when_it_is_complete(panel: CameraPanel, qtbot) -> None:
    wishes: list[tuple[str, str, object]] = []
    panel.changed.connect(lambda *wish: wishes.append(wish))
    field = number(panel, "ExposureTime")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "1234")
    assert wishes == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert wishes == [("mono", "ExposureTime", 1234.0)]


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
