"""The Sync page as a user has it: clicks in, cameras set up, verdict and plots out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.pipeline.live import LiveConfig
from app.ui.main_window import MainWindow
from app.ui.sync.mode_form import ModeForm
from app.ui.sync.page import NOT_SET, SyncPage
from app.ui.sync.tables import HEAD
from capture.discovery import viky_producer
from capture.rig_file import load_rig_file
from capture.spec import GenicamSpec, RigSpec, VirtualSpec
from capture.sync.config import MODES, SyncConfig, SyncMode

TIMEOUT_MS = 60_000
SMALL = VirtualSpec(width=64, height=64, frame_rate_hz=20)


def opened(make_window: Callable[..., MainWindow], rig: RigSpec, qtbot) -> tuple[MainWindow, SyncPage]:
    """A window that runs a rig without networks, with the page on screen."""
    window = make_window(LiveConfig(rig, colorize=False))
    window.pages.show_page("sync")
    page = window.pages.page("sync")
    assert isinstance(page, SyncPage)
    window.start()
    qtbot.waitUntil(lambda: window.bridge.sync_state().pairs > 3, timeout=TIMEOUT_MS)
    qtbot.waitUntil(page.form.apply.isEnabled, timeout=TIMEOUT_MS)
    return window, page


def click(page: SyncPage, mode: SyncMode, rate_hz: float = 0.0) -> None:
    QTest.mouseClick(
        page.form.modes[mode], Qt.MouseButton.LeftButton, pos=page.form.modes[mode].rect().center()
    )
    page.form.modes[mode].setChecked(True)
    page.form.rate.setValue(rate_hz)
    QTest.mouseClick(page.form.apply, Qt.MouseButton.LeftButton)


def rows(page: SyncPage) -> list[tuple[str, ...]]:
    model = page.steps.steps
    return [
        tuple(str(model.data(model.index(row, column))) for column in range(len(HEAD)))
        for row in range(model.rowCount())
    ]


def test_a_mode_is_applied_and_every_node_is_shown(make_window, qtbot) -> None:
    window, page = opened(make_window, SMALL, qtbot)
    assert page.steps_title.text() == NOT_SET
    click(page, "software", 25.0)
    qtbot.waitUntil(lambda: ("colour", "TriggerMode", "On", "On", "set") in rows(page), timeout=TIMEOUT_MS)
    rig = window.bridge.status().rig
    assert rig is not None
    assert rig.sync is not None
    assert rig.sync.trigger_rate_hz == 25.0
    assert "all as wanted" in page.steps_title.text()
    assert not window.toast.isVisible()
    qtbot.waitUntil(lambda: window.bridge.sync_state().matched_by == "frame id", timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: window.bridge.sync_state().pairs > 3, timeout=TIMEOUT_MS)
    # And back: the pictures go on by themselves.
    click(page, "free_run", 30.0)
    qtbot.waitUntil(
        lambda: ("mono", "AcquisitionFrameRate", "30", "30", "set") in rows(page), timeout=TIMEOUT_MS
    )
    qtbot.waitUntil(lambda: window.bridge.sync_state().matched_by == "time", timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: window.bridge.sync_state().pairs > 3, timeout=TIMEOUT_MS)


def test_what_a_camera_refuses_is_red_in_the_table_and_in_the_banner(make_window, qtbot) -> None:
    window, page = opened(make_window, SMALL, qtbot)
    click(page, "hardware")
    qtbot.waitUntil(lambda: "NOT set up" in page.steps_title.text(), timeout=TIMEOUT_MS)
    (selected,) = page.steps.selectionModel().selectedRows()
    assert rows(page)[selected.row()][4].startswith("not there: this camera has no")
    qtbot.waitUntil(lambda: "could not be set up" in window.banner.notice.message, timeout=TIMEOUT_MS)
    qtbot.waitUntil(lambda: window.bridge.sync_state().pairs > 3, timeout=TIMEOUT_MS)  # they run freely


def test_a_stepping_clock_and_a_lost_frame_are_counted_and_told(make_window, qtbot) -> None:
    window, page = opened(make_window, SMALL, qtbot)
    window.bridge.execute("DropFrame:mono")
    window.bridge.execute("StepClock:color")

    def told() -> bool:
        return "stepped 37 s forward" in page.verdict.headline.text() + page.verdict.others.text()

    qtbot.waitUntil(told, timeout=TIMEOUT_MS)
    cells = {
        title: [cell.text() for cell in row]
        for (title, _), row in zip(page.counters.ROWS, page.counters._cells, strict=True)
    }
    assert cells["clock steps"] == ["0", "1"]
    qtbot.waitUntil(lambda: page.counters._cells[0][0].text() == "1", timeout=TIMEOUT_MS)
    pairs = window.bridge.sync_state().pairs
    qtbot.waitUntil(lambda: window.bridge.sync_state().pairs > pairs, timeout=TIMEOUT_MS)  # pairing went on


def test_the_mode_of_a_rig_file_is_shown_and_a_change_is_saved_in_it(
    make_window, qtbot, tmp_path: Path
) -> None:
    path = tmp_path / "bench.toml"
    path.write_text(
        f'kind = "genicam"\nproducers = ["{viky_producer()}"]\n'
        '[mono]\nserial = "0"\npixel_format = "Mono8"\n[color]\nserial = "1"\npixel_format = "RGBa8"\n'
        '[sync]\nmode = "free_run"\nframe_rate_hz = 12.0\n'
    )
    window = make_window(LiveConfig(SMALL, colorize=False))
    window.pages.show_page("sync")
    page = window.pages.page("sync")
    assert window.chooser.choose(str(path))
    qtbot.waitUntil(lambda: page.form.rate.value() == 12.0, timeout=TIMEOUT_MS)
    assert page.form.mode == "free_run"
    assert page.form.save.isEnabled()
    page.form.modes["hardware"].setChecked(True)
    page.form.lines["mono"].setText("Line2")
    QTest.mouseClick(page.form.save, Qt.MouseButton.LeftButton)
    spec = load_rig_file(path)
    assert isinstance(spec, GenicamSpec)
    assert spec.sync == SyncConfig("hardware", frame_rate_hz=12.0, mono_line="Line2")
    assert spec.mono.serial == "0"


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("free_run", {"rate"}),
        ("software", {"rate"}),
        ("hardware", {"leader", "rate", "mono", "color", "edge"}),
        ("external", {"mono", "color", "edge"}),
        ("action", {"rate", "device_key", "group_key", "group_mask", "broadcast"}),
    ],
)
def test_only_what_a_mode_needs_is_asked_for(qtbot, mode: SyncMode, shown: set[str]) -> None:
    form = ModeForm()
    qtbot.addWidget(form)
    form.show()
    form.modes[mode].setChecked(True)
    fields = {
        "leader": form.leader,
        "rate": form.rate,
        "edge": form.edge,
        "broadcast": form.broadcast,
        **form.lines,
        **form.keys,
    }
    assert {name for name, field in fields.items() if field.isVisible()} == shown


@pytest.mark.parametrize("mode", MODES)
def test_a_configuration_is_shown_as_it_is(qtbot, mode: SyncMode) -> None:
    form = ModeForm()
    qtbot.addWidget(form)
    config = SyncConfig(
        mode, "color", 12.5, "Line0", "SyncOut1", "FallingEdge", 0xFFFF_FFFF, 2, 3, "10.0.0.255"
    )
    form.show_config(config)
    assert form.config() == config
    form.show_config(SyncConfig(mode))
    assert form.config() == SyncConfig(mode)


def test_a_key_may_be_written_in_hexadecimal_and_is_kept_to_32_bits(qtbot) -> None:
    form = ModeForm()
    qtbot.addWidget(form)
    form.modes["action"].setChecked(True)
    form.keys["group_mask"].setText("0xff")
    form.keys["device_key"].setText("9999999999")
    form.keys["group_key"].setText("")
    config = form.config()
    assert (config.group_mask, config.device_key, config.group_key) == (255, 0xFFFF_FFFF, 0)


def test_a_pin_is_named_after_its_direction(qtbot) -> None:
    form = ModeForm()
    qtbot.addWidget(form)
    form.modes["hardware"].setChecked(True)
    labels = {role: form._form.labelForField(line).text() for role, line in form.lines.items()}
    assert labels == {"mono": "Mono, output pin", "color": "Colour, input pin"}
    form.leader.setCurrentIndex(1)
    labels = {role: form._form.labelForField(line).text() for role, line in form.lines.items()}
    assert labels == {"mono": "Mono, input pin", "color": "Colour, output pin"}
