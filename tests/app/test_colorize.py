"""`main.py colorize` as a person calls it: right results, and one clear line for everything that is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import main
from capture.calibration import CameraCalibration, RigCalibration, save_calibration
from models import color
from models.metrics import ssim

HEIGHT, WIDTH, DISPARITY = 64, 96, 6
MEASURES = {"cycle_ssim_cb", "cycle_ssim_cr", "cycle_ssim_rgb", "structure_ssim_y", "ms"}
KINDS = ("first", "second", "refined", "confidence")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def scene(seed: int = 0, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> tuple[np.ndarray, np.ndarray]:
    """Return mono and reference of a textured wall: reference content lies DISPARITY px further right."""
    rng = np.random.default_rng(seed)
    wide = np.zeros((shape[0], shape[1] + DISPARITY, 3), np.float32)
    for cell in (4, 16):
        noise = rng.uniform(0, 255, (shape[0] // cell + 2, wide.shape[1] // cell + 2, 3)).astype(np.float32)
        wide += cv2.resize(noise, wide.shape[1::-1], interpolation=cv2.INTER_CUBIC) / 2
    rgb = np.uint8(np.clip(wide, 0, 255))
    return color.luma_uint8(np.ascontiguousarray(rgb[:, DISPARITY:])), rgb[:, : shape[1]]


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image)
    return path


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if image.ndim == 3 else image


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for number in range(2):
        mono, reference = scene(number)
        write(tmp_path / "mono" / f"wall{number}.png", mono)
        write(tmp_path / "color" / f"wall{number}.png", reference)
    return tmp_path / "mono", tmp_path / "color"


def colorize(mono: Path, reference: Path, out: Path, *options: str) -> int:
    arguments = ["--mono", str(mono), "--color", str(reference), "--out", str(out), "--device", "cpu"]
    return main.main(["colorize", *arguments, "--max-disparity", "16", *options])


def test_folders_give_four_pictures_per_pair_and_the_measures(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "out"
    assert colorize(*folders, out) == 0
    assert {path.name for path in out.iterdir()} == {
        "metrics.json",
        *(f"wall{number}_{kind}.png" for number in range(2) for kind in KINDS),
    }
    metrics = json.loads((out / "metrics.json").read_text())
    assert set(metrics) == {"pairs", "mean"}
    assert set(metrics["pairs"]) == {"wall0", "wall1"}
    for number, (name, measures) in enumerate(metrics["pairs"].items()):
        assert set(measures) == MEASURES
        mono, reference = scene(number)
        first, second, refined, confidence = (read(out / f"{name}_{kind}.png") for kind in KINDS)
        assert first.shape == second.shape == refined.shape == reference.shape
        assert confidence.shape == mono.shape
        assert ssim(second, reference) == pytest.approx(measures["cycle_ssim_rgb"], abs=1e-6)
        # RGB rounds and clips: luma comes back to within a level where the colour can be shown at all.
        assert np.median(np.abs(color.luma_uint8(refined).astype(int) - mono)) <= 1
        assert 0.5 < measures["cycle_ssim_cb"] <= 1
        assert 0.5 < measures["structure_ssim_y"] <= 1
    for key in MEASURES:
        values = [measures[key] for measures in metrics["pairs"].values()]
        assert metrics["mean"][key] == pytest.approx(sum(values) / 2)
    shown = capsys.readouterr().out
    assert "2/2 wall1" in shown
    assert "pairs/s" in shown


def test_two_files_of_any_names_and_depths(tmp_path: Path) -> None:
    mono, reference = scene()
    left = write(tmp_path / "left.tiff", mono.astype(np.uint16) * 257)
    right = write(tmp_path / "right.png", reference)
    assert colorize(left, right, tmp_path / "deep") == 0
    assert (tmp_path / "deep" / "left_refined.png").is_file()
    gray = write(tmp_path / "gray.png", np.dstack([mono] * 3))
    deep = write(tmp_path / "deep.png", reference.astype(np.uint16) * 257)
    assert colorize(gray, deep, tmp_path / "flat") == 0
    for kind in KINDS:
        assert np.array_equal(
            read(tmp_path / "deep" / f"left_{kind}.png"), read(tmp_path / "flat" / f"gray_{kind}.png")
        )


def test_offset_shifts_the_search(tmp_path: Path) -> None:
    mono, reference = scene()
    files = write(tmp_path / "mono.png", mono), write(tmp_path / "color.png", reference)
    structure = []
    for offset in (0, DISPARITY + 4):
        out = tmp_path / f"offset{offset}"
        assert colorize(*files, out, "--offset", str(offset)) == 0
        structure.append(json.loads((out / "metrics.json").read_text())["mean"]["structure_ssim_y"])
    assert structure[0] > structure[1] + 0.1


@pytest.fixture
def calibration() -> RigCalibration:
    """Ideal cameras side by side, the colour one with twice the pixels."""
    focal = np.diag([90.0, 90.0, 1.0])
    focal[:2, 2] = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    mono = CameraCalibration((WIDTH, HEIGHT), focal, np.zeros(5))
    doubled = CameraCalibration((2 * WIDTH, 2 * HEIGHT), np.diag([2.0, 2.0, 1.0]) @ focal, np.zeros(5))
    return RigCalibration(mono, doubled, np.eye(3), np.array([60.0, 0, 0]), "left", 0.1, 0.1, 2, 24)


def test_calibration_rectifies_and_says_where_to_search(
    calibration: RigCalibration, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mono, reference = scene()
    big = cv2.resize(reference, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_LINEAR)
    files = write(tmp_path / "mono.png", mono), write(tmp_path / "color.png", big)
    save_calibration(calibration, tmp_path / "rig.toml")
    arguments = [
        "--mono",
        str(files[0]),
        "--color",
        str(files[1]),
        "--calibration",
        str(tmp_path / "rig.toml"),
    ]
    assert main.main(["colorize", *arguments, "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert "disparities 2 … 25 px" in capsys.readouterr().out
    rectified = json.loads((tmp_path / "out" / "metrics.json").read_text())["mean"]
    assert rectified["structure_ssim_y"] > 0.6
    save_calibration(
        replace(calibration, translation_mm=np.array([-60.0, 0, 0]), color_side="right"),
        tmp_path / "right.toml",
    )
    arguments[-1] = str(tmp_path / "right.toml")
    assert main.main(["colorize", *arguments, "--out", str(tmp_path / "right"), "--device", "cpu"]) == 0
    assert "colour camera right" in capsys.readouterr().out
    mirrored = json.loads((tmp_path / "right" / "metrics.json").read_text())["mean"]
    assert mirrored["structure_ssim_y"] < rectified["structure_ssim_y"] - 0.1


def spoil_missing(root: Path) -> list[str]:
    return ["--mono", str(root / "absent.png"), "--color", str(root / "color" / "a.png")]


def spoil_half_of_a_pair(root: Path) -> list[str]:
    (root / "color" / "b.png").unlink()
    return []


def spoil_extra_half(root: Path) -> list[str]:
    write(root / "color" / "c.png", scene()[1])
    return []


def spoil_truncated(root: Path) -> list[str]:
    path = root / "mono" / "a.png"
    path.write_bytes(path.read_bytes()[:-40])
    return []


def spoil_sizes(root: Path) -> list[str]:
    write(root / "color" / "a.png", scene(shape=(HEIGHT, WIDTH + 2))[1])
    return []


def spoil_empty_folder(root: Path) -> list[str]:
    (root / "empty").mkdir()
    return ["--mono", str(root / "empty")]


def spoil_file_and_folder(root: Path) -> list[str]:
    return ["--mono", str(root / "mono" / "a.png")]


def spoil_gray_reference(root: Path) -> list[str]:
    write(root / "color" / "a.png", scene()[0])
    return []


def spoil_colored_mono(root: Path) -> list[str]:
    write(root / "mono" / "a.png", scene()[1])
    return []


def spoil_tiny(root: Path) -> list[str]:
    write(root / "mono" / "a.png", scene()[0][:12])
    write(root / "color" / "a.png", scene()[1][:12])
    return []


def spoil_out(root: Path) -> list[str]:
    return ["--out", str(root / "mono" / "a.png")]


def spoil_model(root: Path) -> list[str]:
    return ["--model", str(root / "absent.safetensors")]


def spoil_weights(root: Path) -> list[str]:
    (root / "weights.safetensors").write_bytes(b"no weights")
    return ["--model", str(root / "weights.safetensors")]


def spoil_calibration(root: Path) -> list[str]:
    (root / "rig.toml").write_text("schema = 1\n")
    return ["--calibration", str(root / "rig.toml")]


SPOILED = {
    spoil_missing: r"absent\.png does not exist",
    spoil_half_of_a_pair: r"half of a pair: nothing in .*color belongs to b\.png",
    spoil_extra_half: r"half of a pair: nothing in .*mono belongs to c\.png",
    spoil_truncated: r"a\.png is truncated",
    spoil_sizes: r"96×64 but .* is 98×64",
    spoil_empty_folder: r"empty has no images",
    spoil_file_and_folder: r"is a folder but .* is a file",
    spoil_gray_reference: r"a\.png has one channel",
    spoil_colored_mono: r"a\.png is a colour picture",
    spoil_tiny: r"96×12 is too small",
    spoil_out: r"cannot make the folder",
    spoil_model: r"absent\.safetensors: no such weights file",
    spoil_weights: r"weights\.safetensors: not a weights file",
    spoil_calibration: r"rig\.toml",
}


@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__.removeprefix("spoil_"))
def test_bad_input_is_one_line_and_exit_code_2(
    spoil, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        mono, reference = scene()
        write(tmp_path / "mono" / f"{name}.png", mono)
        write(tmp_path / "color" / f"{name}.png", reference)
    options = spoil(tmp_path)
    assert colorize(tmp_path / "mono", tmp_path / "color", tmp_path / "out", *options) == 2
    complaint = capfd.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert re.search(SPOILED[spoil], complaint), complaint


def test_what_was_done_before_an_error_stays(folders: tuple[Path, Path], tmp_path: Path) -> None:
    broken = folders[1] / "wall1.png"
    broken.write_bytes(broken.read_bytes()[:500])
    assert colorize(*folders, tmp_path / "out") == 2
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(metrics["pairs"]) == {"wall0"}
    assert not list((tmp_path / "out").glob("wall1*"))


def test_real_pairs_get_the_right_colours(shared_dir: Path, tmp_path: Path) -> None:
    """On the two sharpest real pairs: measures as high as they have to be, the released network's colours."""
    pairs = shared_dir / "data" / "real_pairs"
    for side in ("mono", "color"):
        for name in ("00207", "00257"):
            target = tmp_path / side / f"{name}.png"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes((pairs / side / f"{name}.png").read_bytes())
    out = tmp_path / "out"
    assert colorize(tmp_path / "mono", tmp_path / "color", out, "--max-disparity", "48") == 0
    mean = json.loads((out / "metrics.json").read_text())["mean"]
    assert min(mean["cycle_ssim_cb"], mean["cycle_ssim_cr"]) > 0.96
    assert mean["structure_ssim_y"] > 0.9
    for name in ("00207", "00257"):
        published = read(pairs / "released_output" / f"{name}.png")[:, :220, :3]
        refined = read(out / f"{name}_refined.png")[:, :220]
        pictures = (np.ascontiguousarray(image) for image in (refined, published))
        chroma, expected = (color.split_uint8(image)[1] for image in pictures)
        assert np.abs(chroma.astype(int) - expected).mean() < 4
