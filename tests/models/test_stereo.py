"""Simulated cameras before colour stereo pairs: other images, the same right answer."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from models.data.pairs import Pair, unit
from models.data.stereo import SimulatedPairs, simulate
from tests.models.planted import PlantedPairs, planted_pair


def smooth_pair() -> Pair:
    """Return a planted pair whose texture a camera resolves."""
    pair = planted_pair(height=80, width=160)
    assert pair.truth is not None
    blurred = [cv2.GaussianBlur(image, (0, 0), 3) for image in (pair.reference, pair.truth)]
    stretched = [np.clip((b.astype(int) - 128) * 4 + 128, 0, 255).astype(np.uint8) for b in blurred]
    return replace(pair, reference=stretched[0], truth=stretched[1])


def test_the_colour_camera_keeps_the_colours() -> None:
    pair = smooth_pair()
    assert pair.truth is not None
    for seed in range(8):
        images = simulate(unit(pair.truth), unit(pair.reference), np.random.default_rng(seed))
        difference = images.reference - unit(pair.reference)
        assert np.abs(np.median(difference, axis=(0, 1))).max() < 0.01
        assert 0 < np.abs(difference).mean() < 0.08


def test_the_mono_camera_sees_the_same_things_otherwise() -> None:
    pair = smooth_pair()
    assert pair.truth is not None
    luma = unit(pair.truth) @ np.array([0.299, 0.587, 0.114], np.float32)
    monos = [
        simulate(unit(pair.truth), unit(pair.reference), np.random.default_rng(seed)).mono
        for seed in range(8)
    ]
    for mono in monos:
        assert np.corrcoef(mono.ravel(), luma.ravel())[0, 1] > 0.6
        assert np.abs(mono - luma).mean() > 0.01
    assert np.std([mono.mean() for mono in monos]) > 0.02


def test_simulated_pairs_are_the_same_every_time() -> None:
    source = PlantedPairs(("a", "b"))
    first, again, other = (SimulatedPairs(source, seed) for seed in (1, 1, 2))
    assert (list(first.names), len(first), first.scene_of(1)) == (["a", "b"], 2, "b")
    pair = first.read(0)
    np.testing.assert_array_equal(pair.mono, again.read(0).mono)
    assert not np.array_equal(pair.mono, other.read(0).mono)
    original = source.read(0)
    np.testing.assert_array_equal(pair.truth, original.truth)
    np.testing.assert_array_equal(pair.reference, original.reference)
    assert pair.mono.dtype == np.uint8
    assert not pair.mono_is_luma
    assert not np.array_equal(pair.mono, original.mono)


def test_images_of_real_mono_cameras_are_left_as_they_are() -> None:
    source = SimulatedPairs(SimulatedPairs(PlantedPairs(("a",)), 1), 2)
    np.testing.assert_array_equal(source.read(0).mono, SimulatedPairs(PlantedPairs(("a",)), 1).read(0).mono)
