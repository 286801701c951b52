"""Flicker of planted sequences, whose changes are known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.data.pairs import Pair
from models.engine import SearchRange
from models.errors import ModelError
from models.evaluation import flicker, standalone
from models.evaluation.flicker import FlickerMeter, chroma_change, measure_method
from models.evaluation.methods import Image, Prediction
from models.evaluation.places import CAMERA, DEPTH_EDGES, FIRST, OCCLUDED, TEXTURED, TEXTURELESS
from models.evaluation.regions import WHOLE
from models.evaluation.sets import DataSet
from tests.models.planted import FAR, PlantedPairs, planted_pair, write

GRAY = np.full((60, 140, 3), 100, np.uint8)


def tinted(cb_levels: float) -> np.ndarray:
    """Return a gray picture with Cb raised or lowered and Cr as it was."""
    blue = round(1.772 * cb_levels)
    green = -round(0.344136 * cb_levels)
    return (GRAY + np.array([0, green, blue])).astype(np.uint8)


def frames(count: int, shifts: Sequence[int] = ()) -> list[Pair]:
    """Return one planted pair again and again, its reference brighter in blue by `shifts`."""
    pair = planted_pair()
    dim = (pair.reference // 2).astype(np.uint8)
    given = shifts or [0] * count
    return [replace(pair, reference=(dim + np.array([0, 0, s])).astype(np.uint8)) for s in given]


def test_a_result_that_repeats_itself_does_not_flicker() -> None:
    meter = FlickerMeter()
    for pair in frames(3):
        meter.add(pair, {FIRST: GRAY})
    measured = meter.result()[WHOLE]
    assert (measured[FIRST].mean, measured[FIRST].p95) == (0, 0)
    assert measured[FIRST].pixels == 2 * 60 * 140
    assert measured[CAMERA].mean == 0


def test_a_result_that_alternates_flickers_by_the_whole_swing() -> None:
    meter = FlickerMeter()
    for index, pair in enumerate(frames(4)):
        meter.add(pair, {FIRST: tinted((-1) ** index * 30)})
    measured = meter.result()[WHOLE][FIRST]
    # Cb swings by 60 levels and Cr stays, but for what rounding to 8 bits does.
    assert measured.mean == pytest.approx(30, abs=0.5)
    assert measured.p95 == pytest.approx(30, abs=0.5)


def test_the_change_is_the_mean_of_both_planes() -> None:
    before, after = np.zeros((1, 1, 3), np.uint8), np.array([[[0, 0, 200]]], np.uint8)
    # Y rises by 22.8: Cb by 177.2 / 1.772 = 100, Cr falls by 22.8 / 1.402.
    assert chroma_change(before, after)[0, 0] == pytest.approx((100 + 22.8 / 1.402) / 2, abs=1e-3)


def test_the_camera_is_measured_where_it_sees_the_static_pixels() -> None:
    meter = FlickerMeter()
    for pair in frames(3, [0, 20, 0]):
        meter.add(pair, {FIRST: GRAY})
    measured = meter.result()
    expected = (0.886 * 20 / 1.772 + 0.114 * 20 / 1.402) / 2
    assert measured[TEXTURED][CAMERA].mean == pytest.approx(expected, rel=1e-4)
    assert CAMERA not in measured[OCCLUDED]
    assert measured[OCCLUDED][FIRST].pixels > 0
    assert flicker.yardstick(measured[OCCLUDED], measured[WHOLE]) == measured[WHOLE][CAMERA]


def test_what_moves_is_left_out() -> None:
    first, second = frames(2)
    assert first.truth is not None
    truth = first.truth.copy()
    truth[:30] = 255 - truth[:30]
    picture = GRAY.copy()
    picture[:30] = 0, 0, 255
    meter = FlickerMeter()
    meter.add(first, {FIRST: GRAY})
    meter.add(replace(second, truth=truth), {FIRST: picture})
    measured = meter.result()[WHOLE][FIRST]
    assert (measured.mean, measured.pixels) == (0, 30 * 140)


def test_changes_count_where_they_are() -> None:
    pair = frames(1)[0]
    assert pair.truth is not None
    truth = pair.truth.copy()
    truth[:, :40] = 90
    pair = replace(pair, truth=truth)
    picture = GRAY.copy()
    picture[:, :34] = 0, 0, 255
    meter = FlickerMeter()
    meter.add(pair, {FIRST: GRAY})
    meter.add(pair, {FIRST: picture})
    measured = meter.result()
    assert measured[TEXTURELESS][FIRST].mean > 50
    assert measured[TEXTURED][FIRST].mean == 0
    assert 0 < measured[DEPTH_EDGES][FIRST].pixels < 60 * 140 / 4


class Copies:
    """Takes the colours of a fixed shift; knows how often it was asked, and with what candidates."""

    name, fingerprint, candidates = "copies", "1", None

    def __init__(self) -> None:
        self.searches: list[SearchRange] = []

    def load(self) -> None:
        """Nothing to do."""

    def member_for(self, pair_name: str) -> Copies:
        return self

    def colorize(self, mono: Image, reference: Image, search: SearchRange) -> Prediction:
        self.searches.append(search)
        picture = np.roll(reference, -FAR, axis=1).astype(np.uint8)
        return Prediction(picture, picture, np.ones(mono.shape, np.float32))


class Sequence3(PlantedPairs):
    """Three frames of one view, the second with a brighter reference."""

    def read(self, index: int) -> Pair:
        return replace(frames(3, [0, 20, 0])[index], max_disparity=20 + index)


def test_a_method_is_compared_with_the_camera() -> None:
    method = Copies()
    sequence = DataSet("room", Sequence3(("000", "001", "002")), None)
    measured = measure_method(method, [sequence, sequence])[TEXTURED]
    assert measured[FIRST].mean == pytest.approx(measured[CAMERA].mean, rel=0.05)
    assert measured[FIRST].pixels == measured[CAMERA].pixels
    assert method.searches == [SearchRange(20)] * 6


def test_frames_without_truth_and_lone_frames_are_refused() -> None:
    with pytest.raises(ModelError, match="truth/"):
        FlickerMeter().add(replace(planted_pair(), truth=None), {FIRST: GRAY})
    with pytest.raises(ModelError, match="two frames"):
        measure_method(Copies(), [DataSet("room", PlantedPairs(("000",)), None)])


def command(*arguments: object) -> int:
    return standalone.main(
        "flicker", "Measure.", flicker.measure_folders, flicker.table, [str(a) for a in arguments]
    )


def test_the_command_prints_a_table_and_writes_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for index, pair in enumerate(frames(2, [0, 20])):
        assert pair.truth is not None
        assert pair.disparity is not None
        write(tmp_path / "room" / "mono" / f"{index:03d}.png", pair.mono)
        write(tmp_path / "room" / "color" / f"{index:03d}.png", pair.reference)
        write(tmp_path / "room" / "truth" / f"{index:03d}.png", pair.truth)
        (tmp_path / "room" / "disparity").mkdir(exist_ok=True)
        np.save(tmp_path / "room" / "disparity" / f"{index:03d}.npy", pair.disparity)
    out = tmp_path / "new" / "flicker.json"
    assert command(tmp_path, "--model", "copy", "--out", out) == 0
    figures = json.loads(out.read_text())["copy"][WHOLE]
    assert figures["first"]["mean"] == pytest.approx(figures["camera"]["mean"], rel=0.05)
    assert "visible, textured" in capsys.readouterr().out


def test_a_folder_without_pairs_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(tmp_path / "nowhere", "--model", "copy", "--out", tmp_path / "f.json") == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "f.json").exists()
