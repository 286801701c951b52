"""The engine with the weights that ship: right colours, every input it must take, every error it must
give.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.color import split_uint8
from models.data.layers import SyntheticPair, generate_pair
from models.engine import MIN_SIZE_PX, Engine, SearchRange
from models.errors import InferenceFailed, WeightsMismatch

SEARCH = SearchRange(max_disparity=32)


@pytest.fixture(scope="module")
def engine() -> Engine:
    loaded = Engine("live", "cpu")
    loaded.load()
    return loaded


@pytest.fixture(scope="module")
def scene() -> SyntheticPair:
    return generate_pair(np.random.default_rng(12), 96, 144, 32, [])


def _bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.asarray(np.round(image * 255), np.uint8)


def test_colors_come_from_where_the_content_is(engine: Engine) -> None:
    """On scenes it never saw, refined chroma is far nearer to the truth than the reference's chroma left in
    place.
    """
    ours, unmoved = [], []
    for seed in range(100, 106):
        pair = generate_pair(np.random.default_rng(seed), 96, 160, 32, [])
        result = engine.colorize(_bytes(pair.mono), _bytes(pair.reference), SEARCH)
        truth = split_uint8(_bytes(pair.truth))[1].astype(float)
        for errors, image in ((ours, result.refined), (unmoved, _bytes(pair.reference))):
            errors.append(np.abs(split_uint8(image)[1] - truth)[pair.visible].mean())
    assert np.mean(ours) < 0.6 * np.mean(unmoved)


def test_results_have_the_promised_shapes_and_cannot_be_written(engine: Engine, scene: SyntheticPair) -> None:
    result = engine.colorize(_bytes(scene.mono), _bytes(scene.reference), SEARCH)
    for name in ("first_pass", "second_pass", "refined", "warped_reference"):
        image = getattr(result, name)
        assert image.shape == (96, 144, 3)
        assert image.dtype == np.uint8
        assert not image.flags.writeable
        assert image.flags.c_contiguous
    for name in ("confidence", "disparity", "cycle_error", "structure_similarity"):
        values = getattr(result, name)
        assert values.shape == (96, 144)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert 0 <= result.confidence.min() <= result.confidence.max() <= 1
    assert 0 < result.cycle_ssim_cb <= 1
    assert sum(result.stages_ms.values()) > 0


def test_colored_results_keep_the_mono_luma(engine: Engine, scene: SyntheticPair) -> None:
    mono = _bytes(scene.mono)
    luma, _ = split_uint8(engine.colorize(mono, _bytes(scene.reference), SEARCH).refined)
    # Colours out of the display's range are clipped, which moves luma; everywhere else it stays.
    assert np.median(np.abs(luma.astype(int) - mono)) <= 1


def test_weight_curve_peaks_at_the_disparity(engine: Engine, scene: SyntheticPair) -> None:
    result = engine.colorize(_bytes(scene.mono), _bytes(scene.reference), SEARCH)
    y, x = np.unravel_index(np.argmax(result.confidence), result.confidence.shape)
    curve = result.weight_curve(int(x), int(y))
    assert curve.shape == (32,)
    assert curve.sum() == pytest.approx(1, abs=1e-4)
    assert abs(int(curve.argmax()) - result.disparity[y, x]) <= 2
    assert result.match(int(x), int(y)) == pytest.approx(x + result.disparity[y, x])


def test_a_mirrored_rig_gives_the_mirrored_result(engine: Engine, scene: SyntheticPair) -> None:
    mono, reference = _bytes(scene.mono), _bytes(scene.reference)
    plain = engine.colorize(mono, reference, SEARCH)
    mirrored = engine.colorize(
        np.ascontiguousarray(mono[:, ::-1]),
        np.ascontiguousarray(reference[:, ::-1]),
        SearchRange(32, mirrored=True),
    )
    np.testing.assert_array_equal(mirrored.refined[:, ::-1], plain.refined)
    np.testing.assert_array_equal(mirrored.disparity[:, ::-1], plain.disparity)
    np.testing.assert_allclose(mirrored.weight_curve(144 - 1 - 60, 40), plain.weight_curve(60, 40), atol=1e-6)
    assert mirrored.match(83, 40) == pytest.approx(143 - plain.match(60, 40))


def test_sixteen_bits_give_what_eight_bits_give(engine: Engine, scene: SyntheticPair) -> None:
    mono, reference = _bytes(scene.mono), _bytes(scene.reference)
    plain = engine.colorize(mono, reference, SEARCH)
    deep = engine.colorize(mono.astype(np.uint16) * 257, reference.astype(np.uint16) * 257, SEARCH)
    assert np.abs(plain.refined.astype(int) - deep.refined).max() <= 1


def test_an_image_narrower_than_the_search_works(engine: Engine, scene: SyntheticPair) -> None:
    mono, reference = _bytes(scene.mono)[:50, :40], _bytes(scene.reference)[:50, :40]
    result = engine.colorize(np.ascontiguousarray(mono), np.ascontiguousarray(reference), SearchRange(128))
    assert result.search.max_disparity == 40
    assert result.refined.shape == (50, 40, 3)


@pytest.mark.parametrize(
    ("mono", "reference", "search", "says"),
    [
        (np.zeros((64, 64), np.uint8), np.zeros((64, 60, 3), np.uint8), SEARCH, "64×64 .* 60×64"),
        (np.zeros((64, 64), np.float32), np.zeros((64, 64, 3), np.uint8), SEARCH, "8 or 16 bit"),
        (np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8), SEARCH, "H×W mono"),
        (np.zeros((64, 8), np.uint8), np.zeros((64, 8, 3), np.uint8), SEARCH, f"at least {MIN_SIZE_PX}"),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.uint8), SearchRange(0), "nothing to search"),
    ],
)
def test_unusable_input_is_refused_with_the_reason(
    engine: Engine, mono: NDArray[np.uint8], reference: NDArray[np.uint8], search: SearchRange, says: str
) -> None:
    with pytest.raises(InferenceFailed, match=says):
        engine.colorize(mono, reference, search)


def test_a_device_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InferenceFailed, match="'cuda' is not available"):
        Engine("live", "cuda").load()


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_foreign_weights_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsMismatch, match=r"foreign\.safetensors"):
        Engine(path).load()


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMismatch, match=r"gone\.safetensors"):
        Engine(tmp_path / "gone.safetensors").load()


def test_real_pairs_come_back_from_the_cycle(engine: Engine, shared_dir: Path) -> None:
    """The six real pairs: cycle and structure measures no worse than a network that has learned to match."""
    import cv2

    from models.metrics import ssim

    scores = []
    for path in sorted((shared_dir / "data/real_pairs/mono").glob("*.png")):
        mono = np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8)
        color_path = shared_dir / "data/real_pairs/color" / path.name
        reference = np.asarray(cv2.imread(str(color_path), cv2.IMREAD_COLOR_RGB), np.uint8)
        result = engine.colorize(mono, reference, SearchRange(48))
        scores.append([result.cycle_ssim_cb, result.cycle_ssim_cr, ssim(result.warped_luma, mono)])
    cb, cr, structure = np.mean(scores, axis=0)
    assert min(cb, cr) > 0.975
    assert structure > 0.92
