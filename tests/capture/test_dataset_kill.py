"""A writer killed at any moment leaves a dataset of whole pairs, which can be continued."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from capture.dataset import DatasetReader, DatasetWriter, PairRecord
from capture.dataset_records import image_path
from capture.frames import ROLES
from capture.png import decode_png
from tests.capture.dataset_pairs import RIG, listed_pairs_that_are_not_whole, make_pair

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("CYCLERIG_KILLS", "30"))

# Starting Python takes longer than all else here, so one process forks a child for every kill. The child
# saves pairs, tells after each group and throws some away; it is killed a random time after a random one.
KILLED_WRITERS = """
import os, random, select, signal, sys
from pathlib import Path
from capture.dataset import DatasetEditor, DatasetWriter, Edit, PairNote
from tests.capture.dataset_pairs import RIG, make_pair

folder, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(sys.argv[3])
pairs = [make_pair(index, height=96, width=128) for index in range(8)]

def write_until_killed(told):
    editor = DatasetEditor(folder)
    with DatasetWriter(folder, RIG) as writer:
        while True:
            group = [(chance.choice(pairs), PairNote()) for _ in range(chance.choice((1, 1, 2, 5)))]
            saved = writer.save_group(group, stored=chance.random() < 0.3)
            assert saved.error is None
            os.write(told, b"s" * len(saved.names))
            if chance.random() < 0.2:
                editor.apply(Edit((chance.choice(saved.names),), trashed=chance.random() < 0.7))

for kill in range(kills):
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_until_killed(told)
        finally:
            os._exit(1)
    os.close(told)
    saved = sum(len(os.read(heard, 1)) for _ in range(chance.randrange(4)))
    while select.select([heard], [], [], chance.uniform(0, 0.015))[0] and chance.random() < 0.8:
        saved += len(os.read(heard, 1))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer ended by itself"
    while data := os.read(heard, 4096):
        saved += len(data)
    os.close(heard)
    print(saved, flush=True)
    sys.stdin.readline()  # the test looks at the folder first
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
def test_killed_at_any_moment_every_listed_pair_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown if the test fails
    saved = 0
    kinds: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITERS, str(folder), str(KILLS), str(seed)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as killer:
        assert killer.stdin is not None
        assert killer.stdout is not None
        for _ in range(KILLS):
            line = killer.stdout.readline()
            assert line, "the writer ended by itself"
            saved += int(line)
            if folder.exists():
                pairs = all_pairs(folder) if (folder / "dataset.toml").exists() else ()
                listed = len(pairs)
                assert listed >= saved, "a pair that was reported as saved is not listed"
                assert all(is_somewhere(folder, record) for record in pairs)
                kinds |= leftovers(folder, listed)
            killer.stdin.write("\n")
            killer.stdin.flush()
    assert killer.returncode == 0
    assert saved > KILLS
    assert kinds, "no kill came while anything was under way: the test tested nothing"

    with DatasetWriter(folder, RIG) as writer:
        name = writer.save(make_pair(0))
    names = [record.name for record in all_pairs(folder)]
    assert names == sorted(set(names))
    assert names[-1] == name
    assert listed_pairs_that_are_not_whole(folder) == []
    assert leftovers(folder, len(names)) == set()
    for record in DatasetReader.open(folder).trash:
        assert all(image_path(folder, role, record.name, trashed=True).is_file() for role in ROLES)
        assert not any(image_path(folder, role, record.name).exists() for role in ROLES)
    for role in ROLES:
        for orphan in (folder / "orphans" / role).glob("*.png"):
            decode_png(orphan.read_bytes(), str(orphan))  # what was set aside is a whole image too
    with DatasetWriter(folder, RIG) as writer:
        assert str(writer.repairs) == "nothing to repair"


def all_pairs(folder: Path) -> list[PairRecord]:
    """Return the listed pairs, those in the trash included, in the order of their names."""
    reader = DatasetReader.open(folder)
    return sorted((*reader.records, *reader.trash), key=lambda record: record.name)


def is_somewhere(folder: Path, record: PairRecord) -> bool:
    """Return whether both images are there and whole: in their place, or on the way to or from the trash."""
    for role in ROLES:
        places = [image_path(folder, role, record.name, trashed=trashed) for trashed in (False, True)]
        found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in places if path.is_file()]
        known = record.frame(role)
        if known is None or known.sha256 not in found:
            return False
    return True


def leftovers(folder: Path, listed: int) -> set[str]:
    """Return what kinds of unfinished business a kill left."""
    kinds = set()
    if list(folder.glob("**/.*.tmp")):
        kinds.add("temporary file")
    if any(len(list((folder / role).glob("*.png"))) > listed for role in ROLES):
        kinds.add("unlisted image")
    return kinds
