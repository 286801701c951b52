"""The live pipeline: rig → pairer → recorder / rectifier → colorizer, each stage in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.pipeline.status import LiveResult, PipelineStatus, RectifiedPair
from capture.rig import Setting, SettingValue
from capture.frames import Role
from capture.spec import RigSpec


@dataclass(frozen=True)
class LiveConfig:
    """What to run. `calibration` overrides the rig's own; `max_disparity`/`offset` override the calibration's."""

    rig: RigSpec
    model: str = "live"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    calibration: Path | None = None
    max_disparity: int | None = None
    offset: int | None = None
    want_truth: bool = True


class LivePipeline:
    """Runs until stopped. All methods may be called from any thread and return at once unless said otherwise.

    Args:
        on_view: called from a pipeline thread when `take_view` has something new.
        on_result: called from a pipeline thread when `take_result` has something new.
        on_status: called from a pipeline thread when state, error or notice changed.
    """

    def __init__(self, config: LiveConfig, *, on_view: Callable[[], None] = lambda: None,
                 on_result: Callable[[], None] = lambda: None, on_status: Callable[[], None] = lambda: None) -> None:
        raise NotImplementedError

    def start(self) -> None:
        """Open the rig and load the networks in the background; failures land in `status().error`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop, write what is queued for the dataset, join all threads and the capture process. Idempotent."""
        raise NotImplementedError

    def status(self) -> PipelineStatus:
        """Return a snapshot."""
        raise NotImplementedError

    def take_view(self) -> RectifiedPair | None:
        """Return the newest pair at camera rate, None if it was taken already."""
        raise NotImplementedError

    def take_result(self) -> LiveResult | None:
        """Return the newest colorized pair, None if it was taken already."""
        raise NotImplementedError

    def set_frozen(self, frozen: bool) -> None:
        """Hold the pictures (the cameras go on) or let them run."""
        raise NotImplementedError

    def step(self) -> None:
        """While frozen: let exactly one more pair through. A replay advances by one frame, none is skipped."""
        raise NotImplementedError

    def open_dataset(self, folder: Path) -> None:
        """Open or create a dataset to save to. Raises DatasetError."""
        raise NotImplementedError

    def save_pair(self) -> None:
        """Save the newest raw pair (the frozen one while frozen) to the open dataset. Raises DatasetError if none is open."""
        raise NotImplementedError

    def set_recording(self, recording: bool) -> None:
        """Save every pair from now on, or stop. Raises DatasetError if no dataset is open."""
        raise NotImplementedError

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set on a camera (last known)."""
        raise NotImplementedError

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set a value on a camera; blocks up to a second. Raises SettingRejected, DeviceLost."""
        raise NotImplementedError

    def execute(self, command: str) -> None:
        """Run one of the rig's commands; blocks up to a second. Raises SettingRejected, DeviceLost."""
        raise NotImplementedError
