"""A side-by-side video: one frame or more for each pair, the same panes in all of them, with labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.inspecting.export_draw import Colour, Rgb8, draw_text, fit_inside, resize, rgb_of
from app.inspecting.export_files import written_beside
from capture.errors import DatasetError

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
"""MPEG-4 part 2 and Motion JPEG: what OpenCV's wheels write on every system. Decision 130 says what they do
to colours."""
LARGEST_SIDE_PX = 3840
_GAP = 4
_GROUND: Colour = (27, 27, 27)
_INK: Colour = (216, 216, 216)

Shown = Sequence[NDArray[np.uint8]]
"""The panes of one frame, H×W or H×W×3 each."""


@dataclass(frozen=True)
class VideoLook:
    """How a video looks.

    Attributes:
        titles: of the panes, in order.
        frames_per_s: of the file.
        hold: frames for which each pair stays.
        labels: titles above the panes, the name of the pair below.
    """

    titles: Sequence[str]
    frames_per_s: float = 10.0
    hold: int = 1
    labels: bool = True


class Cancelled(Exception):
    """A person stopped an export; nothing is left of it."""


def write_video(
    path: Path,
    frames: Iterable[tuple[str, Shown]],
    look: VideoLook,
    *,
    on_frame: Callable[[int], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> int:
    """Write a video; return how many pairs it shows. Nothing is at `path` before all of it is.

    Args:
        path: ends in .avi (Motion JPEG: neutral, larger) or .mp4.
        frames: name of the pair, and its panes; the first pair gives the size, others are fitted into it.
        on_frame: told the number of pairs written so far.
        is_cancelled: asked before every pair.

    Raises:
        DatasetError: another ending, no pairs, or it cannot be written (the disk is full).
        Cancelled: `is_cancelled` said so.
    """
    codec = CODECS.get(path.suffix.lower())
    if codec is None:
        raise DatasetError(f"{path}: a video ends in {' or '.join(CODECS)}")
    pairs = 0
    with written_beside(path) as temporary:
        layout: _Layout | None = None
        writer: cv2.VideoWriter | None = None
        try:
            for name, panes in frames:
                if is_cancelled():
                    raise Cancelled(str(path))
                layout = layout or _Layout.of(panes, look)
                writer = writer or _open(temporary, codec, look, layout, path)
                drawn = np.ascontiguousarray(layout.draw(name, panes)[..., ::-1])
                for _ in range(look.hold):
                    writer.write(drawn)
                pairs += 1
                on_frame(pairs)
        finally:
            if writer is not None:
                writer.release()
        if pairs == 0:
            raise DatasetError(f"{path}: there is no pair to show")
        _check(temporary, pairs * look.hold, path)
    return pairs


@dataclass(frozen=True)
class _Layout:
    """Where the panes lie; all of one size."""

    look: VideoLook
    cell: tuple[int, int]
    columns: int
    rows: int
    strip: int

    @classmethod
    def of(cls, panes: Shown, look: VideoLook) -> _Layout:
        """Lay the panes of the first pair out in a grid, not too wide, and small enough to be played."""
        height, width = panes[0].shape[:2]
        count = len(panes)
        columns = count if count * width <= 2.4 * height or count <= 3 else math.ceil(math.sqrt(count))
        rows = math.ceil(count / columns)
        scale = min(1.0, LARGEST_SIDE_PX / (columns * width), LARGEST_SIDE_PX / (rows * height))
        cell = max(1, int(width * scale)), max(1, int(height * scale))
        strip = int(np.clip(cell[0] // 14, 16, 36)) if look.labels else 0
        return cls(look, cell, columns, rows, strip)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, even: codecs want it."""
        width = self.columns * (self.cell[0] + _GAP) - _GAP
        height = self.rows * (self.cell[1] + self.strip + _GAP) - _GAP + self.strip
        return width + width % 2, height + height % 2

    def draw(self, name: str, panes: Shown) -> Rgb8:
        """Return a frame."""
        width, height = self.size
        frame = np.full((height, width, 3), _GROUND, np.uint8)
        for index, pane in enumerate(panes):
            left = (index % self.columns) * (self.cell[0] + _GAP)
            top = (index // self.columns) * (self.cell[1] + self.strip + _GAP)
            if self.strip:
                head = frame[top : top + self.strip, left : left + self.cell[0]].copy()
                self._write(head, self.look.titles[index])
                frame[top : top + self.strip, left : left + self.cell[0]] = head
            top += self.strip
            frame[top : top + self.cell[1], left : left + self.cell[0]] = self._cell(rgb_of(pane))
        if self.strip:
            foot = np.full((self.strip, width, 3), _GROUND, np.uint8)
            self._write(foot, name)
            frame[height - self.strip :] = foot
        return frame

    def _cell(self, picture: Rgb8) -> Rgb8:
        if picture.shape[1] * self.cell[1] == picture.shape[0] * self.cell[0]:
            return resize(picture, *self.cell)
        return fit_inside(picture, *self.cell, _GROUND)

    def _write(self, strip: Rgb8, text: str) -> None:
        letters = max(10, int(self.strip * 0.62))
        draw_text(strip, (5, self.strip / 2), text, letters, _INK, most_px=strip.shape[1] - 10)


def _open(temporary: Path, codec: str, look: VideoLook, layout: _Layout, path: Path) -> cv2.VideoWriter:
    four = cv2.VideoWriter.fourcc(*codec)
    # OpenCV's own writer of Motion JPEG needs no library, and keeps gray gray (decision 130).
    api = cv2.CAP_OPENCV_MJPEG if codec == "MJPG" else cv2.CAP_ANY
    writer = cv2.VideoWriter(str(temporary), api, four, look.frames_per_s, layout.size)
    if not writer.isOpened():
        raise DatasetError(f"{path}: {codec} video cannot be written here; try a name that ends in .avi")
    return writer


def _check(temporary: Path, frames: int, path: Path) -> None:
    """Read the file's own count: OpenCV tells nobody that a write failed."""
    reader = cv2.VideoCapture(str(temporary))
    try:
        count = round(reader.get(cv2.CAP_PROP_FRAME_COUNT)) if reader.isOpened() else 0
    finally:
        reader.release()
    if count < frames:
        raise DatasetError(f"{path}: only {count} of {frames} frames could be written; is the disk full?")
