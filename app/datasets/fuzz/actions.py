"""What is done with a spoiled dataset, and what must hold: nothing crashes, nothing outside changes, nothing
captured is lost, and what was called sound can be used.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from app.browsing.feed import Feed
from app.capturing.state import read_state, write_state
from app.datasets.export import ExportPlan, export_pairs
from app.datasets.scenes import split_records
from app.datasets.stats import collect
from app.datasets.stats_page import as_page
from app.datasets.stats_text import as_text
from app.inspecting.sources import open_source
from app.training_data import open_training_pairs
from capture.calibration import load_calibration
from capture.dataset import (
    DatasetEditor,
    DatasetEvent,
    DatasetReader,
    DatasetWriter,
    Edit,
    read_events,
    read_notes,
    write_notes,
)
from capture.dataset_files import read_inside
from capture.dataset_records import ORPHANS_NAME, TRASH_NAME
from capture.datasets.check import check_dataset, is_captured
from capture.datasets.combine import Part, combine
from capture.datasets.foreign import find_pairs, take_in
from capture.datasets.kitti import read_calibration
from capture.datasets.mend import mend_dataset
from capture.errors import CalibrationError, CaptureError, DatasetError
from capture.frames import ROLES, FramePair, Image, Role
from capture.png import decode_png, encode_png
from capture.replay import ReplayRig
from capture.rig import CameraInfo, RigInfo
from capture.spec import ReplaySpec
from models.errors import ModelError

REFUSALS = (DatasetError, CalibrationError, ModelError, CaptureError)
"""What a hostile dataset may be met with; anything else is a fault of ours."""
LONGEST_MESSAGE = 2_000


class Broken(Exception):
    """Something that must hold does not."""


@dataclass(frozen=True)
class Scene:
    """Where a spoiled dataset lies; beside it `pristine` and `outside`, which must not change, and `out`."""

    dataset: Path
    pristine: Path
    out: Path
    frame_pair: FramePair


Action = Callable[[Scene, random.Random], None]


def run_action(name: str, scene: Scene, rng: random.Random) -> str:
    """Do something with the dataset; return "fine" or "refused".

    Raises Broken, or whatever else comes out of the code under test.
    """
    captured = images_of(scene.dataset)
    try:
        ACTIONS[name](scene, rng)
        result = "fine"
    except REFUSALS as error:
        _check_message(str(error))
        result = "refused"
    lost = captured - images_of(scene.dataset)
    if lost:
        raise Broken(f"{name} lost {sum(lost.values())} images that were captured")
    return result


def images_of(folder: Path) -> Counter[str]:
    """Return how often each content occurs among the image files of a dataset, set aside or not."""
    places = (folder, folder / TRASH_NAME, folder / ORPHANS_NAME)
    return Counter(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for place in places
        for role in ROLES
        for path in _pngs(place / role)
    )


def _pngs(folder: Path) -> Iterator[Path]:
    if folder.is_symlink() or folder.parent.is_symlink() or not folder.is_dir():
        return
    for path in folder.glob("*.png"):
        if path.is_file() and not path.is_symlink():
            yield path


def _check_message(text: str) -> None:
    if len(text) > LONGEST_MESSAGE:
        raise Broken(f"a message of {len(text)} characters: {text[:200]!r} …")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Broken(f"a message that cannot be shown: {text!r}") from error
    if "\x1b" in text or "\x00" in text:
        raise Broken(f"a message that a terminal would obey: {text!r}")


def _read(scene: Scene, _: random.Random) -> None:
    reader = DatasetReader.open(scene.dataset)
    for record in (*reader.records, *reader.trash):
        try:
            reader.load(record, verify=True)
            path = reader.calibration_path(record)
            if path is not None:
                load_calibration(path)
        except (DatasetError, CalibrationError) as error:
            _check_message(str(error))
    read_events(scene.dataset)
    read_notes(scene.dataset)


def _check(scene: Scene, _: random.Random) -> None:
    """Check; what is called sound must be usable, and findings must be printable."""
    checked = check_dataset(scene.dataset)
    for finding in checked.findings:
        _check_message(f"{finding.name}: {finding.message}")
    if checked.damage == 0:
        _use(scene.dataset, "a check found no damage")


def _use(folder: Path, why: str) -> None:
    try:
        reader = DatasetReader.open(folder)
        for record in reader.records:
            reader.load(record, verify=True)
            reader.calibration_path(record)
    except DatasetError as error:
        raise Broken(f"{why}, but: {error}") from error


def _mend(scene: Scene, _: random.Random) -> None:
    """Mend; nothing that can be mended may be left, and a second time nothing may happen."""
    checked = check_dataset(scene.dataset)
    mended, after = mend_dataset(scene.dataset, checked)
    left = [finding for finding in after.findings if finding.mend]
    if left:
        raise Broken(f"mended ({mended}), but left: {left[0]}")
    if after.damage == 0 and is_captured(scene.dataset):
        _use(scene.dataset, "everything was mended")


def _merge(scene: Scene, _: random.Random) -> None:
    combine([Part(scene.pristine), Part(scene.dataset)], scene.out, link=False)
    if check_dataset(scene.out).damage:
        raise Broken(f"merged into a damaged dataset: {check_dataset(scene.out).findings}")


def _export(scene: Scene, rng: random.Random) -> None:
    source = open_training_pairs([scene.dataset], verify=True)
    shards = rng.choice((None, None, 2))
    export_pairs(source, scene.out, ExportPlan(bits=rng.choice((None, 8, 16)), shard_pairs=shards))


def _split(scene: Scene, _: random.Random) -> None:
    reader = DatasetReader.open(scene.dataset)
    split_records(scene.dataset, reader.records, 0, 0.7, "tags")


def _describe(scene: Scene, _: random.Random) -> None:
    stats = collect(DatasetReader.open(scene.dataset))
    for text in (*as_text(stats).splitlines(), as_page(stats).replace("\n", " ")):
        if not text.isprintable():
            raise Broken(f"a description that cannot be shown: {text[:200]!r}")


def _take_in(scene: Scene, rng: random.Random) -> None:
    """Take the images in as a plain folder's, with a list for times and a table for a calibration."""
    plain = scene.out / "plain"
    for role in ROLES:
        (plain / role).mkdir(parents=True)
        for path in _pngs(scene.dataset / role):
            (plain / role / path.name).write_bytes(_coloured(path, role))
    for name in ("pairs.jsonl", "dataset.toml", "calibration.toml"):
        with suppress(DatasetError, OSError):
            data = read_inside(scene.dataset, scene.dataset / name, 1 << 20)
            (plain / rng.choice(("times.txt", "calib.txt"))).write_bytes(data)
    found = find_pairs(plain, with_times=rng.random() < 0.3)
    if found.calib is not None:
        with suppress(CalibrationError):
            read_calibration(found.calib, 0, 2, (64, 64), (64, 64))
    take_in(found, scene.out / "set", None, source="fuzz")
    if check_dataset(scene.out / "set").damage:
        raise Broken(f"took in a damaged dataset: {check_dataset(scene.out / 'set').findings}")


def _coloured(path: Path, role: Role) -> bytes:
    """Return a file; a mosaic, which only a dataset can explain, as a colour image."""
    data = path.read_bytes()
    with suppress(DatasetError):
        image = decode_png(data, path.name)
        if role == "color" and image.ndim == 2 and image.size < 1 << 16:
            return encode_png(cast("Image", np.repeat(image[..., None], 3, axis=2)))
    return data


def _browse(scene: Scene, rng: random.Random) -> None:
    """Show the contact sheet's table, and what a growing dataset adds to it."""
    feed = Feed(scene.dataset)
    table = feed.open()
    for key in table.numbers:
        table.sorted_rows(np.arange(len(table)), key, descending=rng.random() < 0.5)
    with suppress(OSError, DatasetError):
        path = scene.dataset / "pairs.jsonl"
        line = read_inside(scene.dataset, path, 1 << 16).split(b"\n")[0]
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            path.unlink()  # it may be the second name of another file
            path.write_bytes(data + line[: rng.randrange(len(line) + 1)] + b"\n")
    feed.poll()


def _inspect(scene: Scene, _: random.Random) -> None:
    source = open_source(scene.dataset)
    for item in source.items:
        item.read()
        item.calibration()


def _go_on(scene: Scene, _: random.Random) -> None:
    """Read how the dataset was being captured, and write it down again."""
    state = read_state(scene.dataset)
    if state is not None:
        write_state(scene.dataset, state)
        if read_state(scene.dataset) != state:
            raise Broken("how a dataset is captured comes back otherwise than it was written")


def _edit(scene: Scene, rng: random.Random) -> None:
    names = tuple(record.name for record in DatasetReader.open(scene.dataset).records)[:2]
    edit = Edit(names, add_tags=("new",), trashed=rng.choice((None, True)))
    back = DatasetEditor(scene.dataset).apply(edit)
    DatasetEditor(scene.dataset).apply(*back)


def _write(scene: Scene, _: random.Random) -> None:
    """Go on capturing; what was saved must be there."""
    pair = scene.frame_pair
    with DatasetWriter(scene.dataset, RIG) as writer:
        name = writer.save(pair)
        writer.note(DatasetEvent("rig_lost", {"cause": "tried"}))
    write_notes(scene.dataset, "noted")
    reader = DatasetReader.open(scene.dataset)
    record = next((record for record in reader.records if record.name == name), None)
    if record is None or (reader.load(record, verify=True).mono.image != pair.mono.image).any():
        raise Broken(f"pair {name} was saved, but is not there")


def _replay(scene: Scene, _: random.Random) -> None:
    with ReplayRig(ReplaySpec(scene.dataset, loop=False)) as rig:
        rig.start()
        rig.next_frame(1.0)


CAMERA = CameraInfo("mono", "1", "Maker", "Model", 64, 64, "Mono8", has_clock=True)
RIG = RigInfo("virtual", "fuzz", CAMERA, replace(CAMERA, role="color"), None, True, None)

ACTIONS: dict[str, Action] = {
    "read": _read,
    "check": _check,
    "mend": _mend,
    "merge": _merge,
    "export": _export,
    "split": _split,
    "describe": _describe,
    "take in": _take_in,
    "browse": _browse,
    "inspect": _inspect,
    "go on": _go_on,
    "edit": _edit,
    "write": _write,
    "replay": _replay,
}
ALWAYS = ("read", "check")
"""Done with every dataset; one of the others follows, as some change it."""
