"""A gate's row: what a person does with limit and mode, and what is told of it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.capturing.gates import GATE, GATES, GateLimit
from app.ui.capture.gate_row import GateRow


@pytest.fixture
def row(qtbot) -> GateRow:
    row = GateRow(GATE["skew_ms"])
    qtbot.addWidget(row)
    row.resize(300, 44)
    row.show()
    qtbot.waitExposed(row)
    row.show_gate(1.5, GateLimit(2.0, "warn"))
    return row


@pytest.mark.parametrize("spec", GATES, ids=lambda spec: spec.key)
def test_a_value_stands_beyond_or_within_its_limit(qtbot, spec) -> None:
    row = GateRow(spec)
    qtbot.addWidget(row)
    low, high = spec.span
    middle = (low + high) / 2
    good, bad = (low, high) if spec.better == "low" else (high, low)
    for mode, beyond in (("off", "off"), ("warn", "warn"), ("wall", "wall")):
        row.show_gate(bad, GateLimit(middle, mode))
        assert row.verdict == beyond
        row.show_gate(good, GateLimit(middle, mode))
        assert row.verdict == ("off" if mode == "off" else "ok")
    row.show_gate(None, GateLimit(middle, "wall"))
    assert row.verdict == "off"
    assert row.value.text() == "unknown"


def test_a_dragged_limit_is_told_once_it_is_let_go(row: GateRow, qtbot) -> None:
    told = []
    row.changed.connect(lambda key, limit: told.append((key, limit)))
    bar = row.bar
    start, end = (QPoint(round(bar.position_of(value)), 10) for value in (2.0, 5.0))
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(bar, end)
    row.show_gate(1.6, GateLimit(2.0, "warn"))  # the status does not take it out of the hand
    assert not told
    assert row.box.value() == pytest.approx(5.0, abs=0.1)
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=end)
    assert [key for key, _ in told] == ["skew_ms"]
    limit = told[0][1]
    assert limit.limit == pytest.approx(5.0, abs=0.1)
    assert limit.mode == "warn"
    row.show_gate(1.6, GateLimit(2.0, "warn"))  # a status from before the change
    assert row.limit == limit
    row.show_gate(1.6, limit)
    row.show_gate(1.6, GateLimit(3.0, "warn"))  # changed elsewhere
    assert row.limit.limit == 3.0


def test_keys_and_the_number_change_the_limit(row: GateRow, qtbot) -> None:
    row.bar.setFocus()
    with qtbot.waitSignal(row.changed) as changed:
        QTest.keyClick(row.bar, Qt.Key.Key_Right)
    assert changed.args[1].limit == pytest.approx(2.2)
    row.box.setFocus()
    row.box.selectAll()
    QTest.keyClicks(row.box, "3.5")
    with qtbot.waitSignal(row.changed) as changed:
        QTest.keyClick(row.box, Qt.Key.Key_Return)
    assert changed.args[1].limit == pytest.approx(3.5)


def test_one_click_makes_a_wall(row: GateRow, qtbot) -> None:
    switch = row.switch
    with qtbot.waitSignal(row.changed) as changed:
        QTest.mouseClick(switch, Qt.MouseButton.LeftButton, pos=QPoint(switch.width() - 8, 10))
    assert changed.args == ["skew_ms", GateLimit(2.0, "wall")]
    with qtbot.waitSignal(row.changed) as changed:
        QTest.keyClick(switch, Qt.Key.Key_Left)
    assert changed.args[1].mode == "warn"
