"""The calibration file: what is written can be read, and what cannot be used is named."""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.calibration import (
    CameraCalibration,
    RigCalibration,
    dump_calibration,
    load_calibration,
    save_calibration,
)
from capture.errors import CalibrationError
from tests.capture.rigs_on_paper import make_calibration


def same(one: RigCalibration, other: RigCalibration) -> bool:
    arrays = [
        (one.rotation, other.rotation),
        (one.translation_mm, other.translation_mm),
        *((getattr(one.mono, name), getattr(other.mono, name)) for name in ("camera_matrix", "distortion")),
        *((getattr(one.color, name), getattr(other.color, name)) for name in ("camera_matrix", "distortion")),
    ]
    plain = ("color_side", "reprojection_px", "epipolar_px", "offset", "max_disparity", "date", "notes")
    return (
        all(np.array_equal(a, b) for a, b in arrays)
        and all(getattr(one, name) == getattr(other, name) for name in plain)
        and (one.mono.size_px, one.color.size_px) == (other.mono.size_px, other.color.size_px)
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_calibration_comes_back_bit_for_bit(tmp_path: Path, side: str) -> None:
    calibration = make_calibration(side, color_size=(400, 300))
    path = tmp_path / "rigs" / "a.toml"
    save_calibration(calibration, path)
    assert same(load_calibration(path), calibration)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.toml"]
    assert calibration.mirrored == (side == "right")
    assert calibration.baseline_mm == pytest.approx(math.hypot(60, 1.5, 2))


@given(
    turn=st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3),
    note=st.text(st.characters(codec="utf-8"), max_size=40),
    coefficients=st.sampled_from([4, 5, 8, 12, 14]),
    number=st.floats(-1e6, 1e6),
)
@settings(deadline=None)
def test_any_calibration_comes_back(turn: list[float], note: str, coefficients: int, number: float) -> None:
    base = make_calibration()
    camera = CameraCalibration(
        (7, 5), np.array([[1e-3, 0, number], [0, 1e7, 1 / 3], [0, 0, 1]]), np.full(coefficients, number)
    )
    calibration = replace(base, rotation=cv2.Rodrigues(np.array(turn))[0], mono=camera, notes={"note": note})
    from capture.calibration import _from_document

    assert same(_from_document(tomllib.loads(dump_calibration(calibration))), calibration)


def test_the_file_reads_like_a_calibration(tmp_path: Path) -> None:
    text = dump_calibration(make_calibration())
    assert "size_px = [320, 240]" in text
    assert "    [0.0, 0.0, 1.0],\n" in text
    assert 'color_side = "left"' in text
    assert text.startswith("# CycleRig")


def test_arrays_are_read_only() -> None:
    calibration = make_calibration()
    for array in (
        calibration.rotation,
        calibration.translation_mm,
        calibration.mono.camera_matrix,
        calibration.color.distortion,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        calibration.notes["board"] = "another"  # type: ignore[index]


NOT_ORTHOGONAL = [[1.0, 0.01, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
MIRROR = [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("table", "key", "value", "said"),
    [
        ("", "schema", 3, "schema is 3"),
        ("", "schema", None, "schema is missing"),
        ("", "date", None, "date is missing"),
        ("", "date", "yesterday", "date must be a date and time"),
        ("", "date", datetime(2025, 1, 1), "date must be a date and time with its offset from UTC"),  # noqa: DTZ001
        ("", "mono", None, "mono is missing"),
        ("", "mono", 3, "mono must be a table"),
        ("", "lens", "8 mm", "lens is not a known key"),
        ("", "notes", {"board": 1}, "notes must be texts"),
        ("mono", "size_px", None, r"mono\.size_px is missing"),
        ("mono", "size_px", [320], r"mono\.size_px must be \[width, height\]"),
        ("mono", "size_px", [320, 0], r"mono\.size_px = 0 is not within"),
        ("mono", "size_px", [320.0, 240.0], r"mono\.size_px must be a whole number"),
        ("mono", "size_px", [320, 240_000], r"mono\.size_px = 240000 is not within"),
        ("mono", "focal", 1.0, r"mono\.focal is not a known key"),
        (
            "color",
            "camera_matrix",
            [[1.0, 0.0], [0.0, 1.0]],
            r"color\.camera_matrix must be 3×3 numbers, not 2×2",
        ),
        ("color", "camera_matrix", [[1.0, 0.0, 3.0], [0.0, 1.0]], r"color\.camera_matrix: rows differ"),
        (
            "color",
            "camera_matrix",
            [[-1.0, 0.0, 3.0], [0.0, 1.0, 3.0], [0.0, 0.0, 1.0]],
            "focal lengths must be positive",
        ),
        ("color", "camera_matrix", [[1.0, 0.5, 3.0], [0.0, 1.0, 3.0], [0.0, 0.0, 1.0]], "must have the form"),
        ("color", "distortion", [0.1] * 6, "distortion has 6 coefficients"),
        ("color", "distortion", [math.nan] * 5, r"color\.distortion holds a value that is not finite"),
        ("color", "distortion", ["a"] * 5, r"color\.distortion must hold numbers only"),
        ("color", "distortion", 0.1, r"color\.distortion must be a flat list"),
        ("mounting", "rotation", NOT_ORTHOGONAL, "rotation is none"),
        ("mounting", "rotation", MIRROR, "rotation is none"),
        ("mounting", "rotation", [[True] * 3] * 3, "rotation must hold numbers only"),
        ("mounting", "translation_mm", [60.0, 0.0], "translation_mm must be 3 numbers"),
        (
            "mounting",
            "translation_mm",
            [math.inf, 0.0, 0.0],
            "translation_mm holds a value that is not finite",
        ),
        (
            "mounting",
            "translation_mm",
            [-60.0, 0.0, 0.0],
            'color_side is "left", but translation_mm puts .* right',
        ),
        ("mounting", "translation_mm", [1.0, 60.0, 0.0], "must stand side by side"),
        ("mounting", "translation_mm", [0.0, 0.0, 0.0], "must stand side by side"),
        ("mounting", "color_side", "right", 'color_side is "right", but translation_mm puts .* left'),
        ("mounting", "color_side", "above", 'color_side must be "left" or "right"'),
        ("mounting", "color_side", None, r"mounting\.color_side is missing"),
        ("quality", "epipolar_px", -0.1, "epipolar_px = -0.1"),
        ("quality", "reprojection_px", "good", "reprojection_px must be a number"),
        ("quality", "reprojection_px", math.nan, "reprojection_px = nan"),
        ("search", "max_disparity", 0, "max_disparity = 0 is not within"),
        ("search", "max_disparity", 12.5, "max_disparity must be a whole number"),
        ("search", "offset", True, "offset must be a whole number"),
        ("search", "step", 2, r"search\.step is not a known key"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(
    tmp_path: Path, table: str, key: str, value: object, said: str
) -> None:
    document = tomllib.loads(dump_calibration(make_calibration()))
    target = document[table] if table else document
    if value is None:
        del target[key]
    else:
        target[key] = value
    path = tmp_path / "rig.toml"
    path.write_text(tomli_w.dumps(document))
    with pytest.raises(CalibrationError, match=said) as caught:
        load_calibration(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a = ", "not a TOML file"), (b"\xff\xfe", "not a TOML file"), (b"", "schema is missing")],
)
def test_files_that_are_no_calibration(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(content)
    with pytest.raises(CalibrationError, match=said):
        load_calibration(path)
    with pytest.raises(CalibrationError, match="cannot read"):
        load_calibration(tmp_path / "nowhere.toml")
    with pytest.raises(CalibrationError, match="cannot read"):
        load_calibration(tmp_path)


def test_saving_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "rig.toml", tmp_path):
        with pytest.raises(CalibrationError, match="cannot write"):
            save_calibration(make_calibration(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_old_file_stays_whole_if_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rig.toml"
    save_calibration(make_calibration(), path)
    before = path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(CalibrationError, match="No space left"):
        save_calibration(replace(make_calibration(), max_disparity=3), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["rig.toml"]


def test_the_date_is_now_in_utc() -> None:
    assert abs((datetime.now(UTC) - make_calibration().date).total_seconds()) < 60
