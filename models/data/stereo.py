"""Colour stereo sets as pairs of unlike cameras, with the right answer: the paper's "synthesized data".

One view plays the colour camera. The other one gives the truth, and its mono image is simulated from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.data.pairs import Pair, PairSource, WrappedPairs, unit
from models.data.sensor import SensorPair, draw_sensors, expose_color, expose_mono, misalign

Float = NDArray[np.float32]

DISPLAY_GAMMA = 2.2
"""Images of stereo sets are encoded for displays."""


@dataclass(frozen=True, eq=False)
class SimulatedImages:
    """What two unlike cameras make of a colour stereo pair.

    Attributes:
        mono: H×W float32, 0 … 1.
        reference: H×W×3 float32 RGB, 0 … 1.
    """

    mono: Float
    reference: Float


def simulate(truth: Float, reference: Float, rng: np.random.Generator) -> SimulatedImages:
    """Let a mono camera take the picture of the truth, and a colour camera that of the reference.

    The colour camera adds its blur, mosaic, noise and what rectification leaves, but keeps the colours:
    `truth` stays the right answer.

    Args:
        truth: H×W×3 float32 RGB, 0 … 1, display-encoded; the mono camera's view.
        reference: the same of the colour camera's view.
        rng: draws both sensors and their noise.
    """
    sensors = _true_to_color(draw_sensors(rng))
    power = np.float32(DISPLAY_GAMMA)
    mono = expose_mono(np.power(truth, power), sensors, rng)
    taken = misalign(expose_color(np.power(reference, power), sensors, rng), sensors)
    return SimulatedImages(mono, taken)


def _true_to_color(sensors: SensorPair) -> SensorPair:
    """Return the sensors with a colour camera that renders every colour as it is."""
    return replace(
        sensors,
        color_gain=1.0,
        white_balance=(1.0, 1.0, 1.0),
        color_gamma=1 / DISPLAY_GAMMA,
        color_matrix=np.eye(3, dtype=np.float32),
        vignetting=(sensors.vignetting[0], 0.0),
    )


class SimulatedPairs(WrappedPairs):
    """Colour stereo pairs whose mono image is simulated: the same every time, by seed and name.

    Pairs that have an image of a real mono camera are left as they are.
    """

    def __init__(self, source: PairSource, seed: int) -> None:
        super().__init__(source)
        self._seed = seed

    def read(self, index: int) -> Pair:
        """Read a pair and simulate its mono image, uint8; reference and truth stay as they are."""
        pair = super().read(index)
        if not pair.mono_is_luma or pair.truth is None:
            return pair
        rng = np.random.default_rng([self._seed, *pair.name.encode()])
        images = simulate(unit(pair.truth), unit(pair.reference), rng)
        return replace(pair, mono=np.round(images.mono * 255).astype(np.uint8), mono_is_luma=False)
