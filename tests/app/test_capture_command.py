"""`main.py live --capture`: a capture session on a real rig, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import main
from capture.dataset import DatasetReader

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def rig(tmp_path: Path) -> str:
    path = tmp_path / "rig.toml"
    path.write_text('kind = "virtual"\nwidth = 160\nheight = 120\nframe_rate_hz = 20.0\nroom_s = 2.0\n')
    return str(path)


def run(*arguments: str) -> int:
    return main.main(["live", "--headless", "--capture-only", *arguments])


def test_a_burst_and_then_a_walk_through_rooms_with_the_same_dataset(
    rig: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    burst = ["--capture", "burst", "--burst", "4", "--tags", "bench,indoor", "--operator", "Kim"]
    assert run("--rig", rig, "--dataset", str(folder), *burst) == 0
    assert "4 pairs saved" in capsys.readouterr().out
    walk = ["--capture", "walk", "--target", "6", "--gate", "duplicate_distance=wall:0.3"]
    assert run("--rig", rig, "--dataset", str(folder), *walk) == 0
    assert "The target of 6 pairs is reached" in capsys.readouterr().out
    reader = DatasetReader.open(folder)
    assert [record.mode for record in reader.records] == ["burst"] * 4 + ["walk"] * 2
    first = reader.records[0].index
    assert [record.index for record in reader.records[:4]] == list(range(first, first + 4))
    for record in reader.records[4:]:
        distance = record.gates["duplicate_distance"]
        assert distance is not None
        assert distance >= 0.3, "each is of another room"
        assert record.tags == ("bench", "indoor"), "the dataset remembers them"
    session = reader.sessions[-1]
    assert session["operator"] == "Kim"
    nodes = session["nodes"]
    assert isinstance(nodes, dict)
    assert nodes["mono"]["ExposureTime"] == 5000.0


def test_a_wall_ends_a_single_shot_with_the_reason(
    rig: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    single = ["--capture", "single", "--gate", "texture_share=wall:1.1"]
    assert run("--rig", rig, "--dataset", str(tmp_path / "set"), *single) == 0
    out = capsys.readouterr().out
    assert "0 pairs saved" in out
    assert "1 refused" in out
    assert "at least 1.10" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--capture", "walk"], "--dataset"),
        (["--capture", "walk", "--dataset", "x", "--tags", " "], "tag"),
    ],
)
def test_what_is_missing_is_said(
    rig: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--rig", rig, *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_gate_that_does_not_exist_is_refused(rig: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("--rig", rig, "--capture", "walk", "--dataset", "x", "--gate", "smell=wall")
    assert ended.value.code == 2
    assert "duplicate_distance" in capsys.readouterr().err
