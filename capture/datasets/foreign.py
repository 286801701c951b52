"""Pairs that something else took: plain folders and KITTI-like ones, found and made into a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.calibration import RigCalibration
from capture.dataset_notes import PairNote, SessionAbout
from capture.dataset_records import DATASET_NAME, PAIRS_NAME
from capture.dataset_writer import DatasetWriter
from capture.datasets.kitti import read_times
from capture.datasets.scan import Progress
from capture.datasets.sources import add_sources
from capture.errors import DatasetError
from capture.frames import ROLES, Frame, FramePair, Image, Layout, Role, frozen
from capture.images import image_files, read_color, read_mono
from capture.rig import CameraInfo, RigInfo

KITTI_LAYOUTS = (("image_00", "image_02"), ("image_0", "image_2"), ("image_0", "colored_0"))
"""Folders of the left gray and the left colour camera: raw data, odometry, stereo 2012."""
TIMES_NAMES = ("timestamps.txt", "times.txt")
CALIB_NAMES = ("calib.txt", "calib_cam_to_cam.txt")
PERIOD_NS = 100_000_000
"""Between pairs of which nobody wrote down the time."""


@dataclass(frozen=True)
class Found:
    """Pairs of image files.

    Attributes:
        folder: where they are.
        kind: of layout, for people.
        names: of the pairs, in order.
        mono, color: image file by name.
        mono_ns, color_ns: times by name, from the first of all; empty if unknown.
        calib: file with the calibration in KITTI's words; None if there is none.
    """

    folder: Path
    kind: str
    names: Sequence[str]
    mono: Mapping[str, Path]
    color: Mapping[str, Path]
    mono_ns: Mapping[str, int]
    color_ns: Mapping[str, int]
    calib: Path | None

    def read(self, name: str) -> tuple[Image, Image]:
        """Return the images of a pair: H×W and H×W×3 RGB, 8 or 16 bit. Raises DatasetError."""
        return read_mono(self.mono[name]), read_color(self.color[name])


def find_pairs(
    folder: Path, mono: str | None = None, color: str | None = None, *, with_times: bool = True
) -> Found:
    """Return the pairs of a folder.

    Args:
        folder: with `mono/` and `color/`, or one of `KITTI_LAYOUTS` (in each, images or `data/` with them).
        mono, color: names of the two folders, if they are called otherwise.
        with_times: read `times.txt` or `timestamps.txt` where they are.

    Raises:
        DatasetError: no such folders, half of a pair is missing, times that do not fit, or it is a dataset.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder")
    if any((folder / name).exists() for name in (DATASET_NAME, PAIRS_NAME)):
        raise DatasetError(f"{folder} is a dataset already: dataset merge puts it into another one")
    kind, places = _places(folder, mono, color)
    files = {role: image_files(_inner(places[role])) for role in ROLES}
    for role, other in (ROLES, ROLES[::-1]):
        if halves := sorted(files[role].keys() - files[other].keys()):
            more = f" (and {len(halves) - 1} more)" if len(halves) > 1 else ""
            raise DatasetError(f"half of pair {halves[0]}: {places[other]} has no image of that name{more}")
    names = sorted(files["mono"])
    times = {role: _times(folder, places[role], names) if with_times else {} for role in ROLES}
    calib = next((path for name in CALIB_NAMES for path in _near(folder, name) if path.is_file()), None)
    return Found(folder, kind, names, files["mono"], files["color"], times["mono"], times["color"], calib)


def take_in(
    found: Found,
    out: Path,
    calibration: RigCalibration | None,
    *,
    source: str,
    tags: tuple[str, ...] = (),
    app_version: str = "",
    progress: Progress | None = None,
) -> int:
    """Add the pairs to a dataset, as a session of its own; return how many.

    Args:
        found: the pairs.
        out: dataset; made if it is missing.
        calibration: of the images, if it is known.
        source: where they come from, for people.
        tags: scene tags of all of them.
        app_version: of the program.
        progress: gets (pairs done, pairs); what it raises ends the work. What was taken in until then stays.

    Raises DatasetError: an image cannot be read, `out` cannot be written.
    """
    about = SessionAbout(app_version=app_version, lens_note=f"imported from {source} ({found.kind})")
    first = found.read(found.names[0])
    rig = RigInfo("replay", source, *_cameras(found, first), None, shares_trigger=True, calibration=None)
    note = PairNote(tags=tags)
    rows: list[tuple[str, str, str]] = []
    with DatasetWriter(out, rig, calibration, about) as writer:
        for index, name in enumerate(found.names):
            mono, color = found.read(name)
            pair = _pair(index, mono, color, found.mono_ns.get(name), found.color_ns.get(name))
            rows.append((writer.save(pair, note), source, name))
            if progress is not None:
                progress(index + 1, len(found.names))
        add_sources(out, rows)
    return len(found.names)


def camera_numbers(found: Found) -> tuple[int, int]:
    """Return the numbers that KITTI gives the two cameras, by the names of their folders."""
    return (0, 0) if "colored" in found.kind else (0, 2)


def _places(folder: Path, mono: str | None, color: str | None) -> tuple[str, dict[Role, Path]]:
    """Return the kind of layout and the folder of each camera."""
    if mono is not None or color is not None:
        known: tuple[tuple[str, str], ...] = ((mono or "mono", color or "color"),)
    else:
        known = (("mono", "color"), *KITTI_LAYOUTS)
    for gray, coloured in known:
        if (folder / gray).is_dir() and (folder / coloured).is_dir():
            kind = f"KITTI, {gray} and {coloured}" if (gray, coloured) in KITTI_LAYOUTS else "pair folder"
            return kind, {"mono": folder / gray, "color": folder / coloured}
    wanted = " or ".join(f"{gray}/ and {coloured}/" for gray, coloured in known)
    raise DatasetError(f"{folder} has no {wanted}; --mono and --color name other folders")


def _inner(folder: Path) -> Path:
    return folder / "data" if (folder / "data").is_dir() else folder


def _near(folder: Path, name: str) -> tuple[Path, Path]:
    """Return where a file of a sequence may lie: KITTI's raw data have it beside the sequences."""
    return folder / name, folder.resolve().parent / name


def _times(folder: Path, place: Path, names: Sequence[str]) -> dict[str, int]:
    path = next((p for f in (place, folder) for n in TIMES_NAMES if (p := f / n).is_file()), None)
    if path is None:
        return {}
    times = read_times(path)
    if len(times) == len(names):
        return dict(zip(names, times, strict=True))
    if all(name.isdecimal() and len(name) < 16 and int(name) < len(times) for name in names):
        return {name: times[int(name)] for name in names}
    raise DatasetError(f"{path} has {len(times)} times for {len(names)} pairs; --no-times leaves them out")


def _cameras(found: Found, images: tuple[Image, Image]) -> tuple[CameraInfo, CameraInfo]:
    mono, color = (
        CameraInfo(
            role=role,
            serial="",
            vendor="KITTI" if found.kind.startswith("KITTI") else "",
            model=f"imported {role}",
            width=image.shape[1],
            height=image.shape[0],
            pixel_format=_pixel_format(role, image),
            has_clock=bool(found.mono_ns),
        )
        for role, image in zip(ROLES, images, strict=True)
    )
    return mono, color


def _pixel_format(role: Role, image: Image) -> str:
    return f"{'Mono' if role == 'mono' else 'RGB'}{8 * image.dtype.itemsize}"


def _pair(index: int, mono: Image, color: Image, mono_ns: int | None, color_ns: int | None) -> FramePair:
    frames = [
        Frame(
            role=role,
            image=frozen(image),
            layout=Layout.MONO if role == "mono" else Layout.RGB,
            bits=8 * image.dtype.itemsize,
            pixel_format=_pixel_format(role, image),
            frame_id=index,
            device_ns=known_ns,
            host_ns=index * PERIOD_NS if known_ns is None else known_ns,
        )
        for role, image, known_ns in zip(ROLES, (mono, color), (mono_ns, color_ns), strict=True)
    ]
    skew_ns = 0 if mono_ns is None or color_ns is None else color_ns - mono_ns
    return FramePair(index, frames[0], frames[1], skew_ns)
