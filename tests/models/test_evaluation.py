"""Predictions first, scores second, from files; the peers on a planted scene; the command and its report."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import numpy as np
import pytest

import main
from models import color
from models.data.numpy_files import one_reader
from models.data.pairs import open_pairs
from models.engine import SearchRange
from models.errors import ModelError
from models.evaluation import methods, predictions, scoring
from models.evaluation.measures import compare
from models.evaluation.methods import Prediction, TwoPass, judged_by, open_methods
from models.evaluation.predictions import Job, load_prediction, predict, prediction_path
from models.evaluation.sets import KNOWN_RANGES, groups, open_sets
from models.metrics import ssim
from models.presets import load_networks
from models.weights_io import save_weights

ROOT = Path(__file__).resolve().parents[2]
SEARCH = SearchRange(24)


def smooth_noise(seed: int, height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 5 + 2, width // 5 + 2, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return truth, reference (RGB) and disparity: a square 14 px away, before a wall 5 px away."""
    wall, square = smooth_noise(seed, 96, 170), smooth_noise(seed + 100, 40, 50)
    truth, reference = wall[:, 5:145].copy(), wall[:, :140].copy()
    truth[30:70, 40:90] = square
    reference[30:70, 54:104] = square
    disparity = np.full(truth.shape[:2], 5, np.float32)
    disparity[30:70, 40:90] = 14
    return truth, reference, disparity


def write_rgb(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), rgb[..., ::-1])


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "planted"
    for seed in range(3):
        truth, reference, disparity = planted(seed)
        write_rgb(folder / "truth" / f"p{seed}.png", truth)
        write_rgb(folder / "reference" / f"p{seed}.png", reference)
        (folder / "disparity").mkdir(exist_ok=True)
        np.save(folder / "disparity" / f"p{seed}.npy", disparity)
    return folder


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "rig"
    for seed in range(3):
        truth, reference, _ = planted(seed + 10)
        dim = np.uint8(color.luma_uint8(truth) * 0.7 + 20)
        write_rgb(folder / "mono" / f"r{seed}.png", np.dstack([dim] * 3))
        write_rgb(folder / "color" / f"r{seed}.png", reference)
    return folder


def colorize(name: str, mono: np.ndarray, reference: np.ndarray, search: SearchRange = SEARCH) -> Prediction:
    method = open_methods([name], Path("unused"))[0]
    method.load()
    return method.colorize(mono, reference, search)


def test_peers_beat_the_floor_in_both_passes() -> None:
    truth, reference, disparity = planted()
    mono = color.luma_uint8(truth)
    floor = colorize("copy", mono, reference)
    np.testing.assert_allclose(floor.first_pass, _with_chroma_of(mono, reference), atol=1)
    for name, similar in (("sgbm", 0.95), ("dis", 0.78)):
        found = colorize(name, mono, reference)
        assert ssim(found.first_pass, truth) > ssim(floor.first_pass, truth) + 0.5, name
        assert ssim(found.first_pass, truth) > similar, name
        assert ssim(found.second_pass, reference) > similar, name
        assert found.warped_luma is not None
        assert ssim(found.warped_luma, mono) > similar, name
        assert found.disparity is not None
        matched = np.isfinite(found.disparity)
        assert matched.mean() > 0.6, name
        assert np.median(np.abs(found.disparity - disparity)[matched]) < 0.5, name
        assert found.confidence[matched].min() > found.confidence[~matched].max(), name


def _with_chroma_of(mono: np.ndarray, reference: np.ndarray) -> np.ndarray:
    levels = reference.astype(np.float32) / 255
    y = levels @ np.float32([0.299, 0.587, 0.114])
    r = mono / np.float32(255) + levels[..., 0] - y
    b = mono / np.float32(255) + levels[..., 2] - y
    g = (mono / np.float32(255) - np.float32(0.299) * r - np.float32(0.114) * b) / np.float32(0.587)
    return np.clip(np.round(np.dstack([r, g, b]) * 255), 0, 255)


def test_sgbm_matches_in_spite_of_gain_offset_and_shading() -> None:
    truth, reference, _ = planted()
    shading = np.linspace(0.5, 0.9, truth.shape[1])
    mono = np.uint8(color.luma_uint8(truth) * shading + 15)
    found = colorize("sgbm", mono, reference)
    plain = colorize("sgbm", color.luma_uint8(truth), reference)
    assert found.disparity is not None
    assert plain.disparity is not None
    both = np.isfinite(found.disparity) & np.isfinite(plain.disparity)
    assert both.mean() > 0.9 * np.isfinite(plain.disparity).mean()
    assert np.abs(found.disparity - plain.disparity)[both].mean() < 0.25


@pytest.mark.parametrize("name", ["sgbm", "dis", "copy"])
def test_a_mirrored_rig_gives_the_mirrored_result(name: str) -> None:
    truth, reference, _ = planted()
    mono = color.luma_uint8(truth)
    straight = colorize(name, mono, reference)
    turned = colorize(
        name, np.ascontiguousarray(mono[:, ::-1]), np.ascontiguousarray(reference[:, ::-1]),
        SearchRange(SEARCH.max_disparity, mirrored=True),
    )  # fmt: skip
    np.testing.assert_array_equal(turned.first_pass[:, ::-1], straight.first_pass)
    np.testing.assert_array_equal(turned.second_pass[:, ::-1], straight.second_pass)


def test_sgbm_searches_negative_disparities() -> None:
    truth, reference, _ = planted()
    truth, reference = truth[:, :-8], reference[:, 8:]  # now the wall is at −3 px, the square at 6
    found = colorize("sgbm", color.luma_uint8(truth), np.ascontiguousarray(reference), SearchRange(16, -6))
    assert found.disparity is not None
    assert np.nanmedian(found.disparity[:20]) == pytest.approx(-3, abs=0.2)
    assert ssim(found.first_pass, truth) > 0.9


def test_a_network_is_judged_by_what_the_engine_gives() -> None:
    truth, reference, _ = planted()
    mono = color.luma_uint8(truth)
    method = open_methods(["live"], Path("unused"), "cpu")[0]
    method.load()
    found = method.colorize(mono, reference, SEARCH)
    assert found.refined is not None
    assert found.refined.shape == truth.shape
    assert np.abs(color.luma_uint8(found.first_pass).astype(int) - mono).mean() < 3, "it has the mono luma"


def test_a_judge_finds_the_way_back_that_a_method_makes_for_itself() -> None:
    """Copying cycles perfectly by itself; a judge that matches sees that the colours are misplaced."""
    truth, reference, _ = planted()
    floor, sgbm, live = open_methods(["copy", "sgbm", "live"], Path())
    luma = color.luma_uint8(truth)
    scores = {}
    for method in (floor, sgbm):
        judged = judged_by(live, method)
        judged.load()
        alone = method.member_for("").colorize(luma, reference, SEARCH)
        found = judged.colorize(luma, reference, SEARCH)
        assert np.array_equal(found.first_pass, alone.first_pass)
        assert judged.fingerprint != method.fingerprint
        scores[method.name] = [ssim(prediction.second_pass, reference) for prediction in (alone, found)]
    assert scores["copy"][0] == pytest.approx(1, abs=0.01)
    assert scores["sgbm"][1] > scores["copy"][1] + 0.05


def test_the_judge_of_a_mirrored_rig_gives_the_mirrored_result() -> None:
    truth, reference, _ = planted()
    sgbm, live = open_methods(["sgbm", "live"], Path())
    judged = judged_by(live, sgbm)
    judged.load()
    luma = color.luma_uint8(truth)
    straight = judged.colorize(luma, reference, SEARCH).second_pass
    turned = judged.colorize(
        np.ascontiguousarray(luma[:, ::-1]),
        np.ascontiguousarray(reference[:, ::-1]),
        replace(SEARCH, mirrored=True),
    ).second_pass
    assert np.abs(turned[:, ::-1].astype(int) - straight).max() <= 1


def test_folds_judge_each_pair_by_weights_that_never_saw_it(stereo: Path, tmp_path: Path) -> None:
    networks = load_networks("live")
    colorizer, refiner = networks.modules()
    files = []
    for held_out in (["p0"], ["p2", "p0"]):
        path = tmp_path / f"without-{'-'.join(held_out)}.safetensors"
        card = {**networks.card, "training": {"held_out_names": held_out}}
        save_weights(path, {"colorizer": colorizer, "refiner": refiner}, card)
        files.append(path)
    folds = open_methods([f"folds={files[0]},{files[1]}"], tmp_path)
    jobs = predictions.plan(folds, open_sets([stereo], {}))
    whole = [open_methods([f"folds={file}"], tmp_path)[0].fingerprint for file in files]
    assert [(job.index, job.method.fingerprint) for job in jobs] == [(0, whole[0]), (2, whole[1])]
    assert {job.method.name for job in jobs} == {"folds"}
    predict(jobs[:1], tmp_path / "predictions")
    assert prediction_path(tmp_path / "predictions", jobs[0].method, stereo.name, "p0").is_file()


class Recorder:
    """A method that remembers what it was asked; the pictures are those of `copy`."""

    candidates = None

    def __init__(self, name: str, fingerprint: str, fail_at: int | None = None) -> None:
        self.name, self.fingerprint = name, fingerprint
        self.asked: list[tuple[int, ...]] = []
        self._copy = TwoPass(name, methods.ONE_PASS["copy"], fingerprint)
        self._fail_at = fail_at

    def member_for(self, pair_name: str) -> Recorder:
        return self

    def load(self) -> None:
        """Nothing to do."""

    def colorize(self, mono: np.ndarray, reference: np.ndarray, search: SearchRange) -> Prediction:
        if len(self.asked) == self._fail_at:
            raise KeyboardInterrupt
        self.asked.append(mono.shape)
        return self._copy.colorize(mono, reference, search)


def jobs_for(method: methods.Method, folder: Path, count: int = 24) -> list[Job]:
    data = open_sets([folder], {folder.name: SearchRange(count)})[0]
    return [Job(method, data, index) for index in range(len(data.source))]


def test_predictions_are_made_once(stereo: Path, tmp_path: Path) -> None:
    first = Recorder("m", "a" * 64)
    assert predict(jobs_for(first, stereo), tmp_path / "p") == 3
    again = Recorder("m", "a" * 64)
    assert predict(jobs_for(again, stereo), tmp_path / "p") == 0
    assert again.asked == []
    assert predict(jobs_for(again, stereo), tmp_path / "p", fresh=frozenset({"m"})) == 3


def test_predictions_are_made_anew_for_other_weights_pixels_or_candidates(
    stereo: Path, tmp_path: Path
) -> None:
    assert predict(jobs_for(Recorder("m", "a" * 64), stereo), tmp_path / "p") == 3
    assert predict(jobs_for(Recorder("m", "b" * 64), stereo), tmp_path / "p") == 3
    assert predict(jobs_for(Recorder("m", "b" * 64), stereo, count=16), tmp_path / "p") == 3
    truth, _, _ = planted(50)
    write_rgb(stereo / "truth" / "p1.png", truth)
    assert predict(jobs_for(Recorder("m", "b" * 64), stereo, count=16), tmp_path / "p") == 1


def test_stopping_loses_nothing_and_a_torn_file_is_made_again(stereo: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        predict(jobs_for(Recorder("m", "a" * 64, fail_at=2), stereo), tmp_path / "p")
    method = Recorder("m", "a" * 64)
    assert predict(jobs_for(method, stereo), tmp_path / "p") == 1
    path = prediction_path(tmp_path / "p", method, stereo.name, "p0")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ModelError, match="no whole prediction"):
        load_prediction(path)
    assert predict(jobs_for(method, stereo), tmp_path / "p") == 1
    assert not list((tmp_path / "p").rglob("*.tmp"))


def test_a_prediction_comes_back_as_it_was(tmp_path: Path) -> None:
    truth, reference, _ = planted()
    saved = colorize("sgbm", color.luma_uint8(truth), reference)
    predictions.save_prediction(tmp_path / "x.npz", "key", saved)
    back = load_prediction(tmp_path / "x.npz")
    assert predictions.stored_key(tmp_path / "x.npz") == "key"
    for name in ("first_pass", "second_pass", "warped_luma"):
        np.testing.assert_array_equal(getattr(back, name), getattr(saved, name))
    assert back.refined is None
    assert saved.disparity is not None
    np.testing.assert_allclose(back.disparity, saved.disparity, atol=0.01)
    np.testing.assert_allclose(back.confidence, saved.confidence, atol=1 / 255)


def test_numpy_files_are_read_by_one_thread_at_a_time(
    stereo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once make the parser of CPython 3.11 raise SystemError, once in many thousand reads."""
    truth, reference, _ = planted()
    path = tmp_path / "x.npz"
    predictions.save_prediction(path, "key", colorize("copy", color.luma_uint8(truth), reference))
    load, locked = np.load, []

    def watched(*args: Any, **kwargs: Any) -> Any:
        locked.append(one_reader.locked())
        return load(*args, **kwargs)

    monkeypatch.setattr(np, "load", watched)
    load_prediction(path)
    predictions.stored_key(path)
    open_pairs(stereo).read(0)  # a disparity in NPY
    assert locked == [True, True, True]


def test_scores_come_from_the_files(stereo: Path, tmp_path: Path) -> None:
    """What is scored is the prediction on disk: exchange it, and the scores are those of the new one."""
    method = Recorder("m", "a" * 64)
    predict(jobs_for(method, stereo), tmp_path / "predictions")
    sets = open_sets([stereo], {})
    before = scoring.score([method], sets, tmp_path)
    assert scoring.score([method], sets, tmp_path) == before
    pair = open_pairs(stereo).read(0)
    assert pair.truth is not None
    path = prediction_path(tmp_path / "predictions", method, stereo.name, "p0")
    perfect = Prediction(pair.truth, pair.reference, np.ones(pair.mono.shape, np.float32))
    predictions.save_prediction(path, "other", perfect)
    after = scoring.score([method], sets, tmp_path)
    value = {(s.pair, s.stage, s.region, s.measure): s.value for s in after}
    assert value["p0", "first", "all", "ssim_rgb"] == pytest.approx(1)
    assert value["p0", "second", "all", "delta_e"] == 0
    assert [s for s in after if s.pair != "p0"] == [s for s in before if s.pair != "p0"]


def test_missing_predictions_are_one_line(stereo: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run the stage `predict`"):
        scoring.score([Recorder("m", "a" * 64)], open_sets([stereo], {}), tmp_path)


def test_sets_know_where_to_search(stereo: Path, tmp_path: Path) -> None:
    by_truth = open_sets([stereo], {})[0]
    assert by_truth.search_for(by_truth.source.read(0)).max_disparity == 15
    told = open_sets([stereo.parent], {"planted": SearchRange(40, -2)})[0]
    assert told.search_for(told.source.read(0)) == SearchRange(40, -2)
    known = tmp_path / "elsewhere" / "real_pairs"
    known.parent.mkdir()
    known.symlink_to(stereo)
    with pytest.raises(ModelError, match="but the sets are planted"):
        open_sets([stereo], {"plantde": SearchRange(8)})
    with pytest.raises(ModelError, match="two folders of pairs are called planted"):
        open_sets([stereo, stereo], {})
    assert KNOWN_RANGES["kitti_mono_color"].offset < 0


def test_groups_join_middlebury_and_leave_out_changed_light() -> None:
    pairs = [
        ("middlebury_v3", "Piano"), ("middlebury_v3", "PianoL"), ("middlebury_2001_2003", "cones"),
        ("sceneflow", "x"),
    ]  # fmt: skip
    found = groups(pairs)
    assert list(found) == ["sceneflow", "middlebury", "middlebury, same light"]
    assert found["middlebury"] == pairs[:3]
    assert found["middlebury, same light"] == [pairs[0], pairs[2]]


def evaluate(*arguments: str | Path) -> int:
    return main.main(["evaluate", *map(str, arguments)])


def test_the_report_holds_what_the_files_say(
    stereo: Path, real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    common = ("--data", stereo.parent, "--out", out, "--max-disparity", "rig=24")
    assert evaluate(*common, "--methods", "sgbm", "copy", "--ablation", "whole=live") == 0
    report = json.loads((out / "report.json").read_text())
    tables = {table["title"]: table["rows"] for table in report["tables"]}

    # The mean of Table 2, from the pictures of the predictions, without the report's own code.
    values = []
    for path in sorted(out.glob("predictions/sgbm-*/planted/*.npz")):
        truth = cv2.imread(str(stereo / "truth" / f"{path.stem}.png"))[..., ::-1]
        with np.load(path) as file:
            values.append(ssim(file["first_pass"], np.ascontiguousarray(truth)))
    assert len(values) == 3
    cell = tables["Table 2: SSIM on colour stereo sets"]["sgbm"]["planted first"]
    assert cell["value"] == pytest.approx(fmean(values), abs=1e-6)
    assert cell["low"] <= cell["value"] <= cell["high"]
    assert cell["count"] == 3
    markdown = (out / "report.md").read_text()
    assert f"{fmean(values):.4f}" in markdown
    assert f"{fmean(values):.4f}" in capsys.readouterr().out

    assert set(tables["Table 1: second pass on real pairs, rig"]) == {"sgbm", "copy"}
    assert set(tables["Table 4: ablation, rig"]) == {"whole"}
    assert set(tables["Table 3: linear correlation of first-pass and second-pass SSIM"]) == {"sgbm", "copy"}
    page = (out / "report.html").read_text()
    assert page.count('<img src="data:image/jpeg;base64,') > 6 * 6
    assert "http" not in page, "it needs no other file"

    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [
        float(row["value"])
        for row in rows
        if (row["set_name"], row["method"], row["stage"], row["region"], row["measure"])
        == ("planted", "sgbm", "first", "all", "ssim_rgb")
    ]
    assert fmean(chosen) == pytest.approx(fmean(values), abs=1e-6)
    assert {row["region"] for row in rows} >= {"visible", "occluded", "edges"}


def test_stages_one_by_one_come_to_the_same(
    stereo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("--data", stereo, "--methods", "copy", "--pictures", "0")
    assert evaluate(*command, "--out", tmp_path / "at-once") == 0
    for stage in ("predict", "score", "report"):
        assert evaluate(stage, *command, "--out", tmp_path / "staged") == 0
    for name in ("scores.csv", "report.md", "report.html", "report.json"):
        assert (tmp_path / "at-once" / name).read_bytes() == (tmp_path / "staged" / name).read_bytes(), name
    capsys.readouterr()
    assert evaluate("predict", *command, "--out", tmp_path / "staged") == 0
    assert "0 made, 3 there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "nonsense"], "nonsense: no such weights file"),
        (["--methods", "sgbm", "sgbm"], "two methods are called sgbm"),
        (["--methods", "sgbm", "--fresh", "dis"], "--fresh dis"),
        (["--methods"], "nothing to evaluate"),
        (["--methods", "sgbm", "--ablation", "live"], "expected NAME=FILE"),
        (["--methods", "sgbm", "--max-disparity", "other=8"], "a search range for other"),
    ],
)
def test_bad_input_is_one_line(
    stereo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert evaluate("--data", stereo, "--out", tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_no_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--data", tmp_path / "nowhere", "--out", tmp_path) == 2
    assert "nowhere" in capsys.readouterr().err


def test_the_command_needs_neither_qt_nor_cameras() -> None:
    code = (
        "import sys, models.evaluation.command, models.evaluation.methods, models.evaluation.report\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('PySide6', 'pyqtgraph', 'harvesters', "
        "'capture', 'app')]\n"
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_sgbm_is_as_good_as_documented(shared_dir: Path) -> None:
    """On cones and venus of 2001 and 2003; plain matching with inpainted holes is 2 dB worse on average."""
    data = open_sets([shared_dir / "data" / "middlebury_2001_2003"], {})[0]
    found = []
    for name in ("venus", "cones"):
        pair = data.source.read(list(data.source.names).index(name))
        assert pair.truth is not None
        result = colorize("sgbm", pair.mono, pair.reference, data.search_for(pair))
        mask = {"all": np.ones(pair.mono.shape, bool)}
        found.append(compare(result.first_pass, pair.truth, mask)["all"]["psnr_db"])
    assert found[0] > 34
    assert found[1] > 26
