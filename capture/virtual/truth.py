"""What the virtual rig knows: the colour, the disparity and the visibility of every mono pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.calibration import RigCalibration
from capture.errors import CalibrationError
from capture.rectify import Rectifier
from capture.spec import VirtualSpec
from capture.virtual.board import Board
from capture.virtual.draw import Thing, see
from capture.virtual.geometry import CameraGeometry, Vector, rig_geometry
from capture.virtual.lighting import Lighting
from capture.virtual.render import SAMPLES, Painter
from capture.virtual.scene import Scene, build_scene
from capture.virtual.sensor import COLOR, Look, balance, develop, encode
from capture.virtual.stage import Stage
from capture.virtual.view import Floats, View, mapped_view, pixel_grid, raw_view

# A point counts as seen if nothing is nearer to the colour camera by more than this part of its depth.
DEPTH_TOLERANCE = 0.015


@dataclass(frozen=True, eq=False)
class TruthImages:
    """The truth of one moment; arrays are new and read-only.

    Attributes:
        color: H×W×3 uint8 RGB, what the colour camera makes of the surface each mono pixel sees: its
            filters, white
            balance, exposure, gain, vignetting and gamma, without noise, blur and mosaic.
        disparity: H×W float32 px: content of mono pixel (y, x) lies at (y, x + disparity) in the
            reference, at
            (y, x − disparity) if the calibration is mirrored.
        occluded: H×W bool, hidden from the colour camera or outside of its image.
    """

    color: NDArray[np.uint8]
    disparity: Floats
    occluded: NDArray[np.bool_]


class VirtualTruth:
    """Renders the truth of the virtual rig with this spec; needs no rig, and may live in another process.

    The first `render` with a calibration takes a second or two, later ones milliseconds. For one thread at
    a time. `stage`: of this spec, whose scene is used instead of building it once more; where its cameras
    stand counts.
    """

    def __init__(self, spec: VirtualSpec, stage: Stage | None = None) -> None:
        self._spec = spec
        self._stage = stage
        self._rendered: tuple[RigCalibration | None, _Rendering] | None = None

    def render(
        self,
        device_ns: int,
        calibration: RigCalibration | None,
        look: Look = COLOR.look,
        *,
        with_board: bool = False,
    ) -> TruthImages:
        """Return the truth at a time.

        Args:
            device_ns: of the mono frame.
            calibration: the one the pair is rectified with. The truth is aligned with that rectified mono
                image,
                also where the calibration is not quite right. None: aligned with the raw mono image,
                disparity towards the raw colour image.
            look: settings of the colour camera; `COLOR.look.of_frame(color_frame)` takes exposure and gain
                from a
                frame.
            with_board: the calibration board is being shown.

        Raises:
            CalibrationError: the calibration is for another image size.
        """
        if self._rendered is None or self._rendered[0] is not calibration:
            self._rendered = None  # two at a time would need twice the memory
            self._rendered = calibration, _Rendering(self._spec, self._stage, calibration)
        return self._rendered[1].render(device_ns / 1e9, look, with_board=with_board)


class _Rendering:
    """The scene as one calibration shows it."""

    def __init__(self, spec: VirtualSpec, stage: Stage | None, calibration: RigCalibration | None) -> None:
        self._rig = stage.rig if stage else rig_geometry(spec)
        self._mapping = _Mapping(self._rig.mono, self._rig.color, calibration)
        raw = self._mapping.raw_mono_pixels
        scene = stage.scene if stage else build_scene(spec.seed, float(self._rig.mono.matrix[0, 0]))
        lighting = stage.lighting if stage else Lighting(scene.still)
        self._board = stage.board if stage else Board(self._rig, spec.seed)
        self._painter = Painter(scene, lighting, mapped_view(self._rig.mono, raw, SAMPLES), COLOR.response)
        # Depth is wanted at the very middle of pixels; what moves is seen through the same rays.
        self._mono_depth = _DepthPainter(scene, mapped_view(self._rig.mono, raw, 1))
        self._color_depth = _DepthPainter(scene, raw_view(self._rig.color, SAMPLES))
        still = self._mono_depth.still
        self._still = self._placed(still, np.ones(still.shape, np.bool_))

    def render(self, time_s: float, look: Look, *, with_board: bool) -> TruthImages:
        held = (self._board.thing,) if with_board else ()
        painted = self._painter.paint(time_s, held)
        depth = self._mono_depth.paint(time_s, held)
        moved = depth != self._mono_depth.still
        there = self._still.copy()
        if moved.any():
            there[moved] = self._placed(depth, moved)
        raw_x, raw_y, color_depth, disparity = (np.ascontiguousarray(there[..., i]) for i in range(4))
        shading = COLOR.shading(_rays_of(self._rig.color, raw_x, raw_y))
        values = balance(develop(painted.light * shading[..., None], COLOR, look), look)
        color = encode(values, replace(look, bits=8)).astype(np.uint8, copy=False)
        occluded = self._hidden(raw_x, raw_y, color_depth, self._color_depth.paint(time_s, held))
        for array in (color, disparity, occluded):
            array.flags.writeable = False
        return TruthImages(color, disparity, occluded)

    def _placed(self, depth: Floats, where: NDArray[np.bool_]) -> Floats:
        """Return, for the pixels asked for, their place in the colour camera: N×4 or H×W×4 float32.

        Column and row in its raw image, depth in its view, disparity.
        """
        view = self._mono_depth.view
        rays = view.rays[where].astype(np.float64)
        distance = depth[where].astype(np.float64)
        points = (rays * distance[:, None]) @ view.rotation + view.origin
        raw = self._rig.color.project(points)
        color_depth = self._rig.color.to_camera(points)[:, 2]
        disparity = self._mapping.disparity(np.argwhere(where)[:, 1], raw)
        placed = np.column_stack([raw, color_depth, disparity]).astype(np.float32)
        return placed.reshape(*depth.shape, 4) if where.all() else placed

    def _hidden(self, raw_x: Floats, raw_y: Floats, depth: Floats, seen: Floats) -> NDArray[np.bool_]:
        to_sample = np.float32(SAMPLES), np.float32((SAMPLES - 1) / 2)
        nearest = cv2.remap(
            seen,
            raw_x * to_sample[0] + to_sample[1],
            raw_y * to_sample[0] + to_sample[1],
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0.0,  # outside of the image: as good as behind a lens cap
        )
        return np.asarray(nearest < depth * np.float32(1 - DEPTH_TOLERANCE), np.bool_)


class _Mapping:
    """How pixels of the (rectified) mono and colour images lie in the raw ones."""

    def __init__(
        self, mono: CameraGeometry, color: CameraGeometry, calibration: RigCalibration | None
    ) -> None:
        self.raw_mono_pixels = pixel_grid(mono.width, mono.height)
        self._rectifier: Rectifier | None = None
        if calibration is None:
            return
        for name, true, given in (("mono", mono, calibration.mono), ("color", color, calibration.color)):
            if given.size_px != (true.width, true.height):
                raise CalibrationError(
                    f"the calibration's {name} camera has {given.size_px[0]}×{given.size_px[1]} px, "
                    f"the virtual one {true.width}×{true.height}"
                )
        self._rectifier = rectifier = Rectifier(calibration)
        x, y = cv2.initUndistortRectifyMap(
            calibration.mono.camera_matrix,
            calibration.mono.distortion,
            rectifier.mono_rotation,
            rectifier.camera_matrix,
            rectifier.size_px,
            cv2.CV_32FC1,
        )
        self.raw_mono_pixels = np.dstack([x, y]).astype(np.float32)

    def disparity(self, columns: NDArray[np.integer], raw_color: Vector) -> Vector:
        """Return the disparity of mono pixels in these columns whose content is at N×2 raw colour pixels."""
        if self._rectifier is None:
            return np.asarray(raw_color[:, 0] - columns)
        shift = self._rectifier.color_points(raw_color)[:, 0] - columns
        return np.asarray(-shift if self._rectifier.calibration.mirrored else shift)


class _DepthPainter:
    """Depth of a scene in one view, without colour."""

    def __init__(self, scene: Scene, view: View) -> None:
        self.view = view
        self._moving = scene.moving
        self.still = np.full(view.shape, np.inf, np.float32)
        for thing in scene.still:
            _draw(self.still, thing, view, 0.0, in_front=False)

    def paint(self, time_s: float, held_in_front: tuple[Thing, ...]) -> Floats:
        depth = self.still.copy()
        for thing in self._moving:
            _draw(depth, thing, self.view, time_s, in_front=False)
        for thing in held_in_front:
            _draw(depth, thing, self.view, time_s, in_front=True)
        return depth


def _draw(depth: Floats, thing: Thing, view: View, time_s: float, *, in_front: bool) -> None:
    if thing.is_shadow:
        return
    fragment = see(thing, thing.pose_at(time_s), view, depth, in_front=in_front, with_color=False)
    if fragment is not None:
        cv2.copyTo(fragment.depth, fragment.mask, depth[fragment.region])


def _rays_of(camera: CameraGeometry, x: Floats, y: Floats) -> Floats:
    """Return ray coordinates of raw pixels without undoing the distortion: close enough for vignetting."""
    m = camera.matrix.astype(np.float32)
    return np.dstack([(x - m[0, 2]) / m[0, 0], (y - m[1, 2]) / m[1, 1]])
