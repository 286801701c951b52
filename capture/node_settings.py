"""Settings of a GenICam camera: its node map in the names and units of SFNC. Vendor exceptions end here."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from typing import Any

from genicam import genapi

from capture.errors import SettingRejected
from capture.features import Defaults, Feature, FeatureTree
from capture.node_features import read_feature, read_tree, unit_of
from capture.rig import Setting, SettingValue
from capture.user_sets import LOAD, SAVE
from capture.vendor_errors import VENDOR_ERRORS

UNITS = {"ExposureTime": "µs", "AcquisitionFrameRate": "Hz", "Width": "px", "Height": "px"}
"""Units that SFNC fixes, for cameras that do not tell. Gain is in dB on most, in steps or as a factor on
others: only the camera knows."""

SHOWN = (
    "PixelFormat",
    "Width",
    "Height",
    "OffsetX",
    "OffsetY",
    "BinningHorizontal",
    "BinningVertical",
    "DecimationHorizontal",
    "DecimationVertical",
    "ReverseX",
    "ReverseY",
    "ExposureMode",
    "ExposureAuto",
    "ExposureTime",
    "GainAuto",
    "GainSelector",
    "Gain",
    "GainRaw",
    "BlackLevelSelector",
    "BlackLevel",
    "BlackLevelRaw",
    "GammaEnable",
    "Gamma",
    "BalanceWhiteAuto",
    "BalanceRatioSelector",
    "BalanceRatio",
    "BalanceRatioRaw",
    "AcquisitionFrameRateAuto",
    "AcquisitionFrameRateEnable",
    "AcquisitionFrameRate",
    "TriggerSelector",
    "TriggerMode",
    "TriggerSource",
)
"""What `read_all` looks for, in the order people go through it. `apply` takes any other node as well."""

OLDER_NAMES = {"ExposureTime": "ExposureTimeAbs", "AcquisitionFrameRate": "AcquisitionFrameRateAbs"}
"""SFNC 1.x, same meaning and unit."""

FINER = {"GainRaw": "Gain", "BlackLevelRaw": "BlackLevel", "BalanceRatioRaw": "BalanceRatio"}
"""Values in steps of the hardware, shown only where the camera lacks the one in physical units."""

CONTROLLED_BY = {
    "ExposureTime": ("ExposureAuto", "ExposureMode"),
    "Gain": ("GainAuto",),
    "BalanceRatio": ("BalanceWhiteAuto",),
    "AcquisitionFrameRate": ("AcquisitionFrameRateEnable", "AcquisitionFrameRateAuto"),
}
"""What takes a value out of our hands: a switch that is off, or something automatic that is on."""

SLOW_COMMANDS = (LOAD, SAVE)
"""Commands that take their time, and after which everything may have changed."""

SLOW_COMMAND_S = 5.0


class NodeSettings:
    """Reads and writes the settings of one camera through its node map."""

    def __init__(self, node_map: Any) -> None:
        self._node_map = node_map
        self._defaults = Defaults()

    def has(self, name: str) -> bool:
        """Tell whether the camera has this node and it can be used now."""
        return self._node(name) is not None

    def read_all(self) -> dict[str, Setting]:
        """Return those of SHOWN that can be set, by their SFNC name.

        What is read-only because something else controls it for now (CONTROLLED_BY) is there as well.
        """
        found: dict[str, Setting] = {}
        for name in SHOWN:
            feature = self.feature(name)
            if feature is None or feature.value is None or FINER.get(name) in found:
                continue
            if feature.access == "RW" or (feature.access == "RO" and self._is_controlled(name)):
                found[name] = replace(feature.setting(), name=name)
        return found

    def _is_controlled(self, name: str) -> bool:
        return any(self.value(other) not in (None, "Off", True) for other in CONTROLLED_BY.get(name, ()))

    def feature(self, name: str) -> Feature | None:
        """Return a feature as it is now, None if the camera has none."""
        node = self._node(name)
        feature = None if node is None else read_feature(node)
        if feature is None or feature.unit:
            return feature
        return replace(feature, unit=UNITS.get(name, ""))

    def tree(self, locked: frozenset[str] = frozenset()) -> FeatureTree:
        """Return all features, each with the value it had when this was first called.

        Args:
            locked: names that can be set once acquisition is stopped.
        """
        return read_tree(self._node_map, self._defaults, locked)

    def access(self, name: str) -> str:
        """Return "RW", "RO", "WO", "NA", or "" if the camera has no such node."""
        feature = self.feature(name)
        return "" if feature is None else feature.access

    def value(self, name: str) -> SettingValue | None:
        """Return the value of a node, None if the camera has none or does not tell."""
        node = self._node(name)
        if node is None or isinstance(node, genapi.ICommand):
            return None
        try:
            return _plain(node.value)
        except (*VENDOR_ERRORS, AttributeError):
            return None

    def number(self, name: str) -> float | None:
        """Return the value of a numeric node, None if there is none."""
        value = self.value(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def choices(self, name: str) -> tuple[str, ...]:
        """Return what an enumeration takes now, empty if the camera has no such node."""
        node = self._node(name)
        return tuple(node.symbolics) if isinstance(node, genapi.IEnumeration) else ()

    def unit(self, name: str) -> str:
        """Return the unit of a node as the camera writes it, empty if it tells none."""
        node = self._node(name)
        return "" if node is None else unit_of(node)

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        """Set a node of any type and return what it reads back. Raises SettingRejected."""
        node = self._node(name)
        if node is None:
            raise SettingRejected(name, value, "this camera has no such setting")
        try:
            mode = node.get_access_mode()
            if mode not in (genapi.EAccessMode.RW, genapi.EAccessMode.WO):
                raise SettingRejected(name, value, "it cannot be written now")
            accepted = _converted(name, node, value)
            node.value = accepted
            return accepted if mode == genapi.EAccessMode.WO else _plain(node.value)
        except VENDOR_ERRORS as error:
            raise SettingRejected(name, value, vendor_message(error)) from error

    def execute(self, name: str) -> None:
        """Run a command node. Raises SettingRejected."""
        node = self._node(name)
        if not isinstance(node, genapi.ICommand):
            raise SettingRejected(name, "execute", "this camera has no such command")
        try:
            node.execute()
            if name in SLOW_COMMANDS:
                self._wait_until_done(name, node)
        except VENDOR_ERRORS as error:
            raise SettingRejected(name, "execute", vendor_message(error)) from error

    def _wait_until_done(self, name: str, command: Any) -> None:
        """Wait for a command to end, then forget all cached values. Raises SettingRejected if it does not."""
        deadline = time.monotonic() + SLOW_COMMAND_S
        while not command.is_done():
            if time.monotonic() > deadline:
                raise SettingRejected(name, "execute", f"it did not end within {SLOW_COMMAND_S:g} s")
            time.sleep(0.01)
        for node in self._node_map.nodes:
            node.node.invalidate_node()

    def touch(self) -> None:
        """Read one register from the camera, past all caches. Raises the vendor's exception if it is gone."""
        node = self._node("Width")
        if node is not None:
            node.get_value(False, True)  # verify, ignore_cache

    def _node(self, name: str) -> Any | None:
        for candidate in (name, OLDER_NAMES.get(name)):
            if candidate is None:
                continue
            try:
                node = self._node_map.get_node(candidate)
                if node.get_access_mode() not in (genapi.EAccessMode.NI, genapi.EAccessMode.NA):
                    return node
            except VENDOR_ERRORS:  # no such node
                continue
        return None


def vendor_message(error: Exception) -> str:
    """Return what a vendor's message says, without the frame that GenTL and GenApi put around it."""
    text = str(error)
    gentl = re.fullmatch(
        r"GenTL exception: (.*?)(?: \(Message from the source: (.*)\))? \(ID: (-?\d+)\)", text
    )
    if gentl is not None:
        return f"{(gentl[2] or gentl[1]).rstrip('.')} (GenTL error {gentl[3]})"
    return text.partition(" : ")[0].strip().rstrip(".") or type(error).__name__


def _plain(value: Any) -> SettingValue:
    return value if isinstance(value, (bool, int, float)) else str(value)


def _converted(name: str, node: Any, value: SettingValue) -> SettingValue:
    """Return the value in the node's type. Raises SettingRejected saying what the camera takes."""
    if isinstance(node, genapi.IEnumeration):
        if value not in node.symbolics:
            raise SettingRejected(name, value, f"it takes {', '.join(node.symbolics)}")
        return value
    if isinstance(node, genapi.IBoolean):
        if not isinstance(value, bool):
            raise SettingRejected(name, value, "it takes true or false")
        return value
    if isinstance(node, (genapi.IInteger, genapi.IFloat)):
        return _converted_number(name, node, value)
    if isinstance(node, genapi.IString):
        return str(value)
    raise SettingRejected(name, value, "it is no value that can be set")


def _converted_number(name: str, node: Any, value: SettingValue) -> float | int:
    unit = unit_of(node) or UNITS.get(name, "")
    takes = f"it takes {node.min:g} … {node.max:g} {unit}".rstrip()
    if isinstance(value, (bool, str)) or not math.isfinite(value) or not node.min <= value <= node.max:
        raise SettingRejected(name, value, takes)
    if isinstance(node, genapi.IFloat):
        return float(value)
    if value != int(value):
        raise SettingRejected(name, value, f"{takes}, whole numbers")
    # Sizes come in steps of 4, 16 or 32: take the step below, and let the caller read back what it became.
    return int(node.min + (int(value) - node.min) // node.inc * node.inc)
