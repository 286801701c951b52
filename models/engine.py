"""The inference engine: one rectified pair in, every picture the app shows out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from models.colorizer import WeightVolume

Rgb8 = NDArray[np.uint8]
FloatMap = NDArray[np.float32]


@dataclass(frozen=True)
class SearchRange:
    """Where in the reference the colour of a mono pixel is looked for: pixel (j, i ± (offset + k)), k = 0 … max_disparity − 1.

    Attributes:
        max_disparity: d, number of candidates, in pixels of the full-size image.
        offset: first candidate, in pixels; may be negative.
        mirrored: the colour camera stands right of the mono camera, so that content lies further left in the reference.
    """

    max_disparity: int = 128
    offset: int = 0
    mirrored: bool = False


@dataclass(frozen=True, eq=False)
class Colorization:
    """Everything the networks say of one pair; all arrays read-only, in the orientation of the input images.

    Attributes:
        first_pass: H×W×3 uint8 RGB, I_C: the mono luma with the first pass's chroma.
        second_pass: H×W×3 uint8 RGB, R'_C: the reference's luma with the second pass's chroma (aligned with the reference).
        refined: H×W×3 uint8 RGB, I*_C: the mono luma with the refined chroma.
        warped_luma: H×W uint8, the reference's luma averaged with W: what the structure measure compares with mono.
        warped_reference: H×W×3 uint8 RGB, the reference averaged with W, its own luma kept.
        confidence: H×W float32 in 0 … 1, from the peak and entropy of W and from the cycle error.
        disparity: H×W float32, position of the peak of W in px, offset included.
        cycle_error: H×W float32, mean |ΔCb|, |ΔCr| of R'_C − R_C in levels (aligned with the reference).
        structure_similarity: H×W float32 in −1 … 1, SSIM map of mono and warped_luma.
        cycle_ssim_cb, cycle_ssim_cr: SSIM of R'_C and R_C, 10-pixel border left out.
        stages_ms: time of each stage in ms.
        search: the range that was searched.
    """

    first_pass: Rgb8
    second_pass: Rgb8
    refined: Rgb8
    warped_luma: NDArray[np.uint8]
    warped_reference: Rgb8
    confidence: FloatMap
    disparity: FloatMap
    cycle_error: FloatMap
    structure_similarity: FloatMap
    cycle_ssim_cb: float
    cycle_ssim_cr: float
    stages_ms: Mapping[str, float]
    search: SearchRange
    weights: WeightVolume

    def weight_curve(self, x: int, y: int) -> FloatMap:
        """Return W of mono pixel (y, x): float32 (d,), sums to 1; entry k belongs to disparity offset + k px."""
        return self.weights.curve(x, y)

    def match(self, x: int, y: int) -> float:
        """Return the column in the reference where the colour of mono pixel (y, x) came from (the peak of W)."""
        shift = float(self.disparity[y, x])
        return x - shift if self.search.mirrored else x + shift


class Engine:
    """Owns the networks on one device. `colorize` may be called from one thread at a time; construction does no I/O.

    Args:
        model: "live", "paper" (the weights that ship), or a `.safetensors` file.
        device: "auto" takes CUDA, then MPS, then the CPU.
    """

    def __init__(self, model: str | Path = "live", device: Literal["auto", "cpu", "cuda", "mps"] = "auto") -> None:
        self.model = model
        self.requested_device = device

    def load(self) -> None:
        """Read the weights and move them to the device. Raises ModelError, WeightsMismatch."""
        raise NotImplementedError

    @property
    def device_name(self) -> str:
        """Return the device in use, for people: "CPU (2 threads)", "NVIDIA H200 (half precision)"."""
        raise NotImplementedError

    def colorize(self, mono: NDArray[np.uint8] | NDArray[np.uint16], reference: NDArray[np.uint8] | NDArray[np.uint16],
                 search: SearchRange) -> Colorization:
        """Run both passes and the refiner.

        Args:
            mono: I_G, H×W; uint8 or full-scale uint16 (0 … 65535).
            reference: R_C, H×W×3 RGB of the same height and width; uint8 or full-scale uint16.
            search: candidates to search.

        Raises:
            InferenceFailed: sizes differ, too small, wrong type, device failed.
        """
        raise NotImplementedError
