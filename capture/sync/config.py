"""What a person asks of two cameras: the mode of synchronization and what it needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal, get_args

from capture.frames import Role

SyncMode = Literal["free_run", "software", "hardware", "external", "action"]
MODES: tuple[SyncMode, ...] = get_args(SyncMode)

TITLES: dict[SyncMode, str] = {
    "free_run": "Free run",
    "software": "Software trigger",
    "hardware": "Hardware: one camera drives the other",
    "external": "External trigger",
    "action": "Action command (PTP)",
}

Edge = Literal["RisingEdge", "FallingEdge"]
EDGES: tuple[Edge, ...] = get_args(Edge)

LARGEST_KEY = 0xFFFF_FFFF
"""Keys and masks of an action command have 32 bits (GigE Vision)."""


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 address; names are not looked up."""
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class SyncConfig:
    """The `[sync]` table of a rig file.

    Attributes:
        mode: "free_run": both run by themselves, frames are matched by time. "software": the computer
            triggers both. "hardware": the leader's exposure signal triggers the other camera through a
            cable. "external": something else triggers both. "action": a broadcast on the network triggers
            both (GigE Vision), clocks set by PTP.
        leader: the camera that runs by itself in hardware mode.
        frame_rate_hz: of the cameras or of the triggers; None leaves the cameras' own rate, and in the modes
            where the computer triggers, no trigger comes unless it is asked for.
        mono_line, color_line: the pin that carries the signal at that camera, as the camera calls it
            ("Line1"): output of the leader, input of every camera that is triggered. Empty takes the first
            that fits.
        activation: the edge of the signal that starts an exposure.
        device_key, group_key, group_mask: what an action command is addressed with.
        broadcast: where action commands are sent, an IPv4 address.
    """

    mode: SyncMode = "free_run"
    leader: Role = "mono"
    frame_rate_hz: float | None = None
    mono_line: str = ""
    color_line: str = ""
    activation: Edge = "RisingEdge"
    device_key: int = 1
    group_key: int = 1
    group_mask: int = 1
    broadcast: str = "255.255.255.255"

    @property
    def follower(self) -> Role:
        """The camera that the leader drives."""
        return "color" if self.leader == "mono" else "mono"

    @property
    def computer_triggers(self) -> bool:
        """Whether triggers come from this computer."""
        return self.mode in ("software", "action")

    def line(self, role: Role) -> str:
        """Return the name of a camera's pin, empty for the first that fits."""
        return self.mono_line if role == "mono" else self.color_line
