"""The rectified pair, for the eye: side by side, or one over the other at a disparity."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.pipeline.slots import LatestSlot
from app.pipeline.worker import step_back
from capture.calibration import RigCalibration
from capture.develop import develop_pair, to_8_bits
from capture.errors import CalibrationError
from capture.frames import FramePair, Image
from capture.rectify import Rectifier

NICENESS = 5
KEPT_PAIRS = 5
KEPT_APART_NS = 400_000_000

Overlay = Literal["blend", "red-cyan", "difference"]


@dataclass(frozen=True)
class PreviewWish:
    """What to show: `overlay` None is side by side; `disparity_px` shifts the reference."""

    overlay: Overlay | None = None
    disparity_px: float = 0.0


@dataclass(frozen=True, eq=False)
class PreviewImages:
    """Rectified images, 8 bits.

    Attributes:
        mono: H×W.
        reference: H×W×3 RGB.
        overlay: H×W×3 RGB, both over each other, None where not wished for.
    """

    mono: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    overlay: NDArray[np.uint8] | None
    calibration: RigCalibration


class Preview:
    """Rectifies the newest pair with any calibration. `run` is the body of its thread, the rest is for any.

    Args:
        pairs: raw pairs; closing it ends the thread. Whoever puts pairs there calls `poke`.
        publish: gets the images, in the thread.
        fail: gets what is wrong, in the thread; once per calibration.
    """

    def __init__(
        self,
        pairs: LatestSlot[FramePair],
        publish: Callable[[PreviewImages], None],
        fail: Callable[[str], None],
    ) -> None:
        self._pairs = pairs
        self._publish = publish
        self._fail = fail
        self._changed: LatestSlot[bool] = LatestSlot()
        self._lock = threading.Lock()
        self._calibration: RigCalibration | None = None
        self._rectifier: Rectifier | None = None
        self._wish = PreviewWish()
        self._images: tuple[Image, Image] | None = None
        self._kept: deque[tuple[int, Image, Image]] = deque(maxlen=KEPT_PAIRS)

    def poke(self) -> None:
        """Say that there is something new."""
        self._changed.put(item=True)

    def use(self, calibration: RigCalibration | None) -> None:
        """Show this calibration from now on."""
        with self._lock:
            self._calibration = calibration
            self._kept.clear()
        self.poke()

    def show(self, wish: PreviewWish) -> None:
        """Show it like this from now on."""
        with self._lock:
            self._wish = wish
        self.poke()

    def show_images(self, mono: Image, color: Image) -> None:
        """Show a pair that is not live: developed images, H×W and H×W×3 RGB (or gray, H×W)."""
        with self._lock:
            self._images = mono, color
        self.poke()

    def kept(self) -> list[tuple[Image, Image]]:
        """Return some of the last rectified pairs, as far apart as motion needs; newest last."""
        with self._lock:
            return [(mono, reference) for _, mono, reference in self._kept]

    def stop(self) -> None:
        """End the thread soon. Idempotent."""
        self._pairs.close()
        self._changed.close()

    def run(self) -> None:
        """Work until stopped."""
        step_back(NICENESS)
        while self._changed.take():
            try:
                images = self._look()
            except CalibrationError as error:
                with self._lock:
                    self._calibration = None
                self._fail(str(error))
            else:
                if images is not None:
                    self._publish(images)

    def _look(self) -> PreviewImages | None:
        pair = self._pairs.try_take()
        with self._lock:
            if pair is not None:
                self._images = develop_pair(pair)
            calibration, wish, images = self._calibration, self._wish, self._images
        if calibration is None or images is None:
            return None
        if self._rectifier is None or self._rectifier.calibration is not calibration:
            self._rectifier = Rectifier(calibration)
        mono, reference = self._rectifier.rectify(*images)
        self._keep(pair.mono.host_ns if pair is not None else 0, mono, reference, calibration)
        mono8, reference8 = to_8_bits(mono), in_rgb(to_8_bits(reference))
        over = None
        if wish.overlay is not None:
            shift_px = -wish.disparity_px if calibration.mirrored else wish.disparity_px
            over = overlay(mono8, reference8, shift_px, wish.overlay)
        return PreviewImages(mono8, reference8, over, calibration)

    def _keep(self, time_ns: int, mono: Image, reference: Image, calibration: RigCalibration) -> None:
        with self._lock:
            if self._calibration is not calibration:
                return
            if self._kept and time_ns - self._kept[-1][0] < KEPT_APART_NS:
                self._kept.pop()
                time_ns = self._kept[-1][0] + KEPT_APART_NS if self._kept else time_ns
            self._kept.append((time_ns, mono, reference))


def in_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return H×W×3 RGB of a gray or colour image."""
    return image if image.ndim == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)


def overlay(
    mono: NDArray[np.uint8], reference: NDArray[np.uint8], shift_px: float, kind: Overlay
) -> NDArray[np.uint8]:
    """Return both images over each other, H×W×3 RGB.

    Args:
        mono: H×W.
        reference: H×W×3 RGB; its pixel x + shift_px comes to x.
        kind: "blend" averages; "red-cyan" puts mono into red and the reference's luma into green and blue, so
            that what does not fit has coloured edges; "difference" is gray where both are alike.
    """
    height, width = mono.shape
    matrix = np.array([[1.0, 0.0, -shift_px], [0.0, 1.0, 0.0]])
    shifted = np.asarray(cv2.warpAffine(reference, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    if kind == "blend":
        return np.asarray(cv2.addWeighted(in_rgb(mono), 0.5, shifted, 0.5, 0.0), np.uint8)
    luma = np.asarray(cv2.cvtColor(shifted, cv2.COLOR_RGB2GRAY), np.uint8)
    if kind == "red-cyan":
        return np.dstack([mono, luma, luma])
    difference = (mono.astype(np.int16) - luma) // 2 + 128
    return in_rgb(np.clip(difference, 0, 255).astype(np.uint8))
