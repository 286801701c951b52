"""Zebra and focus peaking: marks over the live panes, computed on raw frames and brought to their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import RectifiedPair
from app.raw_measures import NOTHING, OVER, SHARP, UNDER, clipping_mask, focus_mask
from capture.calibration import RigCalibration
from capture.frames import Frame, Role
from capture.rectify import Rectifier

ZEBRA, PEAKING = "zebra", "peaking"
OVERLAYS = (ZEBRA, PEAKING)

ROLES_OF_LAYERS: dict[str, Role] = {"gray": "mono", "reference": "color"}
"""The layers that overlays lie over, and the camera whose raw frames they are computed on."""

COLOURS: dict[int, tuple[int, int, int]] = {
    OVER: (255, 70, 50),
    UNDER: (70, 160, 255),
    SHARP: (90, 255, 120),
}
"""RGB. Clipped at the top, clipped at the bottom, in focus."""

STRIPES_PER_WIDTH = 80
SMALLEST_STRIPE_PX = 4


class OverlayPainter:
    """Makes masks for pictures, and keeps the maps that bring them there. For one thread."""

    def __init__(self) -> None:
        self._rectifier: Rectifier | None = None

    def mask(self, layer: str, pair: RectifiedPair, wanted: frozenset[str]) -> NDArray[np.uint8] | None:
        """Return H×W codes for the picture of a layer, None if there is nothing to lie over it."""
        role = ROLES_OF_LAYERS.get(layer)
        if role is None or not wanted:
            return None
        frame = pair.pair.mono if role == "mono" else pair.pair.color
        result: NDArray[np.uint8] | None = None
        # Clipping last: where the sensor is full, there is no saying what is in focus.
        for make, name in ((focus_mask, PEAKING), (clipping_mask, ZEBRA)):
            if name in wanted:
                codes = self._placed(make(frame), frame, pair)
                result = codes if result is None else np.where(codes != NOTHING, codes, result)
        return result

    def _placed(self, codes: NDArray[np.uint8], frame: Frame, pair: RectifiedPair) -> NDArray[np.uint8]:
        """Bring codes of raw pixels to the pixels of the rectified picture."""
        if pair.calibration is None:
            return codes
        rectifier = self._rectifier_of(pair.calibration)
        rectify = rectifier.rectify_mono if frame.role == "mono" else rectifier.rectify_color
        placed = np.zeros(pair.mono.shape, np.uint8)
        for code in COLOURS:
            there = codes == code
            if there.any():
                # Rectification interpolates: more than half of a marked pixel is a marked pixel.
                placed[rectify(there.astype(np.uint8) * np.uint8(255)) > 127] = code
        return placed

    def _rectifier_of(self, calibration: RigCalibration) -> Rectifier:
        if self._rectifier is None or self._rectifier.calibration is not calibration:
            self._rectifier = Rectifier(calibration, photometric=False)
        return self._rectifier


def paint_mask(bgra: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    """Draw a mask into H×W×4 BGRA, in place: clipping as stripes, focus as it is."""
    height, width = mask.shape
    period = max(width // STRIPES_PER_WIDTH, SMALLEST_STRIPE_PX)
    rows, columns = np.ogrid[:height, :width]
    striped = (rows + columns) % (2 * period) < period
    for code, (red, green, blue) in COLOURS.items():
        here = mask == code
        if code == SHARP:
            bgra[here] = (blue, green, red, 255)
        else:
            bgra[here & striped] = (blue, green, red, 255)
            bgra[here & ~striped] = (0, 0, 0, 255)
