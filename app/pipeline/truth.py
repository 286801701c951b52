"""What the virtual rig knows of a pair, and how near to it the networks came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import RectifiedPair, Truth
from capture.calibration import RigCalibration
from capture.spec import VirtualSpec
from capture.virtual.sensor import COLOR
from capture.virtual.truth import VirtualTruth
from models.color import combine_uint8, split_uint8

BORDER_PX = 10  # left out of every measure: the networks see less there


class TruthTeller:
    """Renders what the virtual rig with this spec knows of a pair. One thread calls `truth`.

    Args:
        spec: of the rig, which lives in another process; the same seed gives the same scene.
        calibration: the one that pairs are rectified with, None if they are not.
    """

    def __init__(self, spec: VirtualSpec, calibration: RigCalibration | None) -> None:
        self._scene = VirtualTruth(spec)
        self._calibration = calibration
        self.board_shown = False

    def truth(self, rectified: RectifiedPair) -> Truth:
        """Return the truth of a pair of this rig; a second or two for the first one."""
        mono, color_frame = rectified.pair.mono, rectified.pair.color
        assert mono.device_ns is not None, "the virtual rig has a clock"
        images = self._scene.render(
            mono.device_ns,
            self._calibration if rectified.rectified else None,
            COLOR.look.of_frame(color_frame),
            with_board=self.board_shown,
        )
        # Results carry the luma of the mono image, whose sensor sees another brightness: so must what they
        # are held against, or the measure is of the sensors and not of the colours.
        mono8 = rectified.mono if rectified.mono.dtype == np.uint8 else rectified.mono >> 8
        _, chroma = split_uint8(images.color)
        color = combine_uint8(mono8.astype(np.uint8, copy=False), chroma)
        return Truth(color, images.disparity, images.occluded)


def psnr_db(picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio over all channels, without the border, in dB; inf if equal.

    Args:
        picture, truth: H×W×3 uint8 RGB of one size.
    """
    inner = slice(BORDER_PX, -BORDER_PX)
    difference = picture[inner, inner].astype(np.float32) - truth[inner, inner]
    error = float(np.mean(np.square(difference)))
    return float(10 * np.log10(255**2 / error)) if error > 0 else float("inf")
