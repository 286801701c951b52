"""The converted released network reproduces what its authors published, and no other file passes for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import torch

from models import color
from models.colorizer import Cycle, colorize_cycle
from models.convert_released import load_released, main
from models.errors import WeightsMismatch
from models.metrics import BORDER, ssim_map
from models.paper import PaperColorizer, PaperConfig
from models.weights_io import load_weights, restore

CANDIDATES = 48
CROPPED = 6
"""Columns that the authors cut off on the right of the first pass, where candidates leave the reference."""


@pytest.fixture(scope="module")
def released_file(shared_dir: Path) -> Path:
    path = shared_dir / "reference" / "released_cycle_cnn.h5"
    if not path.is_file():
        pytest.skip("the released weights are not here")
    return path


@dataclass(frozen=True)
class Sample:
    """One real pair and what both networks made of it; chroma in levels, Cb and Cr."""

    mono: torch.Tensor
    reference: torch.Tensor
    cycle: Cycle
    chroma: np.ndarray
    published_chroma: np.ndarray


def read_rgb(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def as_tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def samples(released_file: Path, shared_dir: Path) -> list[Sample]:
    network = load_released(released_file)
    pairs = shared_dir / "data" / "real_pairs"
    result = []
    for path in sorted((pairs / "mono").iterdir()):
        mono = as_tensor(read_rgb(path))[:, :1]
        reference = torch.cat(color.split(as_tensor(read_rgb(pairs / "color" / path.name))), dim=1)
        with torch.inference_mode():
            cycle = colorize_cycle(network, mono, reference, CANDIDATES)
        # As the authors stored it: mono luma, 8 bits, clipped to what RGB can show.
        shown = color.combine(mono, cycle.first.chroma)[0].permute(1, 2, 0).mul(255).round().clamp(0, 255)
        published = read_rgb(pairs / "released_output" / path.name)
        result.append(
            Sample(mono, reference, cycle, levels(shown.numpy().astype(np.uint8)), levels(published))
        )
    return result


def levels(rgb: np.ndarray) -> np.ndarray:
    return color.split_uint8(rgb)[1].astype(float)


def inside(values: torch.Tensor, left: int = 0, right: int = 0) -> np.ndarray:
    """Mean per channel without the border and without columns that were cut off before."""
    columns = slice(BORDER + left, values.shape[-1] - BORDER - right)
    return values[0, :, BORDER:-BORDER, columns].mean(dim=(1, 2)).numpy()


def test_first_pass_is_the_published_one(samples: list[Sample]) -> None:
    assert len(samples) == 6
    error = np.mean(
        [np.abs(s.chroma[:, :-CROPPED] - s.published_chroma).mean(axis=(0, 1)) for s in samples], axis=0
    )
    assert error[0] < 0.5, "Cb"
    assert error[1] < 0.5, "Cr"
    for s in samples:
        away_from_the_margin = np.abs(s.chroma[:, :220] - s.published_chroma[:, :220])
        assert away_from_the_margin.mean() < 0.6
        assert np.percentile(away_from_the_margin, 99) <= 3


def test_second_pass_measures_as_documented(samples: list[Sample]) -> None:
    similarity = [
        inside(ssim_map(s.cycle.second.chroma + 0.5, s.reference[:, 1:] + 0.5), left=CROPPED) for s in samples
    ]
    cb, cr = np.mean(similarity, axis=0)
    assert cr == pytest.approx(0.9890, abs=0.002)
    assert cb == pytest.approx(0.9887, abs=0.002)


def test_structure_of_the_first_pass_measures_as_documented(samples: list[Sample]) -> None:
    similarity = [inside(ssim_map(s.cycle.first.luma, s.mono), right=CROPPED) for s in samples]
    assert np.mean(similarity) == pytest.approx(0.9556, abs=0.002)


def test_disparities_lie_in_the_range_of_the_pairs(samples: list[Sample]) -> None:
    """6 … 27 px are present; candidate 0 of the released network is 1 px further right."""
    disparity = torch.cat([s.cycle.first.volume.peak()[0][..., BORDER:-40].flatten() for s in samples])
    low, high = torch.quantile(disparity, torch.tensor([0.05, 0.95])).tolist()
    assert 4 < low < 9
    assert 18 < high < 30


def test_converted_file_holds_the_same_network(released_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "released.safetensors"
    assert main([str(released_file), str(target)]) == 0
    card, states = load_weights(target)
    assert card["preset"] == "paper"
    assert card["max_disparity"] == CANDIDATES
    rebuilt = PaperColorizer(PaperConfig(**card["config"]))
    restore(rebuilt, states["colorizer"], target)
    original = load_released(released_file).state_dict()
    assert rebuilt.config == load_released(released_file).config
    for key, value in rebuilt.state_dict().items():
        assert torch.equal(value, original[key]), key


def test_other_files_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WeightsMismatch, match="no such weights file"):
        load_released(tmp_path / "absent.h5")
    garbage = tmp_path / "garbage.h5"
    garbage.write_bytes(b"not HDF5 at all")
    with pytest.raises(WeightsMismatch, match="not a whole HDF5 file"):
        load_released(garbage)
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["model_1/AF1/kernel:0"] = np.zeros((5, 5, 3, 8), np.float32)
    with pytest.raises(WeightsMismatch, match="not the released network: layer AF1 or AF2 lacks 'bias'"):
        load_released(other)
    assert main([str(other), str(tmp_path / "out.safetensors")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "out.safetensors").exists()


def test_a_kernel_of_another_shape_is_named(released_file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.h5"
    changed.write_bytes(released_file.read_bytes())
    with h5py.File(changed, "a") as file:
        del file["model_1/Unet_conv2_1/kernel:0"]
        file["model_1/Unet_conv2_1/kernel:0"] = np.zeros((3, 3, 3, 8, 4), np.float32)
    with pytest.raises(WeightsMismatch, match=r"unet\.full\.conv\.weight"):
        load_released(changed)


def test_a_truncated_file_is_refused(released_file: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.h5"
    half.write_bytes(released_file.read_bytes()[: released_file.stat().st_size // 2])
    with pytest.raises(WeightsMismatch):
        load_released(half)
