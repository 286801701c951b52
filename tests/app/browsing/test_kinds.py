"""What is dropped on the window is known for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.browsing.kinds import look_at
from capture.calibration import save_calibration
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from tests.app.browsing.pairs import write_dataset

EXAMPLE = Path(__file__).parents[3] / "calibration_data" / "example_rig.toml"


def test_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    names = write_dataset(tmp_path / "set", 1)
    calibration = tmp_path / "rig.toml"
    save_calibration(true_calibration(VirtualSpec()), calibration)
    plain = tmp_path / "plain"
    for role in ("mono", "color"):
        (plain / role).mkdir(parents=True)
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"")
    picture = tmp_path / "set" / "mono" / f"{names[0]}.png"
    found = {
        path: look_at(path)
        for path in (
            tmp_path / "set",
            tmp_path / "set" / "pairs.jsonl",
            calibration,
            plain,
            weights,
            picture,
            EXAMPLE,
        )
    }
    assert [each.kind for each in found.values()] == [
        "dataset", "dataset", "calibration", "pairs", "weights", "pairs", "rig"]  # fmt: skip
    assert found[picture].path == tmp_path / "set"
    assert found[picture].names == (names[0],)
    assert found[tmp_path / "set" / "pairs.jsonl"].path == tmp_path / "set"


@pytest.mark.parametrize("name", ["notes.txt", "empty", "broken.toml", "absent"])
def test_what_cannot_be_opened_says_why(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "empty":
        path.mkdir()
    elif name != "absent":
        path.write_text("no = [table")
    found = look_at(path)
    assert found.kind == "unknown"
    assert name in found.why
    assert found.words == found.why
