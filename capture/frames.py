"""What the cameras hand over: immutable frames and pairs, as the sensors gave them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["mono", "color"]
ROLES: tuple[Role, Role] = ("mono", "color")

Image = NDArray[np.uint8] | NDArray[np.uint16]


class Layout(Enum):
    """How the values of an image are to be read. Bayer names give the first two pixels of row 0 (SFNC)."""

    MONO = "mono"
    BAYER_RG = "bayer_rg"
    BAYER_GB = "bayer_gb"
    BAYER_GR = "bayer_gr"
    BAYER_BG = "bayer_bg"
    RGB = "rgb"


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of one camera, immutable: an owned, C-contiguous array with `writeable=False`.

    Attributes:
        role: which of the two cameras.
        image: H×W (mono, Bayer mosaic) or H×W×3 RGB; uint8 for 8 bits, else uint16 holding 0 … 2**bits − 1.
        layout: what the values mean.
        bits: significant bits, 8 … 16.
        pixel_format: the camera's own name of the format (PFNC), e.g. "BayerRG12p".
        frame_id: the camera's running number; a gap is a lost frame.
        device_ns: the camera's clock in ns at exposure, None where the producer gives none.
        host_ns: `time.monotonic_ns()` on arrival, before any work.
        exposure_us: exposure time in µs, None where unknown.
        gain_db: gain in dB, None where unknown.
    """

    role: Role
    image: Image
    layout: Layout
    bits: int
    pixel_format: str
    frame_id: int
    device_ns: int | None
    host_ns: int
    exposure_us: float | None = None
    gain_db: float | None = None


@dataclass(frozen=True, eq=False)
class FramePair:
    """A mono and a colour frame of the same moment.

    Attributes:
        index: running number of the pair since the start of the stream, from 0.
        skew_ns: time of the colour frame minus time of the mono frame, in ns, clock offset removed.
    """

    index: int
    mono: Frame
    color: Frame
    skew_ns: int


def frozen(image: Image) -> Image:
    """Return an owned, C-contiguous, read-only array with the same values (a copy unless it already is all
    that).
    """
    if not image.flags.owndata or not image.flags.c_contiguous or image.flags.writeable:
        owned: Image = image.copy(order="C")
        owned.flags.writeable = False
        return owned
    return image
