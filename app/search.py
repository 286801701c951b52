"""Which disparities to search: what was asked for, else what the calibration says, else what is usual."""

from __future__ import annotations

from dataclasses import dataclass, replace

from capture.calibration import RigCalibration, Side
from models.engine import SearchRange, usual_search


@dataclass(frozen=True)
class SearchWish:
    """What was asked for in place of the calibration's own range; None takes the calibration's.

    `color_side` is what the rig file says of where the colour camera stands; a calibration knows better.
    """

    max_disparity: int | None = None
    offset: int | None = None
    color_side: Side = "left"

    def range(self, calibration: RigCalibration | None, width: int) -> SearchRange:
        """Return the range to search in images `width` pixels wide.

        Without a calibration no more is known of the rig than its sides: `models.engine.usual_search`.
        """
        if calibration is None:
            usual = replace(usual_search(width), mirrored=self.color_side == "right")
        else:
            usual = SearchRange(calibration.max_disparity, calibration.offset, calibration.mirrored)
        return SearchRange(
            usual.max_disparity if self.max_disparity is None else self.max_disparity,
            usual.offset if self.offset is None else self.offset,
            usual.mirrored,
        )
