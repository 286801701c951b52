"""The settings that a camera stores itself (SFNC, User Set Control)."""

from __future__ import annotations

from dataclasses import dataclass

from capture.features import FeatureTree
from capture.presets import Camera, Refusal, Snapshot, apply_values

SELECTOR, LOAD, SAVE = "UserSetSelector", "UserSetLoad", "UserSetSave"
AT_POWER_UP = ("UserSetDefault", "UserSetDefaultSelector")
"""The set that is loaded when the camera is switched on; the second name is that of SFNC 1.x."""

FACTORY = "Default"
"""SFNC: the set that the maker stored, which cannot be overwritten."""


@dataclass(frozen=True)
class UserSets:
    """What a camera has of user sets.

    Attributes:
        names: of the sets.
        chosen: where the selector points.
        can_load, can_save: the camera has the command; whether it can be run depends on the set.
        power_up_node: name of the feature that says which set is loaded at power-up, empty without.
        power_up: that set.
    """

    names: tuple[str, ...]
    chosen: str
    can_load: bool
    can_save: bool
    power_up_node: str = ""
    power_up: str = ""


@dataclass(frozen=True)
class UserSetContent:
    """What a user set holds, and what could not be put back after looking (nothing, most of the time)."""

    values: Snapshot
    not_restored: tuple[Refusal, ...]


def user_sets(tree: FeatureTree) -> UserSets | None:
    """Return what a camera offers, None if it stores no settings."""
    selector = tree.get(SELECTOR)
    if selector is None or not selector.choices or selector.value is None:
        return None
    at_power_up = next((f for name in AT_POWER_UP if (f := tree.get(name)) and f.value is not None), None)
    return UserSets(
        names=selector.choices,
        chosen=str(selector.value),
        can_load=tree.get(LOAD) is not None,
        can_save=tree.get(SAVE) is not None,
        power_up_node="" if at_power_up is None else at_power_up.name,
        power_up="" if at_power_up is None else str(at_power_up.value),
    )


def use_user_set(camera: Camera, name: str, command: str) -> None:
    """Load or save (`command`) a set. Raises SettingRejected, AcquisitionLocked, DeviceLost."""
    camera.apply(SELECTOR, name)
    camera.execute(command)


def read_user_set(camera: Camera, name: str) -> UserSetContent:
    """Return what a set holds: it is loaded, read, and what the camera had is put back.

    There is no other way to see a set, so acquisition must be stopped. Raises SettingRejected (no such set,
    or it cannot be loaded), AcquisitionLocked, DeviceLost.
    """
    mine = camera.snapshot()
    use_user_set(camera, name, LOAD)
    values = camera.snapshot()
    return UserSetContent(values, apply_values(mine, camera).refused)
