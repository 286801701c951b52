"""Targets drawn from their own shapes and seen by a pinhole camera, with the truth."""

from __future__ import annotations

import cv2
import numpy as np

from capture.targets import Target
from capture.targets.drawing import Rectangle, Shape

FINE = 8  # samples per texel and axis


def drawn(shapes: tuple[Shape, ...], size_mm: tuple[float, float], texels_per_mm: int) -> np.ndarray:
    """Return the shapes black on white, uint8: edges to an eighth of a texel."""
    k = texels_per_mm * FINE
    width, height = (round(side * texels_per_mm) for side in size_mm)
    image = np.full((height * FINE, width * FINE), 255, np.uint8)
    for shape in shapes:
        x, y = shape.x_mm * k, shape.y_mm * k
        if isinstance(shape, Rectangle):
            right, bottom = x + shape.width_mm * k, y + shape.height_mm * k
            image[round(y) : round(bottom), round(x) : round(right)] = 0
        else:
            r = shape.radius_mm * k
            rows, columns = np.mgrid[int(y - r) - 1 : int(y + r) + 2, int(x - r) - 1 : int(x + r) + 2]
            inside = (columns + 0.5 - x) ** 2 + (rows + 0.5 - y) ** 2 < r * r
            image[rows[inside], columns[inside]] = 0
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def seen(
    sheet: np.ndarray,
    texels_per_mm: int,
    origin_mm: tuple[float, float],
    target: Target,
    size: tuple[int, int] = (800, 600),
    seed: int = 0,
    distance_mm: tuple[float, float] = (500, 650),
    aside_mm: float = 15,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (image, where each of the target's points is in it) of a sheet held before a camera.

    `origin_mm`: where the sheet has the point (0, 0) of the target.
    """
    rng = np.random.default_rng(seed)
    turn = cv2.Rodrigues(rng.uniform(-0.4, 0.4, 3))[0]
    shift = np.array([*rng.uniform(-aside_mm, aside_mm, 2), rng.uniform(*distance_mm)])
    matrix = np.array([[1.1 * size[0], 0, size[0] / 2], [0, 1.1 * size[0], size[1] / 2], [0, 0, 1]])
    to_image = matrix @ np.column_stack([turn[:, 0], turn[:, 1], shift])
    middle = target.points_mm[:, :2].mean(axis=0)
    scale = 1 / texels_per_mm
    to_target = np.array(
        [
            [scale, 0, scale / 2 - origin_mm[0] - middle[0]],
            [0, scale, scale / 2 - origin_mm[1] - middle[1]],
            [0, 0, 1],
        ]
    )
    fine = 4
    larger = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]])
    image = cv2.warpPerspective(
        sheet, larger @ to_image @ to_target, (size[0] * fine, size[1] * fine), borderValue=170
    )
    image = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), 0.6)
    noisy = image * 0.8 + 20 + rng.normal(0, 2, image.shape)
    points = np.column_stack([target.points_mm[:, :2] - middle, np.ones(len(target.points_mm))]) @ to_image.T
    return np.clip(noisy, 0, 255).astype(np.uint8), points[:, :2] / points[:, 2:]
