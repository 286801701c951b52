"""The calibration board: a chessboard that is held before the rig in one pose after the other."""

from __future__ import annotations

import cv2
import numpy as np

from capture.virtual import pictures, textures
from capture.virtual.draw import Thing
from capture.virtual.geometry import RigGeometry, Vector, rotation_from
from capture.virtual.shapes import Pose, Sheet
from capture.virtual.textures import texture

INNER_CORNERS = (9, 6)  # across, down
SQUARE_MM = 30.0
MARGIN_SQUARES = 0.7
HOLD_S, MOVE_S = 1.0, 0.5
CYCLE_S = HOLD_S + MOVE_S
# Distance of the middle of the board from the rig, m, and largest tilt, degrees. Not nearer: the range of
# disparities that a solved calibration searches follows from the nearest board.
NEAREST_M, FARTHEST_M = 0.60, 1.0
LARGEST_TILT_DEG = 34.0
# Part of the image width that stays free between the board and the edge of the image.
FREE_EDGE = 0.012
ATTEMPTS = 400


class Board:
    """The board and how it is moved. Its pose is a pure function of seed and time."""

    def __init__(self, rig: RigGeometry, seed: int) -> None:
        self._rig = rig
        self._seed = seed
        across, down = INNER_CORNERS[0] + 1, INNER_CORNERS[1] + 1
        square = SQUARE_MM / 1000
        pixels = max(16, round(1.4 * float(rig.mono.matrix[0, 0]) * square / NEAREST_M))
        picture = pictures.chessboard((down, across), pixels, MARGIN_SQUARES)
        # From the picture, whose margin is whole pixels: else the squares would be a thousandth too small.
        height, width = (side / pixels * square for side in picture.shape[:2])
        self._sheet = Sheet(width, height)
        self._poses: dict[int, tuple[Vector, Vector]] = {}
        cover = texture(picture, textures.PRINT)
        self.thing = Thing(self._sheet, cover, self.pose_at(0.0), self.pose_at, casts_shadow=False)

    def inner_corners(self, time_s: float) -> Vector:
        """Return where the inner corners are in the world at a time, N×3 m, row by row."""
        pose = self.pose_at(time_s)
        x, y = (SQUARE_MM / 1000 * (np.arange(count) - (count - 1) / 2) for count in INNER_CORNERS)
        grid = np.dstack([*np.meshgrid(x, y), np.zeros((y.size, x.size))]).reshape(-1, 3)
        return np.asarray(grid @ pose.rotation.T + pose.position)

    def pose_at(self, time_s: float) -> Pose:
        """Return the pose at a time: held for a second, then moved on within half a second."""
        step, within = divmod(time_s, CYCLE_S)
        share = max(0.0, within - HOLD_S) / MOVE_S
        share = share * share * (3 - 2 * share)
        first, last = self._held(int(step)), self._held(int(step) + 1)
        turn, position = (a * (1 - share) + b * share for a, b in zip(first, last, strict=True))
        return Pose(rotation_from(turn), position)

    def _held(self, step: int) -> tuple[Vector, Vector]:
        """Return rotation vector (degrees) and position of one held pose, wholly in sight of both cameras."""
        if step not in self._poses:
            rng = np.random.default_rng([self._seed, 3, step])
            back = self._rig.mono.rotation.T  # camera → world
            for attempt in range(ATTEMPTS):
                depth = rng.uniform(NEAREST_M, FARTHEST_M)
                aside = rng.uniform([-0.50, -0.36], [0.50, 0.36]) * depth
                # Tilts shrink if nothing fits, so that the loop always ends with a board in sight.
                tilt = rng.uniform(-1, 1, 3) * LARGEST_TILT_DEG * (1 - attempt / ATTEMPTS)
                tilt[2] *= 0.4
                rotation = back @ rotation_from(tilt)
                position = back @ np.array([aside[0], aside[1], depth])
                if self._in_sight(Pose(rotation, position)):
                    break
            self._poses[step] = np.rad2deg(_vector_of(rotation)), position
        return self._poses[step]

    def _in_sight(self, pose: Pose) -> bool:
        corners = self._sheet.hull() @ pose.rotation.T + pose.position
        for camera in (self._rig.mono, self._rig.color):
            pixels = camera.project(corners)
            free = FREE_EDGE * camera.width
            high = np.array([camera.width - 1 - free, camera.height - 1 - free])
            if not ((pixels >= free) & (pixels <= high)).all():
                return False
        return True


def _vector_of(rotation: Vector) -> Vector:
    return np.asarray(cv2.Rodrigues(rotation)[0], np.float64).ravel()
