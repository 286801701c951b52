"""Where the virtual rig may stand in a room, and where it may look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from capture.spec import VirtualSpec
from capture.virtual.draw import see_all
from capture.virtual.geometry import CameraGeometry, RigGeometry, Vector, rig_geometry, rotation_from
from capture.virtual.scene import build_scene
from capture.virtual.view import raw_view

# From where it usually stands and looks: turn in degrees (pitch, yaw, roll), shift in m (right, down,
# forward), focal length and baseline as parts of its own.
TURN_DEG = np.array([6.0, 10.0, 3.0])
NEAREST_SHIFT_M = np.array([-0.18, -0.16, -0.30])
FARTHEST_SHIFT_M = np.array([0.18, 0.06, 0.06])
LARGEST_ZOOM = 2.2
BASELINE_SHARE = (0.6, 1.3)
# Half the view of the usual lens, degrees (pitch, yaw): what a longer lens leaves out it may turn towards.
HALF_VIEW_DEG = np.array([20.0, 26.0, 0.0])
ATTEMPTS = 30
PROBE_PX = 80, 60


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """Where the rig stands and looks."""

    turn_deg: Vector
    shift_m: Vector
    zoom: float
    baseline_share: float

    def rig(self, spec: VirtualSpec, *, registered: bool = False) -> RigGeometry:
        """Return the cameras there; `registered` puts the colour camera in the mono camera's place."""
        usual = rig_geometry(spec)
        mono = self._moved(usual.mono, usual)
        return RigGeometry(mono, mono if registered else self._moved(usual.color, usual))

    def _moved(self, camera: CameraGeometry, usual: RigGeometry) -> CameraGeometry:
        # Turned about the mono camera, so that the baseline turns with the cameras.
        turn = rotation_from(self.turn_deg)
        arm = self.baseline_share * (camera.position - usual.mono.position)
        return replace(
            camera,
            matrix=camera.matrix @ np.diag([self.zoom, self.zoom, 1.0]),
            rotation=camera.rotation @ turn,
            position=usual.mono.position + turn.T @ arm + self.shift_m,
        )


def draw_viewpoint(seed: int, rng: np.random.Generator, *, same_rig: bool = False) -> Viewpoint:
    """Return a viewpoint from which there is something to see in every direction, or the usual one.

    Args:
        seed: of the room.
        rng: draws it.
        same_rig: keep lenses and baseline as they are, so that the calibration holds.
    """
    probe = VirtualSpec(seed, *PROBE_PX)
    things = build_scene(seed, float(rig_geometry(probe).mono.matrix[0, 0])).still
    for attempt in range(ATTEMPTS):
        freedom = 1 - attempt / ATTEMPTS
        zoom = 1.0 if same_rig else float(np.exp(rng.uniform(0, np.log(LARGEST_ZOOM))))
        view = Viewpoint(
            freedom * rng.uniform(-1, 1, 3) * (TURN_DEG + HALF_VIEW_DEG * (1 - 1 / zoom)),
            freedom * rng.uniform(NEAREST_SHIFT_M, FARTHEST_SHIFT_M),
            zoom,
            1.0 if same_rig else float(rng.uniform(*BASELINE_SHARE)) / zoom,
        )
        rig = view.rig(probe)
        if all(np.isfinite(see_all(things, raw_view(c, 1)).depth).all() for c in (rig.mono, rig.color)):
            return view
    return Viewpoint(np.zeros(3), np.zeros(3), 1.0, 1.0)
