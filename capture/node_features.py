"""Reads a camera's feature tree from its node map (GenApi). Vendor exceptions end here.

GenApi keeps what it read until something that it depends on is written, so a second look at a whole tree
asks the camera only for what may have changed by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genicam import genapi

from capture.features import SECOND_UNITS, Access, Defaults, Feature, FeatureTree, Kind, Visibility
from capture.rig import SettingValue
from capture.vendor_errors import VENDOR_ERRORS

NO_LIMIT = 1e18
"""Limits beyond this are how nodes without a limit present themselves."""

DEEPEST = 8
"""Categories nested deeper than this are a loop in a broken description."""

_ACCESS: dict[int, Access] = {
    int(genapi.EAccessMode.NA): "NA",
    int(genapi.EAccessMode.WO): "WO",
    int(genapi.EAccessMode.RO): "RO",
    int(genapi.EAccessMode.RW): "RW",
}
_VISIBILITY: dict[int, Visibility] = {
    int(genapi.EVisibility.Beginner): "Beginner",
    int(genapi.EVisibility.Expert): "Expert",
    int(genapi.EVisibility.Guru): "Guru",
}
_REPRESENTATION = {
    int(genapi.ERepresentation.Logarithmic): "logarithmic",
    int(genapi.ERepresentation.PureNumber): "number",
    int(genapi.ERepresentation.HexNumber): "hex",
    int(genapi.ERepresentation.IPV4Address): "ipv4",
    int(genapi.ERepresentation.MACAddress): "mac",
}


def read_tree(node_map: Any, defaults: Defaults, locked: frozenset[str] = frozenset()) -> FeatureTree:
    """Return all features that the camera has, those of the maker's eyes only ("Invisible") left out.

    Args:
        node_map: a `genapi.NodeMap` that is connected to a camera.
        defaults: what each feature had first; filled in where it says nothing yet.
        locked: names that are read-only just because the camera acquires; they appear as "RW".
    """
    try:
        root = node_map.get_node("Root")
    except VENDOR_ERRORS:
        return FeatureTree()
    found = [
        read_feature(node, category, stopped=node.node.name in locked) for node, category in _walk(root, ())
    ]
    return FeatureTree(tuple(defaults.completed(feature) for feature in found if feature is not None))


def _walk(category: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield features with the titles of their categories, those of a category before those of the next."""
    try:
        members = list(category.features)
    except VENDOR_ERRORS:
        return
    inner = []
    for node in members:
        if not isinstance(node, genapi.ICategory):
            yield node, path
        elif len(path) < DEEPEST:
            inner.append(node)
    for node in inner:
        yield from _walk(node, (*path, _title(node.node)))


def read_feature(node: Any, category: tuple[str, ...] = (), *, stopped: bool = False) -> Feature | None:
    """Return a feature as it is now, None if the camera does not have it. Raises nothing of the vendor's.

    Args:
        node: an interface of GenApi (`IInteger`, …).
        stopped: read-only is to be taken for "writable once acquisition is stopped".
    """
    try:
        mode = _ACCESS.get(int(node.get_access_mode()))
        about = node.node
        visibility = _VISIBILITY.get(int(about.visibility))
        kind = _kind(node)
        if mode is None or visibility is None or kind is None:
            return None
        if kind == "command" and mode == "RO":
            mode = "NA"  # a command that cannot be run now has nothing to read
        locked = stopped and mode == ("NA" if kind == "command" else "RO")
        return Feature(
            name=str(about.name),
            kind=kind,
            category=category,
            title=_title(about),
            visibility=visibility,
            access=("WO" if kind == "command" else "RW") if locked else mode,
            selectors=_selectors(about),
            is_selector=bool(about.is_selector()),
            streamable=bool(about.is_streamable()),
            while_stopped=locked,
            description=" ".join(str(about.description or about.tooltip or "").split()),
            **_content(node, kind, readable=mode in ("RO", "RW")),
        )
    except VENDOR_ERRORS:
        return None


def _content(node: Any, kind: Kind, *, readable: bool) -> dict[str, Any]:
    """Return value and limits; what the camera does not tell is left out."""
    content: dict[str, Any] = {}
    if readable and kind not in ("command", "register"):
        value = _optional(node, "value")
        if value is not None and value == value:  # not a number: nothing that one could show or set again
            content["value"] = value if isinstance(value, (bool, int, float)) else str(value)
    if kind == "enumeration":
        content["choices"] = tuple(_optional(node, "symbolics") or ())
    elif kind in ("integer", "float"):
        content |= {
            "minimum": _limit(_optional(node, "min")),
            "maximum": _limit(_optional(node, "max")),
            "increment": _increment(node, kind),
            "unit": unit_of(node),
            "representation": _REPRESENTATION.get(int(_optional(node, "representation") or 0), "linear"),
        }
    return content


def unit_of(node: Any) -> str:
    """Return the unit of a numeric node, one spelling for each; empty if the camera tells none."""
    unit = str(_optional(node, "unit") or "").strip()
    return SECOND_UNITS.get(unit, unit)


def _increment(node: Any, kind: Kind) -> float | None:
    try:
        if kind == "float" and not node.has_inc():
            return None
        step = node.inc
    except VENDOR_ERRORS:
        return None
    return step if step and step > 0 else None


def _limit(value: float | None) -> float | None:
    return value if value is not None and abs(value) < NO_LIMIT else None  # NaN is no limit either


def _kind(node: Any) -> Kind | None:
    for interface, kind in _KINDS:
        if isinstance(node, interface):
            return kind
    return None


_KINDS: tuple[tuple[type, Kind], ...] = (
    (genapi.IEnumeration, "enumeration"),
    (genapi.IBoolean, "boolean"),
    (genapi.ICommand, "command"),
    (genapi.IInteger, "integer"),
    (genapi.IFloat, "float"),
    (genapi.IString, "string"),
    (genapi.IRegister, "register"),
)


def _title(about: Any) -> str:
    return str(about.display_name or about.name)


def _selectors(about: Any) -> tuple[tuple[str, SettingValue], ...]:
    """Return the selectors of a node with their values, those that cannot be read left out."""
    found = []
    for selector in about.selecting_features or ():
        value = _optional(selector, "value")
        if value is not None:
            plain = value if isinstance(value, (bool, int, float)) else str(value)
            found.append((str(selector.node.name), plain))
    return tuple(found)


def _optional(node: Any, attribute: str) -> Any | None:
    """Return what a node answers, None where it does not, or with bytes that are no text (not UTF-8)."""
    try:
        return getattr(node, attribute)
    except (*VENDOR_ERRORS, AttributeError, UnicodeDecodeError):
        return None
