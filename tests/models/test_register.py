"""Registration: a planted transform is found again, what is occluded is left out, and the folder is whole or
not there.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import main
from models.data.layers import Float, generate_registered
from models.data.pairs import open_pairs
from models.data.register import Image, RegisterConfig, register_pair

HEIGHT, WIDTH = 200, 280
PLANTED = np.array([[1.02, 0.015, 4.3], [-0.01, 0.99, -2.6], [4e-5, -2e-5, 1]], np.float64)
OCCLUDER = (slice(60, 110), slice(40, 100))


def _levels(image: Float) -> Image:
    return np.round(image * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scene() -> tuple[Image, Image]:
    """Mono and colour of one scene from one place."""
    pair = generate_registered(np.random.default_rng(19), HEIGHT, WIDTH, [])
    return _levels(pair.mono), _levels(pair.color)


@pytest.fixture(scope="module")
def apart(scene: tuple[Image, Image]) -> tuple[Image, Image]:
    """The same, the colour image moved by the planted transform (mono px → colour px), with an occluder."""
    mono, color = scene
    moved = cv2.warpPerspective(
        color, PLANTED, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    mono = mono.copy()
    noise = np.random.default_rng(1).random((25, 30), np.float32)
    mono[OCCLUDER] = _levels(np.clip(cv2.resize(noise, (60, 50), interpolation=cv2.INTER_CUBIC), 0, 1))
    return mono, np.asarray(moved, np.uint8)


def test_a_planted_transform_is_found_again(scene: tuple[Image, Image], apart: tuple[Image, Image]) -> None:
    regions = register_pair(*apart)
    assert sum(r.mono.size for r in regions) > 0.2 * HEIGHT * WIDTH
    for region in regions:
        rows = slice(region.y, region.y + region.mono.shape[0])
        columns = slice(region.x, region.x + region.mono.shape[1])
        np.testing.assert_array_equal(region.mono, apart[0][rows, columns])
        right = scene[1][rows, columns].astype(float)
        # Resampled twice it is a little softer than the original; a pixel further it would be another image.
        error = np.abs(region.color - right).mean()
        assert error < 0.35 * np.abs(np.roll(right, 1, axis=1) - right)[:, 1:].mean() + 1.5
        assert region.residual_px < 0.3
        assert min(region.mono.shape) >= RegisterConfig().min_size_px


def test_what_only_one_camera_sees_is_left_out(apart: tuple[Image, Image]) -> None:
    covered = np.zeros((HEIGHT, WIDTH), int)
    for region in register_pair(*apart):
        height, width = region.mono.shape
        covered[region.y : region.y + height, region.x : region.x + width] += 1
    assert covered.max() == 1, "regions overlap"
    assert covered[OCCLUDER].sum() == 0


def test_without_anything_in_common_nothing_is_registered() -> None:
    rng = np.random.default_rng(0)
    mono = rng.integers(0, 255, (100, 120), np.uint8)
    assert register_pair(mono, rng.integers(0, 255, (100, 120, 3), np.uint8)) == []
    flat = np.full((100, 120), 90, np.uint8)
    assert register_pair(flat, np.dstack([flat] * 3)) == []


def _write_pairs(folder: Path, mono: Image, color: Image) -> Path:
    for kind, image in (("mono", mono), ("color", cv2.cvtColor(color, cv2.COLOR_RGB2BGR))):
        (folder / kind).mkdir(parents=True)
        assert cv2.imwrite(str(folder / kind / "a.png"), image)
    return folder


def test_the_command_writes_pairs_that_open_again(
    tmp_path: Path, apart: tuple[Image, Image], capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, out = _write_pairs(tmp_path / "pairs", *apart), tmp_path / "out"
    assert main.main(["register", str(pairs), str(out)]) == 0
    report = json.loads((out / "registration.json").read_text())
    source = open_pairs(out)
    assert [r["name"] for r in report["regions"]] == list(source.names)
    assert len({source.scene_of(i) for i in range(len(source))}) == 1, "regions of a pair are one scene"
    pair = source.read(0)
    assert pair.mono.shape == (report["regions"][0]["height"], report["regions"][0]["width"])
    assert main.main(["register", str(pairs), str(out)]) == main.EXIT_BAD_INPUT
    assert "exists already" in capsys.readouterr().err


def test_a_run_that_finds_nothing_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flat = np.full((60, 80), 90, np.uint8)
    pairs = _write_pairs(tmp_path / "pairs", flat, np.dstack([flat] * 3))
    assert main.main(["register", str(pairs), str(tmp_path / "out")]) == main.EXIT_BAD_INPUT
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert "no region" in error
    assert [p.name for p in tmp_path.iterdir()] == ["pairs"]


def test_real_pairs_have_registered_regions(shared_dir: Path) -> None:
    source = open_pairs(shared_dir / "data" / "real_pairs")
    regions = [r for i in (0, 1) for r in register_pair(source.read(i).mono, source.read(i).reference)]
    assert len(regions) >= 3
    assert max(r.residual_px for r in regions) < 0.3
    assert min(r.correlation for r in regions) > 0.9
