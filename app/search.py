"""Which disparities to search: what was asked for, else what the calibration says, else what is usual."""

from __future__ import annotations

from dataclasses import dataclass

from capture.calibration import RigCalibration
from models.engine import SearchRange, usual_search


@dataclass(frozen=True)
class SearchWish:
    """What was asked for in place of the calibration's own range; None takes the calibration's."""

    max_disparity: int | None = None
    offset: int | None = None

    def range(self, calibration: RigCalibration | None, width: int) -> SearchRange:
        """Return the range to search in images `width` pixels wide.

        Without a calibration nothing is known of the rig: `models.engine.usual_search`.
        """
        if calibration is None:
            usual = usual_search(width)
        else:
            usual = SearchRange(calibration.max_disparity, calibration.offset, calibration.mirrored)
        return SearchRange(
            usual.max_disparity if self.max_disparity is None else self.max_disparity,
            usual.offset if self.offset is None else self.offset,
            usual.mirrored,
        )
