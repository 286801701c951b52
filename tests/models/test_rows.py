"""Row errors that rectification left: measured to hundredths of a pixel, and taken back."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.data.aligned import AlignedPairs
from models.data.pairs import PairSource, open_pairs
from models.engine import Engine, SearchRange
from models.metrics import ssim
from models.rows import RowShift, estimate_rows, fit_rows, match_rows, shift_rows
from models.training.config import Recipe
from models.training.stages import Inputs, Machine, Training

Gray8 = NDArray[np.uint8]
HEIGHT, WIDTH, NEAR, FAR = 160, 240, 21, 8


def _texture(seed: int, height: int, width: int) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 1.6) + 2 * cv2.GaussianBlur(noise, (0, 0), 5)
    return np.clip(0.5 + 0.6 * smooth, 0.02, 0.98)


def _scene(rows: RowShift) -> tuple[Gray8, Gray8]:
    """Return mono and reference of two planes, seen by unlike sensors; the reference's rows are off."""
    near_plane, far_plane = _texture(3, HEIGHT, WIDTH + NEAR), _texture(4, HEIGHT, WIDTH + FAR)
    rows_of_near, left, right = slice(HEIGHT // 3, None), WIDTH // 4, WIDTH // 2
    # Content of mono pixel x lies at x + d in the reference.
    truth, reference = far_plane[:, FAR:].copy(), far_plane[:, :WIDTH].copy()
    truth[rows_of_near, left:right] = near_plane[rows_of_near, left:right]
    reference[rows_of_near, left + NEAR : right + NEAR] = near_plane[rows_of_near, left:right]
    planes = torch.from_numpy(reference).movedim(-1, 0)[None]
    moved = shift_rows(planes, torch.from_numpy(-rows.field(HEIGHT, WIDTH)))[0].movedim(0, -1).numpy()
    rng = np.random.default_rng(4)
    mono = 0.85 * (truth @ np.float32([0.3, 0.4, 0.3])) ** 0.8
    noisy = [image + rng.normal(scale=0.006, size=image.shape) for image in (mono, moved)]
    first, second = (np.clip(np.round(image * 255), 0, 255).astype(np.uint8) for image in noisy)
    return first, second


def _luma(rgb: Gray8) -> Gray8:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize(
    "planted",
    [RowShift(0.4, -1.0, 0.3), RowShift(-0.7, 0.4, -0.5), RowShift(1.6, 0.0, 0.0), RowShift(0, 0, 0)],
)
def test_a_planted_error_is_measured_to_hundredths_of_a_pixel(planted: RowShift) -> None:
    mono, reference = _scene(planted)
    found = estimate_rows(mono, _luma(reference), 32)
    assert found is not None
    assert found.matches >= 30
    error = found.field(HEIGHT, WIDTH) - planted.field(HEIGHT, WIDTH)
    assert np.abs(error).mean() < 0.06
    assert found.is_worth_it == (planted.largest_px > 0)


def test_sixteen_bits_and_mirrored_rigs_are_measured_alike() -> None:
    mono, reference = _scene(RowShift(0.4, -1.0, 0.3))
    luma = _luma(reference)
    plain = estimate_rows(mono, luma, 32)
    deep = estimate_rows(mono.astype(np.uint16) * 257, luma.astype(np.uint16) * 257, 32)
    mirrored = estimate_rows(mono[:, ::-1], luma[:, ::-1], 32, mirrored=True)
    assert plain is not None
    assert deep is not None
    assert mirrored is not None
    np.testing.assert_allclose(astuple(deep), astuple(plain), atol=0.02)
    np.testing.assert_allclose(mirrored.field(HEIGHT, WIDTH)[:, ::-1], plain.field(HEIGHT, WIDTH), atol=1e-6)


def test_the_search_begins_at_the_offset() -> None:
    mono, reference = _scene(RowShift(0.5, 0, 0))
    luma = _luma(reference)
    assert estimate_rows(mono, luma, 4, offset=24) is None
    found = estimate_rows(mono, luma, 20, offset=4)
    assert found is not None
    assert found.offset_px == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("seed", [1, 2])
def test_unlike_images_say_nothing(seed: int) -> None:
    one, other = (
        np.asarray(_texture(s, HEIGHT, WIDTH)[..., 0] * 255, np.uint8) for s in (10 + seed, 20 + seed)
    )
    found = estimate_rows(one, other, 32)
    assert found is None or not found.is_worth_it


def test_flat_images_have_no_matches() -> None:
    flat = np.full((HEIGHT, WIDTH), 90, np.uint8)
    assert len(match_rows(flat, flat, 0, 31).mono) == 0
    assert estimate_rows(flat, flat, 32) is None


def test_a_few_wrong_matches_do_not_bend_the_fit() -> None:
    mono, reference = _scene(RowShift(0.4, -1.0, 0.3))
    matches = match_rows(mono, _luma(reference), 0, 31)
    clean = fit_rows(matches, HEIGHT, WIDTH)
    matches.reference[: len(matches.mono) // 6, 1] += 2.5
    bent = fit_rows(matches, HEIGHT, WIDTH)
    assert np.abs(bent.field(HEIGHT, WIDTH) - clean.field(HEIGHT, WIDTH)).max() < 0.15


def test_whole_rows_are_moved_exactly_and_fractions_come_back() -> None:
    image = torch.from_numpy(_texture(5, 64, 48)).movedim(-1, 0)[None]
    down = shift_rows(image, torch.full((64, 48), 3.0))
    torch.testing.assert_close(down[:, :, :-3], image[:, :, 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(down[:, :, -3:], image[:, :, -1:].expand_as(down[:, :, -3:]))
    field = torch.full((64, 48), 0.4)
    back = shift_rows(shift_rows(image, field), -field)
    assert (back - image)[:, :, 8:-8].abs().max() < 0.02


@pytest.fixture
def source(tmp_path: Path) -> PairSource:
    for name, rows in (("level", RowShift(0, 0, 0)), ("off", RowShift(0.4, -1.0, 0.3))):
        for folder, image in zip(("mono", "color"), _scene(rows), strict=True):
            path = tmp_path / folder / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)
    return open_pairs(tmp_path)


def test_pairs_are_read_with_level_rows(source: PairSource) -> None:
    aligned = AlignedPairs(source)
    assert list(aligned.names) == ["level", "off"]
    for index in range(len(aligned)):
        pair, plain = aligned.read(index), source.read(index)
        found = estimate_rows(pair.mono, _luma(np.asarray(pair.reference, np.uint8)), 32)
        assert found is not None
        assert found.largest_px < 0.15
        np.testing.assert_array_equal(pair.mono, plain.mono)
        assert np.array_equal(pair.reference, plain.reference) == (plain.name == "level")


@pytest.mark.parametrize("align_rows", [True, False])
def test_a_recipe_says_whether_rows_are_evened_out(
    align_rows: bool, source: PairSource, tmp_path: Path
) -> None:
    recipe = Recipe(held_out=0.0, align_rows=align_rows)
    training = Training(recipe, Inputs(pairs=source), tmp_path / "run", Machine(torch.device("cpu")))
    assert training._real is not None
    off = training._real[0].as_source().read(1)
    assert np.array_equal(off.reference, source.read(1).reference) != align_rows


def test_the_engine_matches_level_rows_and_answers_in_the_references_own() -> None:
    engine = Engine("live", "cpu")
    engine.load()
    rows = RowShift(0.5, -0.8, 0.2)
    mono, reference = _scene(rows)
    search = SearchRange(32)
    level = engine.colorize(mono, reference, search)
    as_is = engine.colorize(mono, reference, search, align_rows=False)
    assert as_is.rows is None
    assert level.rows is not None
    assert level.rows.offset_px == pytest.approx(rows.offset_px, abs=0.06)
    assert ssim(level.warped_luma, mono) > ssim(as_is.warped_luma, mono) + 0.003
    assert level.cycle_ssim_cb > as_is.cycle_ssim_cb - 0.003
    # The second pass carries the reference's own luma: it must stand in the reference's rows, not in mono's.
    np.testing.assert_allclose(_luma(level.second_pass), _luma(reference), atol=3)
