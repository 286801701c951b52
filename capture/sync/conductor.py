"""Sets two cameras up for a mode, knows in which order they start, and gives the triggers the mode needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from capture.errors import SettingRejected
from capture.frames import ROLES, Role
from capture.sync.action import ActionSender, InterfaceNodes
from capture.sync.config import SyncConfig
from capture.sync.pacer import TriggerPacer
from capture.sync.recipes import run_recipe
from capture.sync.report import SyncReport
from capture.sync.script import Nodes


class Triggered(Protocol):
    """What is needed of a camera; `capture.gentl_camera.GentlCamera` keeps it."""

    @property
    def nodes(self) -> Nodes:
        """Its node map."""

    @property
    def interface_nodes(self) -> InterfaceNodes | None:
        """The node map of the interface it hangs on, None where there is none."""

    @property
    def frame_rate_hz(self) -> float | None:
        """The rate it is set to, None if it does not tell."""

    def check_alive(self) -> None:
        """Ask the device for a sign of life. Raises DeviceLost."""

    def trigger(self) -> None:
        """Expose now. Raises SettingRejected, DeviceLost."""


class Conductor:
    """Keeps two cameras together, in the thread that owns them. `report` is None until somebody asks."""

    def __init__(self) -> None:
        self.report: SyncReport | None = None
        self._pacer: TriggerPacer | None = None
        self._actions: ActionSender | None = None

    def set_up(self, config: SyncConfig, cameras: Mapping[Role, Triggered]) -> SyncReport:
        """Run the recipe of a mode while neither camera acquires.

        Raises SettingRejected (no action command can be sent like this), DeviceLost.
        """
        self.close()
        if config.mode == "action":
            found = (cameras[role].interface_nodes for role in ROLES)
            self._actions = ActionSender(config, [nodes for nodes in found if nodes is not None])
        report = run_recipe(config, {role: cameras[role].nodes for role in ROLES})
        if any(step.outcome == "refused" for step in report.steps):
            for camera in cameras.values():
                camera.check_alive()  # a cable that came loose is no matter of the values
        if not report.complete:
            self.close()
        self.report = report
        return report

    @property
    def start_order(self) -> tuple[Role, Role]:
        """Whoever waits for a signal first, whoever gives it last; stop the other way round."""
        return self.report.start_order if self.report is not None else ROLES

    @property
    def starts_together(self) -> bool:
        """Whether the first frames of both cameras belong together, so that none has to be thrown away."""
        return self.report is not None and self.report.shares_trigger

    def frame_rate_hz(self, cameras: Mapping[Role, Triggered]) -> float | None:
        """Return the rate of the pairs, None if unknown: a camera that is triggered has none of its own."""
        report = self.report
        if report is None or not report.complete or report.config.mode == "free_run":
            rates = {camera.frame_rate_hz for camera in cameras.values()}
            return rates.pop() if len(rates) == 1 else None
        if report.config.mode == "hardware":
            return cameras[report.config.leader].frame_rate_hz
        return report.trigger_rate_hz

    def started(self) -> None:
        """Both cameras acquire: begin to give triggers, if it is for us to do so."""
        rate_hz = self.report.trigger_rate_hz if self.report is not None else None
        self._pacer = TriggerPacer(rate_hz) if rate_hz is not None else None

    @property
    def paces(self) -> bool:
        """Whether triggers are given at a rate now: `beat` has to be called often."""
        return self._pacer is not None

    def stopped(self) -> None:
        """Give no more triggers."""
        self._pacer = None

    def beat(self, now_ns: int, cameras: Mapping[Role, Triggered]) -> None:
        """Trigger if it is time; call often. Raises DeviceLost, CaptureError (the network)."""
        if self._pacer is not None and self._pacer.due(now_ns):
            with suppress(SettingRejected):  # it was not ready yet: a missed trigger, and told as one
                self.trigger(cameras, ROLES)

    def trigger(self, cameras: Mapping[Role, Triggered], roles: Sequence[Role]) -> None:
        """Let cameras expose now. Raises SettingRejected, DeviceLost, CaptureError."""
        if self._actions is not None and len(roles) == len(ROLES):
            self._actions.send()
            return
        for role in roles:
            cameras[role].trigger()

    def close(self) -> None:
        """Let go of the network. Idempotent."""
        if self._actions is not None:
            self._actions.close()
            self._actions = None
