"""What a capture session tells the world: frozen snapshots, safe to read from any thread."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.capturing.gates import Verdict
from app.capturing.modes import Plan
from app.capturing.state import CaptureState


@dataclass(frozen=True, eq=False)
class SavedPair:
    """A pair of the filmstrip.

    Attributes:
        name: in the dataset.
        picture: h×2w×3 uint8 RGB, mono and colour side by side.
        verdict: what the gates said.
        tags: that it was saved with.
    """

    name: str
    picture: NDArray[np.uint8]
    verdict: Verdict
    tags: tuple[str, ...]


@dataclass(frozen=True)
class CaptureStatus:
    """Everything the Capture page shows; the queue and the disk are in `RecorderStatus`.

    Attributes:
        folder: of the dataset, empty while none is open.
        state: target, limits, tags, metadata; its `plan` is the one that runs.
        verdict: of the newest pair that was measured.
        age_s: since it was measured; None if nothing was.
        cycle_age_s: since the pair arrived whose colorization gave the newest cycle SSIM; None without any.
        total: pairs in the dataset, without the trash.
        saved: pairs that the plan saved since it began.
        refused: shots that walls refused since it began; many in a row for the same reasons count once where
            the plan tries again by itself.
        refusals: the same, of all plans since the rig was started: tells one refusal from the next.
        reason: why the last shot was not saved, or what is waited for; empty if all is well.
        seconds_left: until the target, at the pace of now; None if there is no pace yet.
        strip: what was saved last, oldest first.
        can_undo: there is a save or a `discard` to take back.
        resumable: what was running when the dataset was left or saving failed; offer to continue it.
        unsigned: saved pairs that still have to be looked at before duplicates of them are noticed.
    """

    folder: str = ""
    state: CaptureState = field(default_factory=CaptureState)
    verdict: Verdict = field(default_factory=Verdict)
    age_s: float | None = None
    cycle_age_s: float | None = None
    total: int = 0
    saved: int = 0
    refused: int = 0
    refusals: int = 0
    reason: str = ""
    seconds_left: float | None = None
    strip: tuple[SavedPair, ...] = ()
    can_undo: bool = False
    resumable: Plan | None = None
    unsigned: int = 0
