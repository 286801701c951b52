"""Corrects rectified images: black level, flat field, white balance and colour matrix, from tables made once.

Without a colour matrix the curve need not be taken off for the flat field: the power of a product is the
product of the powers. With one, the image is brought to light, mixed, and brought back.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.frames import Image
from capture.photometric.curve import to_light, to_values
from capture.photometric.model import CameraPhotometric

# Light is looked up in this many steps on its way back to values.
STEPS = 1 << 14
STRIP_PX = 1 << 15

Unsigned = np.dtype[np.uint8] | np.dtype[np.uint16]


class Corrector:
    """Corrects the images of one camera. Immutable, for any thread.

    Args:
        camera: what is known of it.
        channels: 1 for mono images, 3 for RGB.
        gains: flat field at the pixels of the images to correct, H×W×(1 or 3) float32; None: none.
    """

    def __init__(
        self, camera: CameraPhotometric, channels: int, gains: NDArray[np.float32] | None = None
    ) -> None:
        balance = np.ones(channels) if camera.white_balance is None else camera.white_balance
        self._matrix = None
        if camera.color_matrix is not None:
            mixed = camera.color_matrix * balance
            self._matrix = np.ascontiguousarray(mixed * (STEPS - 1), np.float32)
        self._gains = None
        if gains is not None:
            shape = gains.shape[:2] if channels == 1 else (*gains.shape[:2], channels)
            factors = gains if self._matrix is not None else gains ** np.float32(camera.gamma)
            self._gains = np.ascontiguousarray(np.broadcast_to(factors, (*gains.shape[:2], channels)))
            self._gains = self._gains.reshape(shape)
        kinds: tuple[Unsigned, Unsigned] = (np.dtype(np.uint8), np.dtype(np.uint16))
        self._light = {kind: _light(camera, kind).astype(np.float32) for kind in kinds}
        self._values = {kind: _values(np.arange(STEPS) / (STEPS - 1), camera, kind) for kind in kinds}
        self._scaled = {
            kind: [_values(gain * _light(camera, kind), camera, kind) for gain in balance] for kind in kinds
        }
        self._only_flat = camera.black_level == 0 and bool((balance == 1).all())

    def apply(self, image: Image) -> Image:
        """Return the corrected image, of the same type, read-only.

        Args:
            image: H×W or H×W×3 RGB, uint8 or uint16 of full scale, of the size of the gains.
        """
        corrected = self._scale(image) if self._matrix is None else self._mix(image, self._matrix)
        corrected.flags.writeable = False
        return corrected

    def _scale(self, image: Image) -> Image:
        if not self._only_flat:
            image = _look_up(image, self._scaled[image.dtype])
        if self._gains is None:
            return image
        depth = cv2.CV_8U if image.dtype == np.uint8 else cv2.CV_16U
        return cast("Image", cv2.multiply(image, self._gains, dtype=depth))  # rounds and saturates

    def _mix(self, image: Image, matrix: NDArray[np.float32]) -> Image:
        """Return the image with its channels mixed, strip by strip: what is in between stays in the cache."""
        mixed: Image = np.empty_like(image)
        rows = max(1, STRIP_PX // image.shape[1])
        for top in range(0, len(image), rows):
            strip = np.s_[top : top + rows]
            light = self._to_light(image[strip])
            if self._gains is not None:
                light *= self._gains[strip]
            light = np.asarray(cv2.transform(light, matrix), np.float32)
            np.clip(light, 0, STEPS - 1, out=light)
            self._values[image.dtype].take(light.astype(np.uint16), out=mixed[strip], mode="clip")
        return mixed

    def _to_light(self, image: Image) -> NDArray[np.float32]:
        table = self._light[image.dtype]
        return np.asarray(cv2.LUT(image, table) if image.dtype == np.uint8 else table.take(image), np.float32)


def _look_up(image: Image, tables: list[Image]) -> Image:
    """Return the image with every channel through its table."""
    if image.dtype == np.uint8:
        table = np.asarray(np.stack(tables, axis=-1)[None], np.uint8)
        return cast("Image", cv2.LUT(image, table))
    if image.ndim == 2:
        return tables[0].take(image)
    parts = [table.take(image[..., channel]) for channel, table in enumerate(tables)]
    return cast("Image", cv2.merge(parts))


def _light(camera: CameraPhotometric, kind: Unsigned) -> NDArray[np.float64]:
    """Return the light of every value of a type."""
    largest = np.iinfo(kind).max
    return to_light(np.arange(largest + 1) / largest, camera.gamma, camera.black_level)


def _values(light: NDArray[np.float64], camera: CameraPhotometric, kind: Unsigned) -> Image:
    """Return values of a type of light."""
    return cast("Image", np.rint(to_values(light, camera.gamma) * np.iinfo(kind).max).astype(kind))
