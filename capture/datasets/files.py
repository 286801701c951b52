"""The images of pairs, compared with what is known of them; several at a time."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from capture.dataset_files import MOST_IMAGE_BYTES, check_inside, read_inside
from capture.dataset_reader import check_kind
from capture.dataset_records import PairRecord, image_path
from capture.errors import DatasetError
from capture.frames import ROLES, Role
from capture.png import decode_png

Depth = Literal["sizes", "hashes", "pixels"]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class FileFault:
    """What is wrong with an image. `kind`: "missing", "link", "size", "hash" or "image"."""

    kind: str
    message: str


def faults_of_pair(folder: Path, record: PairRecord, depth: Depth, *, trashed: bool) -> list[FileFault]:
    """Return what is wrong with the two files of a listed pair; at most one fault for each."""
    found = [_fault(folder, record, role, depth, trashed=trashed) for role in ROLES]
    return [fault for fault in found if fault is not None]


def _fault(folder: Path, record: PairRecord, role: Role, depth: Depth, *, trashed: bool) -> FileFault | None:
    path, known = image_path(folder, role, record.name, trashed=trashed), record.frame(role)
    assert known is not None, "only plain folders have no records of frames"
    short = path.relative_to(folder)
    try:
        check_inside(folder, path)
    except DatasetError as error:
        return FileFault("link", str(error))
    if not path.is_file():
        return FileFault("missing", f"{short} is missing")
    try:
        size_bytes = path.stat().st_size
        if size_bytes != known.size_bytes:
            return FileFault("size", f"{short} has {size_bytes} bytes instead of {known.size_bytes}")
        if depth == "sizes":
            return None
        data = read_inside(folder, path, MOST_IMAGE_BYTES)
        if hashlib.sha256(data).hexdigest() != known.sha256:
            return FileFault("hash", f"{short} is not the file that was captured (its hash differs)")
        if depth == "pixels":
            check_kind(decode_png(data, str(short)), known, short)
    except OSError as error:
        return FileFault("image", f"cannot read {short}: {error.strerror or error}")
    except DatasetError as error:
        return FileFault("image", str(error))
    return None


def in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], ahead: int = 16
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what `work` makes of it, in order; hashing and decoding use all processors.

    At most `ahead` items are under way beyond the one that is yielded; what was not begun when the caller
    leaves is never done.
    """
    todo = iter(items)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="dataset-files") as pool:
        under_way: deque[tuple[Item, Future[Result]]] = deque(
            (item, pool.submit(work, item)) for item in islice(todo, ahead)
        )
        try:
            while under_way:
                item, future = under_way.popleft()
                result = future.result()
                under_way.extend((item, pool.submit(work, item)) for item in islice(todo, 1))
                yield item, result
        finally:
            pool.shutdown(cancel_futures=True)
