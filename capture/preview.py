"""Small live pictures of every camera behind a producer, from a process of its own: for choosing cameras.

Why a process: as for capture (`capture/process.py`), a vendor's library may crash, hang, or hold the
interpreter lock. One process per producer, so that none of them waits for another vendor's library.
"""

from __future__ import annotations

import multiprocessing
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.develop import develop, to_8_bits
from capture.discovery import Device
from capture.errors import DeviceLost
from capture.frames import Frame

THUMBNAIL_PX = 320
"""Longest side of a thumbnail."""

CLOSE_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class PreviewCamera:
    """What a camera said of itself when it was opened; None or empty where it does not tell.

    Attributes:
        device: serial number, maker, producer.
        pixel_formats: those it offers that CycleRig reads, PFNC names.
        pixel_format, width, height: what it sends now; pixels.
        frame_rate_hz: what it is set to.
        link_bytes_per_s: DeviceLinkSpeed, as negotiated.
        limit_bytes_per_s: DeviceLinkThroughputLimit, as set.
        packet_bytes: GevSCPSPacketSize, GigE only.
        limit_nodes: what holds its data rate back, mode first; empty if nothing does.
        can_blink: it has a light that can be switched (SFNC DeviceIndicatorMode).
        color_filter: PixelColorFilter: "None", "BayerRG" …
    """

    device: Device
    pixel_formats: tuple[str, ...] = ()
    pixel_format: str = ""
    width: int = 0
    height: int = 0
    frame_rate_hz: float | None = None
    link_bytes_per_s: float | None = None
    limit_bytes_per_s: float | None = None
    packet_bytes: int | None = None
    limit_nodes: tuple[str, ...] = ()
    can_blink: bool = False
    color_filter: str = ""


@dataclass(frozen=True, eq=False)
class PreviewFrame:
    """A thumbnail: H×W×3 RGB, uint8. `level` is its mean, 0 … 1 of full scale."""

    serial: str
    thumbnail: NDArray[np.uint8]
    level: float


@dataclass(frozen=True)
class PreviewProblem:
    """A camera that shows nothing, with a line that says why. Without a serial, it is the whole producer."""

    serial: str
    text: str


PreviewMessage = PreviewCamera | PreviewFrame | PreviewProblem


def thumbnail_of(serial: str, frame: Frame) -> PreviewFrame:
    """Return a small RGB picture of a frame, at most THUMBNAIL_PX long, averaged over what it leaves out."""
    image = to_8_bits(develop(frame))
    height, width = image.shape[:2]
    factor = min(1.0, THUMBNAIL_PX / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(small, cv2.COLOR_GRAY2RGB) if small.ndim == 2 else small
    thumbnail = np.ascontiguousarray(rgb, np.uint8)
    thumbnail.flags.writeable = False
    return PreviewFrame(serial, thumbnail, float(thumbnail.mean()) / 255)


def describe_cameras(producer: Path, serials: frozenset[str], timeout_s: float = 20.0) -> list[PreviewCamera]:
    """Open these cameras of a producer for a moment and return what they said, but for those that failed.

    Takes as long as opening takes, a second or two for each.
    """
    described: list[PreviewCamera] = []
    open_ones = set(serials)
    deadline = time.monotonic() + timeout_s
    with PreviewProcess(producer) as preview, suppress(DeviceLost):
        while open_ones and time.monotonic() < deadline:
            message = preview.next_message(max(0.0, deadline - time.monotonic()))
            if isinstance(message, PreviewCamera):
                described.append(message)
                open_ones.discard(message.device.serial)
            elif isinstance(message, PreviewProblem):
                open_ones = open_ones - {message.serial} if message.serial else set()
            elif isinstance(message, PreviewFrame):
                break  # pictures come once every camera was opened, or could not be
    return [camera for camera in described if camera.device.serial in serials]


def _serve(producer: Path, skip: frozenset[str], connection: Connection) -> None:
    # Imported in the child only: the parent has no use for harvesters.
    from capture.preview_server import serve

    serve(producer, skip, connection)


class PreviewProcess:
    """The cameras of one producer, opened and streaming slowly. Constructing does nothing; `with` starts it.

    Cameras are left as they were found: what is changed for the preview (trigger off, a low rate) is set
    back when it ends.

    Args:
        producer: the `.cti` file.
        skip: serial numbers to leave alone, because somebody else of ours has them open.
    """

    def __init__(self, producer: Path, skip: frozenset[str] = frozenset()) -> None:
        self._producer = producer
        self._skip = skip
        self._process: SpawnProcess | None = None
        self._connection: Connection

    def __enter__(self) -> Self:
        """Start the process; opening the cameras goes on in the background."""
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        process = context.Process(
            target=_serve, args=(self._producer, self._skip, child), name="cyclerig-preview", daemon=True
        )
        try:
            process.start()
        finally:
            child.close()  # only the child may hold it, or its death would not close the pipe
        self._process = process
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the cameras and end the process, by force if it does not go."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            self._connection.send(None)
        # Reading on, because a child that waits for room in the pipe would never get to its end.
        while wait([self._connection, process.sentinel], CLOSE_TIMEOUT_S) == [self._connection]:
            try:
                self._connection.recv()
            except (EOFError, OSError):
                break
        process.join(CLOSE_TIMEOUT_S)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
        self._connection.close()

    def next_message(self, timeout_s: float) -> PreviewMessage | None:
        """Return what the process has to say, None if nothing comes in time. Raises DeviceLost: it ended."""
        if self._process is None:
            raise RuntimeError("the preview is not open")
        try:
            if not self._connection.poll(timeout_s):
                return None
            message: PreviewMessage = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join(1.0)
            raise DeviceLost(
                f"Producer {self._producer.name} ended (exit code {self._process.exitcode}) while showing "
                "its cameras; look again."
            ) from error
        return message

    def blink(self, serial: str) -> None:
        """Let a camera blink for two seconds. From any thread; one that cannot stays dark."""
        with suppress(OSError):
            self._connection.send(serial)
