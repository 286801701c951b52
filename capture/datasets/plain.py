"""Checks a plain folder of pairs: `mono/NAME.png` and `color/NAME.png`, without lists."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from capture.dataset_files import check_inside
from capture.dataset_reader import DatasetReader
from capture.dataset_records import PairRecord, image_path
from capture.datasets.files import in_parallel
from capture.datasets.findings import Checked, Finding
from capture.datasets.scan import Progress
from capture.errors import DatasetError
from capture.frames import ROLES
from capture.words import printable


def check_plain(folder: Path, progress: Progress | None) -> Checked:
    """Check that every image has its partner and that both can be decoded to one size.

    Raises DatasetError if there is no such folder layout.
    """
    names: dict[str, set[str]] = {}
    for role in ROLES:
        if not (folder / role).is_dir():
            raise DatasetError(
                f"{folder} is no dataset and no pair folder: it has no pairs.jsonl and no {role}/"
            )
        names[role] = {path.stem for path in (folder / role).glob("*.png") if not path.name.startswith(".")}
    findings: list[Finding] = []
    for role, other in (ROLES, ROLES[::-1]):
        for name in sorted(names[role] - names[other]):
            words = f"half of a pair: {image_path(Path(), other, printable(name))} is missing"
            findings.append(Finding("half", printable(name), words))
    both = sorted(names["mono"] & names["color"])
    if not both and not findings:
        raise DatasetError(f"{folder} holds no pairs: there are no PNG files in mono/ and color/")
    whole = size_bytes = 0
    for done, (name, (size, finding)) in enumerate(in_parallel(partial(_look, folder), both), start=1):
        size_bytes += size
        whole += finding is None
        if finding is not None:
            findings.append(Finding(finding[0], printable(name), printable(finding[1], 400)))
        if progress is not None:
            progress(done, len(both))
    return Checked(tuple(findings), len(both), whole, size_bytes, is_plain=True)


def _look(folder: Path, name: str) -> tuple[int, tuple[str, str] | None]:
    """Return the size of both files, and kind and words of what is wrong with them."""
    paths = [image_path(folder, role, name) for role in ROLES]
    try:
        pair = DatasetReader(folder, (), ()).load(PairRecord(name, 0, "", 0, 0, None, None))
        size_bytes = sum(path.stat().st_size for path in paths)
    except (DatasetError, OSError) as error:
        return 0, ("image", str(error))
    if pair.mono.image.shape != pair.color.image.shape[:2]:
        sizes = " and ".join(f"{i.shape[1]}×{i.shape[0]}" for i in (pair.mono.image, pair.color.image))
        return size_bytes, ("size", f"its images differ in size: {sizes}")
    try:
        for path in paths:
            check_inside(folder, path)
    except DatasetError as error:
        return size_bytes, ("link", str(error))
    return size_bytes, None
