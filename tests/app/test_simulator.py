"""From GenApi to the pane: the app on simulated GenTL cameras."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import main
from capture.simulator.rig import COLOR_SERIAL, MONO_SERIAL, producer_path

FAST = ["--threads", "1", "--max-disparity", "32"]
RIG = """
kind = "genicam"
name = "rehearsal"
producers = ["{producer}"]
calibration = "{calibration}"
[mono]
serial = "{mono}"
pixel_format = "Mono12p"
[color]
serial = "{color}"
pixel_format = "BayerRG12Packed"
[sync]
mode = "hardware"
mono_line = "Line1"
color_line = "Line0"
"""


def rig_file(folder: Path, simulator: Path) -> Path:
    path = folder / "rehearsal.toml"
    path.write_text(
        RIG.format(
            producer=producer_path(simulator),
            calibration=simulator / "calibration.toml",
            mono=MONO_SERIAL,
            color=COLOR_SERIAL,
        )
    )
    return path


@pytest.mark.usefixtures("no_leaks")
def test_the_panes_show_the_colors_of_the_scene(simulator: Path, tmp_path: Path) -> None:
    """In packed formats of both makers' kinds: what is unpacked wrongly shows."""
    rig, out = rig_file(tmp_path, simulator), tmp_path / "out"
    assert (
        main.main(["live", "--rig", str(rig), "--headless", "--frames", "3", "--out", str(out), *FAST]) == 0
    )
    summary = json.loads((out / "summary.json").read_text())
    assert summary["pairs"] == 3
    for camera in summary["cameras"].values():
        assert camera["incomplete"] == camera["id_gaps"] == 0
    picture = cv2.imread(str(max(out.glob("*.png"))))
    assert picture is not None
    panes = np.split(picture, 5, axis=1)
    reference, refined = (
        cv2.resize(pane, (16, 12), interpolation=cv2.INTER_AREA).astype(float) for pane in panes[1::3]
    )
    assert np.abs(reference.mean(axis=(0, 1)) - refined.mean(axis=(0, 1))).max() < 12
    # Red against blue, place by place: a mosaic read wrongly, or red and blue exchanged, has another sign.
    red_blue = [(pane[:, 3:-3, 2] - pane[:, 3:-3, 0]).ravel() for pane in (reference, refined)]
    assert np.corrcoef(red_blue)[0, 1] > 0.7
    assert np.std(red_blue[0]) > 10
    wood = reference[-2:, 4:10].mean(axis=(0, 1))
    assert wood[2] > wood[0] + 20, "the bench is brown"
