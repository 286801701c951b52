"""The capture process's side of `capture/process.py`: owns the rig, fills the ring, answers requests.

One thread does all of it, because a rig is called by one thread at a time. It never imports Qt or torch. It
ends when it is asked to, when its pipe closes, and when the parent is gone.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from capture.errors import CalibrationError, CaptureError, DatasetError, FrameTimeout
from capture.frames import ROLES, Frame, Role
from capture.pulse import Activity, Pulse
from capture.rig import CameraCounters, Rig, RigInfo
from capture.ring import FrameRing, RingLayout
from capture.spec import RigSpec, open_rig

STEP_S = 0.01
"""Longest wait for a frame before looking for requests: a setting takes effect within about this time."""

GRACE_S = 3.0
"""Time a process whose parent is gone has for closing its cameras."""


@dataclass(frozen=True)
class Ports:
    """The child's ends of the pipes. A message on `returns` names a slot: role number and slot number.

    `pulse` is beaten by the serving thread each time round, before whatever may hang.
    """

    requests: Connection
    frames: Connection
    returns: Connection
    pulse: Pulse


@dataclass(frozen=True)
class FrameHeader:
    """A frame whose image lies in a slot of the ring: all of `frame` but its image."""

    slot: int
    shape: tuple[int, ...]
    dtype: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class StreamEnded:
    """The last message of a stream: it is over, or failed with `error`."""

    error: Exception | None = None


@dataclass(frozen=True)
class Reply:
    """Answer to a request: what it returned or raised, and what is known of the rig after it."""

    value: Any = None
    error: Exception | None = None
    info: RigInfo | None = None


def serve(spec: RigSpec, ports: Ports) -> None:
    """Run in the capture process: open the rig, say so, and serve until told to close."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole group; the parent decides what it means
    threading.Thread(target=end_with_parent, name="parent-watch", daemon=True).start()
    try:
        try:
            with open_rig(spec) as rig:
                ports.requests.send(Reply(info=rig.info))
                server = _Server(rig, ports)
                try:
                    server.run()
                finally:
                    server.close()
                    ports.pulse.beat(Activity.CLOSING)
        except Exception as error:  # noqa: BLE001 (every error crosses to the parent, which raises it)
            ports.requests.send(Reply(error=portable(error)))
    except (EOFError, OSError):
        pass  # the parent is gone: nobody is left to tell


def end_with_parent() -> None:
    """Make sure that no orphan holds the cameras, even when a vendor's library hangs."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    threading.Event().wait(GRACE_S)
    os._exit(1)


class _Server:
    def __init__(self, rig: Rig, ports: Ports) -> None:
        self._rig = rig
        self._ports = ports
        self._ring: FrameRing | None = None
        self._free: dict[Role, deque[int]] = {role: deque() for role in ROLES}
        self._overrun: dict[Role, int] = dict.fromkeys(ROLES, 0)
        self._streaming = False

    def close(self) -> None:
        """Let go of the shared memory."""
        if self._ring is not None:
            self._ring.close()

    def run(self) -> None:
        """Answer requests and pass frames on until the parent asks to close. EOFError: it is gone."""
        while True:
            if self._streaming and not self._ports.requests.poll():
                self._ports.pulse.beat(Activity.FETCHING)
                self._pass_frame_on()
            else:
                self._ports.pulse.beat(Activity.WAITING)
                method, arguments = self._ports.requests.recv()
                if method == "close":
                    return
                self._ports.pulse.beat(Activity.ANSWERING)
                self._ports.requests.send(self._answer(method, arguments))

    def _answer(self, method: str, arguments: tuple[Any, ...]) -> Reply:
        try:
            value = getattr(self, f"_do_{method}")(*arguments)
            return Reply(value, info=self._rig.info)
        except Exception as error:  # noqa: BLE001 (crosses to the parent, which raises it)
            return Reply(error=portable(error))

    def _do_start(self, layout: RingLayout) -> None:
        if self._ring is None or self._ring.layout != layout:
            if self._ring is not None:
                self._ring.close()
            self._ring = FrameRing.attach(layout)
        self._take_returns()
        self._free = {role: deque(range(layout.slots)) for role in ROLES}
        self._overrun = dict.fromkeys(ROLES, 0)
        self._rig.start()
        self._publish_counters()
        self._streaming = True

    def _do_stop(self) -> None:
        self._streaming = False
        self._rig.stop()
        self._publish_counters()

    def _do_settings(self, role: Role) -> Any:
        return dict(self._rig.settings(role))

    def _do_features(self, role: Role) -> Any:
        return self._rig.features(role)

    def _do_snapshot(self, role: Role) -> Any:
        return self._rig.snapshot(role)

    def _do_apply(self, role: Role, name: str, value: Any) -> Any:
        return self._rig.apply(role, name, value)

    def _do_synchronize(self, config: Any) -> Any:
        return self._rig.synchronize(config)

    def _do_execute(self, command: str) -> None:
        self._rig.execute(command)

    def _pass_frame_on(self) -> None:
        try:
            frame = self._rig.next_frame(STEP_S)
            if frame is None:
                self._end_stream(None)
            else:
                self._offer(frame)
        except FrameTimeout:
            self._publish_counters()
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 (crosses to the parent, which raises it)
            self._end_stream(portable(error))

    def _end_stream(self, error: Exception | None) -> None:
        self._streaming = False
        self._publish_counters()
        self._ports.frames.send(StreamEnded(error))

    def _offer(self, frame: Frame) -> None:
        """Put a frame into a free slot and announce it; where none is free, count it as overrun."""
        assert self._ring is not None
        self._take_returns()
        if not self._free[frame.role]:
            self._overrun[frame.role] += 1
            self._publish_counters()
            return
        slot = self._free[frame.role].popleft()
        self._ring.write(frame.role, slot, frame.image)
        fields = {name: value for name, value in vars(frame).items() if name != "image"}
        self._publish_counters()
        self._ports.frames.send(FrameHeader(slot, frame.image.shape, frame.image.dtype.str, fields))

    def _take_returns(self) -> None:
        while self._ports.returns.poll():
            role, slot = self._ports.returns.recv_bytes()
            self._free[ROLES[role]].append(slot)

    def _publish_counters(self) -> None:
        if self._ring is None:
            return
        counters = self._rig.counters()
        self._ring.set_counters(
            {
                role: replace(counters[role], overrun=counters[role].overrun + self._overrun[role])
                if role in counters
                else CameraCounters()
                for role in ROLES
            }
        )


def portable(error: Exception) -> Exception:
    """Return an exception that arrives whole in the parent: ours as they are, others as CaptureError.

    The traceback travels as a note, which `str` of the exception does not show.
    """
    ours = isinstance(error, (CaptureError, CalibrationError, DatasetError))
    carried = error if ours else CaptureError(f"The capture process failed: {type(error).__name__}: {error}")
    try:
        carried = pickle.loads(pickle.dumps(carried))  # noqa: S301 (bytes made here)
    except Exception:  # noqa: BLE001 (whatever an exception class does in its constructor)
        carried = CaptureError(str(error))
    carried.add_note("In the capture process:\n" + "".join(traceback.format_exception(error)))
    return carried
