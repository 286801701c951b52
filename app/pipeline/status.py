"""What the pipeline tells the world: frozen snapshots, safe to read from any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.capturing.status import CaptureStatus
from capture.calibration import RigCalibration
from capture.disk_space import DiskSpace
from capture.frames import FramePair, Role
from capture.pairing import PairingCounters
from capture.rig import CameraCounters, RigInfo
from models.engine import Colorization, SearchRange
from models.rows import RowShift

Light = Literal["unknown", "green", "amber", "red"]


@dataclass(frozen=True, eq=False)
class RectifiedPair:
    """One pair on its way to the networks and to the screen.

    Attributes:
        pair: the raw frames it came from.
        mono: I_G, H×W uint8 or full-scale uint16.
        reference: R_C, H×W×3 RGB, same size and type.
        rectified: False where no calibration was there to rectify with.
        calibration: what it was rectified with.
    """

    pair: FramePair
    mono: NDArray[np.uint8] | NDArray[np.uint16]
    reference: NDArray[np.uint8] | NDArray[np.uint16]
    rectified: bool
    calibration: RigCalibration | None = None


@dataclass(frozen=True, eq=False)
class Truth:
    """What the virtual rig knows of a pair, in the rectified mono view.

    Attributes:
        color: H×W×3 uint8 RGB, the mono luma with the chroma that the colour camera would see in each pixel,
            free of noise.
        disparity: H×W float32 px (content of mono pixel x lies at x + disparity in the reference).
        occluded: H×W bool, not visible to the colour camera.
    """

    color: NDArray[np.uint8]
    disparity: NDArray[np.float32]
    occluded: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LiveResult:
    """One colorized pair.

    Attributes:
        latency_ms: from arrival of the later frame to the end of inference.
        truth: what the virtual rig knows of this pair; None on every other rig.
        psnr_truth_db: PSNR of the refined picture against the truth's colour, 10-pixel border left out.
    """

    rectified: RectifiedPair
    colorization: Colorization
    latency_ms: float
    truth: Truth | None = None
    psnr_truth_db: float | None = None


@dataclass(frozen=True)
class StageStatus:
    """Counts of one stage since start: taken = finished + dropped + what is under way.

    Attributes:
        dropped: overwritten by newer ones, held back while frozen, or failed.
        rate_hz: finished per second, over the last two seconds.
        latency_ms: from arrival of the later frame to the end of the stage, median over the same time.
    """

    taken: int = 0
    finished: int = 0
    dropped: int = 0
    rate_hz: float = 0.0
    latency_ms: float = 0.0
    last_error: str = ""


@dataclass(frozen=True)
class RecorderStatus:
    """The open dataset, and what waits to be written to it.

    Attributes:
        recording: pairs are written continuously.
        saved: pairs that are safe on disk, since the dataset was opened here.
        queued: pairs and events that are not yet.
        error: why recording stopped, empty if nothing went wrong.
        last_saved: names of the pairs that were saved last, newest last.
        queued_bytes: memory of what is queued.
        budget_bytes: memory that it may take; recording stops with an error beyond.
        age_s: for how long the oldest of it has waited.
        rate_hz: pairs written per second, over the last two seconds.
        latency_ms: from arrival of the later frame until the pair was safe, median over the same time.
        compressed: whether images are compressed; not while the queue is long.
        space: what the disk has left; None while no dataset is open, or the disk does not tell.
    """

    folder: str = ""
    recording: bool = False
    saved: int = 0
    queued: int = 0
    error: str = ""
    last_saved: tuple[str, ...] = ()
    queued_bytes: int = 0
    budget_bytes: int = 0
    age_s: float = 0.0
    rate_hz: float = 0.0
    latency_ms: float = 0.0
    compressed: bool = True
    space: DiskSpace | None = None


@dataclass(frozen=True)
class DriftStatus:
    """What the rows of the live pictures say of the calibration.

    Attributes:
        light: "unknown" while nothing is known: no calibration, or no detail to match.
        row_error_px: how far rows are off, smoothed: root mean square over the image of the part that a
            straight fit explains, or the median of the rest if that is more (0.1 px of it is noise).
        shift: the smoothed fit; None while unknown.
        measured: measurements since the calibration came into use.
        reason: why nothing is known, one line.
    """

    light: Light = "unknown"
    row_error_px: float = 0.0
    shift: RowShift | None = None
    measured: int = 0
    reason: str = "nothing measured yet"


@dataclass(frozen=True)
class Outage:
    """A rig that was lost and came back.

    Attributes:
        cause: what was noticed, one line.
        attempts: how often the rig was opened until it was back.
        detection_s: from the last frame of the camera that fell silent first until the loss was noticed; None
            where the cameras wait for triggers, or had sent nothing yet.
        recovery_s: from then until both cameras sent again; until they acquired, if they wait for triggers.
        refused: settings that could not be restored, one line each.
    """

    cause: str
    attempts: int
    detection_s: float | None
    recovery_s: float
    refused: tuple[str, ...] = ()

    @property
    def frozen_s(self) -> float:
        """For how long the picture stood still."""
        return (self.detection_s or 0.0) + self.recovery_s


@dataclass(frozen=True)
class RecoveryStatus:
    """The rig's losses since the start.

    Attributes:
        reconnecting: the rig is gone and looked for.
        cause: why, one line; of the last loss while there is none now.
        serials: serial numbers of the cameras that are looked for.
        elapsed_s: since the loss was noticed.
        attempt: number of the attempt under way or to come, from 1.
        wait_s: until that attempt begins, 0 while it is under way.
        losses: how often the rig was lost.
        outages: those that are over, newest last (the last OUTAGES_KEPT).
        recovered_ago_s: since the last one was over, None before the first.
    """

    reconnecting: bool = False
    cause: str = ""
    serials: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    attempt: int = 0
    wait_s: float = 0.0
    losses: int = 0
    outages: tuple[Outage, ...] = ()
    recovered_ago_s: float | None = None


@dataclass(frozen=True)
class PipelineStatus:
    """Everything the status bar, the banner and `summary.json` show.

    Attributes:
        state: "stopped", "starting", "running", "frozen", "reconnecting" (the rig is lost and looked for),
            "ended" (a finite replay is over), "failed".
        error: what happened and what to do, empty if all is well; goes to the banner.
        notice: information for the banner (virtual rig shown because no camera was found, not rectified, …).
        cameras: where frames went, per camera.
        pairing: what became of the delivered frames, per camera.
        stages: by name. "capture" counts frames of both cameras, its rate is per camera; "pair" takes and
            drops frames and finishes pairs; "rectify" and "colorize" count pairs.
        skew_ms: colour minus mono of the newest pair.
        drift: whether the rig still stands as it was calibrated.
        capture: the capture session.
    """

    state: str = "stopped"
    error: str = ""
    notice: str = ""
    rig: RigInfo | None = None
    search: SearchRange = field(default_factory=SearchRange)
    cameras: Mapping[Role, CameraCounters] = field(default_factory=dict)
    pairing: PairingCounters = field(default_factory=PairingCounters)
    stages: Mapping[str, StageStatus] = field(default_factory=dict)
    skew_ms: float = 0.0
    device: str = ""
    model: str = ""
    recorder: RecorderStatus = field(default_factory=RecorderStatus)
    recovery: RecoveryStatus = field(default_factory=RecoveryStatus)
    memory_mb: float = 0.0
    drift: DriftStatus = field(default_factory=DriftStatus)
    capture: CaptureStatus = field(default_factory=CaptureStatus)
