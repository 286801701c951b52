"""PNG out and in: what is encoded comes back, compressed or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from capture.frames import Image
from capture.png import decode_png, encode_png

SIDES = st.integers(1, 40)
SHAPES = st.tuples(SIDES, SIDES) | st.tuples(SIDES, SIDES, st.just(3))
IMAGES = st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: arrays(kind, SHAPES))


@given(image=IMAGES, stored=st.booleans())
def test_what_is_encoded_comes_back(image: Image, stored: bool) -> None:
    decoded = decode_png(encode_png(image, stored=stored), "it")
    assert decoded.dtype == image.dtype
    assert np.array_equal(decoded, image)


@pytest.mark.parametrize("shape", [(780, 1024), (300, 400, 3)])
def test_stored_images_are_as_large_as_their_pixels_and_longer_than_a_block(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 1 << 12, shape, np.uint16)
    data = encode_png(image, stored=True)
    assert image.nbytes < len(data) < 1.01 * image.nbytes
    assert np.array_equal(decode_png(data, "it"), image)
    assert len(encode_png(image)) < 0.95 * len(data)
