"""Pictures for the report: the same crop of every method side by side, with maps of the error."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.color import as_uint8
from models.data.pairs import Pair
from models.errors import ModelError
from models.evaluation.measures import color_error
from models.evaluation.methods import FLOOR, Prediction

Rgb8 = NDArray[np.uint8]
FloatMap = NDArray[np.float32]

CROP_WIDTH_PX, CROP_HEIGHT_PX = 256, 192
ERROR_CEILING = 20.0
"""ΔE2000 that is drawn in the brightest colour."""
_JPEG_QUALITY = 88


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture with what is under it."""

    caption: str
    picture: Rgb8


@dataclass(frozen=True, eq=False)
class Grid:
    """A pair: rows of tiles, all of one size."""

    title: str
    rows: Sequence[Sequence[Tile]]


def make_grid(title: str, pair: Pair, predictions: Mapping[str, Prediction]) -> Grid:
    """Return inputs and results (final, or second pass without a truth), and the errors under them.

    The crop is the part of the image where the methods' errors are furthest apart, each against the truth (or
    the second pass against the reference).
    """
    reference, mono = as_uint8(pair.reference), as_uint8(pair.mono)
    truth = None if pair.truth is None else as_uint8(pair.truth)
    errors = {
        name: color_error(*((_final(p), truth) if truth is not None else (p.second_pass, reference)))
        for name, p in predictions.items()
    }
    contestants = [error for name, error in errors.items() if name != FLOOR]
    window = telling_window(contestants or list(errors.values()))
    gray = np.repeat(mono[..., None], 3, axis=-1)
    inputs = [("I_G", gray), ("R_C", reference)]
    results = [(name, _final(p)) for name, p in predictions.items()]
    if truth is not None:
        inputs.append(("truth", truth))
        rows = [inputs + results]
    else:
        second = [(f"{name}, second pass", p.second_pass) for name, p in predictions.items()]
        blank = [("", np.full_like(gray, 128))] * len(inputs)
        rows = [inputs + results, [*blank[:-1], ("R_C", reference), *second]]
    where = [("the crop", _mark(gray, window)), *[("", np.full_like(gray, 128))] * (len(inputs) - 1)]
    maps = [(f"ΔE00 {error[window].mean():.2f}", draw_error(error)) for error in errors.values()]
    cropped = [[Tile(caption, picture[window]) for caption, picture in row] for row in rows]
    last = [Tile(where[0][0], _fit(where[0][1], cropped[0][0].picture.shape))]
    last += [Tile(caption, picture[window]) for caption, picture in where[1:] + maps]
    return Grid(title, [*cropped, last])


def draw_error(error: FloatMap) -> Rgb8:
    """Return a map of ΔE2000, H×W, as a picture: black is right, bright is `ERROR_CEILING` and beyond."""
    levels = np.clip(error * (255 / ERROR_CEILING), 0, 255).astype(np.uint8)
    drawn = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(drawn[..., ::-1], np.uint8)


def data_uri(picture: Rgb8) -> str:
    """Return the picture as text that an HTML page can hold (JPEG)."""
    done, encoded = cv2.imencode(
        ".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    if not done:
        raise ModelError("a picture of the report cannot be encoded")
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def _final(prediction: Prediction) -> Rgb8:
    return prediction.first_pass if prediction.refined is None else prediction.refined


def telling_window(
    errors: Sequence[FloatMap], rows: int = CROP_HEIGHT_PX, columns: int = CROP_WIDTH_PX
) -> tuple[slice, slice]:
    """Return the crop where the errors differ most between methods (one method: where they are largest).

    Args:
        errors: ΔE2000, H×W each, one per method.
        rows, columns: size of the crop; the image's where that is smaller.
    """
    height, width = errors[0].shape
    rows, columns = min(rows, height), min(columns, width)
    stack = np.minimum(np.stack(errors), ERROR_CEILING)
    apart = stack.std(axis=0) if len(errors) > 1 else stack[0]
    total = cv2.integral(apart.astype(np.float32))
    sums = (
        total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]
    )
    top, left = np.unravel_index(int(np.argmax(sums)), sums.shape)
    return slice(int(top), int(top) + rows), slice(int(left), int(left) + columns)


def _mark(gray: Rgb8, window: tuple[slice, slice]) -> Rgb8:
    marked = gray.copy()
    rows, columns = window
    corner, opposite = (columns.start, rows.start), (columns.stop - 1, rows.stop - 1)
    thickness = max(2, gray.shape[1] // 150)
    cv2.rectangle(marked, corner, opposite, (255, 180, 0), thickness)
    return marked


def _fit(picture: Rgb8, shape: tuple[int, ...]) -> Rgb8:
    """Return the picture scaled to fit, centred on gray."""
    height, width = shape[:2]
    scale = min(height / picture.shape[0], width / picture.shape[1])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas = np.full(shape, 128, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
