"""Image files from anywhere: PNG, JPEG and TIFF, 8 or 16 bit. What is broken never passes for black."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from capture.dataset_files import MOST_IMAGE_BYTES, read_regular
from capture.errors import DatasetError
from capture.frames import Image
from capture.image_sizes import claimed_size
from capture.png import LARGEST_PIXELS, decode_png

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")

_PNG, _JPEG, _TIFF = b"\x89PNG", b"\xff\xd8\xff", (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_GRAY_TOLERANCE = 2 / 255
"""Channels of a gray picture that was stored as a colour JPEG differ by rounding only."""


def image_files(folder: Path) -> dict[str, Path]:
    """Return the image files of a folder by name without ending, sorted.

    Raises DatasetError: not a folder, no images in it, or two images of one name.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or not path.is_file() or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DatasetError(
                f"{folder} has two images named {path.stem}: {found[path.stem].name} and {path.name}"
            )
        found[path.stem] = path
    if not found:
        raise DatasetError(f"{folder} has no images ({', '.join(SUFFIXES)})")
    return found


def read_mono(path: Path) -> Image:
    """Return a gray picture, H×W uint8 or uint16; three equal channels will do. Raises DatasetError."""
    image = read_image(path)
    if image.ndim == 2:
        return image
    middle = image[..., 1]
    spread = (image.max(axis=2) - image.min(axis=2)).max()
    if spread > _GRAY_TOLERANCE * np.iinfo(image.dtype).max:
        raise DatasetError(f"{path} is a colour picture; the mono camera's picture has to be gray")
    return cast("Image", np.ascontiguousarray(middle))


def read_color(path: Path) -> Image:
    """Return a colour picture, H×W×3 RGB, uint8 or uint16. Raises DatasetError."""
    image = read_image(path)
    if image.ndim == 2:
        raise DatasetError(
            f"{path} has one channel; a colour picture has three (a raw mosaic needs its dataset: replay it)"
        )
    return image


def read_image(path: Path) -> Image:
    """Return the pixels of a file: H×W or H×W×3 RGB, uint8 or uint16; transparency is left out.

    Raises DatasetError: missing, not an image, truncated, damaged, or of another number type.
    """
    try:
        data = read_regular(path, MOST_IMAGE_BYTES)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    if data.startswith(_PNG):
        return decode_png(data, str(path))
    if not data.startswith((_JPEG, *_TIFF)):
        raise DatasetError(f"{path} is not a PNG, JPEG or TIFF file")
    # Nothing inside a scan looks like the end marker, but a thumbnail before it has one of its own.
    if data.startswith(_JPEG) and data.rfind(_JPEG_END) < data.rfind(_JPEG_SCAN):
        raise DatasetError(f"{path} is truncated")
    size = claimed_size(data)
    if size is not None and size[0] * size[1] > LARGEST_PIXELS:
        raise DatasetError(
            f"{path} claims to be {size[0]}×{size[1]}: the most are {LARGEST_PIXELS // 10**6} megapixels"
        )
    try:
        with _silent_opencv():
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DatasetError(f"{path} cannot be decoded: {error.err}") from error
    if image is None:
        raise DatasetError(f"{path} is truncated or damaged")
    if image.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{path} holds {image.dtype} values; 8 and 16 bit pictures can be read")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return cast("Image", image)


@contextmanager
def _silent_opencv() -> Iterator[None]:
    """Keep OpenCV's own complaints off the terminal: what went wrong is said once, in an error."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
