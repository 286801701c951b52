"""The capture session: plans, gates, undo, and going on after a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.capturing import intake
from app.capturing.gates import GateLimit
from app.capturing.modes import Plan
from app.capturing.state import read_state
from capture.dataset import DatasetEditor, DatasetReader, Edit, read_notes
from capture.dataset_records import PAIRS_NAME
from tests.app.capturing.session import records, session, shot

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_a_single_shot_carries_what_was_measured_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.set_tags(("bench", "low light"))
        run.capturing.pair_arrived(shot(0))
        pair = shot(1, skew_ms=-1.5)
        run.capturing.pair_arrived(pair)
        run.capturing.begin(Plan("single"), pair)
        status = run.wait_for("the pair", lambda status: status.saved == 1)
    (record,) = records(folder)
    assert record.mode == "single"
    assert record.tags == ("bench", "low light")
    assert record.index == 1
    assert record.gates["skew_ms"] == 1.5
    assert record.gates["row_error_px"] == 0.25
    assert record.gates["sharpness"] == 1.0, "the first is the best so far"
    assert record.gates["motion_px"] == pytest.approx(0, abs=0.05), "the pair before it showed the same"
    assert record.gates["duplicate_distance"] is None, "there was none to compare with"
    assert record.gates["cycle_ssim"] is None, "nothing was colorized"
    assert record.warnings == ()
    assert status.state.plan is None
    assert [saved.name for saved in status.strip] == [record.name]
    assert status.strip[0].picture.shape == (144, 384, 3)


def test_a_wall_refuses_and_says_why_and_a_warning_is_noted(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.set_limit("skew_ms", GateLimit(2.0, "wall"))
        run.capturing.begin(Plan("single"))
        status = run.show(shot(0, skew_ms=3.2))
        status = run.wait_for("the refusal", lambda status: status.refused == 1)
        assert status.reason == "Skew 3.20 ms: at most 2.00 ms"
        run.done()
        run.capturing.set_limit("skew_ms", GateLimit(2.0, "warn"))
        run.capturing.begin(Plan("single"))
        run.show(shot(1, skew_ms=3.2))
        run.wait_for("the pair", lambda status: status.saved == 1)
        run.capturing.set_limit("skew_ms", GateLimit(2.0, "off"))
        run.capturing.begin(Plan("single"))
        run.show(shot(2, skew_ms=3.2))
        run.wait_for("the pair", lambda status: status.total == 2)
    assert [record.warnings for record in records(folder)] == [("skew_ms",), ("duplicate_distance",)]
    (session_entry,) = DatasetReader.open(folder).sessions
    limits = session_entry["gate_limits"]
    assert isinstance(limits, dict)
    assert "skew_ms" not in limits, "the gate is off"
    assert limits["sharpness"] == 0.65


def test_a_burst_saves_every_pair_in_a_row(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.begin(Plan("burst", count=12))
        run.wait_for("the burst", lambda status: status.state.plan is not None)
        for index in range(40):
            run.capturing.pair_arrived(shot(index, skew_ms=9 if index == 5 else 0))
        run.done()
        run.wait_for("the pairs", lambda status: status.saved == 12)
    found = records(folder)
    assert [record.index for record in found] == list(range(12))
    assert {record.mode for record in found} == {"burst"}
    assert [record.index for record in found if record.warnings] == [5], "neighbours are alike: no warning"
    assert found[7].gates["motion_px"] == pytest.approx(0, abs=0.05), "each was measured"


def test_a_burst_begins_with_a_pair_that_passes_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.set_limit("skew_ms", GateLimit(2.0, "wall"))
        run.capturing.begin(Plan("burst", count=5))
        run.wait_for("the burst", lambda status: status.state.plan is not None)
        for index in range(8):
            run.capturing.pair_arrived(shot(index, skew_ms=4 if index == 0 else 0))
        status = run.done()
        assert status.refused == 1
        assert status.reason.startswith("Skew 4.00 ms")
        assert status.total == 0


def test_on_change_saves_each_scene_once_until_the_target(tmp_path: Path) -> None:
    with session() as run:
        run.open(tmp_path / "set")
        run.capturing.set_limit("motion_px", GateLimit(1.0, "off"))
        run.capturing.begin(Plan("change", target=3))
        for index, turn_px in enumerate((0, 0, 0, 100, 100, 200)):
            run.show(shot(index, turn_px))
            run.wait_for("the disk", lambda status, n=turn_px // 100: status.saved == n + 1)
        status = run.done()
        assert status.reason == "The target of 3 pairs is reached"
    assert [record.index for record in records(tmp_path / "set")] == [0, 3, 5]


def test_a_walk_through_waits_for_stillness_and_for_something_new(tmp_path: Path) -> None:
    with session() as run:
        run.open(tmp_path / "set")
        run.capturing.begin(Plan("walk", target=2))
        run.show(shot(0))
        run.wait_for("the first", lambda status: status.saved == 1)
        index = 1
        while run.show(shot(index)).reason != "Seen already: move on to something else":
            index += 1
        # The camera is turned quickly: by 8 px from frame to frame, with long exposures.
        for turn_px in (8, 16, 24, 32):
            index += 1
            run.show(shot(index, turn_px, exposure_us=20_000))
        assert run.wait_for("motion", lambda status: "stands still" in status.reason).saved == 1
        run.show(shot(index + 1, 32))
        status = run.done()
    assert status.total == 2
    assert [record.index for record in records(tmp_path / "set")] == [0, index + 1]


def test_what_is_blurred_is_kept_out_of_a_walk_through_also_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.begin(Plan("single"))
        run.show(shot(0))
        run.wait_for("the pair", lambda status: status.saved == 1)
    with session() as run:
        run.open(folder)
        run.capturing.begin(Plan("walk", target=2))
        run.show(shot(0, 100, blur_px=3))
        status = run.show(shot(1, 100, blur_px=3))
        assert status.verdict.warnings == ("sharpness",)
        assert run.wait_for("the reason", lambda status: status.reason).reason.startswith("Sharpness")
        assert status.total == 1
        run.show(shot(2, 100))
        assert run.wait_for("the sharp one", lambda status: status.total == 2).refused == 0


def test_undo_takes_back_one_save_after_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.burst(3)
        run.capturing.undo()
        run.capturing.undo()
        status = run.wait_for("undo", lambda status: status.total == 1)
        assert [saved.name for saved in status.strip] == ["000000"]
        run.capturing.begin(Plan("single"))
        run.show(shot(7))
        run.wait_for("another", lambda status: status.total == 2)
    reader = DatasetReader.open(folder)
    assert [record.index for record in reader.records] == [0, 7]
    assert [record.index for record in reader.trash] == [1, 2]


def test_undo_without_a_save_says_so(tmp_path: Path) -> None:
    with session() as run:
        run.open(tmp_path / "set")
        run.capturing.undo()
        run.wait_for("the words", lambda _: "no save to take back" in run.board.text)


def test_an_interrupted_plan_goes_on_where_it_was(tmp_path: Path) -> None:
    """The folder as it is at a moment of a running plan is what a power cut leaves."""
    folder, left = tmp_path / "set", tmp_path / "left"
    with session() as run:
        run.open(folder)
        run.capturing.set_people("Kim", "f/4")
        run.capturing.set_tags(("bench",))
        run.capturing.set_limit("skew_ms", GateLimit(1.0, "wall"))
        run.capturing.set_notes("begun in the morning")
        run.capturing.set_limit("motion_px", GateLimit(1.0, "off"))
        run.capturing.begin(Plan("change", target=50))
        for index in range(3):
            run.show(shot(index, 100 * index))
            run.wait_for("the pair", lambda status, n=index: status.saved > n)
        shutil.copytree(folder, left)
    with session() as run:
        status = run.open(left)
        assert status.resumable == Plan("change", target=50)
        assert status.state.plan is None, "only after somebody has said yes"
        assert (status.state.operator, status.state.lens_note) == ("Kim", "f/4")
        assert status.state.limits["skew_ms"] == GateLimit(1.0, "wall")
        assert status.total == 3
        assert len(status.strip) == 3
        run.capturing.continue_plan(go_on=True)
        run.wait_for("the plan", lambda status: status.state.plan is not None)
        status = run.show(shot(10, 100))
        distance = status.verdict.values["duplicate_distance"]
        assert distance is not None
        assert distance < 0.01, "what was saved before the crash is known"
        run.wait_for("the pair", lambda status: status.total == 4)
        run.capturing.stop()
        run.done()
    assert records(left)[-1].tags == ("bench",)
    assert read_notes(left) == "begun in the morning"
    state = read_state(left)
    assert state is not None
    assert state.plan is None, "it was stopped on purpose"


def test_lost_signatures_are_made_again_from_the_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.begin(Plan("single"))
        run.show(shot(0))
        run.wait_for("the pair", lambda status: status.saved == 1)
    (folder / ".fingerprints").unlink()
    with session("watched") as run:
        run.open(folder)
        run.wait_for("the signature", lambda status: not status.unsigned)
        distance = run.show(shot(3)).verdict.values["duplicate_distance"]
    assert distance is not None
    assert distance < 0.01


def test_a_recording_carries_the_values_that_are_known(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.set_tags(("bench",))
        run.wait_for("the tag", lambda status: status.state.tags)
        run.recorder.set_recording(True)
        run.show(shot(0))
        for index in range(1, 6):
            run.capturing.pair_arrived(shot(index, skew_ms=index))
        run.recorder.set_recording(False)
        status = run.wait_for("the pairs", lambda status: status.total == 6)
        assert status.can_undo
    found = records(folder)
    assert [record.index for record in found] == list(range(6))
    assert [record.gates["skew_ms"] for record in found] == [0, 1, 2, 3, 4, 5]
    assert found[0].gates["sharpness"] is None, "it was the first: nothing was measured yet"
    assert found[3].gates["sharpness"] is not None
    assert found[3].gates["measured_age_s"] is not None
    assert {record.tags for record in found} == {("bench",)}
    assert {record.mode for record in found} == {"record"}


def test_the_cycle_ssim_counts_while_the_scene_is_the_same(tmp_path: Path) -> None:
    with session("watched") as run:
        run.open(tmp_path / "set")
        run.capturing.colorized(shot(0), 0.97)
        assert run.show(shot(1)).verdict.values["cycle_ssim"] == 0.97
        assert run.show(shot(2, 100)).verdict.values["cycle_ssim"] is None
        age_s = run.capturing.status().cycle_age_s
        assert age_s is not None
        assert age_s >= 0


def test_nothing_is_measured_while_nobody_asks() -> None:
    with session() as run:
        run.capturing.pair_arrived(shot(0))
        run.capturing.begin(Plan("single"))
        run.wait_for("the refusal", lambda _: "no dataset is open" in run.board.text)
        assert run.capturing.status().age_s is None


def test_a_dataset_that_fails_ends_the_plan_and_offers_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.set_limit("motion_px", GateLimit(1.0, "off"))
        run.capturing.begin(Plan("change", target=9))
        run.show(shot(0))
        run.wait_for("the pair", lambda status: status.saved == 1)
        shutil.rmtree(folder / "mono")
        run.capturing.pair_arrived(shot(1, 100))
        status = run.wait_for("the end", lambda status: status.resumable is not None)
        assert status.state.plan is None
        assert "pair 000001 was not saved" in run.board.text
        (folder / "mono").mkdir()
        run.capturing.continue_plan(go_on=True)
        run.wait_for("the plan", lambda status: status.state.plan is not None)
        run.show(shot(2, 200))
        run.wait_for("the pair", lambda status: status.saved == 1)
    lines = (folder / PAIRS_NAME).read_text().splitlines()
    assert len(lines) == 2


def test_a_capture_file_that_cannot_be_read_keeps_nobody_from_capturing(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
    (folder / "capture.toml").write_text("target = 'many'\n")
    with session() as run:
        run.open(folder)
        run.wait_for("the words", lambda _: "target must be a whole number" in run.board.text)
        run.capturing.begin(Plan("single"))
        run.show(shot(0))
        run.wait_for("the pair", lambda status: status.saved == 1)


def test_a_burst_without_time_to_measure_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BURST_BYTES", 0)
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.capturing.begin(Plan("burst", count=6))
        run.wait_for("the burst", lambda status: status.state.plan is not None)
        for index in range(9):
            run.capturing.pair_arrived(shot(index, skew_ms=index / 10))
        run.wait_for("the pairs", lambda status: status.saved == 6)
    found = records(folder)
    assert [record.index for record in found] == list(range(6))
    assert [record.gates["skew_ms"] for record in found] == [0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert "measured_age_s" not in found[0].gates, "the first has to pass"
    assert all("measured_age_s" in record.gates for record in found[1:])


def test_what_was_edited_elsewhere_is_seen_when_the_page_is_entered(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    with session() as run:
        run.open(folder)
        run.burst(3)
        DatasetEditor(folder).apply(Edit(("000001",), trashed=True))
        run.capturing.watch(watched=True)
        status = run.wait_for("the edit", lambda status: status.total == 2)
        assert [saved.name for saved in status.strip] == ["000000", "000002"]


def test_a_request_that_fails_interrupts_no_plan(tmp_path: Path) -> None:
    with session() as run:
        run.open(tmp_path / "set")
        run.capturing.begin(Plan("walk", target=5))
        run.capturing.undo()
        status = run.wait_for("the words", lambda _: "no save to take back" in run.board.text)
        assert status.state.plan == Plan("walk", target=5)


def test_a_single_shot_in_between_leaves_a_plan_running(tmp_path: Path) -> None:
    plan = Plan("change", target=9)
    with session() as run:
        run.open(tmp_path / "set")
        run.capturing.begin(plan)
        run.show(shot(0))
        run.wait_for("the first", lambda status: status.saved == 1)
        again = shot(1)
        run.capturing.begin(Plan("single"), again)
        status = run.wait_for("the shot", lambda status: status.saved == 2)
        assert status.state.plan == plan
    assert [record.mode for record in records(tmp_path / "set")] == ["change", "single"]
    assert records(tmp_path / "set")[1].warnings == ("duplicate_distance",)


def test_a_timed_plan_goes_on_until_the_target_although_nothing_changes(tmp_path: Path) -> None:
    with session("watched") as run:
        run.open(tmp_path / "set")
        run.capturing.begin(Plan("timed", period_s=0.05, target=3))
        run.wait_for("the plan", lambda status: status.state.plan is not None)
        index = 0
        while run.show(shot(index)).state.plan is not None:
            index += 1
        assert run.done().reason == "The target of 3 pairs is reached"
    assert [record.mode for record in records(tmp_path / "set")] == ["timed"] * 3
