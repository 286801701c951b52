"""The C functions themselves, used wrongly: errors as the standard has them, never a crash."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import byref, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p, create_string_buffer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from capture.simulator.rig import producer_path

SUCCESS, NOT_INITIALIZED, NOT_IMPLEMENTED, RESOURCE_IN_USE = 0, -1002, -1003, -1004
INVALID_HANDLE, INVALID_ID, INVALID_PARAMETER, IO, TIMEOUT, ABORT = -1006, -1007, -1009, -1010, -1011, -1012
INVALID_ADDRESS, BUFFER_TOO_SMALL, INVALID_INDEX, BUSY = -1015, -1016, -1017, -1022
ACCESS_DENIED, INVALID_VALUE = -1005, -1019
NEW_BUFFER = 1
DISCARD_ALL = 4
FOREVER = c_uint64(2**64 - 1)

HANDLE_FIRST = tuple(
    name
    for line in (
        "DSAllocAndAnnounceBuffer DSAnnounceBuffer DSClose DSFlushQueue DSGetBufferChunkData DSGetBufferID",
        "DSGetBufferInfo DSGetBufferPartInfo DSGetInfo DSGetNumBufferParts DSGetParentDev DSQueueBuffer",
        "DSRevokeBuffer DSStartAcquisition DSStopAcquisition DevClose DevGetDataStreamID DevGetInfo",
        "DevGetNumDataStreams DevGetParentIF DevGetPort DevOpenDataStream EventFlush EventGetDataInfo",
        "EventGetInfo EventKill GCGetNumPortURLs GCGetPortInfo GCGetPortURL GCGetPortURLInfo",
        "GCReadPort GCRegisterEvent GCUnregisterEvent GCWritePort IFClose IFGetDeviceID",
        "IFGetDeviceInfo IFGetInfo IFGetNumDevices IFGetParentTL IFOpenDevice IFUpdateDeviceList",
        "TLClose TLGetInfo TLGetInterfaceID TLGetInterfaceInfo TLGetNumInterfaces TLOpenInterface",
        "TLUpdateInterfaceList",
    )
    for name in line.split()
)


class Bench:
    """The library with one camera and its stream opened by hand."""

    def __init__(self, path: Path) -> None:
        self.lib: Any = ctypes.CDLL(str(path))
        self.system, self.interface, self.device = c_void_p(), c_void_p(), c_void_p()
        self.port, self.stream, self.event = c_void_p(), c_void_p(), c_void_p()

    def open(self) -> None:
        lib = self.lib
        assert lib.GCInitLib() == SUCCESS
        assert lib.TLOpen(byref(self.system)) == SUCCESS
        assert lib.TLOpenInterface(self.system, b"CycleRigBench", byref(self.interface)) == SUCCESS
        assert lib.IFUpdateDeviceList(self.interface, None, c_uint64(0)) == SUCCESS
        assert lib.IFOpenDevice(self.interface, b"CycleRig_SIM-MONO", 4, byref(self.device)) == SUCCESS
        assert lib.DevGetPort(self.device, byref(self.port)) == SUCCESS
        assert lib.DevOpenDataStream(self.device, b"CycleRig_SIM-MONO_Stream", byref(self.stream)) == SUCCESS
        assert lib.GCRegisterEvent(self.stream, NEW_BUFFER, byref(self.event)) == SUCCESS

    def last_error(self) -> tuple[int, str]:
        code, size = c_int32(), c_size_t(0)
        assert self.lib.GCGetLastError(byref(code), None, byref(size)) == SUCCESS
        text = create_string_buffer(size.value)
        assert self.lib.GCGetLastError(byref(code), text, byref(size)) == SUCCESS
        return code.value, text.value.decode()


@pytest.fixture
def closed(simulator: Path) -> Bench:
    return Bench(producer_path(simulator))


@pytest.fixture
def bench(closed: Bench) -> Iterator[Bench]:
    closed.open()
    yield closed
    closed.lib.GCCloseLib()


def test_everything_waits_for_init(closed: Bench) -> None:
    for name in ("GCCloseLib", *HANDLE_FIRST):
        arguments = [None] * 6 if name != "GCCloseLib" else []
        assert getattr(closed.lib, name)(*arguments) == NOT_INITIALIZED, name
    assert closed.last_error() == (NOT_INITIALIZED, "GCInitLib was not called.")


def test_a_library_and_a_system_are_opened_once(bench: Bench) -> None:
    assert bench.lib.GCInitLib() == RESOURCE_IN_USE
    assert bench.lib.TLOpen(byref(c_void_p())) == RESOURCE_IN_USE
    assert bench.lib.TLOpenInterface(bench.system, b"CycleRigBench", byref(c_void_p())) == RESOURCE_IN_USE
    assert (
        bench.lib.IFOpenDevice(bench.interface, b"CycleRig_SIM-MONO", 4, byref(c_void_p())) == RESOURCE_IN_USE
    )


@pytest.mark.parametrize("kind", ["none", "made up", "of another module"])
def test_handles_that_are_none(bench: Bench, kind: str) -> None:
    for name in HANDLE_FIRST:
        other = bench.event if not name.startswith("Event") else bench.system
        handle = {"none": c_void_p(None), "made up": c_void_p(0xDEADBEEF), "of another module": other}[kind]
        result = getattr(bench.lib, name)(handle, None, None, None, None, None)
        expected = (
            {INVALID_HANDLE, NOT_IMPLEMENTED, INVALID_PARAMETER}
            if kind == "of another module"
            else {INVALID_HANDLE}
        )
        assert result in expected, name


def test_pointers_that_are_missing(bench: Bench) -> None:
    lib = bench.lib
    calls = [
        lib.TLGetNumInterfaces(bench.system, None),
        lib.TLGetInfo(bench.system, 0, None, None, None),
        lib.TLOpenInterface(bench.system, None, byref(c_void_p())),
        lib.IFGetNumDevices(bench.interface, None),
        lib.IFOpenDevice(bench.interface, b"CycleRig_SIM-COLOR", 4, None),
        lib.DevGetPort(bench.device, None),
        lib.GCReadPort(bench.port, c_uint64(0x10000), None, byref(c_size_t(8))),
        lib.GCReadPort(bench.port, c_uint64(0x10000), create_string_buffer(8), None),
        lib.EventGetData(bench.event, create_string_buffer(16), None, c_uint64(0)),
        lib.DSAnnounceBuffer(bench.stream, None, c_size_t(10), None, byref(c_void_p())),
    ]
    assert calls == [INVALID_PARAMETER] * len(calls)


def test_names_and_numbers_that_do_not_exist(bench: Bench) -> None:
    lib, size = bench.lib, c_size_t(100)
    text = create_string_buffer(100)
    assert lib.IFOpenDevice(bench.interface, b"nobody", 4, byref(c_void_p())) == INVALID_ID
    assert lib.DevOpenDataStream(bench.device, b"nothing", byref(c_void_p())) == INVALID_ID
    assert lib.IFGetDeviceID(bench.interface, 2, text, byref(size)) == INVALID_INDEX
    assert lib.GCGetPortURLInfo(bench.port, 1, 0, None, text, byref(size)) == INVALID_INDEX
    assert lib.DevGetInfo(bench.device, 999, None, text, byref(size)) == NOT_IMPLEMENTED
    assert lib.GCRegisterEvent(bench.device, 0, byref(c_void_p())) == NOT_IMPLEMENTED


def test_texts_tell_their_size(bench: Bench) -> None:
    size = c_size_t(0)
    assert bench.lib.DevGetInfo(bench.device, 7, None, None, byref(size)) == SUCCESS
    assert size.value == len("SIM-MONO") + 1
    small = c_size_t(3)
    assert (
        bench.lib.DevGetInfo(bench.device, 7, None, create_string_buffer(3), byref(small)) == BUFFER_TOO_SMALL
    )


@pytest.mark.parametrize(
    ("address", "size"),
    [
        (0, 8),
        (0x10000, 4),
        (0x10000 + 5, 8),
        (0x10000 + 64, 250),
        (2**63, 8),
        (0x40000000 + 10**9, 8),
        (2**64 - 4, 8),
    ],
)
def test_registers_that_do_not_exist(bench: Bench, address: int, size: int) -> None:
    data, count = create_string_buffer(max(size, 8)), c_size_t(size)
    assert bench.lib.GCReadPort(bench.port, c_uint64(address), data, byref(count)) == INVALID_ADDRESS
    assert bench.lib.GCWritePort(bench.port, c_uint64(address), data, byref(count)) == INVALID_ADDRESS


def announce(bench: Bench, size: int) -> c_void_p:
    buffer = c_void_p()
    assert bench.lib.DSAllocAndAnnounceBuffer(bench.stream, c_size_t(size), None, byref(buffer)) == SUCCESS
    return buffer


def test_the_life_of_a_buffer(bench: Bench) -> None:
    lib = bench.lib
    buffer = announce(bench, 100)
    assert lib.DSQueueBuffer(bench.stream, buffer) == SUCCESS
    assert lib.DSQueueBuffer(bench.stream, buffer) == RESOURCE_IN_USE
    assert lib.DSRevokeBuffer(bench.stream, buffer, None, None) == BUSY
    assert lib.DSFlushQueue(bench.stream, DISCARD_ALL) == SUCCESS
    assert lib.DSRevokeBuffer(bench.stream, buffer, None, None) == SUCCESS
    assert lib.DSQueueBuffer(bench.stream, buffer) == INVALID_HANDLE
    assert lib.DSFlushQueue(bench.stream, 77) == INVALID_PARAMETER


def test_waiting_for_a_buffer(bench: Bench) -> None:
    data, size = create_string_buffer(16), c_size_t(16)
    assert bench.lib.EventGetData(bench.event, data, byref(size), c_uint64(0)) == TIMEOUT
    small = c_size_t(8)
    assert bench.lib.EventGetData(bench.event, data, byref(small), c_uint64(0)) == BUFFER_TOO_SMALL


@pytest.mark.parametrize("end", ["EventKill", "GCUnregisterEvent", "DSClose", "GCCloseLib"])
def test_a_wait_for_ever_can_be_ended(bench: Bench, end: str) -> None:
    from threading import Event, Thread

    results: list[int] = []
    is_waiting = Event()

    def wait() -> None:
        is_waiting.set()
        data, size = create_string_buffer(16), c_size_t(16)
        results.append(bench.lib.EventGetData(bench.event, data, byref(size), FOREVER))

    thread = Thread(target=wait)
    thread.start()
    is_waiting.wait()
    arguments = {
        "EventKill": (bench.event,),
        "GCUnregisterEvent": (bench.stream, NEW_BUFFER),
        "DSClose": (bench.stream,),
        "GCCloseLib": (),
    }[end]
    while thread.is_alive():  # until the thread has come to wait, there is nothing to end
        result = getattr(bench.lib, end)(*arguments)
        thread.join(0.01)
    assert results[0] in (ABORT, INVALID_HANDLE, NOT_INITIALIZED), (end, result)


def test_closing_closes_what_is_below(bench: Bench) -> None:
    buffer = announce(bench, 100)
    assert bench.lib.IFClose(bench.interface) == SUCCESS
    for call in (
        bench.lib.DSQueueBuffer(bench.stream, buffer),
        bench.lib.DSClose(bench.stream),
        bench.lib.EventFlush(bench.event),
        bench.lib.DevClose(bench.device),
        bench.lib.GCReadPort(bench.port, c_uint64(0x10000), create_string_buffer(8), byref(c_size_t(8))),
        bench.lib.IFClose(bench.interface),
    ):
        assert call == INVALID_HANDLE


def test_a_scene_that_is_missing_or_none(
    closed: Bench, simulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = (simulator / "scene.bin").read_bytes()
    cut, other = tmp_path / "cut.bin", tmp_path / "other.bin"
    cut.write_bytes(scene[:50])
    other.write_bytes(b"x" * 5000)
    assert closed.lib.GCInitLib() == SUCCESS
    for path, problem in ((tmp_path / "no.bin", "missing"), (cut, "version"), (other, "version")):
        monkeypatch.setenv("CYCLERIG_SIMULATOR_SCENE", str(path))
        assert closed.lib.TLOpen(byref(c_void_p())) == IO
        assert problem in closed.last_error()[1]
        assert "make simulator" in closed.last_error()[1]
    assert closed.lib.GCCloseLib() == SUCCESS


def test_the_count_of_cameras(bench: Bench) -> None:
    count = c_uint32()
    assert bench.lib.IFGetNumDevices(bench.interface, byref(count)) == SUCCESS
    assert count.value == 2
    name, size = create_string_buffer(64), c_size_t(64)
    assert bench.lib.IFGetDeviceID(bench.interface, 1, name, byref(size)) == SUCCESS
    assert c_char_p(name.value).value == b"CycleRig_SIM-COLOR"


def registers_of(bench: Bench) -> dict[str, tuple[int, int]]:
    """Return address and length of every register that can be written, by the description."""
    url, size = create_string_buffer(500), c_size_t(500)
    assert bench.lib.GCGetPortURL(bench.port, url, byref(size)) == SUCCESS
    _, address, length = url.value.decode().partition("?")[0].split(";")
    text, count = create_string_buffer(int(length, 16)), c_size_t(int(length, 16))
    assert bench.lib.GCReadPort(bench.port, c_uint64(int(address, 16)), text, byref(count)) == SUCCESS
    found = {}
    for node in ET.fromstring(text.value.decode()):
        values = {child.tag.rpartition("}")[2]: child.text or "" for child in node}
        if values.get("AccessMode") in ("RW", "WO"):
            found[node.attrib["Name"]] = (int(values["Address"], 16), int(values["Length"]))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_any_value_in_any_register_at_any_time(bench: Bench, seed: int) -> None:
    """Settings at random, sensible or not, while frames come: an answer to all, and frames that fit."""
    random = np.random.default_rng(seed)
    registers = registers_of(bench)
    for dangerous in (
        "SimulatorCrash_Value",
        "SimulatorHangFetch_Value",
        "SimulatorVanish_Value",
        "DeviceReset_Value",
    ):
        del registers[dangerous]
    for _ in range(8):
        assert bench.lib.DSQueueBuffer(bench.stream, announce(bench, 200_000)) == SUCCESS
    assert bench.lib.DSStartAcquisition(bench.stream, 0, FOREVER) == SUCCESS
    results = set()
    for _ in range(3000):
        address, length = registers[random.choice(list(registers))]
        kind = random.integers(4)
        if length != 8 or kind == 0:
            data = random.bytes(length)
        elif kind == 1:
            data = np.int64(random.integers(-2, 700)).tobytes()
        else:
            data = (
                np.float64(random.uniform(-10, 1000)).tobytes() if kind == 2 else np.float64(np.nan).tobytes()
            )
        results.add(bench.lib.GCWritePort(bench.port, c_uint64(address), data, byref(c_size_t(length))))
        event, size = (c_void_p * 2)(), c_size_t(16)
        if bench.lib.EventGetData(bench.event, event, byref(size), c_uint64(0)) == SUCCESS:
            buffer = c_void_p(event[0])
            filled = c_size_t()
            assert (
                bench.lib.DSGetBufferInfo(bench.stream, buffer, 9, None, byref(filled), byref(size))
                == SUCCESS
            )
            assert filled.value <= 200_000
            assert bench.lib.DSQueueBuffer(bench.stream, buffer) == SUCCESS
    assert SUCCESS in results
    assert results <= {SUCCESS, INVALID_VALUE, ACCESS_DENIED, IO}
