"""Sends action commands: through the producer where it knows how, else by a packet of our own.

Sources: GenTL SFNC, Interface Information and Action Control; GigE Vision 2.0, GVCP ACTION_CMD.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import Protocol

from capture.errors import CaptureError, SettingRejected
from capture.sync.config import SyncConfig, is_address
from capture.sync.script import Value

GVCP_PORT = 3956
KEY = 0x42
ACTION_CMD = 0x0100
NO_FLAGS = 0
"""No acknowledge is asked for: whoever waits for one would be late for the next trigger."""


class InterfaceNodes(Protocol):
    """The node map of a GenTL interface; `capture.node_settings.NodeSettings` keeps it."""

    def has(self, name: str) -> bool:
        """Tell whether the interface has this node."""

    def apply(self, name: str, value: Value) -> Value:
        """Set a node and return what it reads back. Raises SettingRejected."""

    def execute(self, name: str) -> None:
        """Run a command node. Raises SettingRejected."""


def action_packet(config: SyncConfig, request: int) -> bytes:
    """Return a GVCP action command, big-endian: header, request number (1 … 65535), keys and mask."""
    payload = struct.pack(">III", config.device_key, config.group_key, config.group_mask)
    return struct.pack(">BBHHH", KEY, NO_FLAGS, ACTION_CMD, len(payload), request) + payload


class ActionSender:
    """Triggers all cameras that listen to the configured keys. Used by the thread that owns the cameras.

    Args:
        config: keys, mask and broadcast address.
        interfaces: node maps of the cameras' interfaces. Those with an ActionCommand send it; if none has,
            packets go out by UDP.

    Raises SettingRejected: the address is none, or an interface does not take the keys.
    """

    def __init__(self, config: SyncConfig, interfaces: Sequence[InterfaceNodes]) -> None:
        if not is_address(config.broadcast):
            raise SettingRejected("broadcast", config.broadcast, "it takes an IPv4 address")
        self._config = config
        self._interfaces = [nodes for nodes in interfaces if nodes.has("ActionCommand")]
        self._socket: socket.socket | None = None
        self._request = 0
        for nodes in self._interfaces:
            nodes.apply("ActionDeviceKey", config.device_key)
            nodes.apply("ActionGroupKey", config.group_key)
            nodes.apply("ActionGroupMask", config.group_mask)
            if nodes.has("ActionScheduledTimeEnable"):
                nodes.apply("ActionScheduledTimeEnable", False)

    def send(self) -> None:
        """Send one action command. Raises CaptureError."""
        try:
            for nodes in self._interfaces:
                nodes.execute("ActionCommand")
            if not self._interfaces:
                self._broadcast()
        except (OSError, SettingRejected) as error:
            raise CaptureError(
                f"The action command could not be sent to {self._config.broadcast}: {error}; check the "
                "network, and `broadcast` in the rig file."
            ) from error

    def close(self) -> None:
        """Let go of the socket. Idempotent."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _broadcast(self) -> None:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._request = self._request % 0xFFFF + 1
        self._socket.sendto(action_packet(self._config, self._request), (self._config.broadcast, GVCP_PORT))
