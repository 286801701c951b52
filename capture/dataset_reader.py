"""Pairs from disk: a captured dataset, or a plain folder with `mono/NAME.png` and `color/NAME.png`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

from capture.dataset_edits import Edits
from capture.dataset_files import MOST_IMAGE_BYTES, check_inside, quoted, read_inside, read_regular
from capture.dataset_records import (
    CALIBRATION_NAME,
    DATASET_NAME,
    PAIRS_NAME,
    FrameRecord,
    PairRecord,
    image_path,
    read_records,
    read_sessions,
)
from capture.errors import DatasetError
from capture.frames import ROLES, Frame, FramePair, Image, Layout, Role, frozen
from capture.png import decode_png

# Times of pairs in a plain folder, which tells none.
PLAIN_PERIOD_NS = 100_000_000
_CALIBRATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class DatasetReader:
    """The pairs of a folder, in order. Made by `open`; may be used from any thread.

    Attributes:
        folder: where it lies.
        records: what is known of each pair, edits included; without those in the trash.
        trash: the pairs in the trash.
        sessions: entries of `dataset.toml`; empty for a plain folder.
    """

    def __init__(
        self,
        folder: Path,
        records: tuple[PairRecord, ...],
        sessions: tuple[dict[str, object], ...],
        trash: tuple[PairRecord, ...] = (),
    ) -> None:
        self.folder = folder
        self.records = records
        self.sessions = sessions
        self.trash = trash

    @classmethod
    def open(cls, folder: Path) -> DatasetReader:
        """Read the list of pairs, not yet the images. A last line that is being written is left out.

        Raises DatasetError: no such folder, no pairs, half of a pair is missing, a line that cannot be read.
        """
        if not folder.is_dir():
            raise DatasetError(f"{folder} is not a folder")
        if (folder / PAIRS_NAME).exists() or (folder / DATASET_NAME).exists():
            listed, _ = read_records(folder)
            edits = Edits.read(folder, listed)
            records = [edits.applied(record) for record in listed]
            return cls(
                folder,
                tuple(record for record in records if not record.trashed),
                tuple(read_sessions(folder)),
                tuple(record for record in records if record.trashed),
            )
        return cls(folder, tuple(_plain_records(folder)), ())

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[PairRecord]:
        return iter(self.records)

    @property
    def is_plain(self) -> bool:
        """Return whether this is a folder of images only, without times and formats."""
        return not self.sessions and not (self.folder / PAIRS_NAME).exists()

    @property
    def frame_rate_hz(self) -> float | None:
        """Return the median rate of the pairs as captured; None for a plain folder or a single pair."""
        times = [(record.session, record.mono.host_ns) for record in self.records if record.mono is not None]
        steps = [
            later[1] - earlier[1]
            for earlier, later in pairwise(times)
            if later[0] == earlier[0] and later[1] > earlier[1]
        ]
        return 1e9 / median(steps) if steps else None

    def calibration_path(self, record: PairRecord | None = None) -> Path | None:
        """Return the calibration file of a pair (by default of the last one), None if there is none."""
        if record is None and self.records:
            record = self.records[-1]
        name: object = CALIBRATION_NAME
        if self.sessions and record is not None:
            if record.session >= len(self.sessions):
                raise DatasetError(
                    f"{self.folder / DATASET_NAME} lacks session {record.session} of pair {record.name}"
                )
            name = self.sessions[record.session].get("calibration")
        if not isinstance(name, str):
            return None
        if not _CALIBRATION.fullmatch(name):
            raise DatasetError(
                f"{self.folder / DATASET_NAME}: calibration: {quoted(name)} must be a file in the dataset"
            )
        path = self.folder / name
        check_inside(self.folder, path)
        return path if path.is_file() else None

    def load(self, record: PairRecord, verify: bool = False) -> FramePair:
        """Read both images.

        Args:
            record: one of `records` or of `trash`.
            verify: compare the files with their hashes.

        Raises:
            DatasetError: a file is missing, truncated, damaged or not what the record says.
        """
        mono, color = (self.load_frame(record, role, verify) for role in ROLES)
        return FramePair(record.index, mono, color, record.skew_ns)

    def load_frame(self, record: PairRecord, role: Role, verify: bool = False) -> Frame:
        """Read one of the two images, as `load` does. Raises DatasetError."""
        path = image_path(self.folder, role, record.name, trashed=record.trashed)
        known = record.frame(role)
        try:
            # A plain folder may be made of links to pictures; what was captured lies in its dataset.
            data = (
                read_regular(path, MOST_IMAGE_BYTES)
                if known is None
                else read_inside(self.folder, path, MOST_IMAGE_BYTES)
            )
        except OSError as error:
            raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
        if known is None:
            return _plain_frame(decode_png(data, str(path)), role, record.index, path)
        if verify and hashlib.sha256(data).hexdigest() != known.sha256:
            raise DatasetError(f"{path} is not the file that was captured (its hash differs)")
        image = decode_png(data, str(path))
        check_kind(image, known, path)
        return Frame(
            role=role,
            image=frozen(image),
            layout=known.layout,
            bits=known.bits,
            pixel_format=known.pixel_format,
            frame_id=known.frame_id,
            device_ns=known.device_ns,
            host_ns=known.host_ns,
            exposure_us=known.exposure_us,
            gain_db=known.gain_db,
        )


def check_kind(image: Image, known: FrameRecord, path: Path) -> None:
    """Raise DatasetError if the pixels of a file are not what its record says."""
    if (image.ndim == 3) != (known.layout is Layout.RGB):
        raise DatasetError(
            f"{path} has {image.ndim} dimensions, which does not fit layout {known.layout.value!r}"
        )
    if (image.dtype.itemsize == 1) != (known.bits == 8) or int(image.max(initial=0)) >= 1 << known.bits:
        raise DatasetError(f"{path} holds {image.dtype} values, which do not fit {known.bits} bits")


def _plain_records(folder: Path) -> Iterator[PairRecord]:
    names: dict[Role, set[str]] = {}
    for role in ROLES:
        if not (folder / role).is_dir():
            raise DatasetError(f"{folder} has no folder {role}/: pairs are mono/NAME.png and color/NAME.png")
        names[role] = {path.stem for path in (folder / role).glob("*.png") if not path.name.startswith(".")}
    for role, other in (ROLES, ROLES[::-1]):
        if halves := sorted(names[role] - names[other]):
            missing = image_path(folder, other, halves[0])
            more = f" (and {len(halves) - 1} more)" if len(halves) > 1 else ""
            raise DatasetError(f"{missing} is missing: half of pair {halves[0]}{more}")
    if not names["mono"]:
        raise DatasetError(f"{folder} holds no pairs: there are no PNG files in mono/ and color/")
    for index, name in enumerate(sorted(names["mono"])):
        yield PairRecord(name, session=0, saved="", index=index, skew_ns=0, mono=None, color=None)


def _plain_frame(image: Image, role: Role, index: int, path: Path) -> Frame:
    if role == "mono" and image.ndim == 3:
        if not (image[..., :1] == image).all():
            raise DatasetError(f"{path} is a colour image; mono/ holds gray ones")
        image = image[..., 0]
    if role == "color" and image.ndim == 2:
        raise DatasetError(f"{path} is a gray image; color/ holds RGB ones (raw mosaics need a pairs.jsonl)")
    bits = 8 * image.dtype.itemsize
    return Frame(
        role=role,
        image=frozen(image),
        layout=Layout.MONO if role == "mono" else Layout.RGB,
        bits=bits,
        pixel_format=f"Mono{bits}" if role == "mono" else f"RGB{bits}",
        frame_id=index,
        device_ns=None,
        host_ns=index * PLAIN_PERIOD_NS,
    )
