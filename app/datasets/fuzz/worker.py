"""One process of fuzzing: takes input after input, and says on its standard output what came of each."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import random
import resource
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from app.datasets.fuzz.actions import ACTIONS, ALWAYS, Broken, Scene, run_action
from app.datasets.fuzz.mutations import mutate
from capture.dataset import DatasetReader

LONG_S, WATCHED = 45.0, 16
MOST_MEMORY_BYTES = 6 << 30
"""Address space, libraries included. A bomb that unfolds beyond it is a finding."""


def work(pristine: Path, room: Path, seed: int, first: int, last: int) -> None:
    """Try inputs `first` … `last` − 1; print a line of JSON before and after each."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    logging.disable(logging.WARNING)  # that a dataset had to be repaired is no news here
    reader = DatasetReader.open(pristine)
    pair = reader.load(reader.records[0])
    scene = Scene(room / "dataset", pristine, room / "out", pair)
    for number in range(first, last):
        print(json.dumps({"begin": number}), flush=True)
        if number % WATCHED == 0:
            faulthandler.dump_traceback_later(LONG_S)  # of use if it hangs: the parent ends it later
        print(json.dumps(_one(scene, room, seed, number)), flush=True)


def _one(scene: Scene, room: Path, seed: int, number: int) -> dict[str, Any]:
    """Spoil a copy, use it, and look whether anything else changed."""
    began = time.monotonic()
    rng = random.Random(f"{seed}/{number}")
    for path in (scene.dataset, scene.out):
        _clear(path)
    shutil.copytree(scene.pristine, scene.dataset)
    mutations = mutate(scene.dataset, rng)
    _restore(room)  # a mutation may have written through the link that another one laid
    before = _state(room)
    actions = (*ALWAYS, rng.choice([name for name in ACTIONS if name not in ALWAYS]))
    done: dict[str, Any] = {"number": number, "mutations": mutations, "results": {}}
    for action in actions:
        try:
            done["results"][action] = run_action(action, scene, rng)
        except Exception as error:  # noqa: BLE001 (whatever comes out is what is looked for)
            done["results"][action] = "fault"
            done.setdefault("faults", []).append(_fault(action, error))
    changed = {name for name, _ in before.items() ^ _state(room).items()}
    if changed:
        words = f"{actions}: {sorted(changed)}"
        fault = {"action": actions[-1], "kind": "changed something outside", "message": words}
        done.setdefault("faults", []).append(fault)
    done["seconds"] = round(time.monotonic() - began, 3)
    return done


def _fault(action: str, error: BaseException) -> dict[str, str]:
    frames = traceback.extract_tb(error.__traceback__)
    where = next((f for f in reversed(frames) if "fuzz" not in f.filename), frames[-1])
    place = f"{Path(where.filename).name}:{where.lineno}"
    kind = "Broken" if isinstance(error, Broken) else type(error).__name__
    text = "".join(traceback.format_exception(error))[-3000:]
    return {"action": action, "kind": kind, "place": place, "message": str(error)[:500], "trace": text}


def _clear(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


KEPT = {"kept.png": b"not of the dataset", "kept.toml": b"schema = 2\n", "kept": b"kept"}


def _restore(room: Path) -> None:
    _clear(room / "outside")
    (room / "outside").mkdir(parents=True)
    for name, data in KEPT.items():
        (room / "outside" / name).write_bytes(data)


def _state(room: Path) -> dict[str, bytes | None]:
    """Return everything beside the dataset, file by file."""
    return {
        str(path.relative_to(room)): path.read_bytes() if path.is_file() else None
        for path in (*room.iterdir(), *(room / "outside").rglob("*"), *(room / "pristine").rglob("*"))
        if path.name not in ("dataset", "out")
    }


if __name__ == "__main__":
    work(Path(sys.argv[1]), Path(sys.argv[2]), *(int(text) for text in sys.argv[3:6]))
    sys.stdout.flush()
    os._exit(0)
