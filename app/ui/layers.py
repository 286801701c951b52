"""What a pane can show: each layer of a scene, its words, its units and its colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.pipeline.status import LiveResult, RectifiedPair
from app.ui.picture import Picture, Scale, make_picture, nice_ceiling
from capture.develop import develop
from models.engine import SearchRange

Alignment = Literal["mono", "reference"]


@dataclass(frozen=True, eq=False)
class Scene:
    """What is on screen: the newest pair at camera rate, and the newest colorized one, often pairs older."""

    pair: RectifiedPair | None = None
    result: LiveResult | None = None


Source = Callable[[Scene], "NDArray[Any] | None"]
Scaling = Callable[[NDArray[Any], Scene], Scale]


@dataclass(frozen=True)
class Layer:
    """One picture of a scene.

    Attributes:
        key: name in the settings file.
        title: name on screen.
        tip: what it is and how to read it.
        aligned: whose pixels it shows, the mono image's or the reference's.
        source: takes the array from a scene, None if the scene has none.
        scaling: gives colours to a map, None for gray and RGB.
        fresh: it follows the cameras; all others follow the networks.
        missing: why there may be nothing to see.
    """

    key: str
    title: str
    tip: str
    aligned: Alignment
    source: Source
    scaling: Scaling | None = None
    fresh: bool = False
    missing: str = "Waiting for the first result …"

    def picture(
        self, scene: Scene, colour_map: str | None = None, mask: NDArray[np.uint8] | None = None
    ) -> Picture | None:
        """Return what to paint, None if the scene lacks the layer.

        Args:
            colour_map: replaces the layer's own.
            mask: marks to lie over a gray or colour picture.
        """
        values = self.source(scene)
        if values is None:
            return None
        if self.scaling is None:
            return make_picture(values, mask=mask)
        scale = self.scaling(values, scene)
        if colour_map is not None:
            scale = replace(scale, colour_map=colour_map)
        return make_picture(values, scale)


def value_text(picture: Picture, x: int, y: int) -> str:
    """Return the value of a pixel as a person reads it: "128", "12 40 200", "17.3 px"."""
    value = picture.values[y, x]
    if np.ndim(value):
        return " ".join(f"{int(channel):3d}" for channel in value)
    if picture.scale is None:
        return str(int(value))
    return number_text(float(value), picture.scale)


def number_text(value: float, scale: Scale) -> str:
    """Return a value of a map with its unit, with as many digits as its scale makes sense of."""
    if not np.isfinite(value):
        return "none"
    digits = 2 if scale.high - scale.low <= 2 else 1
    return f"{value:.{digits}f} {scale.unit}".rstrip()


def _of_result(name: str) -> Source:
    def source(scene: Scene) -> NDArray[Any] | None:
        if scene.result is None:
            return None
        values: NDArray[Any] = getattr(scene.result.colorization, name)
        return values

    return source


def _of_truth(name: str) -> Source:
    def source(scene: Scene) -> NDArray[Any] | None:
        truth = None if scene.result is None else scene.result.truth
        if truth is None:
            return None
        values: NDArray[Any] = getattr(truth, name)
        return values

    return source


def _mono(scene: Scene) -> NDArray[Any] | None:
    return None if scene.pair is None else scene.pair.mono


def _reference(scene: Scene) -> NDArray[Any] | None:
    return None if scene.pair is None else scene.pair.reference


def _raw_mono(scene: Scene) -> NDArray[Any] | None:
    return None if scene.pair is None else develop(scene.pair.pair.mono)


def _raw_reference(scene: Scene) -> NDArray[Any] | None:
    return None if scene.pair is None else develop(scene.pair.pair.color)


def _color_error(scene: Scene) -> NDArray[Any] | None:
    if scene.result is None or scene.result.truth is None:
        return None
    difference = np.abs(scene.result.colorization.refined.astype(np.float32) - scene.result.truth.color)
    error: NDArray[np.float32] = difference.mean(axis=2)
    return error


def _disparity_error(scene: Scene) -> NDArray[Any] | None:
    if scene.result is None or scene.result.truth is None:
        return None
    truth, estimate = scene.result.truth, scene.result.colorization
    shift = -estimate.disparity if estimate.search.mirrored else estimate.disparity
    # In an occlusion there is no right match: nothing to be wrong about.
    return np.where(truth.occluded, np.nan, np.abs(shift - truth.disparity))


def _unit_interval(colour_map: str, unit: str) -> Scaling:
    scale = Scale(0.0, 1.0, unit, colour_map)

    def scaling(values: NDArray[Any], scene: Scene) -> Scale:  # noqa: ARG001 - a fixed scale looks at nothing
        return scale

    return scaling


def _from_zero(colour_map: str, unit: str, at_least: float) -> Scaling:
    def scaling(values: NDArray[Any], scene: Scene) -> Scale:  # noqa: ARG001
        sample = values[::8, ::8]
        sample = sample[np.isfinite(sample)]
        high = float(np.percentile(sample, 99)) if sample.size else at_least
        return Scale(0.0, max(nice_ceiling(high), at_least), unit, colour_map)

    return scaling


def _disparity_scale(values: NDArray[Any], scene: Scene) -> Scale:
    return disparity_scale(values, None if scene.result is None else scene.result.colorization.search)


def disparity_scale(values: NDArray[Any], search: SearchRange | None) -> Scale:
    """Span the disparities that occur, in steps of 10 px, so that the scale of a live picture holds still."""
    sample = values[::8, ::8]
    sample = sample[np.isfinite(sample)]
    low, high = (float(v) for v in np.percentile(sample, (1, 99))) if sample.size else (0.0, 10.0)
    if search is not None:
        low, high = max(low, search.offset), min(high, search.offset + search.max_disparity)
    low, high = 10 * np.floor(low / 10), 10 * np.ceil(high / 10)
    return Scale(float(low), float(max(high, low + 10)), "px", "viridis")


_TRUTH_MISSING = "Only the virtual rig knows the truth."

FIXED: tuple[Layer, ...] = (
    Layer(
        "gray",
        "Gray",
        "I_G: the rectified image of the mono camera, at camera rate.",
        "mono",
        _mono,
        fresh=True,
        missing="No picture yet.",
    ),
    Layer(
        "reference",
        "Reference",
        "R_C: the rectified image of the colour camera, at camera rate.\n"
        "The crosshair stands at the match: the peak of W for the pixel under the mouse.\n"
        "The line is its epipolar line, bright where candidates were searched.",
        "reference",
        _reference,
        fresh=True,
        missing="No picture yet.",
    ),
    Layer(
        "first",
        "First pass",
        "I_C: the mono image's luma with the first pass's colours.",
        "mono",
        _of_result("first_pass"),
    ),
    Layer(
        "second",
        "Second pass",
        "R'_C: colours sent back from the first pass; should look like the reference.\n"
        "Aligned with the reference: the crosshair stands at the match, as there.",
        "reference",
        _of_result("second_pass"),
    ),
    Layer(
        "refined",
        "Refined",
        "I*_C: the mono image's luma with the refined colours.",
        "mono",
        _of_result("refined"),
    ),
)
"""The first five panes, in order."""

CHOICES: tuple[Layer, ...] = (
    Layer(
        "confidence",
        "Confidence",
        "From the way there and back, the cycle error and the structure: 0 a guess, 1 sure.",
        "mono",
        _of_result("confidence"),
        _unit_interval("viridis", ""),
    ),
    Layer(
        "disparity",
        "Disparity",
        "Position of the peak of W in pixels: how far to the side a pixel's colour lies in the reference.",
        "mono",
        _of_result("disparity"),
        _disparity_scale,
    ),
    Layer(
        "cycle_error",
        "Cycle error",
        "|R'_C − R_C|: mean of |ΔCb| and |ΔCr| in levels of 255.\n"
        "Aligned with the reference: the crosshair stands at the match, as there.",
        "reference",
        _of_result("cycle_error"),
        _from_zero("magma", "levels", 10.0),
    ),
    Layer(
        "structure",
        "Structure similarity",
        "SSIM of the mono image and the reference's luma averaged with W.\n"
        "1: the same structure, 0 and below: none.",
        "mono",
        _of_result("structure_similarity"),
        _unit_interval("cividis", ""),
    ),
    Layer(
        "warped",
        "Reference warped",
        "The reference averaged with W, its own luma kept: what the match alone would show.",
        "mono",
        _of_result("warped_reference"),
    ),
    Layer(
        "truth",
        "Truth",
        "How the colour camera would see every mono pixel, free of noise.",
        "mono",
        _of_truth("color"),
        missing=_TRUTH_MISSING,
    ),
    Layer(
        "color_error",
        "Error against truth",
        "|refined − truth|: mean of R, G and B in levels of 255.",
        "mono",
        _color_error,
        _from_zero("magma", "levels", 20.0),
        missing=_TRUTH_MISSING,
    ),
    Layer(
        "true_disparity",
        "True disparity",
        "Where each mono pixel really lies in the reference, in pixels.",
        "mono",
        _of_truth("disparity"),
        _disparity_scale,
        missing=_TRUTH_MISSING,
    ),
    Layer(
        "disparity_error",
        "Disparity error",
        "|disparity − true disparity| in pixels; none where the colour camera sees nothing.",
        "mono",
        _disparity_error,
        _from_zero("magma", "px", 5.0),
        missing=_TRUTH_MISSING,
    ),
)
"""What the sixth pane can show."""

RAW: dict[str, Layer] = {
    "mono": Layer(
        "raw_mono",
        "Mono, raw",
        "The picture of the mono camera as it is saved, before rectification.",
        "mono",
        _raw_mono,
        fresh=True,
        missing="No picture yet.",
    ),
    "reference": Layer(
        "raw_reference",
        "Reference, raw",
        "The picture of the colour camera as it is saved, before rectification.",
        "reference",
        _raw_reference,
        fresh=True,
        missing="No picture yet.",
    ),
}
"""What the cameras gave, by the place of the picture."""

LAYERS: dict[str, Layer] = {layer.key: layer for layer in (*FIXED, *CHOICES, *RAW.values())}
