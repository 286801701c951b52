"""The recorder: what it says about its queue and the disk, and when it stops."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.pipeline.board import Board
from app.pipeline.recorder import GROUP_PAIRS, Recorder, raw_bytes
from capture.dataset import DatasetReader, DatasetWriter, PairNote, SavedGroup, SessionAbout
from capture.disk_space import DiskSpace, free_bytes
from capture.errors import DatasetError
from capture.frames import FramePair
from tests.capture.dataset_pairs import RIG, listed_pairs_that_are_not_whole, make_pair
from tests.capture.rigs_on_paper import make_calibration

pytestmark = pytest.mark.usefixtures("no_leaks")

SOON_S = 60.0
PAIR_BYTES = raw_bytes(make_pair(0))


def board() -> Board:
    return Board(("recorder",), lambda: None)


@contextmanager
def running(recorder: Recorder) -> Iterator[Recorder]:
    recorder.use(RIG, None)
    thread = threading.Thread(target=recorder.run, name="recorder")
    thread.start()
    try:
        yield recorder
    finally:
        recorder.close()
        thread.join()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with running(Recorder(board(), budget_bytes=1 << 30)) as started:
        yield started


class Brake:
    """Holds the writer back until it is released, and remembers what it was given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._go = threading.Event()
        self.began = threading.Event()
        self.groups: list[int] = []
        self.stored: list[bool] = []
        save = DatasetWriter.save_group

        def held(
            writer: DatasetWriter, group: Sequence[tuple[FramePair, PairNote]], *, stored: bool = False
        ) -> SavedGroup:
            self.groups.append(len(group))
            self.stored.append(stored)
            self.began.set()
            assert self._go.wait(SOON_S)
            return save(writer, group, stored=stored)

        monkeypatch.setattr(DatasetWriter, "save_group", held)

    def release(self) -> None:
        self._go.set()


def test_each_pair_learns_its_name_once_it_is_safe(recorder: Recorder, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no dataset is open"):
        recorder.save(make_pair(0))
    recorder.open(tmp_path)
    note = PairNote({"skew_ms": 0.5}, ("skew_ms",), ("bench",), "single")
    names = [recorder.save(make_pair(index), note) for index in range(3)]
    assert not names[2].cancel()
    assert [name.result(SOON_S) for name in names] == ["000000", "000001", "000002"]
    status = recorder.status()
    assert (status.saved, status.last_saved) == (3, ("000000", "000001", "000002"))
    record = DatasetReader.open(tmp_path).records[1]
    assert PairNote(record.gates, record.warnings, record.tags, record.mode) == note


def test_pairs_that_wait_go_to_disk_together(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = Brake(monkeypatch)
    recorder.open(tmp_path)
    names = [recorder.save(make_pair(0))]
    assert brake.began.wait(SOON_S)
    names += [recorder.save(make_pair(index)) for index in range(1, 2 * GROUP_PAIRS)]
    status = recorder.status()
    assert (status.saved, status.queued) == (0, 2 * GROUP_PAIRS)  # the one under way is not safe yet
    assert status.queued_bytes == 2 * GROUP_PAIRS * PAIR_BYTES
    assert status.age_s > 0
    brake.release()
    assert [name.result(SOON_S) for name in names] == [f"{n:06d}" for n in range(2 * GROUP_PAIRS)]
    assert brake.groups == [1, GROUP_PAIRS, GROUP_PAIRS - 1]
    assert listed_pairs_that_are_not_whole(tmp_path) == []


def test_with_a_long_queue_images_are_stored_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake = Brake(monkeypatch)
    with running(Recorder(board(), budget_bytes=8 * PAIR_BYTES)) as recorder:
        recorder.open(tmp_path)
        pairs = [make_pair(index) for index in range(6)]
        recorder.save(pairs[0])
        assert brake.began.wait(SOON_S)
        names = [recorder.save(pair) for pair in pairs[1:]]
        assert not recorder.status().compressed
        brake.release()
        names[-1].result(SOON_S)
        assert recorder.status().compressed
        recorder.save(pairs[0]).result(SOON_S)
    assert brake.stored == [False, True, False]
    reader = DatasetReader.open(tmp_path)
    for pair, record in zip(pairs, reader, strict=False):
        assert (reader.load(record, verify=True).color.image == pair.color.image).all()


def test_a_full_queue_ends_the_recording_and_loses_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brake, errors = Brake(monkeypatch), board()
    with running(Recorder(errors, budget_bytes=4 * PAIR_BYTES)) as recorder:
        recorder.open(tmp_path)
        recorder.set_recording(True)
        names = [recorder.offer(make_pair(index)) for index in range(7)]
        assert [name is not None for name in names] == 4 * [True] + 3 * [False]
        assert not recorder.status().recording
        assert "Recording stopped. Writing is too slow: 4 pairs" in errors.text
        brake.release()
    assert recorder.status().saved == 4
    assert [record.index for record in DatasetReader.open(tmp_path)] == [0, 1, 2, 3]


def test_it_stops_before_the_disk_is_full(tmp_path: Path) -> None:
    errors = board()
    reserve = free_bytes(tmp_path) + (1 << 40)  # this disk is too full for it
    with running(Recorder(errors, reserve_bytes=reserve)) as recorder:
        recorder.open(tmp_path)
        recorder.set_recording(True)
        assert recorder.offer(make_pair(0)) is None
        status = recorder.status()
        assert not status.recording
        assert status.space is not None
        assert status.space.pairs_left == 0
        assert "Recording stopped. The disk is nearly full:" in errors.text
        assert "are kept free" in errors.text
        with pytest.raises(DatasetError, match="nearly full"):
            recorder.save(make_pair(1))


def test_it_tells_how_many_pairs_fit(recorder: Recorder, tmp_path: Path) -> None:
    assert recorder.status().space is None
    recorder.offer(make_pair(0))  # seen, not saved: what it takes in memory is the best guess
    recorder.open(tmp_path)
    space = recorder.status().space
    assert space is not None
    assert space.pair_bytes == PAIR_BYTES
    assert space.pairs_left == (space.free_bytes - space.reserve_bytes) // PAIR_BYTES
    recorder.save(make_pair(0)).result(SOON_S)
    space = recorder.status().space
    assert space is not None
    on_disk = sum(path.stat().st_size for path in tmp_path.glob("*/000000.png"))
    assert space.pair_bytes == on_disk


def test_a_pair_that_cannot_be_written_is_told_and_the_next_is_tried(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.open(tmp_path)
    bad = make_pair(1)
    bad = replace(bad, color=replace(bad.color, image=bad.color.image[:0]))
    names: list[Future[str]] = [recorder.save(pair) for pair in (make_pair(0), bad, make_pair(2))]
    assert names[0].result(SOON_S) == "000000"
    with pytest.raises(DatasetError, match="pair 000001 was not saved"):
        names[1].result(SOON_S)
    assert names[2].result(SOON_S) == "000001"
    assert "000001" in recorder.status().error
    assert [record.index for record in DatasetReader.open(tmp_path)] == [0, 2]


def test_what_is_known_of_the_session_is_noted_now_and_in_the_next_one(
    recorder: Recorder, tmp_path: Path
) -> None:
    recorder.describe(SessionAbout(operator="Kim"))
    recorder.open(tmp_path / "first", {"mono": {"BlackLevel": 2.5}})
    recorder.describe(SessionAbout(operator="Lee", lens_note="f/4"))
    recorder.save(make_pair(0)).result(SOON_S)
    (session,) = DatasetReader.open(tmp_path / "first").sessions
    assert (session["operator"], session["lens_note"]) == ("Lee", "f/4")
    assert session["nodes"] == {"mono": {"BlackLevel": 2.5}}
    recorder.open(tmp_path / "second")
    (session,) = DatasetReader.open(tmp_path / "second").sessions
    assert (session["operator"], session.get("nodes")) == ("Lee", None)


@pytest.mark.parametrize(
    ("free", "pair", "fit"), [(5_000, 100, 30), (1_999, 100, 0), (5_000, 0, None), (-10, 100, 0)]
)
def test_room_on_a_disk(free: int, pair: int, fit: int | None) -> None:
    space = DiskSpace(free, 2_000, pair)
    assert space.pairs_left == fit
    assert space.has_room_for(3_000) == (free == 5_000)
    assert not space.has_room_for(3_001)


def test_another_calibration_or_size_begins_another_session(recorder: Recorder, tmp_path: Path) -> None:
    recorder.open(tmp_path, {"mono": {"Gamma": 0.45}})
    recorder.save(make_pair(0)).result(SOON_S)
    recorder.use(replace(RIG, notice="found again"), None)  # the same cameras and no calibration: as before
    recorder.save(make_pair(1)).result(SOON_S)
    recorder.use(RIG, make_calibration())
    recorder.use(RIG, make_calibration())
    recorder.save(make_pair(2)).result(SOON_S)
    recorder.use(replace(RIG, mono=replace(RIG.mono, width=20)), make_calibration())
    recorder.save(make_pair(3)).result(SOON_S)
    reader = DatasetReader.open(tmp_path)
    assert [record.session for record in reader] == [0, 0, 1, 2]
    assert [session.get("calibration") for session in reader.sessions] == [None, *2 * ["calibration.toml"]]
    assert all(session["nodes"] == {"mono": {"Gamma": 0.45}} for session in reader.sessions)
    assert recorder.status().saved == 4
