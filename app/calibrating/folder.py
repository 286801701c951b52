"""Board images from a folder into a collection, with progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.calibrating.collection import Collection
from app.calibrating.session import read_choices
from capture.board_images import find_board_images
from capture.calibrate import as_view
from capture.frames import ROLES, Role
from capture.targets import Detection, NotSeen


@dataclass(frozen=True, eq=False)
class Reading:
    """How far a folder has been read.

    Attributes:
        done, total: pairs looked at, of all.
        found: pairs in which at least one camera sees the target.
        last: what was found in the last pair, one line.
        images, seen: the last pair, H×W uint8 each, and the target in it; empty before the first.
    """

    done: int
    total: int
    found: int
    last: str
    images: Mapping[Role, NDArray[np.uint8]] = field(default_factory=dict)
    seen: Mapping[Role, Detection | NotSeen] = field(default_factory=dict)


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
    pairs = find_board_images(paths, mono_side)
    folder = paths[0] if len(paths) == 1 else paths[0].parent
    choices = read_choices(folder) if folder.is_dir() else None
    target = choices.target if choices is not None and choices.target is not None else collection.target
    begun = collection.begin(target, folder, choices)
    reading = Reading(0, len(pairs), 0, "")
    with ThreadPoolExecutor(len(ROLES), thread_name_prefix="boards") as pool:
        for number, pair in enumerate(pairs):
            if cancelled():
                break
            images = dict(zip(ROLES, pool.map(pair.load, ROLES), strict=True))
            seen = dict(zip(ROLES, pool.map(target.detect, images.values()), strict=True))
            view, lacks = as_view(pair.name, seen["mono"], seen["color"], target)
            if view is not None:
                collection.add(pair, view, begun)
            words = f"{pair.name}: {lacks or 'found in both images'}"
            found = reading.found + (view is not None)
            reading = Reading(number + 1, len(pairs), found, words, images, seen)
            on_progress(reading)
    return reading
