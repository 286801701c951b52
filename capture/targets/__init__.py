"""Calibration targets: what is shown to the cameras, how it is found in an image, how it is drawn.

`Chessboard`, `Charuco` and `CircleGrid` are `Target`s; `parse_target` reads one from the command line or a
TOML file, `save_target` writes the file.
"""

from capture.targets.base import Detection, NotSeen, Points, Target, common_ids
from capture.targets.charuco import Charuco
from capture.targets.chessboard import Chessboard
from capture.targets.circles import CircleGrid
from capture.targets.settings import parse_target, save_target, target_from_table, target_to_table

__all__ = [
    "Charuco",
    "Chessboard",
    "CircleGrid",
    "Detection",
    "NotSeen",
    "Points",
    "Target",
    "common_ids",
    "parse_target",
    "save_target",
    "target_from_table",
    "target_to_table",
]
