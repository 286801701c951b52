"""`main.py record --kill`: kill a recording at random moments, and look whether anything is gone."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.commands.record_log import Verdict, damaged, verify
from capture.dataset import DatasetReader
from capture.dataset_records import DATASET_NAME
from capture.errors import DatasetError

SAFE = "safe "
"""Begins a line in which a recording tells how many of its pairs are on disk."""

START_S = 60.0
LONGEST_S = 6.0
"""A recording is killed up to so long after its first pair was safe; some are killed while they start."""

KILLED_WHILE_STARTING = 0.2
MAIN = Path(__file__).resolve().parents[2] / "main.py"


@dataclass
class Tally:
    """What came of all rounds so far."""

    rounds: int = 0
    pairs: int = 0
    safe: int = 0
    problems: list[str] = field(default_factory=list)


def kill(args: argparse.Namespace) -> int:
    """Kill and look; 1 if something was lost or damaged. Raises DatasetError."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    tally = Tally()
    for number in range(1, args.kill + 1):
        before = _sessions(args.folder)
        told = _record_until_killed(args, chance)
        look(args.folder, before, told, tally)
        print(f"{number}/{args.kill}: {told} told to be safe, {tally.pairs} pairs so far", flush=True)
    reader = DatasetReader.open(args.folder)
    if gone := damaged(reader, reader.records):
        tally.problems.append(f"in the end, damaged: {', '.join(gone)}")
    if len(reader) != tally.pairs:
        tally.problems.append(f"in the end {len(reader)} pairs are listed, not {tally.pairs}")
    print(
        f"{tally.rounds} recordings killed; {tally.safe} pairs were told to be safe, {tally.pairs} are listed"
    )
    print("\n".join(tally.problems) or "nothing is lost or damaged")
    return 1 if tally.problems else 0


def _record_until_killed(args: argparse.Namespace, chance: random.Random) -> int:
    """Start a recording, kill it at a random moment, and return how many pairs it said were safe."""
    arguments = ["record", str(args.folder), "--rig", args.rig, "--duration", "3600", "--tell"]
    arguments += ["--model", args.model]
    arguments += [
        flag for flag, given in (("--capture-only", args.capture_only), ("--window", args.window)) if given
    ]
    told = 0
    command = [sys.executable, str(MAIN), *arguments]
    # Whoever is killed cannot give shared memory back; Python's tracker does, and need not tell of it.
    env = os.environ | {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as recording:
        assert recording.stdout is not None
        if chance.random() < KILLED_WHILE_STARTING:
            time.sleep(chance.uniform(0, LONGEST_S))
        else:
            line = recording.stdout.readline()
            while line and not line.startswith(SAFE):
                line = recording.stdout.readline()
            if not line:
                raise DatasetError(f"a recording ended by itself (exit code {recording.wait()})")
            told = int(line.removeprefix(SAFE))
            time.sleep(chance.uniform(0, LONGEST_S))
        recording.kill()
        for line in recording.stdout:
            if line.startswith(SAFE) and line.endswith("\n"):
                told = int(line.removeprefix(SAFE))
    return told


def look(folder: Path, sessions_before: int, told: int, tally: Tally) -> None:
    """Compare what is on disk with what was told, as it is: nothing is repaired before."""
    tally.rounds += 1
    tally.safe += told
    verdict = verify(folder) if _sessions(folder) > sessions_before else Verdict(0, 0.0, (), {}, 0)
    tally.pairs += verdict.pairs
    if verdict.pairs < told:
        tally.problems.append(f"round {tally.rounds}: {told} pairs were safe, {verdict.pairs} are listed")
    if verdict.damaged:
        tally.problems.append(f"round {tally.rounds}: damaged: {', '.join(verdict.damaged)}")
    if verdict.skipped:
        tally.problems.append(f"round {tally.rounds}: {verdict.skipped} pairs are missing in between")


def _sessions(folder: Path) -> int:
    return len(DatasetReader.open(folder).sessions) if (folder / DATASET_NAME).exists() else 0
