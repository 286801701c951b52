"""The capture process: frames through shared memory, and what happens when a side dies, hangs or is slow."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import process as process_module
from capture import ring as ring_module
from capture.capture_server import portable
from capture.discovery import viky_producer
from capture.errors import (
    CalibrationError,
    CaptureError,
    DatasetError,
    DeviceLost,
    DeviceNotFound,
    FrameTimeout,
    RigFileError,
    SettingRejected,
)
from capture.frames import ROLES, Role
from capture.process import RigProcess
from capture.rig import CameraCounters
from capture.ring import FrameRing
from capture.spec import CameraSpec, GenicamSpec
from tests.capture.rig_specs import PATIENCE_S, SLOW, ramp, replay, take, viky, virtual, wait_until

ROOT = Path(__file__).resolve().parents[2]
SHARED_MEMORY = Path("/dev/shm")


def shared_memory_names() -> set[str]:
    return {path.name for path in SHARED_MEMORY.glob("psm_*")} if SHARED_MEMORY.is_dir() else set()


def ring_name(rig: RigProcess) -> str:
    assert rig._ring is not None
    return rig._ring.layout.name


# -- frames


def test_every_frame_is_accounted_for() -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        frames = take(rig, 100)
        rig.stop()
        for role, counters in rig.counters().items():
            ids = [frame.frame_id for frame in frames if frame.role == role]
            assert counters.delivered == len(ids)
            # Frames that were on their way when the rig stopped count as overrun.
            assert ids[-1] - ids[0] + 1 - len(ids) <= counters.id_gaps + counters.overrun


def test_a_slow_reader_loses_the_newest_and_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads until the capture process runs out of slots; the oldest frames are all still there."""
    monkeypatch.setattr(ring_module, "MOST_SLOTS", 4)
    with RigProcess(viky()) as rig:
        rig.start()
        wait_until(lambda: all(c.overrun >= 10 for c in rig.counters().values()), "overruns")
        first = take(rig, 8)
        for role in ROLES:
            ids = [frame.frame_id for frame in first if frame.role == role]
            assert ids == list(range(ids[0], ids[0] + 4)), "what was caught before the overrun is in order"
        rest = take(rig, 20)
        rig.stop()
        for role, counters in rig.counters().items():
            ids = [frame.frame_id for frame in [*first, *rest] if frame.role == role]
            assert counters.delivered == len(ids)
            assert counters.overrun >= 10
            lost_inside = ids[-1] - ids[0] + 1 - len(ids)
            assert lost_inside <= counters.overrun + counters.id_gaps


def test_images_may_grow_while_stopped() -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 2)
        small = ring_name(rig)
        rig.stop()
        assert rig.apply("color", "Width", 800) == 800
        assert rig.info.color.width == 800
        rig.start()
        assert {frame.image.shape for frame in take(rig, 6)} == {(120, 160), (120, 800, 3)}
        assert small not in shared_memory_names()
        large = ring_name(rig)
    assert large not in shared_memory_names()


def test_twenty_megapixels_pass(tmp_path: Path) -> None:
    width, height = 5472, 3648
    with RigProcess(replay(tmp_path / "pairs", width=width, height=height, pairs=1, loop=False)) as rig:
        rig.start()
        by_role = {frame.role: frame.image for frame in take(rig, 2)}
    np.testing.assert_array_equal(by_role["mono"], ramp(width, height, 1)[..., 0])
    np.testing.assert_array_equal(by_role["color"], ramp(width, height, 3))


def test_settings_can_be_changed_from_another_thread_meanwhile() -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        answers: list[object] = []

        def change() -> None:
            rates = (50.0, 80.0, 100.0)
            answers.extend(rig.apply("mono", "AcquisitionFrameRate", rate) for rate in rates)
            answers.append(rig.settings("color")["AcquisitionFrameRate"].value)

        changer = threading.Thread(target=change)
        changer.start()
        while changer.is_alive():
            take(rig, 1)
        changer.join()
        assert answers == [50.0, 80.0, 100.0, 100.0]


def test_waiting_costs_nothing_and_blocks_nobody() -> None:
    """A thread that waits for a frame which does not come uses no processor time, and others run freely."""
    used_s: list[float] = []
    with RigProcess(viky(SLOW, SLOW)) as rig:
        rig.start()
        waiting = threading.Event()

        def wait_for_frames() -> None:
            waiting.set()
            before = time.thread_time()
            for _ in range(2):
                try:
                    rig.next_frame(0.4)
                except FrameTimeout:
                    continue
            used_s.append(time.thread_time() - before)

        waiter = threading.Thread(target=wait_for_frames)
        waiter.start()
        waiting.wait(PATIENCE_S)
        rounds = 0
        while waiter.is_alive():
            rounds += 1
        waiter.join()
    assert used_s[0] < 0.05
    assert rounds > 10_000


# -- dying and hanging


def test_a_killed_capture_process_is_a_lost_device() -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 10)
        memory = ring_name(rig)
        os.kill(rig.pid, signal.SIGKILL)
        with pytest.raises(DeviceLost, match=r"ended by signal 9"):
            take(rig, 1000)
        with pytest.raises(DeviceLost):
            rig.next_frame(PATIENCE_S)
        with pytest.raises(DeviceLost):
            rig.apply("mono", "AcquisitionFrameRate", 50.0)
        assert sum(counters.delivered for counters in rig.counters().values()) >= 10
        rig.stop()
    assert memory not in shared_memory_names()
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 4)


def test_death_while_waiting_is_noticed_at_once() -> None:
    with RigProcess(viky(SLOW, SLOW)) as rig:
        rig.start()
        pid = rig.pid
        threading.Timer(0.1, os.kill, (pid, signal.SIGKILL)).start()
        began = time.monotonic()
        with pytest.raises(DeviceLost):
            take(rig, 1000, patience_s=60.0)
        assert time.monotonic() - began < 10.0


def test_a_hanging_capture_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 2)
        os.kill(rig.pid, signal.SIGSTOP)
        monkeypatch.setattr(process_module, "REQUEST_TIMEOUT_S", 0.3)
        with pytest.raises(DeviceLost, match="did not answer"):
            rig.apply("mono", "AcquisitionFrameRate", 50.0)


def test_a_fetch_that_hangs_is_noticed_and_frames_before_it_are_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_module, "patience_s", lambda *_: 0.5)
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 10)
        os.kill(rig.pid, signal.SIGSTOP)
        before = rig.counters()
        frames = sum(counters.delivered for counters in before.values())
        with pytest.raises(DeviceLost, match=r"hung for .* while it fetched frames"):
            frames += len(take(rig, 1000))
        after = rig.counters()
        assert sum(counters.delivered for counters in after.values()) >= 10
        assert frames <= sum(counters.delivered for counters in after.values())
        with pytest.raises(DeviceLost, match="hung for"):
            rig.settings("mono")


def test_a_request_to_a_process_that_hangs_while_it_fetches_does_not_wait_for_its_own_time_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process_module, "patience_s", lambda *_: 0.5)
    monkeypatch.setattr(process_module, "REQUEST_TIMEOUT_S", 600.0)
    with RigProcess(virtual()) as rig:
        rig.start()
        take(rig, 2)
        rig.execute("HangFetch")

        def ask_until_it_fetches() -> None:
            while True:  # requests go first: some may be answered before the next fetch
                rig.settings("mono")

        with pytest.raises(DeviceLost, match="hung for"):
            ask_until_it_fetches()


def test_whoever_waits_can_be_called_off() -> None:
    rig = RigProcess(viky(SLOW, SLOW))
    with rig:
        rig.start()
        canceller = threading.Timer(0.1, rig.cancel)
        canceller.start()
        with pytest.raises(CaptureError, match="told to stop"):
            take(rig, 1000, patience_s=60.0)
        canceller.join()
    with pytest.raises(CaptureError, match="told to stop"):
        rig.__enter__()


def test_a_process_that_cannot_be_started_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_process: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(SpawnProcess, "start", refuse)
    with pytest.raises(CaptureError, match="could not be started: Resource temporarily unavailable"):
        RigProcess(viky()).__enter__()


def test_the_rest_of_a_terminal_group_survives_ctrl_c() -> None:
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 2)
        os.kill(rig.pid, signal.SIGINT)
        take(rig, 50)


def test_the_capture_process_has_neither_qt_nor_torch() -> None:
    with RigProcess(viky()) as rig:
        if not Path(f"/proc/{rig.pid}/maps").exists():
            pytest.skip("needs /proc")
        maps = Path(f"/proc/{rig.pid}/maps").read_text()
    assert "viky.cti" in maps
    assert "libtorch" not in maps
    assert "libQt6" not in maps


SCRIPT = """
import json, os, signal, sys
from capture.process import RigProcess
from tests.capture.rig_specs import take, viky

if __name__ == "__main__":
    with RigProcess(viky()) as rig:
        rig.start()
        take(rig, 10)
        print(json.dumps({"pid": rig.pid, "memory": rig._ring.layout.name}), flush=True)
        if sys.argv[1] == "kill child":
            os.kill(rig.pid, signal.SIGKILL)
            try:
                take(rig, 1000)
            except Exception as error:
                print(type(error).__name__, flush=True)
        elif sys.argv[1] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif sys.argv[1] == "leave":
            os._exit(0)
"""


def run_script(tmp_path: Path, what: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.run(
        [sys.executable, script, what],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("what", ["end well", "kill child"])
def test_nothing_is_left_and_nothing_is_said(tmp_path: Path, what: str) -> None:
    done = run_script(tmp_path, what)
    assert done.returncode == 0
    assert done.stderr == "", "no warning of the resource tracker, no traceback"
    facts = json.loads(done.stdout.splitlines()[0])
    assert facts["memory"] not in shared_memory_names()
    assert not psutil.pid_exists(facts["pid"])
    if what == "kill child":
        assert done.stdout.splitlines()[1] == "DeviceLost"


@pytest.mark.parametrize("what", ["die", "leave"])
def test_the_capture_process_does_not_outlive_its_parent(tmp_path: Path, what: str) -> None:
    done = run_script(tmp_path, what)
    facts = json.loads(done.stdout.splitlines()[0])
    wait_until(lambda: not psutil.pid_exists(facts["pid"]), "the orphan to end")
    wait_until(lambda: facts["memory"] not in shared_memory_names(), "the shared memory to go")


# -- errors


def test_errors_of_opening_arrive_as_they_are() -> None:
    spec = GenicamSpec("bench", CameraSpec("4711"), CameraSpec("4712"), producers=(viky_producer(),))
    with pytest.raises(DeviceNotFound, match="Camera 4711 and 4712 not found"):
        RigProcess(spec).__enter__()


def test_refusals_arrive_with_their_parts() -> None:
    with RigProcess(viky()) as rig:
        with pytest.raises(SettingRejected, match="it takes 1 … 200 Hz") as caught:
            rig.apply("mono", "AcquisitionFrameRate", 5000.0)
        assert (caught.value.setting, caught.value.value) == ("AcquisitionFrameRate", 5000.0)
        assert any("in apply" in note for note in caught.value.__notes__), "where it happened is kept"
        rig.start()
        take(rig, 2)


@pytest.mark.parametrize(
    "error",
    [
        CaptureError("a"),
        DeviceNotFound("b"),
        DeviceLost("c"),
        FrameTimeout("d"),
        RigFileError("e"),
        CalibrationError("f"),
        DatasetError("g"),
        SettingRejected("Gain", 99.0, "it takes 0 … 24 dB"),
    ],
)
def test_our_errors_cross_whole(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(portable(error)))
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)


def test_other_errors_cross_as_capture_errors() -> None:
    class StubbornError(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    for error in (StubbornError(1, 2), ZeroDivisionError("division by zero")):
        arrived = pickle.loads(pickle.dumps(portable(error)))
        assert type(arrived) is CaptureError
        assert type(error).__name__ in str(arrived)
        assert str(error) in str(arrived)


def test_closed_rigs_say_so() -> None:
    rig = RigProcess(viky())
    with pytest.raises(RuntimeError, match="not open"):
        rig.settings("mono")
    with pytest.raises(RuntimeError, match="not open"):
        rig.next_frame(0.1)
    with rig:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        rig.next_frame(0.1)


# -- the ring


@given(
    st.sampled_from(ROLES),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(["|u1", "<u2"]),
    st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_read(role: Role, width: int, height: int, dtype: str, seed: int) -> None:
    ring = FrameRing.create(40 * 40 * 3 * 2)
    other = FrameRing.attach(ring.layout)
    try:
        rng = np.random.default_rng(seed)
        images = {
            (r, slot): rng.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype)
            for r in ROLES
            for slot in range(ring.layout.slots)
        }
        for (r, slot), image in images.items():
            other.write(r, slot, image)
        for slot in range(ring.layout.slots):
            image = ring.read(role, slot, (height, width, 3), dtype)
            np.testing.assert_array_equal(image, images[role, slot])
            assert not image.flags.writeable
    finally:
        other.close()
        ring.close()


def test_counters_are_seen_by_the_other_side() -> None:
    ring = FrameRing.create(100)
    other = FrameRing.attach(ring.layout)
    counters: dict[Role, CameraCounters] = {
        "mono": CameraCounters(1, 2, 3, 4),
        "color": CameraCounters(5, 6, 7, 2**40),
    }
    other.set_counters(counters)
    other.write("mono", 0, np.full(100, 255, np.uint8))
    assert ring.counters() == counters
    other.close()
    ring.close()


def test_an_image_that_outgrew_its_slot_is_refused() -> None:
    ring = FrameRing.create(100)
    try:
        with pytest.raises(CaptureError, match="stop and start again"):
            ring.write("mono", 0, np.zeros(ring.layout.slot_bytes + 1, np.uint8))
    finally:
        ring.close()


def test_too_little_shared_memory_is_said_before_it_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "_free_bytes", lambda: 64_000_000)  # a container's default
    with pytest.raises(CaptureError, match=r"too small: images need 120 MB.*--shm-size"):
        FrameRing.create(20_000_000)
    ring = FrameRing.create(5_000_000)
    try:
        assert ring.layout.slots * ring.layout.slot_bytes * 2 <= 64_000_000
    finally:
        ring.close()
