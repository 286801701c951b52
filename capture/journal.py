"""What was changed on the cameras since they were opened first, to be set again on cameras that come back.

`RigProcess` writes it down, whoever asked for the change: a person, a preset, a recipe for synchronization.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capture.errors import SettingRejected
from capture.frames import ROLES, Role
from capture.rig import Rig, Setting, SettingValue

LOADS = "UserSetLoad"
"""The command that replaces all settings of a camera by those it has stored (SFNC, User Set Control)."""

SWITCHES = "Simulator"
"""How nodes begin by which our simulated cameras are broken (capture/simulator): once is enough."""

MOST_PASSES = 3
MOST_LOSSES = 2
"""A change during which the camera was lost this often is left out: it may be what crashes its driver."""

SAME_WITHIN = 1e-3
"""Cameras round: values closer than this, as a share, are one and the same."""


@dataclass(frozen=True)
class Call:
    """A method of the rig that sets up many things at once, e.g. a recipe for synchronization."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Change:
    """One setting that somebody chose, or a stored set that was loaded.

    Attributes:
        name: SFNC name, or LOADS.
        value: what was asked for; None for LOADS.
        accepted: what the camera read back then.
        selectors: what the camera's selectors pointed at, by name (SFNC: one node, several places).
    """

    role: Role
    name: str
    value: SettingValue | None
    accepted: SettingValue | None
    selectors: tuple[tuple[str, SettingValue], ...]


Entry = Change | Call


class SettingsJournal:
    """Changes in the order in which they were made last. Safe to use from any thread; `replay` from one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[object, Entry] = {}
        self._selectors: dict[Role, dict[str, SettingValue]] = {role: {} for role in ROLES}
        self._replaying = False
        self._under_way: object = None
        self._losses: dict[object, int] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Return what would be set again, in order."""
        with self._lock:
            return tuple(self._entries.values())

    def saw(self, role: Role, settings: Mapping[str, Setting]) -> None:
        """Note where the selectors of a camera stand."""
        with self._lock:
            found = {name: setting.value for name, setting in settings.items() if _is_selector(name)}
            self._selectors[role].update(found)

    def applied(self, role: Role, name: str, value: SettingValue, accepted: SettingValue) -> None:
        """Note a value that a camera took."""
        with self._lock:
            if not self._replaying and not name.startswith(SWITCHES):
                self._note(role, name, value, accepted)
            if _is_selector(name):
                self._selectors[role][name] = accepted

    def executed(self, command: str) -> None:
        """Note a command; all but LOADS (of one camera, NAME:ROLE, or of both) leave settings alone."""
        name, _, only = command.partition(":")
        with self._lock:
            if name != LOADS or self._replaying:
                return
            for role in ROLES:
                if only in ("", role):
                    # Whatever was chosen before is overwritten by what the camera had stored.
                    self._entries = {
                        key: entry
                        for key, entry in self._entries.items()
                        if isinstance(entry, Call) or entry.role != role
                    }
                    self._note(role, LOADS, None, None)

    def called(self, method: str, *arguments: Any) -> None:
        """Note a method of the rig that set up many things; only its last call counts."""
        with self._lock:
            if not self._replaying:
                self._entries.pop(method, None)
                self._entries[method] = Call(method, arguments)

    def replay(self, rig: Rig) -> tuple[str, ...]:
        """Set everything again on a rig that was just opened, and read it back; before it acquires.

        Returns one line for each change that was refused or reads back differently. What one setting allows
        depends on others (offsets on sizes): what is refused is tried again after the rest.

        Raises DeviceLost, CaptureError.
        """
        with self._lock:
            self._replaying = True
            left_out = self._leave_out_culprit()
            entries = list(self._entries.items())
        try:
            refused = _Replay(rig, self).run(entries)
        finally:
            with self._lock:
                self._replaying = False
        return (*left_out, *refused)

    def begins(self, key: object) -> None:
        """Note which entry is being set again; None: none any more."""
        with self._lock:
            self._under_way = key

    def _note(self, role: Role, name: str, value: SettingValue | None, accepted: SettingValue | None) -> None:
        selectors = () if _is_selector(name) else tuple(sorted(self._selectors[role].items()))
        key = (role, name, selectors)
        self._entries.pop(key, None)
        self._entries[key] = Change(role, name, value, accepted, selectors)

    def _leave_out_culprit(self) -> list[str]:
        """Drop a change at which the camera was lost repeatedly, or it would be lost for ever."""
        culprit, self._under_way = self._under_way, None
        if culprit is None:
            return []
        self._losses[culprit] = self._losses.get(culprit, 0) + 1
        if self._losses[culprit] < MOST_LOSSES:
            return []
        entry = self._entries.pop(culprit, None)
        if entry is None:
            return []
        return [f"{_what(entry)} was left out: the camera was lost {MOST_LOSSES} times while it was set."]


class _Replay:
    """One run through the changes on one rig."""

    def __init__(self, rig: Rig, journal: SettingsJournal) -> None:
        self._rig = rig
        self._journal = journal
        self._selectors: dict[Role, dict[str, SettingValue]] = {}
        for role in ROLES:
            settings = rig.settings(role)
            self._selectors[role] = {n: setting.value for n, setting in settings.items() if _is_selector(n)}

    def run(self, entries: list[tuple[object, Entry]]) -> list[str]:
        waiting, reasons = entries, dict[object, list[str]]()
        for _ in range(MOST_PASSES):
            before = len(waiting)
            reasons = {key: reason for key, entry in waiting if (reason := self._restore(key, entry))}
            waiting = [(key, entry) for key, entry in waiting if key in reasons]
            if not waiting or len(waiting) == before:
                break
        refused = [line for lines in reasons.values() for line in lines]
        # Trying again may have changed what was in place already: what holds in the end is looked at last.
        done = [entry for key, entry in entries if key not in reasons and isinstance(entry, Change)]
        return [*refused, *self._differences(done)]

    def _restore(self, key: object, entry: Entry) -> list[str]:
        """Set one thing; return why it was refused or what came of it instead, empty if all is well."""
        self._journal.begins(key)
        try:
            reasons = self._call(entry) if isinstance(entry, Call) else self._set(entry)
        except SettingRejected as error:
            reasons = [f"{_what(entry)}: {error}"]
        self._journal.begins(None)
        return reasons

    def _call(self, call: Call) -> list[str]:
        report = getattr(self._rig, call.method)(*call.arguments)
        return list(getattr(report, "refusals", ()))

    def _set(self, change: Change) -> list[str]:
        self._select(change)
        if change.value is None:
            self._rig.execute(f"{change.name}:{change.role}")
            return []
        actual = self._rig.apply(change.role, change.name, change.value)
        if _is_selector(change.name):
            self._selectors[change.role][change.name] = actual
        return [] if _same(actual, change.accepted) else [f"{_what(change)} reads back as {actual}."]

    def _select(self, change: Change) -> None:
        now = self._selectors[change.role]
        for name, choice in change.selectors:
            if now.get(name) != choice:
                now[name] = self._rig.apply(change.role, name, choice)

    def _differences(self, changes: list[Change]) -> list[str]:
        """Compare the last choice for each setting with what the cameras say now."""
        lines = []
        for role in ROLES:
            settings = self._rig.settings(role)
            chosen = {
                change.name: change
                for change in changes
                if change.role == role and all(self._selectors[role].get(n) == v for n, v in change.selectors)
            }
            for name, change in chosen.items():
                automatic = settings.get(f"{name.removesuffix('Time')}Auto")
                if name not in settings or (automatic is not None and automatic.value != "Off"):
                    continue  # the camera moves it by itself
                if not _same(settings[name].value, change.accepted):
                    lines.append(f"{_what(change)} reads back as {settings[name].value} in the end.")
        return lines


def _is_selector(name: str) -> bool:
    return name.endswith("Selector")


def _same(one: SettingValue | None, other: SettingValue | None) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return (
            isinstance(one, int | float)
            and isinstance(other, int | float)
            and (math.isclose(one, other, rel_tol=SAME_WITHIN))
        )
    return one == other


def _what(entry: Entry) -> str:
    if isinstance(entry, Call):
        return entry.method
    camera = f"{entry.role.replace('color', 'colour')} camera: {entry.name}"
    return camera if entry.value is None else f"{camera} = {entry.accepted}"
