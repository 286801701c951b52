"""Black level, flat field and colours of the running rig, measured from live pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.pipeline.slots import LatestSlot
from capture.develop import develop
from capture.errors import CalibrationError
from capture.frames import ROLES, FramePair, Image, Role
from capture.photometric.checker import estimate_gamma, fit_colors, read_patches
from capture.photometric.finder import find_checker
from capture.photometric.measure import measure_black, measure_flat_field, measure_grey
from capture.photometric.model import CameraPhotometric, Photometric
from capture.targets import NotSeen

FRAMES = 8
"""Pairs that are averaged: noise is down to a third."""
PATIENCE_S = 5.0
_WORDS: dict[Role, str] = {"mono": "Mono", "color": "Colour"}

Cameras = Mapping[Role, CameraPhotometric]
Images = Mapping[Role, Image]


@dataclass(frozen=True, eq=False)
class LightResult:
    """What was measured: both cameras as they are known now, what to tell, where the chart was (4×2 px)."""

    cameras: Cameras
    lines: tuple[str, ...]
    corners_px: NDArray[np.float64] | None = None


def cameras_of(photometric: Photometric | None) -> dict[Role, CameraPhotometric]:
    """Return what is known of both cameras; of an unknown one, that nothing needs to be corrected."""
    known = photometric or Photometric()
    return {"mono": known.mono or CameraPhotometric(), "color": known.color or CameraPhotometric()}


def take_average(
    slot: LatestSlot[FramePair], cancelled: Callable[[], bool], count: int = FRAMES
) -> dict[Role, Image]:
    """Return the developed average of some pairs, uint16 of full scale: H×W and H×W×3 RGB.

    Raises CalibrationError: no pictures come, or their size changes meanwhile.
    """
    sums: dict[Role, NDArray[np.float64]] = {}
    for _ in range(count):
        pair = None if cancelled() else slot.take(PATIENCE_S)
        if pair is None:
            raise CalibrationError("no pictures come: start the rig")
        for role in ROLES:
            image = develop(pair.mono if role == "mono" else pair.color)
            light = image.astype(np.float64) * (257 if image.dtype == np.uint8 else 1)
            if role in sums and sums[role].shape != light.shape:
                raise CalibrationError("the size of the pictures changed: measure again")
            sums[role] = sums[role] + light if role in sums else light
    return {role: np.rint(total / count).astype(np.uint16) for role, total in sums.items()}


def from_caps(images: Images, cameras: Cameras) -> LightResult:
    """Measure the black levels: both lenses are capped. Raises CalibrationError."""
    found, lines = dict(cameras), []
    for role in ROLES:
        black = measure_black([images[role]])
        found[role] = replace(cameras[role], black_level=black.level)
        lines += [f"{_WORDS[role]}: black is {black.level:.2%} of full scale", *black.advice]
    return LightResult(found, tuple(lines))


def from_white(images: Sequence[Images], cameras: Cameras) -> LightResult:
    """Measure the flat fields: a white target fills both views. Raises CalibrationError."""
    found, lines = dict(cameras), []
    for role in ROLES:
        flat = measure_flat_field([each[role] for each in images], cameras[role])
        found[role] = replace(cameras[role], flat_field=flat.gains)
        lines += [f"{_WORDS[role]}: the darkest corner lacks {flat.falloff:.0%} of the light", *flat.advice]
    return LightResult(found, tuple(lines))


def from_chart(
    images: Images, cameras: Cameras, marked_px: NDArray[np.float64] | None = None, *, gamma_known: bool
) -> LightResult:
    """Measure white balance and colour matrix: the 24-patch chart stands before the colour camera.

    Where the camera does not tell its curve, it is read from the greys of the chart. `marked_px` says where
    the chart is, as `capture.photometric.checker.read_patches` takes it; else it is looked for.

    Raises CalibrationError: the chart is not seen, or badly exposed.
    """
    camera, image = cameras["color"], images["color"]
    corners = find_checker(image, camera) if marked_px is None else marked_px
    if isinstance(corners, NotSeen):
        raise CalibrationError(corners.reason)
    patches = read_patches(image, corners, camera)
    if not gamma_known:
        camera = replace(camera, gamma=estimate_gamma(patches, camera.black_level))
    fit = fit_colors(patches, camera)
    lines = (
        f"White balance: red × {fit.white_balance[0]:.3f}, blue × {fit.white_balance[2]:.3f}",
        f"Colours are off by ΔE {fit.delta_e_mean:.1f} on average, {fit.delta_e_max:.1f} at most",
        f"(with white balance alone by {fit.delta_e_before:.1f})",
    )
    matched = replace(camera, white_balance=fit.white_balance, color_matrix=fit.color_matrix)
    return LightResult({**cameras, "color": matched}, lines, corners)


def middle_of(size_px: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return where a grey card has to be: (left, top, width, height) in px."""
    width, height = size_px
    return width * 3 // 8, height * 3 // 8, width // 4, height // 4


def from_card(images: Images, cameras: Cameras) -> LightResult:
    """Measure the white balance: a grey card covers the middle of the colour image.

    A colour matrix that was measured for another light goes. Raises CalibrationError.
    """
    image = images["color"]
    region = middle_of((image.shape[1], image.shape[0]))
    gains = measure_grey(image, region, cameras["color"])
    matched = replace(cameras["color"], white_balance=gains, color_matrix=None)
    left, top, width, height = region
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    line = f"White balance: red × {gains[0]:.3f}, blue × {gains[2]:.3f}"
    return LightResult({**cameras, "color": matched}, (line,), corners.astype(np.float64))
