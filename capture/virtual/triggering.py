"""The virtual cameras as the recipes for synchronization see them: settings by name, and a trigger."""

from __future__ import annotations

from capture.errors import SettingRejected
from capture.frames import Role
from capture.rig import Rig, SettingValue

TRIGGER = "TriggerSoftware"


class VirtualNodes:
    """One virtual camera's settings. Both hang on one trigger: mode and rate are the same for both."""

    def __init__(self, rig: Rig, role: Role) -> None:
        self._rig = rig
        self._role: Role = role

    def has(self, name: str) -> bool:
        """Tell whether there is such a setting or command."""
        return name == TRIGGER or name in self._rig.settings(self._role)

    def value(self, name: str) -> SettingValue | None:
        """Return the value of a setting, None if there is none."""
        setting = self._rig.settings(self._role).get(name)
        return None if setting is None else setting.value

    def access(self, name: str) -> str:
        """Return "RW" for a setting, "WO" for the trigger, "" for anything else."""
        return "WO" if name == TRIGGER else "RW" if self.has(name) else ""

    def choices(self, name: str) -> tuple[str, ...]:
        """Return what a setting takes, empty if it is no choice."""
        setting = self._rig.settings(self._role).get(name)
        return () if setting is None else setting.choices

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        """Set a value and return what holds now. Raises SettingRejected."""
        return self._rig.apply(self._role, name, value)

    def execute(self, name: str) -> None:
        """Raise SettingRejected: there is no command but the trigger, and that is the rig's."""
        raise SettingRejected(name, "execute", "this camera has no such command")


class VirtualCamera:
    """What gives triggers: `capture.sync.conductor.Triggered`."""

    interface_nodes = None

    def __init__(self, rig: Rig, role: Role) -> None:
        self._rig = rig
        self._role: Role = role
        self.nodes = VirtualNodes(rig, role)

    @property
    def frame_rate_hz(self) -> float | None:
        """The rate the rig is set to."""
        rate = self.nodes.value("AcquisitionFrameRate")
        return float(rate) if isinstance(rate, int | float) else None

    def check_alive(self) -> None:
        """Nothing: who is lost says so with the next call."""

    def trigger(self) -> None:
        """Expose both cameras; the second camera's trigger is the first one's. Raises DeviceLost."""
        if self._role == "mono":
            self._rig.execute(TRIGGER)
