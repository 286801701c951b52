"""Shots of a board without a window: taken, kept, reopened, left out; ranges; pictures over each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from app.calibrating.collection import Collection
from app.calibrating.folder import Reading, read_folder
from app.calibrating.light import cameras_of, from_caps, from_card, from_white, take_average
from app.calibrating.preview import overlay
from app.calibrating.ranges import scene_disparities, scene_range
from app.calibrating.session import CHOICES_NAME, Choices, new_folder, read_choices, write_choices
from app.calibrating.watch import BoardWatch, Sighting
from app.pipeline.slots import LatestSlot
from app.pipeline.taps import Tap
from capture.board_images import find_board_images
from capture.dataset import DatasetReader
from capture.develop import develop_pair
from capture.errors import CalibrationError
from capture.frames import Frame, FramePair, Role
from capture.rectify import RectifiedView, Rectifier
from capture.rig import CameraInfo, RigInfo
from capture.spec import VirtualSpec
from capture.targets import Chessboard
from capture.virtual.board import CYCLE_S, INNER_CORNERS, SQUARE_MM
from capture.virtual.geometry import true_calibration
from capture.virtual.sensor import PIXEL_FORMATS, SENSORS
from capture.virtual.stage import Stage
from tests.app.pipelines import PATIENCE_S

BOARD = Chessboard(*INNER_CORNERS, SQUARE_MM)
SPEC = VirtualSpec()  # smaller boards are not found at the speed of live pictures
NS = 1_000_000_000


@cache
def stage() -> Stage:
    return Stage(SPEC)


def camera(role: Role) -> CameraInfo:
    return CameraInfo(role, f"V-{role}", "CycleRig", "Virtual", SPEC.width, SPEC.height, "Mono8", True)


INFO = RigInfo("virtual", "virtual", camera("mono"), camera("color"), 10.0, True, None, (), "")


@cache
def pair_at(pose: int, moment: int = 0, *, with_board: bool = True) -> FramePair:
    """Return the pair of a held pose of the board; moments are a tenth of a second apart, the board rests."""
    time_ns = round((pose * CYCLE_S + 0.3 + 0.1 * moment) * NS)

    def frame(role: Role) -> Frame:
        name, (layout, bits) = next(iter(PIXEL_FORMATS[role].items()))
        look = replace(SENSORS[role].look, bits=bits)
        image = stage().image(role, 10 * pose + moment, time_ns, look, with_board=with_board)
        return Frame(role, image, layout, bits, name, 10 * pose + moment, time_ns, time_ns)

    return FramePair(10 * pose + moment, frame("mono"), frame("color"), 0)


class Watched:
    """A `BoardWatch` on pairs that the test puts one by one."""

    def __init__(self, collection: Collection) -> None:
        self._news = threading.Condition()
        self.sightings: list[Sighting] = []
        self.pairs: LatestSlot[FramePair] = Tap[FramePair]().open()
        self.watch = BoardWatch(self.pairs, collection, lambda: INFO, self._on_sighting)
        self._thread = threading.Thread(target=self.watch.run)
        self._thread.start()

    def _on_sighting(self, sighting: Sighting) -> None:
        with self._news:
            self.sightings.append(sighting)
            self._news.notify_all()

    def see(self, pair: FramePair) -> Sighting:
        """Let it look at a pair, and return what it saw."""
        goal = len(self.sightings) + 1
        self.pairs.put(pair)
        with self._news:
            assert self._news.wait_for(lambda: len(self.sightings) >= goal, PATIENCE_S)
        return self.sightings[-1]

    def stop(self) -> None:
        self.watch.stop()
        self._thread.join(PATIENCE_S)


@pytest.fixture
def collection(tmp_path: Path) -> Iterator[Collection]:
    made = Collection(BOARD, tmp_path / "calibrations")
    yield made
    made.close()


@pytest.fixture
def watched(collection: Collection) -> Iterator[Watched]:
    made = Watched(collection)
    yield made
    made.stop()


def reread(collection: Collection, *paths: Path) -> tuple[Reading, list[Reading]]:
    progress: list[Reading] = []
    return read_folder(list(paths), collection, "left", progress.append, lambda: False), progress


def test_a_shot_is_taken_when_the_board_rests_and_not_again(watched: Watched, collection: Collection) -> None:
    first = watched.see(pair_at(1))
    assert (first.outcome, first.reason) == ("refused", "Hold it still …")
    taken = watched.see(pair_at(1, 1))
    assert taken.outcome == "taken"
    state = collection.state()
    assert [view.name for view in state.views] == ["000000"]
    assert state.folder is not None
    stored = DatasetReader.open(state.folder)
    assert np.array_equal(stored.load(stored.records[0]).mono.image, pair_at(1, 1).mono.image), "as captured"
    again = watched.see(pair_at(1, 2))
    assert again.outcome == "refused"
    assert "like a shot already taken" in again.reason


def test_without_a_board_the_reason_names_the_camera(watched: Watched, collection: Collection) -> None:
    seen = watched.see(pair_at(0, with_board=False))
    assert seen.outcome == "refused"
    assert seen.reason.startswith("Mono camera:")
    assert collection.state().folder is None, "nothing is made before there is something to keep"


def test_a_shot_can_be_asked_for(watched: Watched, collection: Collection) -> None:
    watched.watch.takes_shots = False
    assert watched.see(pair_at(1)).outcome == "looking"
    watched.watch.take_next()
    assert watched.see(pair_at(1, with_board=False)).outcome == "looking", "it waits for the board"
    assert watched.see(pair_at(1, 1)).outcome == "taken"
    assert watched.see(pair_at(1, 2)).outcome == "looking", "once only"
    assert len(collection.state().views) == 1


def test_shots_and_choices_are_there_after_the_app_died(
    watched: Watched, collection: Collection, tmp_path: Path
) -> None:
    watched.watch.takes_shots = False
    for pose in range(3):
        watched.watch.take_next()
        watched.see(pair_at(pose))
    collection.set_excluded("000001", excluded=True)
    folder = collection.state().folder
    assert folder is not None
    collection.close()  # what the death of the process does as well

    other = Collection(Chessboard(4, 4, 10.0), tmp_path)
    reading, progress = reread(other, folder)
    assert (reading.done, reading.found) == (3, 3)
    assert [step.done for step in progress] == [1, 2, 3]
    state = other.state()
    assert state.target == BOARD, "the folder knows what is in the pictures"
    assert state.excluded == {"000001"}
    assert [view.name for view in state.used] == ["000000", "000002"]
    assert state.takes_shots
    other.take(pair_at(4), dict(watched.see(pair_at(4)).seen), INFO)
    assert other.state().views[-1].name == "000003"
    assert len(DatasetReader.open(folder)) == 4
    images = other.images("000003")
    assert images is not None
    assert images.load("mono").shape == (SPEC.height, SPEC.width)
    other.close()


def test_choices_are_taken_back_one_by_one(collection: Collection, watched: Watched) -> None:
    watched.watch.takes_shots = False
    for pose in range(2):
        watched.watch.take_next()
        watched.see(pair_at(pose))
    collection.set_excluded("000000", excluded=True)
    collection.set_excluded("000001", excluded=True)
    collection.set_excluded("000001", excluded=True)  # no choice: nothing to take back
    collection.undo()
    assert collection.state().excluded == {"000000"}
    collection.undo()
    assert not collection.state().excluded
    assert not collection.state().can_undo


def test_images_of_others_are_not_added_to(collection: Collection, watched: Watched, tmp_path: Path) -> None:
    watched.watch.take_next()
    watched.see(pair_at(0))
    folder = collection.state().folder
    assert folder is not None
    (folder / CHOICES_NAME).unlink()  # now it could be anybody's
    reread(collection, folder)
    assert not collection.state().takes_shots
    seen = watched.see(pair_at(2))
    assert seen.outcome == "looking"
    assert "new set" in seen.reason
    collection.set_excluded("000000", excluded=True)
    assert not (folder / CHOICES_NAME).exists()


def test_what_comes_late_does_not_join_a_new_set(collection: Collection, watched: Watched) -> None:
    watched.watch.take_next()
    watched.see(pair_at(0))
    view = collection.state().views[0]
    folder = collection.state().folder
    assert folder is not None
    begun = collection.begin(BOARD)
    collection.begin(BOARD)
    collection.add(find_board_images([folder])[0], view, begun)
    assert not collection.state().views


def test_reading_can_be_cancelled(collection: Collection, watched: Watched) -> None:
    watched.watch.takes_shots = False
    for pose in range(2):
        watched.watch.take_next()
        watched.see(pair_at(pose))
    folder = collection.state().folder
    assert folder is not None
    reading = read_folder([folder], collection, "left", lambda _: None, lambda: True)
    assert (reading.done, reading.total) == (0, 2)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("excluded = 3", "excluded"),
        ("what = 1", "what"),
        ("target = 1", "target"),
        ("[target]\nkind = 'cube'", "target.kind"),
        ("][", "TOML"),
    ],
)
def test_broken_choices_are_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / CHOICES_NAME).write_text(text)
    with pytest.raises(CalibrationError, match=named):
        read_choices(tmp_path)


def test_choices_survive_the_file(tmp_path: Path) -> None:
    chosen = Choices(BOARD, frozenset({"a", "b"}))
    write_choices(tmp_path, chosen)
    assert read_choices(tmp_path) == chosen


def test_folders_made_in_the_same_second_differ(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    first = new_folder(tmp_path, now)
    first.mkdir()
    assert new_folder(tmp_path, now) != first


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_range_of_the_scene_is_that_of_the_truth(*, mirrored: bool) -> None:
    exact = true_calibration(SPEC)
    mono, reference = Rectifier(exact).rectify(*develop_pair(pair_at(0, with_board=False)))
    if mirrored:  # seen in a mirror, the colour camera stands on the other side
        mono, reference = np.ascontiguousarray(mono[:, ::-1]), np.ascontiguousarray(reference[:, ::-1])
    found = scene_disparities(mono, reference, mirrored=mirrored)
    assert len(found) > 100
    scene = scene_range([(mono, reference)], RectifiedView(exact), mirrored=mirrored)
    # The nearest things of the room stand at about half a metre, the window's view ends at four.
    assert 55 < scene.proposal.highest_px < 70
    assert 5 < scene.proposal.lowest_px < 12
    assert scene.proposal.count in (64, 80)
    assert scene.proposal.offset + scene.proposal.count > scene.proposal.highest_px
    assert 400 < scene.nearest_mm < 700


def test_a_shifted_picture_covers_itself() -> None:
    mono = np.random.default_rng(0).integers(0, 256, (20, 60), np.uint8)
    reference = np.roll(np.dstack([mono] * 3), 7, axis=1)  # content lies 7 px further right
    inside = (slice(None), slice(0, 50))
    assert np.array_equal(overlay(mono, reference, 7.0, "blend")[inside], np.dstack([mono] * 3)[inside])
    assert (overlay(mono, reference, 7.0, "difference")[inside] == 128).all()
    red_cyan = overlay(mono, reference, 7.0, "red-cyan")[inside]
    assert np.array_equal(red_cyan[..., 0], red_cyan[..., 1])
    assert not np.array_equal(overlay(mono, reference, 0.0, "difference")[inside], np.full((20, 50, 3), 128))


def test_light_is_measured_step_by_step() -> None:
    noise = np.random.default_rng(0)
    dark = noise.normal(0.03, 0.004, (240, 320)).clip(0, 1)
    caps = {"mono": as_image(dark), "color": as_image(np.dstack([dark] * 3))}
    black = from_caps(caps, cameras_of(None))
    assert black.cameras["mono"].black_level == pytest.approx(0.03, abs=0.001)
    y, x = np.mgrid[-1:1:240j, -1:1:320j]
    light = 0.8 * (1 - 0.3 * (x * x + y * y) / 2)
    seen = 0.03 + 0.97 * light
    white = {"mono": as_image(seen), "color": as_image(np.dstack([seen, seen, seen]))}
    flat = from_white([white], black.cameras)
    assert flat.cameras["mono"].flat_field is not None
    assert float(flat.cameras["mono"].flat_field.max()) == pytest.approx(1 / 0.7, rel=0.06)
    grey = np.broadcast_to(0.03 + 0.97 * 0.4 * np.array([0.5, 1.0, 0.8]), (240, 320, 3))
    card = from_card({"mono": as_image(dark), "color": as_image(grey)}, black.cameras)
    assert card.cameras["color"].white_balance == pytest.approx([2.0, 1.0, 1.25], rel=0.01)
    assert card.cameras["mono"] is black.cameras["mono"]


def test_pairs_are_averaged_and_their_lack_is_told() -> None:
    slot: LatestSlot[FramePair] = LatestSlot()
    with pytest.raises(CalibrationError, match="start the rig"):
        take_average(slot, lambda: True)
    slot.put(pair_at(0))
    averaged = take_average(slot, lambda: False, count=1)
    mono, color = develop_pair(pair_at(0))
    assert np.array_equal(averaged["mono"], mono.astype(np.uint16) * 257)
    assert averaged["color"].shape == color.shape


def as_image(light: np.ndarray) -> np.ndarray:
    return np.rint(light * 65535).astype(np.uint16)
