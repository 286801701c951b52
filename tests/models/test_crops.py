"""Whatever is done to a crop, content lies further right in the reference, by the disparity it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from models.data.crops import (
    Augmentation,
    Crop,
    augment,
    cut,
    exchanged,
    jittered,
    permuted,
    upside_down,
)
from models.data.pair_batches import PairBatch, PairBatches, candidates_of
from models.data.pairs import Pair
from models.data.ranges import disparity_range
from models.errors import ModelError
from tests.models.planted import FAR, NEAR, PlantedPairs, planted_pair

CANDIDATES = NEAR + 1
SIZE = (40, 100)


def crop_of(seed: int = 0, size: tuple[int, int] = SIZE, candidates: int = CANDIDATES) -> Crop:
    pair = planted_pair(seed=seed)
    return cut(pair, size, candidates, disparity_range(pair), np.random.default_rng(seed))


def error(crop: Crop, sign: int = 1) -> float:
    """Return the mean difference of truth and reference, fetched by ± the disparity where it is seen."""
    assert crop.truth is not None
    assert crop.disparity is not None
    assert crop.visible is not None
    y, x = np.nonzero(crop.visible == 1)
    there = (x + sign * np.round(crop.disparity[y, x])).astype(int)
    inside = (there >= 0) & (there < crop.mono.shape[1])
    if sign > 0:
        assert inside.all(), "what is outside of the reference cannot be visible"
    y, x, there = y[inside], x[inside], there[inside]
    return float(np.abs(crop.reference[y, there] - crop.truth[y, x]).mean())


def check(crop: Crop) -> None:
    assert crop.disparity is not None
    assert crop.visible is not None
    seen = crop.visible == 1
    assert seen.mean() > 0.5
    assert crop.disparity[seen].min() >= 0
    assert crop.disparity[seen].max() <= CANDIDATES - 1
    assert len(np.unique(crop.disparity[seen])) == 2, "both planes are in it"
    assert error(crop) < 1e-6
    assert error(crop, sign=-1) > 0.2


CHANGES: dict[str, Callable[[Crop, np.random.Generator], Crop]] = {
    "none": lambda crop, rng: crop,
    "upside down": lambda crop, rng: upside_down(crop),
    "exchanged": lambda crop, rng: exchanged(crop, CANDIDATES),
    "exchanged twice": lambda crop, rng: exchanged(exchanged(crop, CANDIDATES), CANDIDATES),
    "permuted": lambda crop, rng: permuted(crop, np.array([2, 0, 1])),
    "jittered": lambda crop, rng: jittered(crop, 0.2, rng),
    "all": lambda crop, rng: augment(crop, True, Augmentation(1, 1, 0, 1, 0.2), CANDIDATES, rng),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(4))
def test_content_lies_right_by_the_disparity(change: str, seed: int) -> None:
    check(CHANGES[change](crop_of(seed), np.random.default_rng(seed)))


def test_what_is_hidden_is_not_visible() -> None:
    """Right of a near square, as wide a strip as the disparities differ is hidden from the colour camera."""
    pair = planted_pair()
    assert pair.disparity is not None
    crop = cut(pair, pair.mono.shape, CANDIDATES, (FAR, NEAR), np.random.default_rng(0))
    assert crop.visible is not None
    row = crop.visible[30]
    right_edge = int(np.nonzero(pair.disparity[30] == NEAR)[0][-1])
    assert not row[right_edge + 1 : right_edge + NEAR - FAR].any()
    assert row[right_edge + NEAR - FAR + 2 : -NEAR].all()
    assert row[: right_edge + 1].all()
    assert not row[-FAR:].any(), "content that has left the image"


def test_mono_goes_with_truth_when_the_cameras_change_places() -> None:
    crop = exchanged(crop_of(), CANDIDATES)
    assert crop.truth is not None
    luma = crop.truth @ np.array([0.299, 0.587, 0.114], np.float32)
    np.testing.assert_allclose(crop.mono, luma, atol=1e-6)


def test_the_mirror_image_alone_would_be_wrong() -> None:
    """The check above can tell: mirrored without an exchange, content lies further left."""
    crop = crop_of()
    assert crop.truth is not None
    assert crop.disparity is not None
    assert crop.visible is not None
    mirrored = Crop(
        *(image[:, ::-1].copy() for image in (crop.mono, crop.reference, crop.truth)),
        *(image[:, ::-1].copy() for image in (crop.disparity, crop.visible)),
    )
    with pytest.raises(AssertionError):
        check(mirrored)


def test_without_truth_the_cameras_stay_where_they_are() -> None:
    with pytest.raises(ModelError, match="without colours"):
        exchanged(replace(crop_of(), truth=None), CANDIDATES)


@pytest.mark.parametrize("candidates", [NEAR - FAR + 1, NEAR - FAR + 4, NEAR + 1, 64])
def test_disparities_are_moved_among_the_candidates(candidates: int) -> None:
    pair = planted_pair()
    for seed in range(8):
        crop = cut(pair, SIZE, candidates, (FAR, NEAR), np.random.default_rng(seed))
        assert crop.disparity is not None
        assert crop.visible is not None
        assert crop.disparity.min() >= 0
        assert crop.disparity.max() <= candidates - 1
        assert error(crop) < 1e-6


def test_with_too_few_candidates_what_is_nearer_is_not_visible() -> None:
    pair = planted_pair()
    crop = cut(pair, SIZE, 8, (FAR, NEAR), np.random.default_rng(0))
    assert crop.disparity is not None
    assert crop.visible is not None
    assert set(np.unique(crop.disparity[crop.visible == 1])) == {0.0}
    assert not crop.visible[crop.disparity > 7].any()


def test_negative_disparities_become_candidates() -> None:
    pair = planted_pair()
    reference = np.roll(pair.reference, -8, axis=1)
    assert pair.disparity is not None
    pair = replace(pair, reference=reference, disparity=pair.disparity - 8, max_disparity=None)
    crop = cut(pair, SIZE, CANDIDATES, disparity_range(pair), np.random.default_rng(0))
    assert crop.disparity is not None
    assert crop.disparity.min() == 0
    assert error(crop) < 1e-6


def test_a_crop_larger_than_its_pair_is_refused() -> None:
    with pytest.raises(ModelError, match="smaller than a crop"):
        crop_of(size=(400, 400))


def test_ranges_are_measured_where_nobody_tells_them() -> None:
    pair = replace(planted_pair(height=120, width=320), disparity=None, max_disparity=None)
    low, high = disparity_range(pair)
    assert FAR - 5 <= low <= FAR
    assert NEAR <= high <= NEAR + 5


# Batches


SOURCE = PlantedPairs(tuple("abcdefg"))
STRONG = Augmentation(0.5, 0.5, 0.5, 0.5, 0.1)


def batches(batch_size: int = 2, steps: int = 8) -> PairBatches:
    return PairBatches(SOURCE, 5, batch_size, SIZE, CANDIDATES, STRONG, steps)


def same(first: PairBatch, second: PairBatch) -> bool:
    tensors = [(getattr(first, n), getattr(second, n)) for n in ("mono", "reference", "truth", "visible")]
    return first.names == second.names and all(torch.equal(a, b) for a, b in tensors)


def test_a_batch_depends_on_its_step_alone_whatever_the_workers() -> None:
    alone = [batches().batch(step) for step in range(8)]
    for workers in (0, 1, 2):
        loader = DataLoader(batches(), batch_size=None, num_workers=workers)
        loaded = list(loader)
        assert len(loaded) == 8
        assert all(same(a, b) for a, b in zip(alone, loaded, strict=True))
    late = batches()
    assert same(late.batch(6), alone[6])
    assert not same(alone[0], alone[1])


def test_two_processes_draw_the_samples_of_one_with_the_doubled_batch() -> None:
    whole = batches(4).batch(3)
    parts = [batches(2).batch(3, rank, 2) for rank in range(2)]
    assert whole.names == parts[0].names + parts[1].names
    for name in ("mono", "reference", "truth", "disparity", "visible"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts]))


def test_every_pair_is_drawn_once_before_any_is_drawn_again() -> None:
    drawn = [batches(1).batch(step).names[0] for step in range(14)]
    assert sorted(drawn[:7]) == list(SOURCE.names) == sorted(drawn[7:])
    assert drawn[:7] != drawn[7:]


def test_batches_of_stereo_pairs_supervise() -> None:
    batch = batches().batch(0).supervised(stride=2)
    assert batch.mono.shape == (2, 1, *SIZE)
    assert batch.reference.shape == batch.truth.shape == (2, 3, *SIZE)
    assert batch.disparity.shape == batch.visible.shape == (2, 1, *SIZE)
    assert (batch.max_disparity, batch.stride) == (CANDIDATES, 2)
    assert set(batch.visible.unique().tolist()) == {0.0, 1.0}
    assert batch.disparity.isfinite().all()


class _Unlabelled(PlantedPairs):
    def read(self, index: int) -> Pair:
        pair = super().read(index)
        return replace(pair, truth=None, disparity=None, max_disparity=None, mono_is_luma=False)


def test_batches_of_real_pairs_have_no_truth() -> None:
    source = _Unlabelled(tuple("abc"))
    batch = PairBatches(source, 0, 2, (500, 60), 32).batch(0)
    assert batch.truth is None
    assert batch.mono.shape == (2, 1, 60, 60), "as many rows as there are"
    assert not batch.visible.any()
    with pytest.raises(ModelError, match="cannot supervise"):
        batch.supervised()
    assert candidates_of(source, 32) == 32
    assert candidates_of(SOURCE, 8) == CANDIDATES


def test_no_pairs_are_refused() -> None:
    with pytest.raises(ModelError, match="no pairs"):
        PairBatches(PlantedPairs(()), 0, 1, SIZE, CANDIDATES)
