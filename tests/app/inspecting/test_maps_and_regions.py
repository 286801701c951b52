"""Maps say what they say they are; regions measure their own pixels and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.inspecting import maps
from app.inspecting.maps import KINDS, MapInput, Undefined, make_map
from app.inspecting.measures import comparable_truth
from app.inspecting.regions import (
    COLUMNS,
    Region,
    RegionRow,
    free_name,
    measure_region,
    table_text,
    too_small,
)
from capture.calibration import CameraCalibration, RigCalibration
from capture.rectify import RectifiedView
from models.data.layers import generate_pair
from models.data.pairs import Pair
from models.engine import SearchRange
from models.evaluation.measures import compare
from models.evaluation.methods import NetworkMethod, open_methods

SEARCH = SearchRange(32)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> MapInput:
    made = generate_pair(np.random.default_rng(9), 96, 144, 32, [])
    mono, reference, truth = (
        np.asarray(np.round(image * 255), np.uint8) for image in (made.mono, made.reference, made.truth)
    )
    pair = Pair("made", "made", mono, reference, truth, visible=np.asarray(made.visible, np.bool_))
    (method,) = open_methods(["live"], tmp_path_factory.mktemp("weights"), "cpu")
    assert isinstance(method, NetworkMethod)
    method.load()
    return MapInput(pair, method.colorize(mono, reference, SEARCH), SEARCH)


def _calibration(width: int, height: int) -> RigCalibration:
    """Two cameras without distortion, 60 mm apart and level."""
    matrix = np.array([[200.0, 0, width / 2], [0, 200.0, height / 2], [0, 0, 1]])
    camera = CameraCalibration((width, height), matrix, np.zeros(5))
    return RigCalibration(camera, camera, np.eye(3), np.array([60.0, 0, 0]), "left", 0.1, 0.1, 2, 24)


@pytest.fixture(scope="module")
def calibrated(given: MapInput) -> MapInput:
    return replace(given, view=RectifiedView(_calibration(144, 96)))


def test_every_map_has_the_size_of_the_pair_or_says_why_there_is_none(given: MapInput) -> None:
    missing = {}
    for kind in KINDS:
        try:
            values = make_map(kind.key, given)
        except Undefined as reason:
            missing[kind.key] = str(reason)
            continue
        assert values.shape == (96, 144)
        assert values.dtype == np.float32
        low, high = maps.span_of(kind, values)
        least, most = maps.limits_of(kind, values)
        assert least <= low < high <= most
    assert set(missing) == {"depth", "disparity_error"}
    assert "calibration" in missing["depth"]


def test_occlusion_is_found_where_the_colour_camera_sees_nothing(given: MapInput) -> None:
    found = make_map("occlusion", given) > maps.OCCLUDED_PX
    hidden = make_map("true_occlusion", given) > 0.5
    assert found[hidden].mean() > 3 * found[~hidden].mean()


def test_thresholds_hide_and_count(given: MapInput) -> None:
    values = make_map("confidence", given).copy()
    values[:10] = np.nan
    inside = maps.shown(values, 0.25, 0.75)
    assert not inside[:10].any()
    assert maps.share_shown(values, 0.25, 0.75) == pytest.approx(inside.sum() / (86 * 144))
    assert maps.share_shown(values, -1, 2) == 1
    assert maps.share_shown(np.full_like(values, np.nan), 0, 1) == 0


def test_depth_is_focal_length_times_baseline_over_disparity(calibrated: MapInput) -> None:
    disparity = np.full((96, 144), 8.0, np.float32)
    disparity[:5], disparity[5:9] = 0.0, np.nan
    depth = make_map(
        "depth", replace(calibrated, prediction=replace(calibrated.prediction, disparity=disparity))
    )
    view = calibrated.view
    assert view is not None
    assert view.baseline_mm == 60
    assert depth[50, 50] == pytest.approx(view.focal_px * 0.06 / 8, rel=1e-5)
    assert np.isnan(depth[:9]).all()


def test_a_pair_that_was_cut_has_the_depths_of_the_whole(calibrated: MapInput) -> None:
    """Captured pairs are cut to what both cameras see: neither focal length nor disparity changes."""
    view = RectifiedView(_calibration(160, 100))
    whole = view.depth_mm(8.0) / 1000
    disparity = np.full((96, 144), 8.0, np.float32)
    given = replace(calibrated, view=view, prediction=replace(calibrated.prediction, disparity=disparity))
    np.testing.assert_allclose(make_map("depth", given), whole, rtol=1e-5)


def test_a_calibration_of_another_camera_gives_no_metres(calibrated: MapInput) -> None:
    view = RectifiedView(_calibration(144, 95))
    with pytest.raises(Undefined, match="the pair is 144×96"):
        make_map("depth", replace(calibrated, view=view))


def test_what_a_method_does_not_know_is_not_made_up(given: MapInput) -> None:
    bare = replace(given.prediction, warped_luma=None, disparity=None, return_error=None)
    for key in ("occlusion", "disparity", "structure", "ssm"):
        with pytest.raises(Undefined):
            make_map(key, replace(given, prediction=bare))


def test_a_region_measures_its_own_pixels(given: MapInput) -> None:
    region = Region("box", "mono", "rectangle", ((70, 30), (31, 61)))
    mask = region.mask(96, 144)
    assert mask.sum() == 40 * 32
    assert mask[30, 31]
    assert mask[61, 70]
    assert not mask[62, 70]
    values = measure_region(region, given)
    prediction, truth = given.prediction, comparable_truth(given.pair)
    assert truth is not None
    assert prediction.refined is not None
    assert prediction.disparity is not None
    whole = compare(prediction.refined, truth, {"": mask})[""]
    for key in ("ssim_rgb", "psnr_db", "delta_e"):
        assert values[key] == pytest.approx(whole[key], rel=1e-4)
    assert values["pixels"] == 40 * 32
    assert values["disparity_px"] == pytest.approx(np.median(prediction.disparity[mask]))
    assert set(values) == {column.key for column in COLUMNS}
    assert values["cycle_ssim"] is not None


def test_a_region_on_the_reference_takes_the_pixels_that_match_into_it(given: MapInput) -> None:
    shift = np.full((96, 144), 10.0, np.float32)
    moved = replace(given, prediction=replace(given.prediction, disparity=shift))
    there = measure_region(Region("r", "reference", "rectangle", ((50, 20), (79, 49))), moved)
    here = measure_region(Region("m", "mono", "rectangle", ((40, 20), (69, 49))), moved)
    assert there == here
    mirrored = replace(moved, search=SearchRange(32, mirrored=True))
    other = measure_region(Region("m", "mono", "rectangle", ((60, 20), (89, 49))), mirrored)
    again = measure_region(Region("r", "reference", "rectangle", ((50, 20), (79, 49))), mirrored)
    assert other == again


def test_a_lasso_holds_what_it_surrounds() -> None:
    mask = Region("l", "mono", "lasso", ((10, 10), (30, 10), (10, 30))).mask(96, 144)
    assert mask[12, 12]
    assert not mask[28, 28]
    assert mask.sum() == 231


def test_small_and_outside_regions_say_nothing(given: MapInput) -> None:
    tiny = Region("t", "mono", "rectangle", ((5, 5), (8, 8)))
    assert too_small(tiny, 96, 144)
    values = measure_region(tiny, given)
    assert values["pixels"] == 16
    assert values["ssim_rgb"] is None
    assert values["lab_l"] is not None
    assert measure_region(Region("o", "mono", "rectangle", ((500, 5), (600, 8))), given)["pixels"] == 0


def test_the_table_can_be_pasted(given: MapInput) -> None:
    values = measure_region(Region("box", "mono", "rectangle", ((40, 20), (69, 49))), given)
    lines = table_text([RegionRow("sky", "live", values), RegionRow("sky", "copy", {})]).splitlines()
    assert [len(line.split("\t")) for line in lines] == [14, 14, 14]
    assert lines[1].split("\t")[:3] == ["sky", "live", "900"]
    assert lines[2].split("\t")[2] == "–"


def test_names_are_found() -> None:
    assert free_name(["Region 1", "sky", "Region 3"]) == "Region 2"


def test_a_few_values_far_off_leave_the_colours_to_the_others() -> None:
    depth = np.tile(np.linspace(1.0, 3.0, 200, dtype=np.float32), (100, 1))
    depth[:, :4] = 12_000.0
    kind = maps.BY_KEY["depth"]
    low, high = maps.span_of(kind, depth)
    assert 0.5 <= low <= 1.2
    assert 2.8 <= high <= 3.5
    assert maps.limits_of(kind, depth)[1] <= low + maps.WIDEST * (high - low)
