"""`main.py render` writes folders that training reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import main
from models.data.pairs import open_pairs


def render(out: Path, *more: str) -> int:
    return main.main(["render", str(out), "--size", "96x72", "--per-room", "2", *more])


def test_rendered_folders_open_as_pairs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "rooms"
    assert render(out, "--seeds", "3:5") == 0
    assert "4 pairs" in capsys.readouterr().out
    source = open_pairs(out)
    assert list(source.names) == ["room0003-0", "room0003-1", "room0004-0", "room0004-1"]
    pair = source.read(2)
    assert pair.mono.shape == (72, 96)
    assert pair.truth is not None
    assert pair.disparity is not None
    assert pair.visible is not None
    assert pair.max_disparity == int(np.ceil(pair.disparity.max())) + 1
    assert not pair.mono_is_luma
    assert len({source.scene_of(index) for index in range(4)}) == 2


def test_rooms_that_are_complete_are_left_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(tmp_path, "--seeds", "0") == 0
    mono = (tmp_path / "mono" / "room0000-1.png").read_bytes()
    (tmp_path / "mono" / "room0000-1.png").write_bytes(b"half")
    (tmp_path / "visible" / "room0000-1.png").unlink()  # as if it had been stopped here
    capsys.readouterr()
    assert render(tmp_path, "--seeds", "0") == 0
    assert "2 pairs" in capsys.readouterr().out
    assert (tmp_path / "mono" / "room0000-1.png").read_bytes() == mono
    assert render(tmp_path, "--seeds", "0") == 0
    assert "0 pairs" in capsys.readouterr().out


def test_frames_of_a_room_are_a_folder_of_pairs(tmp_path: Path) -> None:
    arguments = ["render", str(tmp_path), "--size", "96x72", "--seeds", "3", "--frames", "2"]
    assert main.main([*arguments, "--noise-db", "15"]) == 0
    source = open_pairs(tmp_path)
    assert list(source.names) == ["000", "001"]
    assert source.scene_of(0) == source.scene_of(1)
    first, second = source.read(0), source.read(1)
    assert first.truth is not None
    np.testing.assert_array_equal(first.truth, second.truth)
    assert 1 < np.abs(first.mono.astype(int) - second.mono).mean() < 20


def test_a_frame_rate_without_frames_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render(tmp_path, "--seeds", "0", "--fps", "30") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_output_that_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert render(tmp_path / "file", "--seeds", "0") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seeds", "5:2"],
        ["--seeds", "a:b"],
        ["--size", "97x72"],
        ["--size", "9x9"],
        ["--size", "big"],
        ["--frames", "3", "--per-room", "3"],
        ["--noise-db", "loud"],
        ["--fps", "0"],
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(["render", str(tmp_path), *arguments])
    assert caught.value.code == 2
