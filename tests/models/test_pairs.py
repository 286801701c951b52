"""Folders of pairs are read as they are, and refused in one line where they are not right."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.data.image_files import KITTI_SCALE, png_size, read_disparity
from models.data.pairs import luma_of, open_pairs, scene_name
from models.errors import ModelError
from tests.models.planted import planted_pair, write


def pair_folder(folder: Path, *names: str, depth: type[np.uint8 | np.uint16] = np.uint8) -> Path:
    for seed, name in enumerate(names):
        pair = planted_pair(name, seed)
        factor = depth(1 if depth is np.uint8 else 257)
        write(folder / "mono" / f"{name}.png", pair.mono.astype(depth) * factor)
        write(folder / "color" / f"{name}.png", pair.reference.astype(depth) * factor)
    return folder


def test_a_pair_folder_is_read_with_everything_it_has(tmp_path: Path) -> None:
    planted = planted_pair("a")
    assert planted.truth is not None
    assert planted.disparity is not None
    pair_folder(tmp_path, "a", "b")
    write(tmp_path / "truth" / "a.png", planted.truth)
    (tmp_path / "disparity").mkdir()
    np.save(tmp_path / "disparity" / "a.npy", planted.disparity)
    write(tmp_path / "visible" / "a.png", (planted.disparity > 10).astype(np.uint8) * 255)
    source = open_pairs(tmp_path)
    assert list(source.names) == ["a", "b"]
    first, second = source.read(0), source.read(1)
    np.testing.assert_array_equal(first.mono, planted.mono)
    np.testing.assert_array_equal(first.reference, planted.reference)
    np.testing.assert_array_equal(first.truth, planted.truth)
    np.testing.assert_array_equal(first.disparity, planted.disparity)
    np.testing.assert_array_equal(first.visible, planted.disparity > 10)
    assert (first.max_disparity, first.mono_is_luma) == (20, False)
    assert (second.truth, second.disparity, second.visible, second.max_disparity) == (None,) * 4


def test_16_bits_are_kept(tmp_path: Path) -> None:
    pair = open_pairs(pair_folder(tmp_path, "a", depth=np.uint16)).read(0)
    assert (pair.mono.dtype, pair.reference.dtype) == (np.uint16, np.uint16)
    np.testing.assert_array_equal(pair.reference, planted_pair("a").reference * np.uint16(257))


def test_the_luma_of_16_bits_is_that_of_8() -> None:
    rgb = planted_pair().reference
    fine = luma_of(rgb.astype(np.uint16) * np.uint16(257))
    assert fine.dtype == np.uint16
    assert np.abs(fine / 257 - luma_of(rgb)).max() <= 0.51


def test_of_a_stereo_set_mono_is_the_luma_of_truth(tmp_path: Path) -> None:
    planted = planted_pair()
    assert planted.truth is not None
    write(tmp_path / "reference" / "x.png", planted.reference)
    write(tmp_path / "truth" / "x.png", planted.truth)
    pair = open_pairs(tmp_path).read(0)
    assert pair.mono_is_luma
    np.testing.assert_array_equal(pair.mono, planted.mono)
    np.testing.assert_array_equal(pair.truth, planted.truth)


def write_pfm(path: Path, values: np.ndarray, order: str) -> None:
    height, width = values.shape
    scale = -1.0 if order == "<" else 1.0
    header = f"Pf\n{width} {height}\n{scale}\n".encode()
    path.write_bytes(header + values[::-1].astype(f"{order}f4").tobytes())


@pytest.mark.parametrize("order", ["<", ">"])
def test_disparities_from_pfm(tmp_path: Path, order: str) -> None:
    values = np.arange(96, dtype=np.float32).reshape(8, 12) / 4
    values[2, 3] = np.inf
    write_pfm(tmp_path / "d.pfm", values, order)
    values[2, 3] = np.nan
    np.testing.assert_array_equal(read_disparity(tmp_path / "d.pfm"), values)


def test_disparities_from_png(tmp_path: Path) -> None:
    levels = np.arange(96, dtype=np.uint16).reshape(8, 12) * 100
    write(tmp_path / "d.png", levels)
    disparity = read_disparity(tmp_path / "d.png")
    assert np.isnan(disparity[0, 0])
    np.testing.assert_array_equal(disparity.ravel()[1:], levels.ravel()[1:] / np.float32(KITTI_SCALE))


def test_folders_are_joined_and_their_pairs_keep_apart(tmp_path: Path) -> None:
    pair_folder(tmp_path / "one", "a", "b")
    pair_folder(tmp_path / "two", "b", "c")
    (tmp_path / "notes").mkdir()
    expected = ["a", "one/b", "two/b", "c"]
    for source in (open_pairs(tmp_path), open_pairs(tmp_path / "one", tmp_path / "two")):
        assert list(source.names) == expected
        assert [source.read(i).name for i in range(4)] == expected
    with pytest.raises(ModelError, match="twice"):
        open_pairs(tmp_path / "one", tmp_path / "one")


def test_folders_of_one_name_are_numbered(tmp_path: Path) -> None:
    folders = [pair_folder(tmp_path / place / "set", "a") for place in ("home", "lab")]
    assert list(open_pairs(*folders).names) == ["1-set/a", "2-set/a"]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Art", "ArtL", True),
        ("Motorcycle", "MotorcycleE", True),
        ("Teddy", "teddy", True),
        ("Bicycle1-perfect", "Bicycle1-imperfect", True),
        ("walk_0003", "walk_0004", True),
        ("walk_0003", "walk_0903", False),
        ("walk_0003", "run_0003", False),
        ("00003", "00004", True),
        ("00003", "00053", False),
        ("room0007-0", "room0007-1", True),
        ("room0007-0", "room0008-0", False),
        ("Recycle", "Piano", False),
    ],
)
def test_scenes_are_told_by_names(first: str, second: str, same: bool) -> None:
    assert (scene_name("set", first) == scene_name("set", second)) is same


def test_a_bare_number_says_nothing_without_its_folder() -> None:
    assert scene_name("one", "0001") != scene_name("two", "0001")


def _remove(folder: Path) -> None:
    (folder / "color" / "a.png").unlink()


def _truncate(folder: Path) -> None:
    path = folder / "color" / "a.png"
    path.write_bytes(path.read_bytes()[:-40])


def _replace_by_text(folder: Path) -> None:
    (folder / "mono" / "a.png").write_text("not a picture, but longer than a header")


def _resize(folder: Path) -> None:
    write(folder / "color" / "a.png", np.zeros((60, 141, 3), np.uint8))


def _claim_to_be_huge(folder: Path) -> None:
    path = folder / "mono" / "a.png"
    data = path.read_bytes()
    path.write_bytes(data[:16] + struct.pack(">II", 2_000_000_000, 2_000_000_000) + data[24:])


def _paint_mono(folder: Path) -> None:
    write(folder / "mono" / "a.png", planted_pair().reference)


def _gray_color(folder: Path) -> None:
    write(folder / "color" / "a.png", planted_pair().mono)


def _cut_disparity(folder: Path) -> None:
    (folder / "disparity").mkdir()
    np.save(folder / "disparity" / "a.npy", np.zeros((9, 9), np.float32))


def _pickle_disparity(folder: Path) -> None:
    (folder / "disparity").mkdir()
    np.save(folder / "disparity" / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _record_raw_frames(folder: Path) -> None:
    (folder / "pairs.jsonl").write_text("{}\n")


def _empty(folder: Path) -> None:
    for path in folder.glob("*/a.png"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_remove, r"color/a\.png is missing"),
        (_truncate, r"color/a\.png is truncated"),
        (_replace_by_text, r"mono/a\.png is not a PNG"),
        (_resize, r"a is 140×60 in mono/, 141×60 in color/"),
        (_claim_to_be_huge, r"2000000000×2000000000"),
        (_paint_mono, r"mono/a\.png is a colour picture"),
        (_gray_color, r"color/a\.png has one channel"),
        (_cut_disparity, r"disparity of a is 9×9, its image 140×60"),
        (_pickle_disparity, r"a\.npy"),
        (_record_raw_frames, r"captured dataset"),
        (_empty, r"no PNG or TIFF files in mono/"),
    ],
)
def test_what_is_not_right_is_refused_in_one_line(
    tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(pair_folder(tmp_path, "a"))
    with pytest.raises(ModelError, match=message) as caught:
        open_pairs(tmp_path).read(0)
    assert "\n" not in str(caught.value)


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no pairs"):
        open_pairs(tmp_path)
    with pytest.raises(ModelError, match="not a folder"):
        open_pairs(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="cannot read"):
        png_size(tmp_path / "nothing.png")


def test_a_pfm_that_ends_early_is_refused(tmp_path: Path) -> None:
    write_pfm(tmp_path / "d.pfm", np.zeros((8, 12), np.float32), "<")
    (tmp_path / "d.pfm").write_bytes((tmp_path / "d.pfm").read_bytes()[:-4])
    with pytest.raises(ModelError, match="truncated"):
        read_disparity(tmp_path / "d.pfm")


def test_all_pairs_at_hand_open(shared_dir: Path) -> None:
    source = open_pairs(shared_dir / "data")
    assert len(source) == 34
    pairs = {name: source.read(index) for index, name in enumerate(source.names)}
    assert pairs["00001"].mono.shape == (172, 256)
    assert pairs["0000000000"].reference.shape == (375, 1242, 3)
    motorcycle = pairs["Motorcycle"]
    assert motorcycle.max_disparity == 64
    assert motorcycle.disparity is not None
    # The map belongs to the view it is said to: moved by it, the reference looks like the truth.
    assert motorcycle.truth is not None
    y, x = np.nonzero(np.isfinite(motorcycle.disparity))
    there = np.round(x + motorcycle.disparity[y, x]).astype(int)
    inside = there < motorcycle.mono.shape[1]
    y, x, there = y[inside], x[inside], there[inside]
    right = np.abs(motorcycle.reference[y, there].astype(int) - motorcycle.truth[y, x]).mean()
    wrong = np.abs(motorcycle.reference[y, x].astype(int) - motorcycle.truth[y, x]).mean()
    assert right < 0.4 * wrong


def test_tiff_files_are_pairs_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mono, color = rng.integers(0, 1 << 16, (24, 40), np.uint16), rng.integers(0, 256, (24, 40, 3), np.uint8)
    for side, image, suffix in (("mono", mono, "tif"), ("color", color[..., ::-1], "tiff")):
        (tmp_path / side).mkdir()
        cv2.imwrite(str(tmp_path / side / f"a.{suffix}"), image)
    source = open_pairs(tmp_path)
    pair = source.read(0)
    assert (pair.name, pair.mono.dtype) == ("a", np.uint16)
    np.testing.assert_array_equal(pair.mono, mono)
    np.testing.assert_array_equal(pair.reference, color)
    (tmp_path / "mono" / "a.png").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"two images named a: a\.png, a\.tif"):
        open_pairs(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"nothing", "is not a TIFF file"),
        (lambda data: data[:4], "is truncated"),
        (lambda data: data[: len(data) // 2], "is truncated|claims to be 0|is damaged"),
        (lambda data: data[:8], "is truncated"),
    ],
)
def test_tiff_files_that_are_broken_are_refused(
    tmp_path: Path, spoil: Callable[[bytes], bytes], said: str
) -> None:
    for side, shape in (("mono", (24, 40)), ("color", (24, 40, 3))):
        (tmp_path / side).mkdir()
        cv2.imwrite(str(tmp_path / side / "a.tif"), np.zeros(shape, np.uint8))
    path = tmp_path / "color" / "a.tif"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ModelError, match=said):
        open_pairs(tmp_path).read(0)
