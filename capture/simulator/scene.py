"""Draws what the simulated cameras see into one file: the virtual rig's scene, as light on both sensors.

The cameras of the simulator expose this light themselves (`sensor.cpp`), so that exposure, gain and region of
interest change their pictures as they should. `scene.h` has the layout of the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from capture.frames import ROLES, Role
from capture.spec import VirtualSpec
from capture.virtual.board import CYCLE_S, HOLD_S, MOVE_S
from capture.virtual.sensor import SENSORS
from capture.virtual.stage import Stage

MAGIC = b"CYRIG-S1"
HEADER = struct.Struct("<8sII")
SENSOR = struct.Struct("<9d5Q2d")
FRAME = struct.Struct("<dQQ")
TILE = 8
# Pictures of which the median is the scene at rest.
REST_SAMPLES = 9
# Brightest light that is told apart, as a multiple of the brightest that was seen.
HEADROOM = 1.05
# Pictures of the board on its way from one pose to the next.
BOARD_MOVES = 2

Counts = NDArray[np.uint16]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SceneLength:
    """How much is drawn: seconds of the moving scene, its frame rate, and poses of the calibration board."""

    live_s: float = 8.0
    live_hz: float = 30.0
    poses: int = 32


def write_scene(
    spec: VirtualSpec, path: Path, length: SceneLength | None = None, progress: Progress | None = None
) -> None:
    """Draw the scene of `spec` for both cameras into a file; width and height must be multiples of 8.

    `progress` is called with the number of pictures drawn and the number of all. Raises OSError.
    """
    length = length or SceneLength()
    stage = Stage(spec)
    live = [index / length.live_hz for index in range(round(length.live_s * length.live_hz))]
    board = [
        pose * CYCLE_S + (0.0 if step == 0 else HOLD_S + MOVE_S * step / (BOARD_MOVES + 1))
        for pose in range(length.poses)
        for step in range(BOARD_MOVES + 1)
    ]
    pictures = len(ROLES) * (len(live) + len(board))
    done = 0
    with path.open("wb") as file:
        file.write(HEADER.pack(MAGIC, spec.width, spec.height).ljust(HEADER.size + 2 * SENSOR.size, b"\0"))
        for index, role in enumerate(ROLES):
            writer = _SensorWriter(file, stage, role, length)
            live_at = writer.write_frames(live, with_board=False)
            board_at = writer.write_frames(board, with_board=True)
            done += len(live) + len(board)
            record = writer.record((live_at, len(live), length.live_s), (board_at, len(board), length.poses))
            file.seek(HEADER.size + index * SENSOR.size)
            file.write(record)
            file.seek(0, 2)
            if progress is not None:
                progress(done, pictures)


class _SensorWriter:
    """Writes what one camera sees, at the end of the file."""

    def __init__(self, file: BinaryIO, stage: Stage, role: Role, length: SceneLength) -> None:
        self._file = file
        self._stage = stage
        self._role = role
        times = np.linspace(0, length.live_s, REST_SAMPLES)
        samples = [stage.light(role, round(time_s * 1e9)) for time_s in times]
        self._light_per_count = HEADROOM * float(np.max(samples)) / 65535
        self._rest = np.median([self._counts(light) for light in samples], axis=0).astype(np.uint16)
        self._rest_at = file.tell()
        file.write(self._rest.tobytes())

    def _counts(self, light: NDArray[np.float32]) -> Counts:
        return np.asarray(np.clip(light / self._light_per_count + 0.5, 0, 65535), np.uint16)

    def write_frames(self, times_s: Sequence[float], *, with_board: bool) -> int:
        """Write the pictures of these times; return where their records begin."""
        records = []
        for time_s in times_s:
            counts = self._counts(self._stage.light(self._role, round(time_s * 1e9), with_board=with_board))
            at = self._file.tell()
            records.append(FRAME.pack(time_s, at, self._write_tiles(counts)))
        self._file.write(b"\0" * (-self._file.tell() % 8))  # records begin at whole words
        records_at = self._file.tell()
        self._file.write(b"".join(records))
        return records_at

    def _write_tiles(self, counts: Counts) -> int:
        """Write the tiles that differ from the scene at rest; return how many."""
        tiles = _in_tiles(counts)
        rows, columns = np.nonzero((tiles != _in_tiles(self._rest)).any(axis=(2, 3)))
        self._file.write(np.stack([columns, rows], axis=1).astype("<u2").tobytes())
        self._file.write(tiles[rows, columns].astype("<u2").tobytes())
        return len(rows)

    def record(self, live: tuple[int, int, float], board: tuple[int, int, int]) -> bytes:
        """Return the camera's record; `live` and `board`: where, how many, how long (s; poses)."""
        sensor = SENSORS[self._role]
        look = sensor.look
        return SENSOR.pack(
            sensor.electrons,
            sensor.full_well,
            sensor.read_noise,
            self._light_per_count,
            look.exposure_us,
            look.gain_db,
            look.gamma,
            look.balance_red,
            look.balance_blue,
            self._rest_at,
            live[0],
            live[1],
            board[0],
            board[1],
            live[2],
            board[2] * CYCLE_S,
        )


def _in_tiles(counts: Counts) -> Counts:
    """Return the image as rows × columns × TILE × TILE."""
    height, width = counts.shape
    return counts.reshape(height // TILE, TILE, width // TILE, TILE).swapaxes(1, 2)
