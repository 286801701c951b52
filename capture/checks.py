"""Checks that the readers of calibration files share. What is wrong is named with its key."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capture.errors import CalibrationError


def numbers(value: ArrayLike, shape: tuple[int, ...] | None, key: str) -> NDArray[np.float64]:
    """Return an owned, read-only float64 array; `shape` None takes any flat list. Raises CalibrationError."""
    try:
        array = np.array(value)
    except ValueError as error:
        raise CalibrationError(f"{key}: rows differ in length") from error
    if array.dtype.kind not in "iuf":
        raise CalibrationError(f"{key} must hold numbers only")
    array = array.astype(np.float64)
    if shape is None and array.ndim != 1:
        raise CalibrationError(f"{key} must be a flat list of numbers")
    if shape is not None and array.shape != shape:
        raise CalibrationError(
            f"{key} must be {'×'.join(map(str, shape))} numbers, not {'×'.join(map(str, array.shape))}"
        )
    if not np.isfinite(array).all():
        raise CalibrationError(f"{key} holds a value that is not finite")
    array.flags.writeable = False
    return array


def at_least_zero(value: ArrayLike, shape: tuple[int, ...] | None, key: str) -> NDArray[np.float64]:
    """Return `numbers` of which none is negative. Raises CalibrationError."""
    array = numbers(value, shape, key)
    if (array < 0).any():
        raise CalibrationError(f"{key} holds a negative value")
    return array


def grid(value: ArrayLike, key: str, largest_side: int = 100) -> NDArray[np.float64]:
    """Return rows × columns of finite numbers, owned and read-only. Raises CalibrationError."""
    try:
        shape = np.shape(value)
    except ValueError as error:
        raise CalibrationError(f"{key}: rows differ in length") from error
    if len(shape) != 2 or not 1 <= min(shape) <= max(shape) <= largest_side:
        raise CalibrationError(f"{key} must be rows of numbers, at most {largest_side} each way")
    return numbers(value, shape, key)


def whole(value: object, key: str, smallest: int, largest: int) -> int:
    """Return a whole number of this range. Raises CalibrationError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise CalibrationError(f"{key} must be a whole number, not {value!r}")
    if not smallest <= value <= largest:
        raise CalibrationError(f"{key} = {value} is not within {smallest} … {largest}")
    return value


def table_of(document: Mapping[str, object], name: str) -> dict[str, object]:
    """Return a table of a document. Raises CalibrationError if it is something else."""
    table = document[name]
    if not isinstance(table, dict):
        raise CalibrationError(f"{name} must be a table, not {table!r}")
    return table


def keys(
    table: Mapping[str, object], required: Collection[str], optional: Collection[str], prefix: str
) -> None:
    """Check that all required keys are there, and no unknown ones. Raises CalibrationError."""
    for key in sorted(set(required) - table.keys()):
        raise CalibrationError(f"{prefix}{key} is missing")
    for key in sorted(table.keys() - set(required) - set(optional)):
        raise CalibrationError(f"{prefix}{key} is not a known key")
