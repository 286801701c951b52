"""What can be opened for inspection, and what is said of the rest."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from app.inspecting.sources import open_source
from capture.dataset import DatasetEditor, Edit
from capture.virtual.geometry import rig_geometry, true_calibration
from capture.virtual.stage import Stage
from models.engine import SearchRange
from models.errors import ModelError
from models.evaluation.evaluated import note_evaluated, read_evaluated
from tests.app.inspecting.folders import write_pairs, write_rgb
from tests.app.inspecting.scenes import HEIGHT, WIDTH
from tests.app.test_training_data import SPEC, capture


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three pairs of the virtual rig with its exact calibration."""
    geometry = rig_geometry(SPEC)
    folder = tmp_path_factory.mktemp("captured") / "desk"
    capture(folder, Stage(SPEC, geometry), [0, 20, 40], true_calibration(SPEC, geometry))
    return folder


def test_pair_folder(tmp_path: Path) -> None:
    written = write_pairs(tmp_path / "mine")
    source = open_source(tmp_path / "mine")
    assert (source.title, [item.name for item in source.items]) == ("mine", ["p0", "p1", "p2"])
    pair = source.item("p1").read()
    assert np.array_equal(pair.mono, written[1].mono)
    assert np.array_equal(pair.reference, written[1].reference)
    assert pair.truth is not None
    assert np.array_equal(pair.truth, np.asarray(written[1].truth))
    assert source.item("p1").calibration() is None
    with pytest.raises(ModelError, match="mine has no pair nobody"):
        source.item("nobody")


def test_only_named_pairs_in_their_order(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    assert [item.name for item in open_source(tmp_path, ["p2", "p0"]).items] == ["p2", "p0"]
    with pytest.raises(ModelError, match="no pair p9"):
        open_source(tmp_path, ["p9"])


def test_folder_of_folders_names_the_set_too(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_pairs(tmp_path / name, 1)
    assert [item.name for item in open_source(tmp_path).items] == ["one/p0", "two/p0"]


def test_colour_stereo_set(tmp_path: Path) -> None:
    for pair in write_pairs(tmp_path / "source", 1):
        write_rgb(tmp_path / "set/reference/p0.png", np.asarray(pair.reference))
        write_rgb(tmp_path / "set/truth/p0.png", np.asarray(pair.truth))
        read = open_source(tmp_path / "set").items[0].read()
        assert read.mono_is_luma
        assert np.array_equal(np.asarray(read.truth), np.asarray(pair.truth))


def test_captured_dataset_is_rectified_with_its_own_calibration(captured: Path) -> None:
    source = open_source(captured)
    item = source.items[0]
    assert item.record is not None
    assert item.record.name == item.name
    calibration = item.calibration()
    assert calibration is not None
    # Pairs are brought to d ≥ 0, so the search begins there.
    assert item.data.search_for(item.read()) == SearchRange(calibration.max_disparity)


def test_without_a_calibration_pairs_are_shown_as_they_are(tmp_path: Path) -> None:
    capture(tmp_path / "raw", Stage(SPEC, rig_geometry(SPEC)), [0], None)
    source = open_source(tmp_path / "raw")
    assert "not rectified" in source.notice
    pair = source.items[0].read()
    assert pair.mono.shape == (SPEC.height, SPEC.width)
    assert source.items[0].calibration() is None
    assert source.items[0].data.search_for(pair).max_disparity == SPEC.width // 5


def test_excluded_and_trashed_pairs_are_not_inspected(captured: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(captured, tmp_path / "desk")
    names = [item.name for item in open_source(folder).items]
    DatasetEditor(folder).apply(Edit((names[0],), trashed=True))
    assert [item.name for item in open_source(folder).items] == names[1:]


def test_kitti_like_folder_without_calibration(tmp_path: Path) -> None:
    for pair in write_pairs(tmp_path / "source", 2):
        write_rgb(tmp_path / "drive/image_00/data" / f"{pair.name}.png", np.asarray(pair.mono))
        write_rgb(tmp_path / "drive/image_02/data" / f"{pair.name}.png", np.asarray(pair.reference))
    source = open_source(tmp_path / "drive")
    read = source.item("p1").read()
    assert read.mono.shape == (HEIGHT, WIDTH)
    assert read.reference.shape == (HEIGHT, WIDTH, 3)
    assert source.item("p1").calibration() is None


def test_kitti_itself_is_rectified_and_its_range_measured(shared_dir: Path, tmp_path: Path) -> None:
    kitti = shared_dir / "data/kitti_mono_color"
    if not kitti.is_dir():
        pytest.skip("no KITTI pairs here")
    (tmp_path / "image_00").symlink_to(kitti / "mono")
    (tmp_path / "image_02").symlink_to(kitti / "color")
    shutil.copy(kitti / "calib_cam_to_cam.txt", tmp_path)
    item = open_source(tmp_path).items[0]
    calibration = item.calibration()
    assert calibration is not None
    assert calibration.baseline_mm == pytest.approx(60, abs=3)
    search = item.data.search_for(item.read())
    assert search.offset <= -1
    assert search.offset + search.max_disparity > 14


def test_results_know_their_pairs_and_methods(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs")
    note_evaluated(tmp_path / "out", [tmp_path / "pairs"], ["sgbm"], {"pairs": SearchRange(24, offset=-2)})
    source = open_source(tmp_path / "out")
    assert source.methods == ("sgbm",)
    assert source.results == tmp_path / "out"
    item = source.items[0]
    assert item.data.search_for(item.read()) == SearchRange(24, offset=-2)
    shutil.rmtree(tmp_path / "pairs")
    with pytest.raises(ModelError, match="not there any more"):
        open_source(tmp_path / "out")


def test_evaluations_keep_files_as_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.safetensors").touch()
    Path("data").mkdir()
    note_evaluated(Path("out"), [Path("data")], ["live", "best=mine.safetensors"], {})
    known = read_evaluated(Path("out"))
    assert known.data == (tmp_path / "data",)
    assert known.methods == ("live", f"best={tmp_path / 'mine.safetensors'}")


@pytest.mark.parametrize(
    "text", ["", "[]", '{"data": 3}', '{"data": [], "methods": [], "ranges": {"a": [1]}}']
)
def test_broken_evaluations_are_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "evaluated.json").write_text(text)
    with pytest.raises(ModelError, match=r"evaluated\.json does not tell"):
        open_source(tmp_path)


def test_what_is_no_source_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(ModelError, match="no pairs"):
        open_source(tmp_path)
