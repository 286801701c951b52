"""Thumbnails: made once per content, in the order of the wish, and never for a pair that is broken."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.browsing.feed import Feed
from app.browsing.many_pairs import write_many_pairs
from app.browsing.pictures import PairStudio
from app.browsing.table import PairTable
from app.browsing.thumbnails import GAP_PX, Job, Thumbnail, ThumbnailCache, Thumbnailer, fitted
from capture.dataset_records import image_path
from tests.app.browsing.pairs import write_dataset

SIZE = (82, 32)
WAIT_S = 30


@pytest.fixture
def table(tmp_path: Path) -> PairTable:
    write_dataset(tmp_path / "set", 6)
    return Feed(tmp_path / "set").open()


@pytest.fixture
def made(table: PairTable, tmp_path: Path) -> Iterator[tuple[Thumbnailer, queue.Queue[Thumbnail]]]:
    done: queue.Queue[Thumbnail] = queue.Queue()
    thumbnailer = Thumbnailer(
        PairStudio(table.folder, table.sessions), ThumbnailCache(tmp_path / "cache"), done.put, 1
    )
    yield thumbnailer, done
    thumbnailer.close()


@pytest.mark.usefixtures("no_leaks")
def test_they_come_in_the_order_of_the_wish_and_stay_on_disk(table: PairTable, made, tmp_path: Path) -> None:
    thumbnailer, done = made
    thumbnailer.want([Job(table.records[row], SIZE) for row in (4, 1, 5)])
    found = [done.get(timeout=WAIT_S) for _ in range(3)]
    assert [each.name for each in found] == ["000004", "000001", "000005"]
    image = found[0].image
    assert image is not None
    assert image.shape == (26, 82, 4)
    assert np.ptp(image[:, :40, :3].astype(int), axis=2).max() <= 24, "mono is at the left"
    assert len(list((tmp_path / "cache").glob("??/*.jpg"))) == 3
    thumbnailer.close()


def test_a_kept_one_needs_no_files(table: PairTable, made) -> None:
    thumbnailer, done = made
    thumbnailer.want([Job(table.records[0], SIZE)])
    first = done.get(timeout=WAIT_S)
    image_path(table.folder, "mono", "000000").unlink()
    thumbnailer.want([Job(table.records[0], SIZE), Job(table.records[0], (40, 20))])
    again, small = done.get(timeout=WAIT_S), done.get(timeout=WAIT_S)
    assert first.image is not None
    assert again.image is not None
    assert np.abs(first.image.astype(int) - again.image.astype(int)).mean() < 16  # JPEG of noise
    assert small.image is not None
    assert small.image.shape[1] <= 40


def test_a_broken_pair_says_why(table: PairTable, made) -> None:
    thumbnailer, done = made
    image_path(table.folder, "color", "000002").write_bytes(b"no picture")
    thumbnailer.want([Job(table.records[2], SIZE)])
    broken = done.get(timeout=WAIT_S)
    assert broken.image is None
    assert "000002.png" in broken.problem


def test_all_others_are_made_for_later(table: PairTable, made, tmp_path: Path) -> None:
    thumbnailer, done = made
    thumbnailer.fill(table.records)
    cache = ThumbnailCache(tmp_path / "cache")
    studio = PairStudio(table.folder, table.sessions)
    # A wish goes before what is for later; it comes after at most the one that is being made.
    thumbnailer.want([Job(table.records[5], SIZE)])
    assert done.get(timeout=WAIT_S).name == "000005"
    while thumbnailer.filled[0] < 6:
        thumbnailer.want([Job(table.records[0], SIZE)])
        done.get(timeout=WAIT_S)
    assert all(cache.has(studio.content_key(record)) for record in table.records)


def test_nothing_is_begun_while_nobody_looks(table: PairTable, made) -> None:
    thumbnailer, done = made
    thumbnailer.pause(paused=True)
    thumbnailer.want([Job(table.records[1], SIZE)])
    thumbnailer.want([Job(table.records[2], SIZE)])
    assert done.empty()
    thumbnailer.pause(paused=False)
    assert done.get(timeout=WAIT_S).name == "000002"
    thumbnailer.close()
    assert done.empty(), "the older wish was forgotten"


def test_what_nobody_expects_ends_no_thread(table: PairTable, made, monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnailer, done = made

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(PairStudio, "pictures", fail)
    thumbnailer.want([Job(table.records[1], SIZE)])
    assert "no room" in done.get(timeout=WAIT_S).problem
    monkeypatch.undo()
    thumbnailer.want([Job(table.records[1], SIZE)])
    assert done.get(timeout=WAIT_S).image is not None


def test_the_cache_keeps_to_its_size(tmp_path: Path) -> None:
    cache = ThumbnailCache(tmp_path)
    rng = np.random.default_rng(0)
    for number in range(8):
        cache.put(f"{number:064x}", rng.integers(0, 256, (40, 80, 3), np.uint8))
    size = sum(path.stat().st_size for path in tmp_path.glob("??/*"))
    assert cache.prune(size // 2) in (4, 5)
    assert sum(path.stat().st_size for path in tmp_path.glob("??/*")) <= size // 2
    (tmp_path / "00").mkdir(exist_ok=True)
    (tmp_path / "00" / f"{'1' * 62}.jpg").write_bytes(b"torn")
    assert cache.get("00" + "1" * 62) is None


def test_two_pictures_fit_into_the_place_they_get() -> None:
    kept = np.zeros((90, 240, 3), np.uint8)
    kept[:, 120:] = 255
    image = fitted(kept, (122, 200))
    assert image.shape == (45, 2 * 60 + GAP_PX, 4)
    assert (image[:, :60, :3] == 0).all()
    assert (image[:, 60 + GAP_PX :, :3] == 255).all()


def test_pairs_with_a_calibration_are_shown_rectified(tmp_path: Path) -> None:
    write_many_pairs(tmp_path / "set", 3, 96, 72, rooms=1)
    table = Feed(tmp_path / "set").open()
    pictures = PairStudio(table.folder, table.sessions).pictures(table.records[0], verify=True)
    assert pictures.rectified
    assert pictures.mono.shape == pictures.color.shape[:2] == (72, 96)
    assert len({record.mono.sha256 for record in table.records if record.mono}) == 3
