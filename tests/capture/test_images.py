"""Image files are read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import DatasetError
from capture.images import image_files, read_color, read_image, read_mono


def picture(dtype: type, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (24, 32, channels) if channels > 1 else (24, 32)
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def encode(image: np.ndarray, suffix: str, *options: int) -> bytes:
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    done, data = cv2.imencode(suffix, stored, options)
    assert done
    return data.tobytes()


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_files_give_their_pixels_as_rgb(
    tmp_path: Path, suffix: str, dtype: type, channels: int
) -> None:
    image = picture(dtype, channels)
    path = tmp_path / f"image{suffix}"
    path.write_bytes(encode(image, suffix))
    found = read_image(path)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, image)
    np.testing.assert_array_equal((read_mono if channels == 1 else read_color)(path), image)


def test_jpeg_is_read_as_rgb(tmp_path: Path) -> None:
    red = np.zeros((24, 32, 3), np.uint8)
    red[..., 0] = 200
    path = tmp_path / "red.JPG"
    path.write_bytes(encode(red, ".jpg"))
    assert np.abs(read_color(path).astype(int) - red).max() <= 3


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jpg"])
def test_gray_in_three_channels_is_mono(tmp_path: Path, suffix: str) -> None:
    gray = cv2.GaussianBlur(picture(np.uint8, 1), (5, 5), 2)
    path = tmp_path / f"gray{suffix}"
    path.write_bytes(encode(np.dstack([gray] * 3), suffix))
    found = read_mono(path)
    assert found.shape == gray.shape
    assert np.abs(found.astype(int) - gray).max() <= (8 if suffix == ".jpg" else 0)


def test_a_colour_picture_is_no_mono_and_a_gray_one_no_colour(tmp_path: Path) -> None:
    (tmp_path / "color.png").write_bytes(encode(picture(np.uint8), ".png"))
    (tmp_path / "gray.png").write_bytes(encode(picture(np.uint8, 1), ".png"))
    with pytest.raises(DatasetError, match=r"color\.png is a colour picture"):
        read_mono(tmp_path / "color.png")
    with pytest.raises(DatasetError, match=r"gray\.png has one channel"):
        read_color(tmp_path / "gray.png")


def test_transparency_is_left_out(tmp_path: Path) -> None:
    rgba = np.dstack([picture(np.uint8), np.full((24, 32), 77, np.uint8)])
    path = tmp_path / "rgba.png"
    path.write_bytes(cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))[1].tobytes())
    np.testing.assert_array_equal(read_color(path), rgba[..., :3])


FILES = {
    "png": encode(picture(np.uint8), ".png"),
    "png16": encode(picture(np.uint16), ".png"),
    "jpeg": encode(picture(np.uint8), ".jpg"),
    "progressive": encode(picture(np.uint8), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "lzw": encode(picture(np.uint8), ".tiff"),
    "plain": encode(picture(np.uint16), ".tiff", cv2.IMWRITE_TIFF_COMPRESSION, 1),
}


@pytest.mark.parametrize("kind", FILES)
@given(part=st.floats(0, 1, exclude_max=True))
def test_no_truncated_file_is_read(tmp_path_factory: pytest.TempPathFactory, kind: str, part: float) -> None:
    path = tmp_path_factory.getbasetemp() / f"truncated-{kind}"
    whole = FILES[kind]
    path.write_bytes(whole[: int(part * (len(whole) - 2))])
    with pytest.raises(DatasetError, match=path.name):
        read_image(path)


def test_the_error_is_all_that_is_said_of_a_truncated_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for kind, data in FILES.items():
        path = tmp_path / kind
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(DatasetError):
            read_image(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"GIF89a"])
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "thing.png"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=r"thing\.png"):
        read_image(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"cannot read .*absent\.png: No such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(DatasetError, match="cannot read"):
        read_image(tmp_path)
    with pytest.raises(DatasetError, match="absent is not a folder"):
        image_files(tmp_path / "absent")


def test_floating_point_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "float.tiff"
    path.write_bytes(cv2.imencode(".tiff", np.zeros((8, 8), np.float32))[1].tobytes())
    with pytest.raises(DatasetError, match="float32"):
        read_image(path)


def test_folder_lists_images_only_sorted_and_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "c.tif", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    assert [(stem, path.name) for stem, path in image_files(tmp_path).items()] == [
        ("a", "a.JPG"),
        ("b", "b.png"),
        ("c", "c.tif"),
    ]
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"two images named a: a\.JPG and a\.png"):
        image_files(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see")
    with pytest.raises(DatasetError, match="has no images"):
        image_files(tmp_path)
