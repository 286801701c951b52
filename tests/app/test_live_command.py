"""`main.py live` without a window: what it writes, what it prints, how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

import app.qt_check
import main
from app.commands.headless import Limits, Progress
from app.commands.summary import percentile
from app.pipeline.stages import StageMeter
from app.pipeline.status import PipelineStatus
from capture.calibration import save_calibration
from capture.spec import VirtualSpec
from capture.virtual.geometry import true_calibration
from tests.app.pipelines import write_replay

ROOT = Path(__file__).resolve().parents[2]
FAST = ["--threads", "1", "--max-disparity", "16"]
PATIENCE_S = 120


@pytest.fixture
def virtual(tmp_path: Path) -> str:
    """Return a rig file: the virtual rig, small."""
    save_calibration(true_calibration(VirtualSpec(width=160, height=120)), tmp_path / "exact.toml")
    rig = tmp_path / "small.toml"
    rig.write_text('kind = "virtual"\nwidth = 160\nheight = 120\ncalibration = "exact.toml"\n')
    return str(rig)


@pytest.mark.usefixtures("no_leaks")
def test_a_replay_is_colorized_pair_by_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = write_replay(tmp_path / "pairs", pairs=3), tmp_path / "out"
    code = main.main(["live", "--rig", f"replay:{folder}", "--headless", "--out", str(out), *FAST])
    assert code == 0
    assert sorted(path.name for path in out.glob("*.png")) == ["000000.png", "000001.png", "000002.png"]
    picture = cv2.imread(str(out / "000001.png"))
    assert picture is not None
    assert picture.shape == (64, 5 * 96, 3)
    source = cv2.imread(str(folder / "color" / "001.png"))
    assert source is not None
    assert (picture[:, 96:192] == source).all()
    summary = json.loads((out / "summary.json").read_text())
    assert summary["pairs"] == 3
    assert summary["fps"] > 0
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
    assert summary["stages_ms"]["first_pass"] > 0
    assert set(summary["cycle_ssim"]) == {"cb", "cr"}
    assert summary["drops"]["colorize"] == 0
    assert "psnr_truth" not in summary
    assert summary["cameras"]["mono"]["delivered"] == summary["cameras"]["mono"]["paired"] == 3
    captured = capsys.readouterr()
    assert "not rectified" in captured.out
    assert captured.err == ""


@pytest.mark.usefixtures("no_leaks")
def test_the_virtual_rig_is_compared_with_its_truth(tmp_path: Path, virtual: str) -> None:
    out = tmp_path / "out"
    code = main.main(["live", "--rig", virtual, "--frames", "2", "--out", str(out), "--threads", "1"])
    assert code == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["pairs"] == 2
    assert summary["psnr_truth"] > 10
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) == 2
    picture = cv2.imread(str(pictures[0]))
    assert picture is not None
    assert picture.shape == (120, 6 * 160, 3)


@pytest.mark.usefixtures("no_leaks")
def test_capture_only_counts_and_loads_no_network(
    virtual: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main.main(["live", "--rig", virtual, "--capture-only", "--frames", "5", "--out", str(tmp_path)])
    assert code == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["pairs"] >= 5
    assert summary["device"] == ""
    for camera in summary["cameras"].values():
        assert camera["delivered"] == camera["paired"] + camera["unpaired"] + camera["waiting"]
    stage = summary["stages"]["rectify"]
    assert stage["taken"] == stage["finished"] + stage["dropped"] == summary["cameras"]["mono"]["paired"]
    assert summary["sync"]["matched_by"] == "frame id"
    assert summary["sync"]["findings"]


def test_without_a_display_it_says_so_and_runs_headless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    folder = write_replay(tmp_path / "pairs", pairs=1)
    assert main.main(["live", "--rig", f"replay:{folder}", *FAST]) == 0
    assert capsys.readouterr().out.startswith("no display: running without a window")


def test_missing_system_libraries_are_named_instead_of_aborting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setattr(app.qt_check, "missing_qt_libraries", lambda: ["libxcb-cursor0"])
    assert main.main(["live", "--rig", "virtual"]) == 2
    error = capsys.readouterr().err
    assert "sudo apt install libxcb-cursor0" in error
    assert error.count("\n") == 1


def bad_inputs(folder: Path) -> dict[str, list[str]]:
    """Return what a person may get wrong, with the arguments that do."""
    half = write_replay(folder / "half", pairs=2)
    (half / "color" / "001.png").unlink()
    truncated = write_replay(folder / "truncated", pairs=1)
    png = truncated / "mono" / "000.png"
    png.write_bytes(png.read_bytes()[:60])
    uneven = write_replay(folder / "uneven", pairs=1)
    cv2.imwrite(str(uneven / "color" / "000.png"), cv2.imread(str(uneven / "color" / "000.png"))[:32])
    (folder / "empty").mkdir()
    (folder / "bad.toml").write_text("nonsense = 1\n")
    whole = write_replay(folder / "whole", pairs=1)
    (folder / "taken").write_text("a file")
    return {
        "no such rig": ["--rig", "nonsense"],
        "no such folder": ["--rig", f"replay:{folder / 'nowhere'}"],
        "no images": ["--rig", f"replay:{folder / 'empty'}"],
        "half of a pair": ["--rig", f"replay:{half}"],
        "a truncated file": ["--rig", f"replay:{truncated}"],
        "different sizes": ["--rig", f"replay:{uneven}"],
        "no rig file": ["--rig", str(folder / "none.toml")],
        "a broken rig file": ["--rig", str(folder / "bad.toml")],
        "no calibration": ["--rig", f"replay:{whole}", "--calibration", str(folder / "none.toml")],
        "a broken calibration": ["--rig", f"replay:{whole}", "--calibration", str(folder / "bad.toml")],
        "no weights": ["--rig", f"replay:{whole}", "--model", str(folder / "none.safetensors")],
        "foreign weights": ["--rig", f"replay:{whole}", "--model", str(folder / "taken")],
        "a file for a folder": ["--rig", f"replay:{whole}", "--out", str(folder / "taken")],
    }


@pytest.mark.usefixtures("no_leaks")
def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what, arguments in bad_inputs(tmp_path).items():
        code = main.main(["live", "--headless", *arguments, *FAST])
        error = capsys.readouterr().err
        assert code == 2, f"{what}: {error}"
        assert error.startswith("error: "), what
        assert error.count("\n") == 1, f"{what}: {error}"


@pytest.mark.parametrize("arguments", [["--frames", "0"], ["--duration", "-1"], ["--max-disparity", "x"]])
def test_impossible_numbers_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(["live", "--headless", *arguments])
    assert left.value.code == 2


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent to a process group")
def test_ctrl_c_ends_cleanly_with_a_summary(virtual: str, tmp_path: Path) -> None:
    out_folder = tmp_path / "out"
    arguments = ["live", "--rig", virtual, "--capture-only", "--duration", "600", "--out", str(out_folder)]
    with subprocess.Popen(
        [sys.executable, "main.py", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert "pairs" in process.stdout.readline()  # the first line of progress: the pipeline has started
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the capture process as well
        out, error = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert error == ""
    assert "cameras:" in out
    assert (out_folder / "summary.json").is_file()


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def status(**changes: object) -> PipelineStatus:
    stages = {name: StageMeter().status() for name in ("capture", "pair", "rectify", "colorize")}
    return PipelineStatus(stages=stages, **changes)  # type: ignore[arg-type]


def test_progress_stays_on_one_line_of_a_terminal() -> None:
    terminal = Terminal()
    progress = Progress(terminal, Limits(pairs=3))
    for pairs in range(4):
        progress.show(status(), pairs)
    progress.end()
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert text.count("\r") == 4
    assert "3/3 pairs" in text


def test_news_get_lines_of_their_own_once() -> None:
    stream = io.StringIO()
    progress = Progress(stream, Limits())
    progress.show(status(notice="not rectified"), 0)
    progress.show(status(notice="not rectified", error="camera lost"), 1)
    progress.show(status(notice="not rectified"), 2)
    progress.show(status(notice="not rectified", error="camera lost"), 3)
    lines = stream.getvalue().splitlines()
    assert lines.count("note: not rectified") == 1
    assert lines.count("error: camera lost") == 2


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 50) == 50
    assert percentile(values, 99) == 99
    assert percentile([7.0], 99) == 7
    assert percentile([], 50) is None
