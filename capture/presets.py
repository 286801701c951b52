"""Stored settings of the cameras of a rig: taken, compared, put back in an order that works.

What a camera takes depends on what it has: a region must fit beside its offset, an exposure into the frame
period, a value that is controlled automatically takes nothing at all. The order below gets most of it right;
what is refused is tried again until nothing changes any more, and what is then still different is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from capture.errors import AcquisitionLocked, SettingRejected
from capture.features import Feature, FeatureTree, Position, same
from capture.frames import Role
from capture.rig import Rig, SettingValue

MOST_PASSES = 8
"""A camera whose settings still change each other after so many rounds never comes to rest."""

MOST_POSITIONS = 256
"""Selector positions that a snapshot visits at most; look-up tables have thousands and are left alone."""

_LEFT_OUT = ("Gev", "Event", "File", "UserSet", "TLParams", "DeviceRegisters", "Chunk", "Test", "LUT")
"""Names that begin so belong to the link, to the host or to memory, not to the picture."""

_GEOMETRY = ("Binning", "Decimation", "PixelFormat")

Apply = Callable[[str, SettingValue], SettingValue]
ReadTree = Callable[[], FeatureTree]


class Camera(Protocol):
    """One camera, as far as stored settings are concerned."""

    def features(self) -> FeatureTree:
        """Return all features. Raises DeviceLost."""

    def snapshot(self) -> Snapshot:
        """Return what belongs into a preset. Raises DeviceLost."""

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        """Set a value and return what it became. Raises SettingRejected, AcquisitionLocked, DeviceLost."""

    def execute(self, name: str) -> None:
        """Run a command. Raises SettingRejected, AcquisitionLocked, DeviceLost."""


@dataclass(frozen=True)
class CameraOf:
    """One camera of a rig, as a `Camera`."""

    rig: Rig
    role: Role

    def features(self) -> FeatureTree:
        """Return all features."""
        return self.rig.features(self.role)

    def snapshot(self) -> Snapshot:
        """Return what belongs into a preset."""
        return self.rig.snapshot(self.role)

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        """Set a value and return what it became."""
        return self.rig.apply(self.role, name, value)

    def execute(self, name: str) -> None:
        """Run a command of this camera."""
        self.rig.execute(f"{name}:{self.role}")


@dataclass(frozen=True)
class StoredValue:
    """A value of one feature, at one position of the selectors it depends on."""

    name: str
    value: SettingValue
    at: Position = ()

    @property
    def label(self) -> str:
        """Name with position, e.g. "BalanceRatio [Red]"."""
        return self.name + "".join(f" [{value}]" for _, value in self.at)


Snapshot = tuple[StoredValue, ...]


@dataclass(frozen=True)
class Difference:
    """One line of a comparison; None where the side has no such value."""

    label: str
    now: SettingValue | None
    stored: SettingValue | None


@dataclass(frozen=True)
class Refusal:
    """A value that the camera does not have after all: what it has instead, and why."""

    label: str
    wanted: SettingValue
    has: SettingValue | None
    reason: str

    def __str__(self) -> str:
        """Return one line for people."""
        has = "" if self.has is None else f" (it has {self.has})"
        return f"{self.label} = {self.wanted}{has}: {self.reason}"


@dataclass(frozen=True)
class ApplyReport:
    """What became of stored settings.

    Attributes:
        before: what the camera had, for undo.
        applied: values that were changed and read back as wanted.
        refused: values that read back otherwise.
        unchanged: how many were there already.
    """

    before: Snapshot
    applied: Snapshot = ()
    refused: tuple[Refusal, ...] = ()
    unchanged: int = 0


def take_snapshot(read_tree: ReadTree, apply: Apply) -> Snapshot:
    """Return everything a camera would need to be set up as it is now.

    What depends on a selector is read at each of its positions; selectors are put back. Runs beside the
    camera, because it may ask for hundreds of values. Raises DeviceLost, never SettingRejected.
    """
    tree = read_tree()
    marked = any(feature.streamable for feature in tree)
    stored = {(f.name, f.selectors): f.value for f in tree if _is_stored(f, marked=marked)}
    for group in _selector_groups(tree, marked=marked):
        before = {name: feature.value for name in group if (feature := tree.get(name)) is not None}
        try:
            _visit(group, tree, read_tree, apply, stored, marked=marked)
        finally:
            for name, value in before.items():
                if value is not None:
                    _try_apply(apply, name, value)
    return tuple(
        StoredValue(name, value, position) for (name, position), value in stored.items() if value is not None
    )


def _visit(
    group: tuple[str, ...],
    tree: FeatureTree,
    read_tree: ReadTree,
    apply: Apply,
    stored: dict[tuple[str, Position], SettingValue | None],
    *,
    marked: bool,
) -> None:
    """Read what depends on all selectors of a group, at every combination of their positions."""
    head, *rest = group
    feature = tree.get(head)
    if feature is None:
        return
    for choice in feature.choices:
        if not _try_apply(apply, head, choice):
            continue
        here = read_tree()
        if rest:
            _visit(tuple(rest), here, read_tree, apply, stored, marked=marked)
            continue
        for found in here:
            if found.selectors and _is_stored(found, marked=marked):
                stored.setdefault((found.name, found.selectors), found.value)


def _selector_groups(tree: FeatureTree, *, marked: bool) -> list[tuple[str, ...]]:
    """Return the sets of selectors that stored features depend on together, those of bearable size."""
    groups: dict[tuple[str, ...], None] = {}
    for feature in tree:
        if feature.selectors and _is_stored(feature, marked=marked):
            groups[tuple(name for name, _ in feature.selectors)] = None
    usable = []
    for group in groups:
        selectors = [tree.get(name) for name in group]
        sizes = 1
        for selector in selectors:
            choosable = selector is not None and selector.kind == "enumeration" and selector.access == "RW"
            sizes *= len(selector.choices) if choosable and selector is not None else MOST_POSITIONS + 1
        if sizes <= MOST_POSITIONS:
            usable.append(group)
    return usable


def _try_apply(apply: Apply, name: str, value: SettingValue) -> bool:
    try:
        apply(name, value)
    except SettingRejected:
        return False
    return True


def _is_stored(feature: Feature, *, marked: bool) -> bool:
    if feature.kind in ("command", "register") or feature.is_selector or feature.value is None:
        return False
    if feature.name.startswith(_LEFT_OUT):
        return False
    automatic = feature.access == "RO" and feature.streamable  # read-only for now, e.g. because of its Auto
    return (feature.access == "RW" or automatic) and (feature.streamable or not marked)


def compare(now: Snapshot, stored: Iterable[StoredValue]) -> tuple[Difference, ...]:
    """Return where two snapshots differ, in the order of the second one, then what only the first has."""
    have = {(value.name, value.at): value for value in now}
    lines = []
    for wanted in stored:
        mine = have.pop((wanted.name, wanted.at), None)
        if mine is None or not same(mine.value, wanted.value):
            lines.append(Difference(wanted.label, None if mine is None else mine.value, wanted.value))
    lines += [Difference(value.label, value.value, None) for value in have.values()]
    return tuple(lines)


def apply_values(
    wanted: Sequence[StoredValue], camera: Camera, before: Snapshot | None = None
) -> ApplyReport:
    """Give a camera stored values, those that differ only, and read back what it has then.

    Args:
        wanted: what it should have.
        before: what it had, if this is the second attempt; None reads it.

    Raises:
        AcquisitionLocked: something is taken only while acquisition is stopped; what was set stays set:
            stop and call again.
        DeviceLost: the camera is gone.
    """
    now = camera.snapshot()
    before = now if before is None else before
    positions = [(f.name, f.value) for f in camera.features() if f.is_selector and f.value is not None]
    reasons: dict[tuple[str, Position], str] = {}
    try:
        for _ in range(MOST_PASSES):
            open_values = _still_open(wanted, now)
            if not open_values:
                break
            _one_pass(_ordered(open_values, now), camera.apply, reasons)
            seen, now = now, camera.snapshot()
            if _values(seen) == _values(now):
                break
    finally:
        _put_back(positions, camera.features(), camera.apply)
    return _report(wanted, before, now, reasons)


def _put_back(positions: Iterable[tuple[str, SettingValue]], tree: FeatureTree, apply: Apply) -> None:
    """Let selectors point where they did."""
    for name, value in positions:
        selector = tree.get(name)
        if selector is not None and selector.value != value:
            _try_apply(apply, name, value)


def _one_pass(values: Iterable[StoredValue], apply: Apply, reasons: dict[tuple[str, Position], str]) -> None:
    for wanted in values:
        key = (wanted.name, wanted.at)
        try:
            for selector, position in wanted.at:
                apply(selector, position)
            accepted = apply(wanted.name, wanted.value)
        except AcquisitionLocked:
            raise
        except SettingRejected as error:
            reasons[key] = error.reason
        else:
            reasons[key] = "" if same(accepted, wanted.value) else f"the camera made it {accepted}"


def _ordered(values: Sequence[StoredValue], now: Snapshot) -> list[StoredValue]:
    """Return values in the order in which cameras take them; equal ranks as they come."""
    have = {(value.name, value.at): value.value for value in now}

    def rank(wanted: StoredValue) -> int:
        current = have.get((wanted.name, wanted.at))
        if wanted.name.endswith("Auto"):
            return 0 if wanted.value == "Off" else 9  # last, or it would take the value out of our hands
        if wanted.name.startswith(_GEOMETRY):
            return 2
        if isinstance(wanted.value, (bool, str)):
            return 1
        if wanted.name in ("OffsetX", "OffsetY"):
            shrinks = isinstance(current, (int, float)) and wanted.value < current
            return 3 if shrinks else 5  # first make room for the size, or let the size make room
        return 4 if wanted.name in ("Width", "Height") else 6

    return sorted(values, key=rank)


def _still_open(wanted: Sequence[StoredValue], now: Snapshot) -> list[StoredValue]:
    have = {(value.name, value.at): value.value for value in now}
    return [
        value
        for value in wanted
        if (current := have.get((value.name, value.at))) is None or not same(current, value.value)
    ]


def _values(snapshot: Snapshot) -> dict[tuple[str, Position], SettingValue]:
    return {(value.name, value.at): value.value for value in snapshot}


def _report(
    wanted: Sequence[StoredValue],
    before: Snapshot,
    now: Snapshot,
    reasons: dict[tuple[str, Position], str],
) -> ApplyReport:
    had, has = _values(before), _values(now)
    applied, refused, unchanged = [], [], 0
    for value in wanted:
        key = (value.name, value.at)
        current = has.get(key)
        if current is None or not same(current, value.value):
            reason = reasons.get(key) or "something else changed it again"
            refused.append(Refusal(value.label, value.value, current, reason))
        elif key in had and same(had[key], value.value):
            unchanged += 1
        else:
            applied.append(value)
    return ApplyReport(before, tuple(applied), tuple(refused), unchanged)
