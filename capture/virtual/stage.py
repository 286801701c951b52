"""Draws the raw frames of the virtual rig: built once, then a pure function of time and settings."""

from __future__ import annotations

from capture.frames import ROLES, Image, Role
from capture.spec import VirtualSpec
from capture.virtual.board import Board
from capture.virtual.geometry import RigGeometry, rig_geometry
from capture.virtual.lighting import Lighting
from capture.virtual.render import SAMPLES, Camera, Painter
from capture.virtual.scene import build_scene
from capture.virtual.sensor import SENSORS, Look, expose
from capture.virtual.view import Floats, raw_view


class Stage:
    """Scene, light, board and both cameras. Building takes a second or two; for one thread at a time.

    Args:
        spec: room and size.
        rig: where the cameras stand, if not where the rig of the spec has them.

    Attributes:
        rig, scene, lighting, board: what is on it; immutable.
    """

    def __init__(self, spec: VirtualSpec, rig: RigGeometry | None = None) -> None:
        self._seed = spec.seed
        self.rig = rig = rig or rig_geometry(spec)
        self.scene = scene = build_scene(spec.seed, float(rig.mono.matrix[0, 0]))
        self.lighting = lighting = Lighting(scene.still)
        self.board = Board(rig, spec.seed)
        self._cameras: dict[Role, Camera] = {}
        for role in ROLES:
            geometry = rig.mono if role == "mono" else rig.color
            sensor = SENSORS[role]
            painter = Painter(scene, lighting, raw_view(geometry, SAMPLES), sensor.response)
            self._cameras[role] = Camera(painter, sensor)

    def light(self, role: Role, device_ns: int, *, with_board: bool = False) -> Floats:
        """Return the light on the pixels of a camera at a time, H×W float32, free of noise."""
        held = (self.board.thing,) if with_board else ()
        return self._cameras[role].light_at(device_ns / 1e9, held)

    def image(
        self, role: Role, frame_id: int, device_ns: int, look: Look, *, with_board: bool = False
    ) -> Image:
        """Return the raw image of a frame: H×W uint8, or uint16 of 12 bits; owned and read-only.

        The same seed, role, frame id, time and settings give the same image.
        """
        light = self.light(role, device_ns, with_board=with_board)
        image = expose(light, SENSORS[role], look, (self._seed, 7, ROLES.index(role), frame_id))
        image.flags.writeable = False
        return image
