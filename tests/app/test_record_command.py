"""`main.py record`: records, tells how it went, checks what is on disk; and kills recordings on purpose."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.commands.record_kill import Tally, look
from app.commands.record_log import Sample, damaged, figures, verify
from capture.dataset import DatasetReader, DatasetWriter
from main import EXIT_BAD_INPUT, main
from tests.capture.dataset_pairs import RIG, make_pair

pytestmark = pytest.mark.usefixtures("no_leaks")


def write(folder: Path, indices: range) -> None:
    with DatasetWriter(folder, RIG) as writer:
        for index in indices:
            writer.save(make_pair(index))


def test_a_recording_tells_how_it_went_and_what_is_on_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    arguments = ["--rig", "viky", "--capture-only", "--pairs", "5", "--check", "--json", str(report)]
    assert main(["record", str(tmp_path / "set"), *arguments]) == 0
    document = json.loads(report.read_text())
    assert document["error"] == ""
    assert document["saved"] == document["check"]["pairs"] == len(DatasetReader.open(tmp_path / "set")) >= 5
    assert document["check"]["damaged"] == []
    assert document["check"]["skipped"] == 0
    assert len(document["samples"]) >= 1
    assert document["samples"][-1]["free_mb"] > 0
    assert document["figures"]["app_percent"] > 0
    said = capsys.readouterr().out
    assert "0 damaged" in said
    assert "waited, the oldest for" in said


def test_a_recording_needs_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", str(tmp_path / "set")]) == EXIT_BAD_INPUT
    assert "--pairs N or --duration S" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_a_recording_into_a_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").touch()
    arguments = ["--rig", "viky", "--capture-only", "--pairs", "2"]
    assert main(["record", str(tmp_path), *arguments]) == EXIT_BAD_INPUT
    assert "is no dataset" in capsys.readouterr().err


def test_only_the_last_session_is_judged(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    write(tmp_path, range(10, 14))
    verdict = verify(tmp_path)
    assert (verdict.pairs, verdict.damaged, verdict.skipped, verdict.complete) == (4, (), 0, True)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda image: image.unlink(), "000001"),
        (lambda image: image.write_bytes(image.read_bytes()[::-1]), "000001"),
    ],
)
def test_a_damaged_pair_is_named(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    write(tmp_path, range(3))
    spoil(tmp_path / "color" / "000001.png")
    assert verify(tmp_path).damaged == (said,)
    assert not verify(tmp_path).complete


def test_pairs_and_frames_that_were_not_saved_are_counted(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, RIG) as writer:
        for index in (0, 1, 4):
            writer.save(make_pair(index))
        pair = make_pair(5)
        writer.save(replace(pair, mono=replace(pair.mono, frame_id=pair.mono.frame_id + 1)))
    verdict = verify(tmp_path)
    assert verdict.skipped == 2
    assert verdict.gaps == {"mono": 3, "color": 2}
    assert not verdict.complete


def test_figures_are_means_and_extremes() -> None:
    sample = Sample(1.0, 30, 2, 3.2, 0.1, 30.0, 30.0, 1.0, 150.0, 20.0, 50.0, 5.0, 900.0, True, 1e4)
    worse = replace(sample, saved_hz=20.0, queued=90, age_s=3.0, compressed=False, others_percent=95.0)
    result = figures([sample, worse])
    assert (result["saved_hz"], result["longest_queue"], result["oldest_s"]) == (25.0, 90, 3.0)
    assert (result["others_percent"], result["uncompressed_s"]) == (50.0, 1.0)
    assert "uncompressed" in worse.line()
    assert "uncompressed" not in sample.line()


def test_what_was_told_to_be_safe_is_looked_for(tmp_path: Path) -> None:
    write(tmp_path, range(3))
    tally = Tally()
    look(tmp_path, sessions_before=0, told=3, tally=tally)
    assert (tally.pairs, tally.safe, tally.problems) == (3, 3, [])
    look(tmp_path, sessions_before=0, told=4, tally=tally)
    (tmp_path / "mono" / "000000.png").unlink()
    look(tmp_path, sessions_before=0, told=3, tally=tally)
    assert tally.problems == ["round 2: 4 pairs were safe, 3 are listed", "round 3: damaged: 000000"]
    look(tmp_path, sessions_before=1, told=0, tally=tally)  # killed before it began a session
    assert (tally.rounds, len(tally.problems)) == (4, 2)


@pytest.mark.skipif(sys.platform == "win32", reason="the capture process is told by its parent's death")
def test_a_killed_recording_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("app.commands.record_kill.LONGEST_S", 0.5)
    monkeypatch.setattr("app.commands.record_kill.KILLED_WHILE_STARTING", 0.0)
    arguments = ["--rig", "viky", "--capture-only", "--kill", "2"]
    assert main(["record", str(tmp_path / "set"), *arguments]) == 0
    said = capsys.readouterr().out
    assert "2 recordings killed" in said
    assert "nothing is lost or damaged" in said
    reader = DatasetReader.open(tmp_path / "set")
    assert {record.session for record in reader} == {0, 1}
    assert damaged(reader, reader.records) == ()
