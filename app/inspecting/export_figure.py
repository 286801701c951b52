"""A figure like the paper's Figures 8 to 11: a row for each pair, a column for each method, with insets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.inspecting.export_draw import BOX_COLOURS, INK, PAPER, Rgb8, draw_box, draw_text, resize, rgb_of
from app.inspecting.measures import comparable_truth
from models import color
from models.data.pairs import Pair
from models.evaluation.measures import color_error
from models.evaluation.methods import Prediction
from models.evaluation.pictures import telling_window
from models.evaluation.places import FIRST, REFINED

Crop = tuple[int, int, int, int]
"""x, y, width, height in pixels of the image."""

SECOND = "second"
STAGES = (REFINED, FIRST, SECOND)
"""Which picture of a method a column shows; `refined` is the first pass where a method refines nothing."""
MOST_CROPS = len(BOX_COLOURS)
LARGEST_CELL_PX = 640
CROP_SHARE = 0.2
"""Width and height of a crop that the program chooses, against the image's."""
_GAP = 6
_FEWEST_PX = 8


@dataclass(frozen=True, eq=False)
class FigureRow:
    """One pair: its pictures by column, all of one size, and the crops that are shown larger.

    Attributes:
        inputs: pictures of the first column, one below the other, as many rows high as one cell is.
        results: one picture for each further column.
        crops: at most `MOST_CROPS`.
    """

    inputs: Sequence[NDArray[np.uint8]]
    results: Sequence[Rgb8]
    crops: Sequence[Crop]


def make_row(
    pair: Pair,
    predictions: Sequence[Prediction],
    *,
    stage: str = REFINED,
    crops: Sequence[Crop] = (),
    truth: bool = False,
    auto_crops: int = 2,
) -> FigureRow:
    """Return the row of a pair.

    Args:
        pair: the inputs; with `truth`, its truth becomes the last column.
        predictions: of every method, in order of the columns.
        stage: one of `STAGES`.
        crops: what to show larger; none: `auto_crops` places where the methods differ most.

    Raises:
        ValueError: a crop that does not lie in the image, or too many.
    """
    mono, reference = color.as_uint8(pair.mono), color.as_uint8(pair.reference)
    results = [picture_of(prediction, stage) for prediction in predictions]
    chosen = [_checked(crop, mono.shape) for crop in crops]
    if len(chosen) > MOST_CROPS:
        raise ValueError(f"{len(chosen)} crops: {MOST_CROPS} are the most that can be told apart")
    if not chosen and auto_crops:
        chosen = find_crops(pair, predictions, min(auto_crops, MOST_CROPS))
    if truth and pair.truth is not None:
        results.append(color.as_uint8(pair.truth))
    return FigureRow((mono, reference), results, chosen)


def picture_of(prediction: Prediction, stage: str) -> Rgb8:
    """Return the picture of a stage."""
    if stage == SECOND:
        return prediction.second_pass
    if stage == REFINED and prediction.refined is not None:
        return prediction.refined
    return prediction.first_pass


def find_crops(pair: Pair, predictions: Sequence[Prediction], count: int) -> list[Crop]:
    """Return the places where the methods' errors are furthest apart (of one method: where it errs most).

    Errors are ΔE2000 against the truth, else of the second pass against the reference.
    """
    reference = color.as_uint8(pair.reference)
    truth = comparable_truth(pair)
    errors = [
        color_error(p.second_pass, reference) if truth is None else color_error(picture_of(p, REFINED), truth)
        for p in predictions
    ]
    height, width = pair.mono.shape
    size = max(_FEWEST_PX, round(height * CROP_SHARE)), max(_FEWEST_PX, round(width * CROP_SHARE))
    found: list[Crop] = []
    for _ in range(count if errors else 0):
        rows, columns = telling_window(errors, *size)
        found.append((columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start))
        for error in errors:
            error[rows, columns] = 0
    return found


def draw_figure(rows: Sequence[FigureRow], columns: Sequence[str], cell_px: int | None = None) -> Rgb8:
    """Return the figure.

    Args:
        rows: the pairs.
        columns: captions: of the inputs, then of every result.
        cell_px: width of a cell; None: that of the images, at most `LARGEST_CELL_PX`.

    Raises:
        ValueError: no rows, or captions that are not as many as the columns.
    """
    if not rows or any(len(row.results) != len(columns) - 1 for row in rows):
        raise ValueError("a figure needs rows, and one caption for every column")
    width = cell_px or min(LARGEST_CELL_PX, max(row.inputs[0].shape[1] for row in rows))
    cells = [[_result_cell(result, row.crops, width) for result in row.results] for row in rows]
    inputs = [
        _inputs_cell(row, width, max((cell.shape[0] for cell in found), default=0))
        for row, found in zip(rows, cells, strict=True)
    ]
    first = max(cell.shape[1] for cell in inputs)
    drawn = [
        _side_by_side([_centred(left, first), *found]) for left, found in zip(inputs, cells, strict=True)
    ]
    letters = int(np.clip(width // 16, 11, 24))
    foot = np.full((letters + 12, drawn[0].shape[1], 3), PAPER, np.uint8)
    for index, caption in enumerate(columns):
        middle = first + _GAP + (index - 1) * (width + _GAP) + width / 2 if index else first / 2
        text = f"({chr(ord('a') + index)}) {caption}" if len(columns) <= 26 else caption
        draw_text(foot, (middle, foot.shape[0] / 2), text, letters, INK, "mm", most_px=width)
    gap = np.full((2 * _GAP, drawn[0].shape[1], 3), PAPER, np.uint8)
    parts = [part for row in drawn for part in (row, gap)]
    sheet = np.vstack([*parts[:-1], foot])
    return np.pad(sheet, ((_GAP, 0), (_GAP, _GAP), (0, 0)), constant_values=255)


def _side_by_side(cells: Sequence[Rgb8]) -> Rgb8:
    height = max(cell.shape[0] for cell in cells)
    parts: list[Rgb8] = []
    for cell in cells:
        below = ((0, height - cell.shape[0]), (0, 0), (0, 0))
        parts += [np.pad(cell, below, constant_values=255), np.full((height, _GAP, 3), PAPER, np.uint8)]
    return np.hstack(parts[:-1])


def _inputs_cell(row: FigureRow, width: int, height: int) -> Rgb8:
    """Return gray above colour, together as high as a result with its insets, `width` wide at most."""
    shape = row.inputs[0].shape
    wanted = round(shape[0] * width / shape[1])
    if height:
        wanted = min(wanted, max(1, (height - _GAP) // 2))
    small_width = max(1, round(shape[1] * wanted / shape[0]))
    parts: list[Rgb8] = []
    for index, picture in enumerate(row.inputs):
        boxed = _boxed(rgb_of(picture), row.crops if index == 0 else (), small_width)
        parts += [resize(boxed, small_width, wanted), np.full((_GAP, small_width, 3), PAPER, np.uint8)]
    return np.vstack(parts[:-1])


def _centred(cell: Rgb8, width: int) -> Rgb8:
    left = (width - cell.shape[1]) // 2
    return np.pad(cell, ((0, 0), (left, width - cell.shape[1] - left), (0, 0)), constant_values=255)


def _result_cell(picture: Rgb8, crops: Sequence[Crop], width: int) -> Rgb8:
    height = round(picture.shape[0] * width / picture.shape[1])
    large = resize(_boxed(picture.copy(), crops, width), width, height)
    if not crops:
        return large
    inset_width = (width - _GAP * (len(crops) - 1)) // len(crops)
    tallest = max(round(crop[3] * inset_width / crop[2]) for crop in crops)
    strip = np.full((min(tallest, height), width, 3), PAPER, np.uint8)
    for index, (crop, colour) in enumerate(zip(crops, BOX_COLOURS, strict=False)):
        x, y, crop_width, crop_height = crop
        scale = min(inset_width / crop_width, strip.shape[0] / crop_height)
        size = max(1, round(crop_width * scale)), max(1, round(crop_height * scale))
        inset = resize(np.ascontiguousarray(picture[y : y + crop_height, x : x + crop_width]), *size).copy()
        draw_box(inset, (0, 0, *size), colour, 3)
        left = index * (inset_width + _GAP) + (inset_width - size[0]) // 2
        strip[: size[1], left : left + size[0]] = inset
    return np.vstack([large, np.full((_GAP, width, 3), PAPER, np.uint8), strip])


def _boxed(picture: Rgb8, crops: Sequence[Crop], shown_width: int) -> Rgb8:
    """Draw the frames of crops into a picture, 3 px wide where it will be shown."""
    thickness = max(1, round(3 * picture.shape[1] / shown_width))
    for crop, colour in zip(crops, BOX_COLOURS, strict=False):
        draw_box(picture, crop, colour, thickness)
    return picture


def _checked(crop: Crop, shape: tuple[int, ...]) -> Crop:
    x, y, width, height = crop
    if x < 0 or y < 0 or width < _FEWEST_PX or height < _FEWEST_PX:
        raise ValueError(
            f"crop {x},{y},{width},{height}: at least {_FEWEST_PX}×{_FEWEST_PX} px, from 0, 0 on"
        )
    if x + width > shape[1] or y + height > shape[0]:
        raise ValueError(f"crop {x},{y},{width},{height} does not lie in an image of {shape[1]}×{shape[0]}")
    return crop
