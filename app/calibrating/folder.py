"""Board images from a folder into a collection, with progress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.calibrating.collection import Collection
from app.calibrating.session import read_choices
from capture.board_images import BoardImages, find_board_images
from capture.calibrate import as_view
from capture.coverage import BoardView
from capture.frames import ROLES, Role
from capture.targets import Detection, NotSeen, Target


@dataclass(frozen=True)
class Reading:
    """How far a folder has been read: pairs looked at, of all, and what was found in the last one."""

    done: int
    total: int
    found: int
    last: str


def read_folder(
    paths: list[Path],
    collection: Collection,
    mono_side: Literal["left", "right"],
    on_progress: Callable[[Reading], None],
    cancelled: Callable[[], bool],
) -> Reading:
    """Search every pair among these files and folders; shots that show the target become the collection.

    A folder of earlier shots brings its target and its choices along. Blocks; call it in a worker thread.

    Raises CalibrationError: no images, half of a pair is missing, or an image cannot be read.
    """
    images = find_board_images(paths, mono_side)
    folder = paths[0] if len(paths) == 1 else paths[0].parent
    choices = read_choices(folder) if folder.is_dir() else None
    target = choices.target if choices is not None and choices.target is not None else collection.target
    begun = collection.begin(target, folder, choices)
    reading = Reading(0, len(images), 0, "")
    with ThreadPoolExecutor(len(ROLES), thread_name_prefix="boards") as pool:
        for number, pair in enumerate(images):
            if cancelled():
                break
            view, words = _search(pair, target, pool)
            if view is not None:
                collection.add(pair, view, begun)
            reading = Reading(number + 1, len(images), reading.found + (view is not None), words)
            on_progress(reading)
    return reading


def _search(pair: BoardImages, target: Target, pool: ThreadPoolExecutor) -> tuple[BoardView | None, str]:
    def detect(role: Role) -> Detection | NotSeen:
        return target.detect(pair.load(role))

    mono, color = (search.result() for search in [pool.submit(detect, role) for role in ROLES])
    view, lacks = as_view(pair.name, mono, color, target)
    return view, f"{pair.name}: {lacks or 'found in both images'}"
