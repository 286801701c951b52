"""Signatures of saved pairs: blind to brightness and noise, quick, kept beside the dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.capturing.fingerprints import FILE_NAME, Fingerprints, Signature, signature
from app.capturing.picture_measures import small_picture
from tests.app.capturing.session import shot


def signed(turn_px: int = 0, factor: float = 1.0, noise: float = 0.0) -> Signature:
    mono = shot(0, turn_px).mono
    values = mono.image * factor + np.random.default_rng(1).normal(0, noise, mono.image.shape)
    return signature(small_picture(replace(mono, image=values.clip(0, 255).astype(np.uint8))))


def test_brightness_and_noise_leave_a_signature_as_it_is_and_a_turn_does_not() -> None:
    saved = Fingerprints()
    assert saved.distance(signed()) is None
    saved.add("000000", signed())
    for again in (signed(), signed(factor=0.5), signed(noise=15)):
        distance = saved.distance(again)
        assert distance is not None
        assert distance < 0.01
    turned = saved.distance(signed(16))
    assert turned is not None
    assert turned > 0.1


def test_the_nearest_saved_pair_counts() -> None:
    saved = Fingerprints()
    for number, turn_px in enumerate((0, 60, 120)):
        saved.add(f"{number:06d}", signed(turn_px))
    assert saved.distance(signed(60)) == pytest.approx(0, abs=1e-5)
    assert saved.distance_to("000001", signed(60)) == pytest.approx(0, abs=1e-5)
    far = saved.distance_to("000000", signed(60))
    assert far is not None
    assert far > 0.3
    assert saved.distance_to("000009", signed(60)) is None


def test_they_outlive_the_session_and_one_that_a_crash_tore_is_made_anew(tmp_path: Path) -> None:
    saved = Fingerprints(tmp_path)
    for number in range(3):
        saved.add(f"{number:06d}", signed(60 * number))
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-7])
    again = Fingerprints(tmp_path)
    assert again.load(["000000", "000001", "000002"]) == ["000002"]
    distance = again.distance(signed(60))
    assert distance is not None
    assert distance < 0.002, "kept in a byte per number"
    again.add("000002", signed(120))
    assert Fingerprints(tmp_path).load(["000000", "000001", "000002"]) == []


def test_a_pair_that_is_gone_is_no_duplicate_any_more(tmp_path: Path) -> None:
    saved = Fingerprints(tmp_path)
    for number in range(3):
        saved.add(f"{number:06d}", signed(60 * number))
    saved.remove("000001")
    distance = saved.distance(signed(60))
    assert distance is not None
    assert distance > 0.1
    assert saved.distance(signed(120)) == pytest.approx(0, abs=1e-5), "the others stay who they are"
    assert saved.distance_to("000002", signed(120)) == pytest.approx(0, abs=1e-5)


def test_a_black_picture_is_like_no_other() -> None:
    saved = Fingerprints()
    saved.add("000000", signature(np.zeros((240, 320), np.float32)))
    assert saved.distance(signed()) == pytest.approx(1)


def test_a_folder_that_cannot_be_written_costs_nothing_now(tmp_path: Path) -> None:
    saved = Fingerprints(tmp_path / "missing")
    saved.add("000000", signed())
    assert saved.distance(signed()) == pytest.approx(0, abs=1e-5)
