"""Notices a camera that is there but silent."""

from __future__ import annotations

import time

from app.pipeline.board import Board
from capture.frames import ROLES, Role

STALL_S = 3.0  # silence of a camera that is worth a word


class StallWatch:
    """Notices a camera that sends nothing although it should."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._heard_s = dict.fromkeys(ROLES, time.monotonic())
        self._stalled = True  # whatever the board says of a lost rig goes with the first frames

    def heard(self, role: Role) -> None:
        """Note a frame."""
        self._heard_s[role] = time.monotonic()
        self._look()

    def nothing(self, waits_for_trigger: bool) -> None:
        """Note that nothing came for a while."""
        if waits_for_trigger:
            self._heard_s = dict.fromkeys(ROLES, time.monotonic())
        self._look()

    def _look(self) -> None:
        silent = [role for role in ROLES if time.monotonic() - self._heard_s[role] > STALL_S]
        if silent:
            self._stalled = True
            names = " and the ".join(role.replace("color", "colour") for role in silent)
            self._board.pin(
                "capture",
                f"No frame from the {names} camera for {STALL_S:g} s: check its exposure, trigger and cable.",
            )
        elif self._stalled:
            self._stalled = False
            self._board.clear("capture")
