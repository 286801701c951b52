"""Writes nodes one by one, reads each back, and keeps what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from capture.errors import SettingRejected
from capture.frames import Role

Value = float | int | bool | str
Outcome = Literal["set", "differs", "refused", "absent", "read"]


class Nodes(Protocol):
    """What a recipe needs of a camera; `capture.node_settings.NodeSettings` keeps it."""

    def has(self, name: str) -> bool:
        """Tell whether the camera has this node and it can be used now."""

    def value(self, name: str) -> Value | None:
        """Return the value of a node, None if the camera has none or does not tell."""

    def access(self, name: str) -> str:
        """Return "RW", "RO", "WO", "NA", or "" if there is no such node."""

    def choices(self, name: str) -> tuple[str, ...]:
        """Return what an enumeration takes now (its symbolics), empty if there is no such node."""

    def apply(self, name: str, value: Value) -> Value:
        """Set a node and return what it reads back. Raises SettingRejected."""

    def execute(self, name: str) -> None:
        """Run a command node. Raises SettingRejected."""


@dataclass(frozen=True)
class Step:
    """What came of one node.

    Attributes:
        node: its name as the camera has it; where it has none, the name that was looked for.
        wanted: the value asked for, None where the node was only read.
        read_back: what the node says afterwards, None where it cannot be read.
        outcome: "set": reads back as wanted. "differs": the camera made something else of it. "refused",
            "absent": see `reason`. "read": only looked at.
        essential: without it the mode does not work.
        reason: what a refused node would take.
    """

    role: Role
    node: str
    wanted: Value | None
    read_back: Value | None
    outcome: Outcome
    essential: bool
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the mode cannot work because of this step."""
        return self.essential and self.outcome in ("refused", "absent", "differs")

    def __str__(self) -> str:
        """Return one line for people."""
        camera = "mono" if self.role == "mono" else "colour"
        if self.outcome == "read":
            return f"{camera} camera: {self.node} is {self.read_back}"
        if self.outcome == "set":
            return f"{camera} camera: {self.node} = {self.wanted}"
        if self.outcome == "differs":
            return f"{camera} camera: {self.node} = {self.wanted} became {self.read_back}"
        if self.wanted in (None, ""):  # the node itself is missing: nothing could be chosen from it
            return f"{camera} camera: {self.node}: {self.reason}"
        return f"{camera} camera: {self.node} = {self.wanted} was refused: {self.reason}"


class Script:
    """The steps of one camera, in order. Used by the thread that owns the camera."""

    def __init__(self, role: Role, nodes: Nodes) -> None:
        self.role: Role = role
        self.nodes = nodes
        self.steps: list[Step] = []

    def set(self, node: str, value: Value, *, essential: bool = True) -> bool:
        """Write a node; return whether it took the value."""
        if not self.nodes.has(node):
            self._note(node, value, None, "absent", essential, "this camera has no such setting")
            return False
        if self.nodes.value(node) == value:
            # Often the only value there is, and then read-only (FLIR's ActionSelector).
            self._note(node, value, value, "set", essential)
            return True
        try:
            actual = self.nodes.apply(node, value)
        except SettingRejected as refused:
            self._note(node, value, self.nodes.value(node), "refused", essential, refused.reason)
            return False
        same = _same(actual, value)
        self._note(node, value, actual, "set" if same else "differs", essential)
        return same

    def set_if_there(self, node: str, value: Value) -> bool:
        """Write a node that not every camera has and none needs."""
        return self.nodes.has(node) and self.set(node, value, essential=False)

    def choose(self, node: str, wanted: Sequence[str], *, essential: bool = True) -> str | None:
        """Set an enumeration to the first of `wanted` that it offers; return that one, None if none."""
        offered = self.nodes.choices(node)
        choice = next((name for name in wanted if name in offered), None)
        if choice is not None:
            return choice if self.set(node, choice, essential=essential) else None
        looked_for = " or ".join(wanted) or "a pin"
        if self.nodes.has(node):
            self._note(
                node,
                looked_for,
                self.nodes.value(node),
                "refused",
                essential,
                f"it takes {', '.join(offered) or 'nothing now'}",
            )
        else:
            self._note(node, looked_for, None, "absent", essential, "this camera has no such setting")
        return None

    def look(self, selector: str, value: str) -> bool:
        """Turn a selector in order to look, without a note; return whether it turned."""
        try:
            return bool(self.nodes.apply(selector, value) == value)
        except SettingRejected:
            return self.nodes.value(selector) == value

    def read(self, node: str) -> None:
        """Note what a node says."""
        self._note(node, None, self.nodes.value(node), "read", essential=False)

    def run_if_there(self, command: str) -> None:
        """Run a command that brings other nodes up to date, without a note."""
        if self.nodes.has(command):
            with suppress(SettingRejected):
                self.nodes.execute(command)

    def miss(self, node: str, wanted: Value, reason: str) -> None:
        """Note something essential that the camera lacks."""
        self._note(node, wanted, None, "absent", essential=True, reason=reason)

    def _note(
        self,
        node: str,
        wanted: Value | None,
        read_back: Value | None,
        outcome: Outcome,
        essential: bool,
        reason: str = "",
    ) -> None:
        self.steps.append(Step(self.role, node, wanted, read_back, outcome, essential, reason))


def _same(actual: Value, wanted: Value) -> bool:
    """Tell whether a camera took a value; numbers are rounded to what its registers can hold."""
    if isinstance(actual, float) and isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return abs(actual - wanted) <= 0.01 * abs(wanted)
    return actual == wanted
