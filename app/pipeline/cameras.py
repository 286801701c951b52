"""The desk at which the two cameras of a running rig are asked and told things."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from app.pipeline.source import Source
from capture.errors import AcquisitionLocked
from capture.features import FeatureTree, Position
from capture.frames import Role
from capture.presets import ApplyReport, CameraOf, Snapshot, StoredValue, apply_values
from capture.rig import Rig, Setting, SettingValue
from capture.user_sets import FACTORY, UserSetContent, read_user_set, use_user_set

T = TypeVar("T")

PATIENCE_S = 10.0
"""Stopping and starting a real camera takes a second or two, reading all of it another one."""

LONG_PATIENCE_S = 60.0
"""A preset changes dozens of values, one round trip each, and again if some were refused."""

Key = tuple[Role, str, Position]


@dataclass
class _Known:
    """Values to compare with, by role, feature and position of its selectors."""

    opened: dict[Key, SettingValue] = field(default_factory=dict)
    factory: dict[Role, dict[tuple[str, Position], SettingValue]] = field(default_factory=dict)


class CameraDesk:
    """Settings, features, presets and user sets of both cameras. For any thread, but most calls block.

    What a camera takes only while it is stopped interrupts acquisition for a moment; frames count anew then.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._known = _Known()

    def settings(self, role: Role) -> dict[str, Setting]:
        """Return what can be set on a camera, as last read. Never blocks."""
        return self._source.settings(role)

    def refresh(self) -> None:
        """Read all settings again: automatic control may have moved them. Raises DeviceLost."""
        self._ask(lambda rig: self._source.settings_changed(rig, rig.info))

    def apply(self, role: Role, name: str, value: SettingValue) -> SettingValue:
        """Set a value and return what the camera reads back. Raises SettingRejected, DeviceLost."""
        return self._ask(lambda rig: self._source.apply_to(rig, role, name, value))

    def execute(self, command: str) -> None:
        """Run a command of the rig, or of one camera as NAME:ROLE. Raises SettingRejected, DeviceLost."""
        self._ask(lambda rig: self._pausing(rig, lambda: rig.execute(command)))

    def features(self, role: Role) -> FeatureTree:
        """Return everything a camera has now, and how it differs from before. Raises DeviceLost.

        `default` is what the camera had when the rig was opened first, also after it was lost and came back;
        after `read_factory` it is what the camera's own set "Default" holds.
        """
        return self._compared(role, self._ask(lambda rig: rig.features(role)))

    def snapshot(self, role: Role) -> Snapshot:
        """Return all values that belong into a preset. Raises DeviceLost."""
        return self._ask(lambda rig: rig.snapshot(role))

    def restore(self, role: Role, values: Sequence[StoredValue]) -> ApplyReport:
        """Give a camera stored values. Raises DeviceLost; what is refused is in the report."""

        def give(rig: Rig) -> ApplyReport:
            camera = CameraOf(rig, role)
            before = camera.snapshot()
            return self._pausing(rig, lambda: apply_values(values, camera, before))

        return self._ask(give, LONG_PATIENCE_S)

    def use_user_set(self, role: Role, name: str, command: str) -> str:
        """Load or save (`command`) one of the camera's own sets and return its name.

        Raises SettingRejected, DeviceLost.
        """

        def use(rig: Rig) -> None:
            camera = CameraOf(rig, role)
            self._pausing(rig, lambda: use_user_set(camera, name, command))

        self._ask(use, LONG_PATIENCE_S)
        return name

    def read_factory(self, role: Role) -> UserSetContent:
        """Read what the camera's set "Default" holds and compare with that from now on.

        Acquisition stops for some seconds. Raises SettingRejected if there is no such set, DeviceLost.
        """

        def read(rig: Rig) -> UserSetContent:
            before = rig.info
            with self._source.paused(rig):
                content = read_user_set(CameraOf(rig, role), FACTORY)
            self._source.settings_changed(rig, before)
            return content

        content = self._ask(read, LONG_PATIENCE_S)
        with self._lock:
            self._known.factory[role] = {(value.name, value.at): value.value for value in content.values}
        return content

    def _compared(self, role: Role, tree: FeatureTree) -> FeatureTree:
        with self._lock:
            factory = self._known.factory.get(role)
            compared = []
            for feature in tree:
                if feature.default is None:
                    compared.append(feature)
                    continue
                key = (role, feature.name, feature.selectors)
                opened = self._known.opened.setdefault(key, feature.default)
                default = opened if factory is None else factory.get(key[1:])
                compared.append(replace(feature, default=default))
        return FeatureTree(tuple(compared), "opened" if factory is None else "user set Default")

    def _pausing(self, rig: Rig, action: Callable[[], T]) -> T:
        """Do something, with acquisition interrupted if the camera asks for it."""
        before = rig.info
        try:
            result = action()
        except AcquisitionLocked:
            with self._source.paused(rig):
                result = action()
        self._source.settings_changed(rig, before)
        return result

    def _ask(self, action: Callable[[Rig], T], patience_s: float = PATIENCE_S) -> T:
        return self._source.ask(action, patience_s)
