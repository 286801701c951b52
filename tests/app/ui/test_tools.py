"""The tools that look at the window, on a small replay and the shipped networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from app.ui import screenshot, stutter
from app.ui.driver import main


@pytest.fixture
def replay(tmp_path: Path) -> Path:
    """Six pairs of textured noise, the same content 8 px further right in the colour image."""
    folder = tmp_path / "pairs"
    rng = np.random.default_rng(5)
    for role in ("mono", "color"):
        (folder / role).mkdir(parents=True)
    for index in range(3):
        wide = cv2.GaussianBlur(rng.integers(0, 256, (96, 168, 3), dtype=np.uint8), (0, 0), 2)
        wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
        cv2.imwrite(str(folder / "color" / f"{index}.png"), wide[:, :160])
        cv2.imwrite(str(folder / "mono" / f"{index}.png"), cv2.cvtColor(wide[:, 8:], cv2.COLOR_BGR2GRAY))
    return folder


def test_a_screenshot_shows_the_window_with_results(
    qapp, qtbot, replay: Path, tmp_path: Path, monkeypatch
) -> None:
    out = tmp_path / "shots" / "window.png"
    arguments = ["--rig", f"replay:{replay}", "--size", "1280x800", "--click", "80,48", "--seconds", "0.1"]
    monkeypatch.setattr("sys.argv", ["screenshot", *arguments, "--out", str(out)])
    assert main(screenshot.run) == 0
    picture = cv2.imread(str(out))
    assert picture.shape == (800, 1280, 3)
    saturation = picture.max(axis=2).astype(int) - picture.min(axis=2)
    assert (saturation > 30).mean() > 0.1, "there is colour on screen: the networks' results"


def test_stutter_measures_a_live_window(qapp, qtbot, replay: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["stutter", "--rig", f"replay:{replay}", "--seconds", "0.5"])
    assert main(stutter.run) == 0
    assert "p99" in capsys.readouterr().out


def test_a_rig_that_does_not_exist_is_one_line_and_code_2(qapp, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["stutter", "--rig", "nonsense"])
    assert main(stutter.run) == 2
    assert capsys.readouterr().err.startswith("error: No rig is called 'nonsense'")
