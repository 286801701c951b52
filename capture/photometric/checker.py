"""The 24-patch colour checker: found in an image or read at four given corners, and a matrix fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import CalibrationError
from capture.frames import Image
from capture.photometric.curve import full_scale, to_light
from capture.photometric.measure import SATURATED, gains_at
from capture.photometric.model import GAMMAS, CameraPhotometric

ACROSS, DOWN = 6, 4
# The patches of the classic chart in sRGB (D65, 8 bits) as its maker publishes them, row by row.
SRGB = np.array(
    [
        *((115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170)),
        *((214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46)),
        *((56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161)),
        *((243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52)),
    ],
    np.float64,
)
GREYS = slice(18, 24)
# White balance is taken from the greys between: white may be clipped, black is noise.
MIDDLE_GREYS = slice(19, 23)
# The middle of a patch that is read, in patch pitches; the rest may be border.
READ_PART = 0.4
SMALLEST_PATCH_PX = 4.0  # area of that middle
# A patch counts in the fit by 1 / (light + this): dark colours show their errors as much as bright ones.
FLOOR = 0.03


@dataclass(frozen=True, eq=False)
class Patches:
    """What an image shows of the chart.

    Attributes:
        values: 24×3 median RGB, 0 … 1 of full scale, on the camera's curve.
        gains: 24×3, what the flat field makes of light there.
        corners_px: 4×2, outer corners of the patches: of dark skin, bluish green, black, white, clockwise.
        clipped: 24 bool, patches that are overexposed.
    """

    values: NDArray[np.float64]
    gains: NDArray[np.float64]
    corners_px: NDArray[np.float64]
    clipped: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ColorFit:
    """What the chart says of the camera.

    Attributes:
        white_balance: (3,) gains, green 1.
        color_matrix: 3×3, rows sum to 1, from balanced camera RGB to linear sRGB.
        delta_e_mean, delta_e_max: colour differences left (CIE 1976), over the patches used.
        delta_e_before: mean with white balance only.
        used: 24 bool.
    """

    white_balance: NDArray[np.float64]
    color_matrix: NDArray[np.float64]
    delta_e_mean: float
    delta_e_max: float
    delta_e_before: float
    used: NDArray[np.bool_]


def reference_light() -> NDArray[np.float64]:
    """Return the patches in linear sRGB, 24×3."""
    encoded = SRGB / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def read_patches(image: Image, corners_px: NDArray[np.floating], camera: CameraPhotometric) -> Patches:
    """Return the patches at the four outer corners of the chart's patches.

    Args:
        image: developed RGB image.
        corners_px: 4×2 (x, y): of dark skin, bluish green, black and white, clockwise from brown.
        camera: its flat field is read too (a chart that fills the view is darker at its ends).

    Raises CalibrationError: no colour image, or corners outside or in another order.
    """
    if image.ndim != 3:
        raise CalibrationError("a colour checker is for the colour camera: this image has no colours")
    corners = np.asarray(corners_px, np.float64).reshape(4, 2)
    height, width = image.shape[:2]
    if (corners < -0.5).any() or (corners > np.array([width, height]) - 0.5).any():
        raise CalibrationError(f"a corner of the chart lies outside the image of {width}×{height}")
    if cv2.contourArea(corners.astype(np.float32), oriented=True) <= 0:
        raise CalibrationError("the corners of the chart must be given clockwise, from the brown patch on")
    homography = cv2.getPerspectiveTransform(_outline().astype(np.float32), corners.astype(np.float32))
    flat = gains_at(camera, image.shape[:2])
    values, gains, clipped = [], [], []
    for index in range(ACROSS * DOWN):
        row, column = divmod(index, ACROSS)
        middle = np.array([column + 0.5, row + 0.5])
        offsets = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * READ_PART / 2
        quad = cv2.perspectiveTransform((middle + offsets)[None].astype(np.float32), homography)[0]
        part, inside = _patch(image, quad)
        if not inside.any() or cv2.contourArea(quad) < SMALLEST_PATCH_PX:
            raise CalibrationError("the patches of the chart are a few pixels small: bring it nearer")
        seen = np.asarray(image[part], np.float64)[inside] / full_scale(image)
        clipped.append(bool((seen >= SATURATED).any(axis=1).mean() > 0.05))
        values.append(np.median(seen, axis=0))
        gains.append(np.broadcast_to(flat[part][inside].mean(axis=0), 3))
    return Patches(np.array(values), np.array(gains), corners, np.array(clipped))


def estimate_gamma(patches: Patches, black_level: float) -> float:
    """Return the exponent of the camera's curve that makes the greys proportional to their light.

    Raises CalibrationError: fewer than 4 greys are neither clipped nor dark.
    """
    green = patches.values[GREYS, 1]
    usable = ~patches.clipped[GREYS] & (green > black_level + 0.02)
    if usable.sum() < 4:
        raise CalibrationError("too few grey patches are well exposed: expose the chart anew")
    wanted = np.log(reference_light()[GREYS, 1][usable])
    candidates = np.linspace(*GAMMAS, 461)
    spread = []
    for gamma in candidates:
        light = to_light(green[usable], float(gamma), black_level) * patches.gains[GREYS, 1][usable]
        off = np.log(np.maximum(light, 1e-6)) - wanted
        spread.append(float(off.std()))
    return float(candidates[int(np.argmin(spread))])


def fit_colors(patches: Patches, camera: CameraPhotometric) -> ColorFit:
    """Return white balance and matrix that bring the patches nearest to what they are.

    The exposure is left as it is; rows of the matrix sum to 1, so that grey stays grey.

    Args:
        patches: of `read_patches`.
        camera: gamma and black level are taken from it.

    Raises CalibrationError: too many patches are clipped, or the colours are not those of the chart.
    """
    light = to_light(patches.values, camera.gamma, camera.black_level) * patches.gains
    used = ~patches.clipped & (light.min(axis=1) > 0)
    greys = light[MIDDLE_GREYS][used[MIDDLE_GREYS]]
    if used.sum() < 16 or len(greys) < 2:
        raise CalibrationError(f"only {used.sum()} of 24 patches are well exposed: expose the chart anew")
    means = greys.mean(axis=0)
    balance = means[1] / means
    balanced = light * balance
    wanted = reference_light()
    # The same exposure for both: that of the greys.
    wanted = wanted * (
        balanced[MIDDLE_GREYS][used[MIDDLE_GREYS]].mean() / wanted[MIDDLE_GREYS][used[MIDDLE_GREYS]].mean()
    )
    weight = 1 / (wanted[used].mean(axis=1) + FLOOR)
    matrix = np.stack([_row(balanced[used], wanted[used], channel, weight) for channel in range(3)])
    before = _delta_e(balanced[used], wanted[used])
    after = _delta_e(balanced[used] @ matrix.T, wanted[used])
    return ColorFit(balance, matrix, float(after.mean()), float(after.max()), float(before.mean()), used)


def _row(
    seen: NDArray[np.float64], wanted: NDArray[np.float64], channel: int, weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return one row of the matrix: r + g + b = 1, so wanted − own = a·(x − own) + b·(y − own)."""
    others = [index for index in range(3) if index != channel]
    own = seen[:, channel]
    design = seen[:, others] - own[:, None]
    solution, *_ = np.linalg.lstsq(design * weight[:, None], (wanted[:, channel] - own) * weight, rcond=None)
    row = np.zeros(3)
    row[others] = solution
    row[channel] = 1 - solution.sum()
    return row


def _delta_e(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return colour differences of N×3 linear sRGB, relative to the brightest of the second."""
    scale = 1 / max(float(other.max()), 1e-6)
    first, second = (
        cv2.cvtColor(np.clip(rgb * scale, 0, 1).astype(np.float32)[None], cv2.COLOR_LRGB2Lab)[0]
        for rgb in (one, other)
    )
    return np.asarray(np.linalg.norm(first.astype(np.float64) - second, axis=1))


def _outline() -> NDArray[np.float64]:
    return np.array([[0, 0], [ACROSS, 0], [ACROSS, DOWN], [0, DOWN]], np.float64)


def _patch(image: Image, quad: NDArray[np.floating]) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Return (rows and columns around a quadrilateral, which of these pixels lie in it)."""
    low = np.maximum(np.floor(quad.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 1, [image.shape[1], image.shape[0]])
    mask = np.zeros((max(0, high[1] - low[1]), max(0, high[0] - low[0])), np.uint8)
    if mask.size:
        cv2.fillConvexPoly(mask, np.rint(quad - low).astype(np.int32), 1)
    return (slice(low[1], high[1]), slice(low[0], high[0])), mask.astype(bool)
