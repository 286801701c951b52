"""Rectified pairs of the virtual rig with their truth: a different room, viewpoint and exposure for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from capture.calibration import RigCalibration
from capture.develop import develop
from capture.frames import Frame, Image, Role
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import rotation_from, true_calibration
from capture.virtual.sensor import COLOR, MONO, PIXEL_FORMATS, Look
from capture.virtual.stage import Stage
from capture.virtual.truth import VirtualTruth
from capture.virtual.viewpoint import draw_viewpoint

# What a solved calibration is off by, standard deviation per axis.
CALIBRATION_ERROR_DEG = 0.03
LATEST_S = 60.0
# The most gain that makes up for missing light, where it is drawn.
LARGEST_NOISY_DB = 15.0


@dataclass(frozen=True, eq=False)
class RenderedPair:
    """One pair, all arrays H×W. Content of mono pixel (y, x) lies at (y, x + disparity) in the reference.

    Attributes:
        name: room and number within it, `room0007-2`; of a frame, its number, `003`.
        mono: uint8, rectified.
        reference: H×W×3 uint8 RGB, rectified.
        truth: H×W×3 uint8 RGB, the colour camera's colour of every mono pixel, free of noise.
        disparity: float32 px.
        visible: bool, the colour camera sees this mono pixel too.
    """

    name: str
    mono: Image
    reference: Image
    truth: NDArray[np.uint8]
    disparity: NDArray[np.float32]
    visible: NDArray[np.bool_]


def render_pairs(
    seed: int, width: int, height: int, count: int, *, registered: bool, noisy_db: float | None = None
) -> Iterator[RenderedPair]:
    """Render pairs of one room from one viewpoint, at several times with several exposures.

    Args:
        seed: decides everything.
        width, height: size in px, even.
        count: how many; the first takes seconds, the others a tenth of one.
        registered: put both cameras in one place with one lens, so that the disparity is 0 everywhere.
        noisy_db: gain that makes up for as much less light, 0 for little noise; None: drawn for each pair.
    """
    rng = np.random.default_rng([seed, 11])
    room = _Room(seed, width, height, rng, registered=registered)
    for index in range(count):
        device_ns = int(rng.uniform(0, LATEST_S) * 1e9)
        yield room.take(f"room{seed:04d}-{index}", index, device_ns, _looks(rng, noisy_db))


def render_sequence(
    seed: int,
    width: int,
    height: int,
    count: int,
    *,
    registered: bool,
    noisy_db: float | None = None,
    frame_ns: int = 0,
) -> Iterator[RenderedPair]:
    """Render one view of a room again and again with the same settings: each frame has noise of its own.

    Args:
        seed, width, height, count, registered, noisy_db: as of `render_pairs`, which sees the same view.
        frame_ns: time from frame to frame; 0: nothing moves.

    Yields:
        pairs named `000`, `001`, …: what stands still has the same truth and disparity in all of them.
    """
    rng = np.random.default_rng([seed, 11])
    room = _Room(seed, width, height, rng, registered=registered)
    first_ns = int(rng.uniform(0, LATEST_S) * 1e9)
    looks = _looks(rng, noisy_db)
    for index in range(count):
        yield room.take(f"{index:03d}", index, first_ns + index * frame_ns, looks)


class _Room:
    """A room seen from a viewpoint that `rng` draws."""

    def __init__(
        self, seed: int, width: int, height: int, rng: np.random.Generator, *, registered: bool
    ) -> None:
        spec = VirtualSpec(seed=seed, width=width, height=height)
        rig = draw_viewpoint(seed, rng).rig(spec, registered=registered)
        self._calibration = None if registered else _solved(true_calibration(spec, rig), rng)
        self._rectifier = None if self._calibration is None else Rectifier(self._calibration)
        self._stage = Stage(spec, rig)
        self._teller = VirtualTruth(spec, self._stage)

    def take(self, name: str, frame_id: int, device_ns: int, looks: dict[Role, Look]) -> RenderedPair:
        """Return the pair of a moment; the frame id decides the noise."""
        mono, color = (develop(_frame(self._stage, role, frame_id, device_ns, looks[role])) for role in looks)
        truth = self._teller.render(device_ns, self._calibration, looks["color"])
        if self._rectifier is None:
            visible = np.ones(truth.occluded.shape, np.bool_)
        else:
            mono, color = self._rectifier.rectify(mono, color)
            visible = ~truth.occluded & _inside(truth.disparity) & self._rectifier.mono_valid
        return RenderedPair(name, mono, color, truth.color, truth.disparity, visible)


def _solved(exact: RigCalibration, rng: np.random.Generator) -> RigCalibration:
    """Return a calibration as good as one that was solved: rows differ by a fraction of a pixel."""
    error = rotation_from(rng.normal(0, CALIBRATION_ERROR_DEG, 3))
    return replace(exact, rotation=error @ exact.rotation)


def _looks(rng: np.random.Generator, noisy_db: float | None) -> dict[Role, Look]:
    """Draw the settings of both cameras: brighter, darker, noisier, another curve and white balance."""
    gamma = float(rng.choice([0.45, 0.45, 0.55, 0.75, 1.0]))
    drawn_db = LARGEST_NOISY_DB * float(rng.uniform() ** 2)
    noisy_db = drawn_db if noisy_db is None else noisy_db
    looks: dict[Role, Look] = {}
    for role, look in (("mono", MONO.look), ("color", COLOR.look)):
        # Less light and more gain give the same brightness with more noise.
        stops = rng.normal(0, 0.35) - noisy_db / 6.02
        looks[cast("Role", role)] = replace(
            look,
            exposure_us=look.exposure_us * 2.0**stops,
            gain_db=look.gain_db + noisy_db,
            gamma=float(np.clip(gamma * rng.uniform(0.9, 1.1), 0.25, 1.0)),
            balance_red=look.balance_red * float(np.exp(rng.normal(0, 0.07))),
            balance_blue=look.balance_blue * float(np.exp(rng.normal(0, 0.07))),
        )
    return looks


def _frame(stage: Stage, role: Role, frame_id: int, device_ns: int, look: Look) -> Frame:
    image = stage.image(role, frame_id, device_ns, look)
    name, layout = next((n, layout) for n, (layout, bits) in PIXEL_FORMATS[role].items() if bits == look.bits)
    return Frame(role, image, layout, look.bits, name, frame_id, device_ns, device_ns)


def _inside(disparity: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which mono pixels have their content inside the rectified reference."""
    width = disparity.shape[1]
    target = np.arange(width, dtype=np.float32) + disparity
    inside: NDArray[np.bool_] = (target >= 0) & (target <= width - 1)
    return inside
