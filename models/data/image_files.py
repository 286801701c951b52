"""Images and disparity maps from disk: PNG and TIFF with 8 or 16 bits, PFM, NPY. What is broken never passes
for black.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.numpy_files import one_reader
from models.errors import ModelError

Image = NDArray[np.uint8] | NDArray[np.uint16]

LARGEST_PX = 16384
"""Longest side of an image; a larger one is a broken header or not meant for this."""
SMALLEST_PX = 8
KITTI_SCALE = 256
"""Levels per px of a disparity map in a 16-bit PNG; level 0 is unknown (the KITTI benchmark's format)."""

TIFF_SUFFIXES = (".tif", ".tiff")
IMAGE_SUFFIXES = (".png", *TIFF_SUFFIXES)
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_KINDS = 256, 257, {3: "H", 4: "I"}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"IEND\xaeB`\x82"
_HEADER_BYTES = 24
_GRAY_TOLERANCE = 2 / 255
_MOST_INFLATION = 1032
"""DEFLATE makes at most so many bytes of one."""


def image_size(path: Path) -> tuple[int, int]:
    """Return (height, width) from the header alone. Raises ModelError: missing, broken, absurd size."""
    return _tiff_size(path) if path.suffix.lower() in TIFF_SUFFIXES else png_size(path)


def png_size(path: Path) -> tuple[int, int]:
    """Return (height, width) from the header alone. Raises ModelError: missing, not a PNG, absurd size."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if len(header) < _HEADER_BYTES or not header.startswith(_SIGNATURE):
        raise ModelError(f"{path} is not a PNG file")
    width, height = struct.unpack(">II", header[16:24])
    _check_size(path, height, width)
    return height, width


def read_color(path: Path) -> Image:
    """Return H×W×3 RGB, uint8 or uint16; transparency is left out. Raises ModelError."""
    image = _read_image(path)
    if image.ndim == 2:
        raise ModelError(f"{path} has one channel: a colour image has three (raw mosaics are not developed)")
    return image


def read_gray(path: Path) -> Image:
    """Return H×W, uint8 or uint16; three equal channels will do. Raises ModelError."""
    image = _read_image(path)
    if image.ndim == 2:
        return image
    spread = (image.max(axis=2) - image.min(axis=2)).max()
    if spread > _GRAY_TOLERANCE * np.iinfo(image.dtype).max:
        raise ModelError(f"{path} is a colour picture: the mono camera's has to be gray")
    return cast("Image", np.ascontiguousarray(image[..., 1]))


def read_disparity(path: Path) -> NDArray[np.float32]:
    """Return H×W float32 px, NaN where unknown, from .pfm, .npy or a 16-bit .png (`KITTI_SCALE`).

    Raises ModelError: missing, damaged, of another kind.
    """
    if path.suffix == ".pfm":
        disparity = _read_pfm(path)
    elif path.suffix == ".npy":
        disparity = _read_npy(path)
    else:
        levels = read_gray(path)
        if levels.dtype != np.uint16:
            raise ModelError(
                f"{path} has 8 bits: a disparity map in a PNG has 16, {KITTI_SCALE} levels per px"
            )
        disparity = np.where(levels == 0, np.nan, levels / np.float32(KITTI_SCALE)).astype(np.float32)
    disparity[~np.isfinite(disparity)] = np.nan
    return disparity


def read_mask(path: Path) -> NDArray[np.bool_]:
    """Return H×W bool of a gray PNG: what is above half of full scale. Raises ModelError."""
    image = read_gray(path)
    mask: NDArray[np.bool_] = image > np.iinfo(image.dtype).max // 2
    return mask


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error


def _tiff_size(path: Path) -> tuple[int, int]:
    """Read width and height from the first directory of a TIFF file (TIFF 6.0, sections 2 and 8)."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
            order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4])
            if order is None:
                raise ModelError(f"{path} is not a TIFF file")
            file.seek(struct.unpack(f"{order}I", head[4:])[0])
            (count,) = struct.unpack(f"{order}H", file.read(2))
            entries = struct.iter_unpack(f"{order}HHI4s", file.read(12 * count))
            # A value of two bytes stands at the beginning of its field of four.
            sizes = {
                tag: struct.unpack_from(f"{order}{_TIFF_KINDS[kind]}", value)[0]
                for tag, kind, _, value in entries
                if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_KINDS
            }
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    except struct.error as error:
        raise ModelError(f"{path} is truncated") from error
    height, width = sizes.get(_TIFF_HEIGHT, 0), sizes.get(_TIFF_WIDTH, 0)
    _check_size(path, height, width)
    return height, width


def _read_image(path: Path) -> Image:
    height, width = image_size(path)  # before anything of that size is allocated
    data = _read_bytes(path)
    if height * width // 8 > _MOST_INFLATION * len(data):
        raise ModelError(f"{path} claims to be {width}×{height}, which its {len(data)} bytes cannot hold")
    if path.suffix.lower() not in TIFF_SUFFIXES:
        # The decoder fills up what is missing with black; a file that ends early must not pass.
        if not data.rstrip(b"\x00\r\n").endswith(_END):
            raise ModelError(f"{path} is truncated")
        _check_chunks(path, data)
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ModelError(f"{path} cannot be decoded: {error.err}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise ModelError(f"{path} is damaged")
    if image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB if image.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return cast("Image", image)


def _check_chunks(path: Path, data: bytes) -> None:
    """Raise ModelError if a chunk is longer than the file: the decoder would allocate what it claims."""
    place = len(_SIGNATURE)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        place += 12 + length
        if kind == b"IEND":
            return
    raise ModelError(f"{path} is damaged: its parts are not as long as they say")


def _read_pfm(path: Path) -> NDArray[np.float32]:
    """Read a one-channel PFM: header of three lines, then rows from the bottom up."""
    parts = _read_bytes(path).split(b"\n", 3)
    try:
        kind, size, scale, body = parts
        width, height = (int(v) for v in size.split())
        order = "<" if float(scale) < 0 else ">"
    except ValueError as error:
        raise ModelError(f"{path} is not a PFM file") from error
    if kind.strip() != b"Pf":
        raise ModelError(f"{path} is not a PFM file with one channel")
    _check_size(path, height, width)
    if len(body) != 4 * width * height:
        raise ModelError(f"{path} is truncated: {len(body)} bytes of {4 * width * height}")
    values = np.frombuffer(body, f"{order}f4").reshape(height, width)
    return np.ascontiguousarray(values[::-1]).astype(np.float32)


def _read_npy(path: Path) -> NDArray[np.float32]:
    try:
        with one_reader:
            values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"cannot read {path}: {' '.join(str(error).split())}") from error
    if values.ndim != 2 or values.dtype.kind != "f":
        raise ModelError(
            f"{path} holds {values.dtype} {values.shape}: a disparity map is H×W, floating point"
        )
    return np.array(values, np.float32)


def _check_size(path: Path, height: int, width: int) -> None:
    if not (SMALLEST_PX <= height <= LARGEST_PX and SMALLEST_PX <= width <= LARGEST_PX):
        raise ModelError(
            f"{path} claims to be {width}×{height}: sides of {SMALLEST_PX} … {LARGEST_PX} px can be read"
        )
