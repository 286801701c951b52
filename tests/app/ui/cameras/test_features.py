"""The feature tree as a person sees, searches and edits it, of a camera on paper."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit

from app.ui.cameras.delegate import FeatureDelegate
from app.ui.cameras.feature_view import FeatureView
from app.ui.cameras.fields import NumberField
from app.ui.cameras.model import ACCESS, TITLE, VALUE
from app.ui.cameras.values import details, parsed, plain_text, tip_text, value_text
from app.ui.theme import DIM
from capture.features import Feature, FeatureTree
from tests.capture.paper_camera import PaperCamera


@pytest.fixture
def camera() -> PaperCamera:
    return PaperCamera()


@pytest.fixture
def view(camera: PaperCamera, qtbot) -> FeatureView:
    made = FeatureView()
    qtbot.addWidget(made)
    made.show_tree(camera.features(), has_factory=True)
    made.resize(700, 600)
    made.show()
    qtbot.waitExposed(made)
    return made


def cell(view: FeatureView, name: str, column: int = VALUE) -> QModelIndex:
    assert view.choose(name), name
    return view.view.currentIndex().siblingAtColumn(column)


def edit(view: FeatureView, name: str) -> object:
    """Open the editor of a value with the keyboard."""
    index = cell(view, name)
    view.view.setCurrentIndex(index)
    QTest.keyClick(view.view, Qt.Key.Key_F2)
    return view.view.indexWidget(index) or view.view.findChild((QComboBox, QLineEdit, NumberField))


def test_categories_hold_features_with_value_unit_and_access(view: FeatureView) -> None:
    assert cell(view, "ExposureTime", TITLE).data() == "ExposureTime"
    assert cell(view, "ExposureTime").data() == "5 ms"
    assert cell(view, "ExposureTime", ACCESS).data() == "RW"
    assert cell(view, "ExposureTime").parent().data() == "AcquisitionControl"
    assert cell(view, "Width").parent().data() == "Image Format Control"
    assert "How long the sensor sees light." in cell(view, "ExposureTime").data(Qt.ItemDataRole.ToolTipRole)
    assert "10 µs to 1 s" in view.about.text()


def test_levels_hide_what_was_not_meant_for_one(view: FeatureView) -> None:
    assert not view.choose("SensorTemperature")
    view.level.setCurrentText("Guru")
    index = cell(view, "SensorTemperature")
    assert index.data() == "41.5 C"
    assert index.data(Qt.ItemDataRole.ForegroundRole).name() == DIM
    assert not index.flags() & Qt.ItemFlag.ItemIsEditable


def test_search_finds_as_one_types_by_name_title_and_description(view: FeatureView) -> None:
    QTest.keyClicks(view.search, "expo")
    assert view.shown_names() == ["ExposureAuto", "ExposureTime"]
    QTest.keyClicks(view.search, " light")
    assert view.shown_names() == ["ExposureTime"]
    QTest.keyClicks(view.search, " nonsense")
    assert view.shown_names() == []
    view.search.clear()
    assert len(view.shown_names()) > 8


def test_what_differs_is_bold_and_can_be_shown_alone(view: FeatureView, camera: PaperCamera) -> None:
    camera.apply("Width", 640)
    view.show_tree(camera.features(), has_factory=True)
    assert cell(view, "Width").data(Qt.ItemDataRole.FontRole).bold()
    assert not cell(view, "Height").data(Qt.ItemDataRole.FontRole).bold()
    cell(view, "Width")
    assert "Was" in view.about.text()
    assert "1920" in view.about.text()
    view.changed_only.setChecked(True)
    assert view.shown_names() == ["Width"]
    assert "opened" in view.origin.text()


def test_limits_on_screen_follow_the_camera(view: FeatureView, camera: PaperCamera) -> None:
    cell(view, "OffsetX")
    assert "0 to 0, steps of 4" in view.about.text()
    camera.apply("Width", 1024)
    view.show_tree(camera.features(), has_factory=True)
    assert "896" in view.about.text(), "the row that was chosen stays chosen, and is up to date"


def test_a_number_is_edited_in_place_within_its_limits(view: FeatureView, qtbot) -> None:
    editor = edit(view, "ExposureTime")
    assert isinstance(editor, NumberField)
    editor.selectAll()
    QTest.keyClicks(editor, "2.5 ms")
    with qtbot.waitSignal(view.wanted) as signal:
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert signal.args == ["ExposureTime", 2500.0]
    assert cell(view, "ExposureTime").data(Qt.ItemDataRole.FontRole).italic(), "it is on its way"


def test_a_choice_is_edited_in_place(view: FeatureView, qtbot) -> None:
    editor = edit(view, "ExposureAuto")
    assert isinstance(editor, QComboBox)
    assert [editor.itemText(n) for n in range(editor.count())] == ["Off", "Continuous"]
    with qtbot.waitSignal(view.wanted) as signal:
        editor.setCurrentText("Continuous")
        editor.activated.emit(1)
    assert signal.args == ["ExposureAuto", "Continuous"]


def test_nothing_is_asked_for_when_nothing_was_changed(view: FeatureView, qtbot) -> None:
    editor = edit(view, "Width")
    assert isinstance(editor, NumberField)
    with qtbot.assertNotEmitted(view.wanted):
        QTest.keyClick(editor, Qt.Key.Key_Return)


def test_enter_and_a_click_run_a_command(view: FeatureView, qtbot) -> None:
    index = cell(view, "UserSetSave", TITLE)
    with qtbot.waitSignal(view.wanted) as signal:
        view.view.activated.emit(index)
    assert signal.args == ["UserSetSave", True]
    delegate = view.view.itemDelegate()
    assert isinstance(delegate, FeatureDelegate)
    place = view.view.visualRect(cell(view, "UserSetSave"))
    with qtbot.waitSignal(view.wanted):
        QTest.mouseClick(
            view.view.viewport(), Qt.MouseButton.LeftButton, pos=place.topLeft() + QPoint(20, 10)
        )
    with qtbot.assertNotEmitted(view.wanted):
        view.view.activated.emit(cell(view, "Width", TITLE))  # opens its editor instead


def test_a_camera_with_other_features_gets_another_tree(view: FeatureView) -> None:
    other = PaperCamera().features().features[:3]
    view.show_tree(FeatureTree(other), has_factory=False)
    assert view.shown_names() == [feature.name for feature in other]
    assert not view.factory.isVisible()


ADDRESS = Feature("GevCurrentIPAddress", "integer", value=0xC0A80164, representation="ipv4")
MAC = Feature("GevMACAddress", "integer", value=0x0030530A1B2C, representation="mac")
KEY = Feature("ActionGroupKey", "integer", value=255, representation="hex")
NAME = Feature("DeviceUserID", "string", value="left")
SWITCH = Feature("ReverseX", "boolean", value=True)


@pytest.mark.parametrize(
    ("feature", "text"),
    [
        (ADDRESS, "192.168.1.100"),
        (MAC, "00:30:53:0a:1b:2c"),
        (KEY, "0xff"),
        (NAME, "left"),
        (Feature("Gain", "float", value=3.25, unit="dB"), "3.25"),
        (Feature("ExposureTime", "float", value=250.0, unit="µs"), "250 µs"),
    ],
)
def test_values_are_shown_as_the_camera_wants_and_read_back(feature: Feature, text: str) -> None:
    assert feature.value is not None
    assert plain_text(feature, feature.value) == text
    if feature.unit != "µs":
        assert parsed(feature, text) == feature.value


@pytest.mark.parametrize(
    ("feature", "text"),
    [(ADDRESS, "192.168.1.300"), (MAC, "00:30:53:0a:1b:zz"), (KEY, "ff"), (Feature("Gain", "float"), "much")],
)
def test_what_makes_no_sense_is_no_value(feature: Feature, text: str) -> None:
    assert parsed(feature, text) is None


def test_words_for_what_has_no_value() -> None:
    assert value_text(SWITCH) == "On"
    assert value_text(Feature("DeviceReset", "command")) == "Run"
    assert value_text(Feature("GevSecret", "integer", access="WO")) == "–"
    locked = Feature("Width", "integer", value=640, minimum=16, maximum=800, increment=16, while_stopped=True)
    assert ("Note", "setting it stops acquisition for a moment") in details(locked)
    assert "16 to 800, steps of 16" in tip_text(locked)
