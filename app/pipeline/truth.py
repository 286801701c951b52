"""What the virtual rig knows of a pair, and how near to it the networks came."""

from __future__ import annotations

from app.pipeline.status import RectifiedPair, Truth
from capture.develop import to_8_bits
from capture.spec import VirtualSpec
from capture.virtual.sensor import COLOR
from capture.virtual.truth import VirtualTruth
from models.color import combine_uint8, split_uint8


class TruthTeller:
    """Renders what the virtual rig with this spec knows of a pair. One thread calls `truth`.

    Args:
        spec: of the rig, which lives in another process; the same seed gives the same scene.

    Attributes:
        board_shown: whether the board is before the rig.
        clock_ahead_ns: by how much the mono camera's clock has stepped: the scene knows no steps.
    """

    def __init__(self, spec: VirtualSpec) -> None:
        self._scene = VirtualTruth(spec)
        self.board_shown = False
        self.clock_ahead_ns = 0

    def truth(self, rectified: RectifiedPair) -> Truth:
        """Return the truth of a pair of this rig; a second or two for the first one."""
        mono, color_frame = rectified.pair.mono, rectified.pair.color
        assert mono.device_ns is not None, "the virtual rig has a clock"
        images = self._scene.render(
            mono.device_ns - self.clock_ahead_ns,
            rectified.calibration,
            COLOR.look.of_frame(color_frame),
            with_board=self.board_shown,
        )
        # Results carry the luma of the mono image, whose sensor sees another brightness: so must what they
        # are held against, or the measure is of the sensors and not of the colours.
        _, chroma = split_uint8(images.color)
        color = combine_uint8(to_8_bits(rectified.mono), chroma)
        return Truth(color, images.disparity, images.occluded)
