"""Holds every gate against shots whose faults are known: `python -m app.capturing.validation`.

The shots are of rooms of the virtual rig. Each condition is either good, and should pass, or bad, and should
be refused at the default limit. Decision 117 has a run of it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import cv2
import numpy as np

from app.capturing.fingerprints import Fingerprints, signature
from app.capturing.gates import GATE, GATES
from app.capturing.measuring import PairMeasurer
from app.capturing.picture_measures import small_picture, texture_share
from app.pipeline.turning import rms_px, rows_between
from capture.calibration import RigCalibration
from capture.develop import develop, to_8_bits
from capture.frames import ROLES, Frame, FramePair, Image, Role
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.geometry import rotation_from, true_calibration
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS, Look, expose
from capture.virtual.stage import Stage
from capture.virtual.tour import build_room
from capture.virtual.view import Floats
from models.engine import Engine, SearchRange

SPEC = VirtualSpec(seed=40, room_s=1.0)
PERIOD_NS = 66_666_667
REPEATS = 30
EDGE_PX = 64  # of a picture is cut off where the camera pans


@dataclass(frozen=True)
class Shot:
    """A value that a gate got from a shot made under a condition.

    Attributes:
        gate: its key.
        condition: in words.
        good: it should pass.
        value: None where it could not be measured.
        expected: what it should be; None where only good or bad is known.
    """

    gate: str
    condition: str
    good: bool
    value: float | None
    expected: float | None = None

    @property
    def refused(self) -> bool:
        """Return whether the gate's default limit refuses it."""
        spec = GATE[self.gate]
        return self.value is not None and not spec.keeps(self.value, spec.default_limit)


@dataclass(frozen=True, eq=False)
class Room:
    """A room of the virtual rig at one moment: light on the pixels of both cameras, H×W float32 each."""

    number: int
    stage: Stage
    light: dict[Role, Floats]

    @classmethod
    def build(cls, number: int) -> Room:
        """Render one; takes seconds."""
        stage = build_room(SPEC, number)
        return cls(number, stage, {role: stage.light(role, (3 * number + 1) * 10**9) for role in ROLES})


def frame(role: Role, light: Floats, look: Look, number: int, index: int = 0) -> Frame:
    """Expose a frame; the room's number and the index decide the noise."""
    name, layout = next((n, layout) for n, (layout, bits) in PIXEL_FORMATS[role].items() if bits == look.bits)
    image = expose(light, SENSORS[role], look, (number, ROLES.index(role), index))
    image.flags.writeable = False
    time_ns = index * PERIOD_NS
    return Frame(
        role, image, layout, look.bits, name, index, time_ns, time_ns, look.exposure_us, look.gain_db
    )


def pair(
    room: Room,
    looks: dict[Role, Look] | None = None,
    light: dict[Role, Floats] | None = None,
    *,
    index: int = 0,
    skew_ms: float = 0.0,
) -> FramePair:
    """Expose a pair."""
    looks, light = looks or usual(), light or room.light
    mono, color = (frame(role, light[role], looks[role], room.number, index) for role in ROLES)
    return FramePair(index, mono, color, round(skew_ms * 1e6))


def usual(exposure: float = 1.0, noisy_db: float = 0.0, bits: int = 8) -> dict[Role, Look]:
    """Return the settings after power-up, exposed longer by a factor; noisier at the same brightness."""
    return {
        role: replace(
            sensor.look,
            exposure_us=sensor.look.exposure_us * exposure / 10 ** (noisy_db / 20),
            gain_db=sensor.look.gain_db + noisy_db,
            bits=bits,
        )
        for role, sensor in SENSORS.items()
    }


def filtered(role: Role, light: Floats, kernel: Floats) -> Floats:
    """Blur the light on a sensor; behind a Bayer mosaic each filter's own (the kernel at half the size)."""
    if role == "mono":
        return np.asarray(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT), np.float32)
    height, width = (max(1, side // 2) | 1 if side > 1 else 1 for side in kernel.shape)
    half = np.asarray(cv2.resize(kernel, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    half /= half.sum()
    blurred = light.copy()
    for row in (0, 1):
        for column in (0, 1):
            site = np.ascontiguousarray(light[row::2, column::2])
            blurred[row::2, column::2] = cv2.filter2D(site, -1, half, borderType=cv2.BORDER_REFLECT)
    return blurred


def defocus(sigma_px: float) -> Floats:
    """Return the kernel of a lens out of focus."""
    taps = cv2.getGaussianKernel(2 * round(3 * sigma_px) + 1, sigma_px)
    return np.asarray(taps @ taps.T, np.float32)


def shake(length_px: int) -> Floats:
    """Return the kernel of a pan during the exposure."""
    return np.full((1, length_px), 1 / length_px, np.float32)


def sharpness_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """One session through all rooms: good shots first, so that the best is known."""
    measurer = PairMeasurer()
    goods = {
        "as it is": usual(),
        "noisy: 12 dB more gain": usual(noisy_db=12),
        "half the exposure": usual(0.5),
        "12 bits": usual(bits=12),
    }
    for condition, looks in goods.items():
        for room in rooms:
            yield Shot(
                "sharpness", condition, True, measurer.measure(pair(room, looks), None).values["sharpness"]
            )
    bads: dict[str, tuple[Role, Floats]] = {
        "mono out of focus, σ 1 px": ("mono", defocus(1)),
        "mono out of focus, σ 2 px": ("mono", defocus(2)),
        "colour out of focus, σ 2 px": ("color", defocus(2)),
        "colour out of focus, σ 3 px": ("color", defocus(3)),
        "mono panned by 5 px while open": ("mono", shake(5)),
        "mono panned by 9 px while open": ("mono", shake(9)),
        "colour panned by 9 px while open": ("color", shake(9)),
    }
    for condition, (role, kernel) in bads.items():
        for room in rooms:
            light = {**room.light, role: filtered(role, room.light[role], kernel)}
            shot = measurer.measure(pair(room, light=light), None)
            yield Shot("sharpness", condition, False, shot.values["sharpness"])


def clipping_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """The truth is counted in the light that falls on the pixels, without noise."""
    measurer = PairMeasurer()
    for exposure in (1.0, 2.0, 4.0, 8.0):
        for room in rooms:
            looks = usual(exposure)
            truth = max(_full(room, role, looks[role]) for role in ROLES)
            value = measurer.measure(pair(room, looks), None).values["clipped_share"]
            limit = GATE["clipped_share"].default_limit
            yield Shot("clipped_share", f"exposure ×{exposure:g}", truth <= limit, value, truth)


def _full(room: Room, role: Role, look: Look) -> float:
    sensor = SENSORS[role]
    values = room.light[role] * (sensor.electrons * look.exposure_us / sensor.full_well)
    values = np.minimum(values, 1.0) * 10 ** (look.gain_db / 20)
    if role == "color":
        values[0::2, 0::2] *= look.balance_red
        values[1::2, 1::2] *= look.balance_blue
    return float((values >= 0.995 ** (1 / look.gamma)).mean())


def motion_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """The camera pans at a known speed; the longer exposure takes 8 ms."""
    for room in rooms:
        for skew_ms in (0.0, 20.0):
            for step_px in (0, 1, 3, 8, 20, 40):
                first, second = (
                    pair(room, light=_panned(room, shift), index=index, skew_ms=skew_ms)
                    for index, shift in enumerate((0, step_px))
                )
                truth = step_px / (PERIOD_NS / 1e6) * (skew_ms + 8.0)
                value = PairMeasurer().measure(second, first).values["motion_px"]
                condition = f"pan of {step_px} px per frame, skew {skew_ms:g} ms"
                yield Shot("motion_px", condition, truth <= 1.0, value, truth)


def _panned(room: Room, shift: int) -> dict[Role, Floats]:
    return {
        role: np.ascontiguousarray(light[:, shift : light.shape[1] - EDGE_PX + shift])
        for role, light in room.light.items()
    }


def duplicate_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """Bad here: the picture is one of those saved, taken again."""
    saved = Fingerprints()
    for room in rooms:
        saved.add(f"{room.number}", signature(small_picture(pair(room, light=_panned(room, 0)).mono)))
    again = {"once more": usual(), "noisier by 12 dB": usual(noisy_db=12), "exposure ×0.5": usual(0.5)}
    for condition, looks in {**again, "exposure ×1.5": usual(1.5)}.items():
        for room in rooms:
            value = signature(small_picture(pair(room, looks, _panned(room, 0), index=7).mono))
            yield Shot("duplicate_distance", condition, False, saved.distance(value))
    for step_px in (2, 16, 32):
        for room in rooms:
            value = signature(small_picture(pair(room, light=_panned(room, step_px), index=8).mono))
            condition = f"panned by {step_px} px of {640 - EDGE_PX}"
            yield Shot("duplicate_distance", condition, step_px > 10, saved.distance(value))
    for room in rooms:
        others = Fingerprints()
        for other in rooms:
            if other is not room:
                others.add(f"{other.number}", signature(small_picture(pair(other).mono)))
        value = signature(small_picture(pair(room).mono))
        yield Shot("duplicate_distance", "another room", True, others.distance(value))


def row_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """The colour camera has turned about its horizontal axis since it was calibrated."""
    for turn_deg in (0.0, 0.02, 0.1, 0.2):
        for room in rooms:
            exact = true_calibration(SPEC, room.stage.rig)
            wrong = replace(exact, rotation=rotation_from([turn_deg, 0, 0]) @ exact.rotation)
            mono, reference = _rectified(pair(room), wrong)
            shift = rows_between(mono, reference, wrong)
            value = None if shift is None else max(rms_px(shift), shift.residual_px)
            truth = float(np.deg2rad(turn_deg) * exact.color.camera_matrix[1, 1])
            yield Shot("row_error_px", f"turned by {turn_deg:g}°", truth <= 0.5, value, truth)


def _rectified(shot: FramePair, calibration: RigCalibration) -> tuple[Image, Image]:
    return Rectifier(calibration).rectify(*(to_8_bits(develop(f)) for f in (shot.mono, shot.color)))


def texture_shots(rooms: Sequence[Room]) -> Iterator[Shot]:
    """Bad here: hardly anything to match."""
    for room in rooms:
        yield Shot("texture_share", "as it is", True, texture_share(small_picture(pair(room).mono)))
    for room in rooms:
        yield Shot(
            "texture_share",
            "half the exposure",
            True,
            texture_share(small_picture(pair(room, usual(0.5)).mono)),
        )
    for room in rooms:
        blurred = {**room.light, "mono": filtered("mono", room.light["mono"], defocus(20))}
        yield Shot(
            "texture_share",
            "everything out of focus, σ 20 px",
            False,
            texture_share(small_picture(pair(room, light=blurred).mono)),
        )
    for room in rooms:
        wall = {role: np.full_like(light, float(light.mean())) for role, light in room.light.items()}
        yield Shot(
            "texture_share",
            "a bare wall, 18 dB of gain",
            False,
            texture_share(small_picture(pair(room, usual(noisy_db=18), wall).mono)),
        )


def cycle_shots(rooms: Sequence[Room], model: str) -> Iterator[Shot]:
    """What goes wrong between the two pictures shows in how well colours come back."""
    engine = Engine(model, "cpu")
    engine.load()
    calibrations = [true_calibration(SPEC, room.stage.rig) for room in rooms]
    search = SearchRange(calibrations[0].max_disparity, calibrations[0].offset, calibrations[0].mirrored)

    def ssim(mono: Image, reference: Image) -> float:
        result = engine.colorize(mono, reference, search, align_rows=False)
        return (result.cycle_ssim_cb + result.cycle_ssim_cr) / 2

    rectified = [_rectified(pair(room), c) for room, c in zip(rooms, calibrations, strict=True)]
    for n, (mono, reference) in enumerate(rectified):
        yield Shot("cycle_ssim", "as it is", True, ssim(mono, reference))
        other = rectified[(n + 1) % len(rooms)][1]
        yield Shot("cycle_ssim", "reference of another room", False, ssim(mono, other))
        low = ssim(mono, np.roll(reference, 4, axis=0).astype(np.uint8))
        yield Shot("cycle_ssim", "rows off by 4 px", False, low)
    for room, calibration in zip(rooms, calibrations, strict=True):
        looks = {**usual(), "color": usual(6.0)["color"]}
        mono, reference = _rectified(pair(room, looks), calibration)
        yield Shot("cycle_ssim", "colour overexposed ×6", False, ssim(mono, reference))


def cost_lines(room: Room) -> Iterator[str]:
    """Measure again and again, at two sizes and against many saved pairs, on one core."""
    shots = {"640×480": [pair(room, index=index) for index in range(2)]}
    larger = {
        role: np.asarray(cv2.resize(light, (1024, 780), interpolation=cv2.INTER_LINEAR), np.float32)
        for role, light in room.light.items()
    }
    shots["1024×780"] = [pair(room, light=larger, index=index) for index in range(2)]
    measurer = PairMeasurer()
    for size, (before, after) in shots.items():
        yield f"a pair of {size}: {_milliseconds(partial(measurer.measure, after, before)):.1f} ms"
    saved = Fingerprints()
    rng = np.random.default_rng(0)
    for number in range(18_000):
        saved.add(f"{number:06d}", signature(rng.random((240, 320), np.float32)))
    value = signature(small_picture(shots["640×480"][0].mono))
    yield f"duplicates among 18,000: {_milliseconds(lambda: saved.distance(value)):.2f} ms"


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    began_s = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - began_s) / REPEATS * 1000


def table(shots: Sequence[Shot]) -> list[str]:
    """Return a line per gate and condition: how many were refused, and what was measured."""
    lines = []
    for spec in GATES:
        of_gate = [shot for shot in shots if shot.gate == spec.key]
        if not of_gate:
            continue
        sign = "≤" if spec.better == "low" else "≥"
        good, bad = ([shot for shot in of_gate if shot.good is good] for good in (True, False))
        lines.append(
            f"{spec.key} {sign} {spec.default_limit:g}: refused {sum(s.refused for s in bad)} of {len(bad)} "
            f"bad and {sum(s.refused for s in good)} of {len(good)} good ones"
        )
        kinds = dict.fromkeys((shot.condition, shot.good) for shot in of_gate)
        lines += [_line([shot for shot in of_gate if (shot.condition, shot.good) == kind]) for kind in kinds]
    return lines


def _line(shots: Sequence[Shot]) -> str:
    values = [shot.value for shot in shots if shot.value is not None]
    measured = f"{min(values):.3f} … {max(values):.3f}" if values else "unknown"
    expected = [shot.expected for shot in shots if shot.expected is not None]
    truth = f" (truth {min(expected):.3f} … {max(expected):.3f})" if expected else ""
    kind = "good" if shots[0].good else "bad"
    refused = sum(shot.refused for shot in shots)
    return f"  {kind:4} {shots[0].condition:42} refused {refused:2} of {len(shots):2}   {measured}{truth}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m app.capturing.validation", description=__doc__)
    parser.add_argument("--rooms", type=int, default=12, metavar="N", help="rooms to visit (12)")
    parser.add_argument("--model", default="live", help="what colorizes for cycle_ssim (live); none: skip it")
    parser.add_argument("--cost", action="store_true", help="measure what measuring costs, and nothing else")
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    if args.cost:
        print(*cost_lines(Room.build(0)), sep="\n")
        return 0
    rooms = [Room.build(number) for number in range(args.rooms)]
    shots = [
        shot
        for make in (sharpness_shots, motion_shots, clipping_shots, duplicate_shots, row_shots, texture_shots)
        for shot in make(rooms)
    ]
    if args.model != "none":
        shots += cycle_shots(list(islice(rooms, 8)), args.model)
    print(*table(shots), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
