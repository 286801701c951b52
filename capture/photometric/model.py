"""What is known of how a camera turns light into values, and the tables it is kept in.

A value v (0 … 1 of full scale) becomes light by taking the camera's curve off, then what the sensor gives in
the dark; flat field and white balance scale it, the matrix mixes the channels, and the curve is put on again:

    light = (v^(1/gamma) − black^(1/gamma)) / (1 − black^(1/gamma))
    light = matrix · (white_balance ∘ flat_field ∘ light)
    v'    = light^gamma

Everything is optional; what is missing changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.checks import at_least_zero, grid, keys, numbers, table_of
from capture.errors import CalibrationError

# Beyond these, a file is mistyped or an image was of something else.
GAMMAS = (0.2, 2.5)
BRIGHTEST_BLACK = 0.25
LARGEST_GAIN = 20.0


@dataclass(frozen=True, eq=False)
class CameraPhotometric:
    """One camera.

    Attributes:
        gamma: exponent of the curve from light to values (SFNC Gamma); 1: values are proportional to light.
        black_level: value of a pixel in the dark, 0 … 1 of full scale.
        flat_field: channels (1 or 3) × rows × columns gains ≥ 1 over the raw image, coarse and smooth; None.
        white_balance: gains for red, green, blue, green 1; None for a mono camera or if unknown.
        color_matrix: 3×3 to linear sRGB; rows sum to 1, so grey stays grey; None.
    """

    gamma: float = 1.0
    black_level: float = 0.0
    flat_field: NDArray[np.float64] | None = None
    white_balance: NDArray[np.float64] | None = None
    color_matrix: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        gamma, black = (numbers(value, (), key) for key, value in _scalars(self).items())
        if not GAMMAS[0] <= float(gamma) <= GAMMAS[1]:
            raise CalibrationError(f"gamma = {float(gamma)} is not within {GAMMAS[0]} … {GAMMAS[1]}")
        if not 0 <= float(black) <= BRIGHTEST_BLACK:
            raise CalibrationError(f"black_level = {float(black)} is not within 0 … {BRIGHTEST_BLACK}")
        object.__setattr__(self, "gamma", float(gamma))
        object.__setattr__(self, "black_level", float(black))
        if self.flat_field is not None:
            object.__setattr__(self, "flat_field", _flat_field(self.flat_field))
        if self.white_balance is not None:
            gains = at_least_zero(self.white_balance, (3,), "white_balance")
            if not ((gains > 0.05) & (gains < LARGEST_GAIN)).all():
                raise CalibrationError(
                    f"white_balance = {gains.tolist()} is not within 0.05 … {LARGEST_GAIN}"
                )
            object.__setattr__(self, "white_balance", gains)
        if self.color_matrix is not None:
            object.__setattr__(self, "color_matrix", numbers(self.color_matrix, (3, 3), "color_matrix"))


@dataclass(frozen=True, eq=False)
class Photometric:
    """Both cameras; None where nothing was measured."""

    mono: CameraPhotometric | None = None
    color: CameraPhotometric | None = None

    def __post_init__(self) -> None:
        mono = self.mono
        if mono is not None and (mono.white_balance is not None or mono.color_matrix is not None):
            raise CalibrationError("photometric.mono: a mono camera has no white_balance and no color_matrix")
        if mono is not None and mono.flat_field is not None and len(mono.flat_field) != 1:
            raise CalibrationError("photometric.mono: the flat_field of a mono camera has one channel")


def photometric_to_table(photometric: Photometric) -> dict[str, object]:
    """Return the TOML table; `photometric_from_table` reads it."""
    tables: dict[str, object] = {}
    for role in ("mono", "color"):
        camera: CameraPhotometric | None = getattr(photometric, role)
        if camera is None:
            continue
        table: dict[str, object] = dict(_scalars(camera))
        for name in _ARRAYS:
            array = getattr(camera, name)
            if array is not None:
                # Gains need no more than five digits.
                table[name] = np.round(array, 5).tolist()
        tables[role] = table
    return tables


def photometric_from_table(table: Mapping[str, object]) -> Photometric:
    """Return what a TOML table says. Raises CalibrationError, which names the key."""
    keys(table, (), ("mono", "color"), "photometric.")
    return Photometric(**{role: _camera(table_of(table, role), role) for role in table})


_ARRAYS = ("flat_field", "white_balance", "color_matrix")


def _camera(table: Mapping[str, object], role: str) -> CameraPhotometric:
    keys(table, (), ("gamma", "black_level", *_ARRAYS), f"photometric.{role}.")
    try:
        return CameraPhotometric(**table)  # type: ignore[arg-type]
    except CalibrationError as error:
        raise CalibrationError(f"photometric.{role}.{error}") from error


def _scalars(camera: CameraPhotometric) -> dict[str, float]:
    return {"gamma": camera.gamma, "black_level": camera.black_level}


def _flat_field(value: object) -> NDArray[np.float64]:
    channels = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    if len(channels) not in (1, 3):
        raise CalibrationError("flat_field must hold 1 or 3 channels of rows of gains")
    grids = [grid(channel, "flat_field") for channel in channels]
    if len({each.shape for each in grids}) != 1:
        raise CalibrationError("flat_field: its channels differ in size")
    gains = np.stack(grids)
    if not ((gains >= 1) & (gains <= LARGEST_GAIN)).all():
        raise CalibrationError(f"flat_field holds a gain that is not within 1 … {LARGEST_GAIN:g}")
    gains.flags.writeable = False
    return gains
