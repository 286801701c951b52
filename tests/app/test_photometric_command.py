"""`main.py photometric`, on images of the virtual rig's sensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import main
from capture.calibration import load_calibration, save_calibration
from capture.frames import ROLES
from capture.png import encode_png
from capture.virtual.geometry import true_calibration
from tests.capture.photometric.virtual_cameras import CORNERS, SPEC, chart, look_of, photograph, white

BLACK = 0.03
GAMMA = 0.45


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with black/, white/ (mono/ and color/ each) and chart.png."""
    folder = tmp_path_factory.mktemp("bench")
    for name, level in (("black", 0.0), ("white", 0.3)):
        for role in ROLES:
            image = photograph(white(level), role, look_of(role), black=BLACK)
            (folder / name / role).mkdir(parents=True)
            (folder / name / role / "0.png").write_bytes(encode_png(image))
    picture = photograph(
        chart(CORNERS, (1.2, 1.0, 0.75)), "color", look_of("color", exposure=0.6), black=BLACK
    )
    (folder / "chart.png").write_bytes(encode_png(picture))
    return folder


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    path = tmp_path / "rig.toml"
    save_calibration(true_calibration(SPEC), path)
    return path


def test_everything_is_measured_and_kept(
    bench: Path, calibration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = ["--black", str(bench / "black"), "--white", str(bench / "white")]
    images += ["--checker", str(bench / "chart.png"), "--gamma-mono", "0.45", "--gamma-color", "0.45"]
    assert main.main(["photometric", str(calibration), *images]) == 0
    said = capsys.readouterr().out
    for words in ("mono: black level", "colour: corners lack", "chart found at", "24 of 24 patches"):
        assert words in said
    photometric = load_calibration(calibration).photometric
    assert photometric is not None
    mono, color = photometric.mono, photometric.color
    assert mono is not None
    assert color is not None
    assert mono.black_level == pytest.approx(BLACK**GAMMA, rel=0.03)
    assert mono.flat_field is not None
    assert color.color_matrix is not None
    # The exact geometry is still in the file.
    assert np.array_equal(load_calibration(calibration).rotation, true_calibration(SPEC).rotation)


def test_steps_can_be_taken_one_by_one_and_taken_back(bench: Path, calibration: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.toml"
    assert (
        main.main(["photometric", str(calibration), "--black", str(bench / "black"), "--out", str(out)]) == 0
    )
    assert load_calibration(calibration).photometric is None
    corners = ",".join(f"{value:.0f}" for value in CORNERS.ravel())
    given = ["--checker", str(bench / "chart.png"), "--corners", corners, "--gamma-color", "auto"]
    assert main.main(["photometric", str(out), *given]) == 0
    photometric = load_calibration(out).photometric
    assert photometric is not None
    assert photometric.color is not None
    assert photometric.color.black_level > 0, "the first step is kept"
    assert photometric.color.gamma == pytest.approx(GAMMA, rel=0.05)
    region = ["--grey", str(bench / "white"), "--region", "200,200,100,80"]
    assert main.main(["photometric", str(out), *region]) == 0
    balanced = load_calibration(out).photometric
    assert balanced is not None
    assert balanced.color is not None
    assert balanced.color.color_matrix is None
    assert main.main(["photometric", str(out), "--remove"]) == 0
    assert load_calibration(out).photometric is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to measure"),
        (["--black", "nowhere"], "nowhere does not exist"),
        (["--black", "BENCH/white"], "put the cap on"),
        (["--black", "BENCH/black", "--white", "BENCH/black"], "too dark"),
        (["--checker", "BENCH/white/color/0.png"], "No "),
        (["--checker", "BENCH/chart.png", "--corners", "1,2,3"], "must be 8 numbers, not 3"),
        (["--checker", "BENCH/chart.png", "--corners", "a,b"], "must be numbers"),
        (["--grey", "BENCH/chart.png", "--region", "0,0,9000,10"], "not within the image"),
        (["--gamma-color", "auto", "--black", "BENCH/black"], "needs --checker"),
        (["--gamma-color", "steep", "--black", "BENCH/black"], 'must be a number or "auto"'),
        (["--gamma-mono", "9", "--black", "BENCH/black"], "gamma = 9.0 is not within"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    bench: Path, calibration: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    before = calibration.read_bytes()
    given = [argument.replace("BENCH", str(bench)) for argument in arguments]
    assert main.main(["photometric", str(calibration), *given]) == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert len(error) == 1
    assert said in error[0]
    assert calibration.read_bytes() == before


def test_images_of_another_size_are_refused(
    bench: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = true_calibration(replace(SPEC, width=320, height=240))
    save_calibration(other, tmp_path / "small.toml")
    assert main.main(["photometric", str(tmp_path / "small.toml"), "--black", str(bench / "black")]) == 2
    assert "the calibration is for 320×240" in capsys.readouterr().err
