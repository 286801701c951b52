"""A study on disk: `study.toml`, and a file of answers for each rater that only grows.

    FOLDER/study.toml           the plan
    FOLDER/votes/RATER.jsonl    one line per answer; a later answer to the same question replaces the earlier

A line is on the disk before the next question is asked: what was answered survives a crash. A torn last line
is that of an answer which was not given yet.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from app.inspecting.study import LEVELS, Question, StudyPlan, questions
from capture.errors import DatasetError
from capture.files import read_toml, sync_folder, write_atomically

PLAN_NAME = "study.toml"
VOTES_NAME = "votes"
SCHEMA = 1
MOST_VOTE_BYTES = 64 << 20
_RATER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@dataclass(frozen=True)
class Vote:
    """An answer: `level` from 1 (Perfect) to 5 (Totally Wrong), given at `at` (UTC, ISO 8601)."""

    question: int
    item: str
    method: str
    again: bool
    level: int
    at: str


def check_rater(name: str) -> str:
    """Return the name of a rater, without blanks around. Raises DatasetError if no file can be called so."""
    name = name.strip()
    if _RATER.fullmatch(name) is None:
        raise DatasetError(f"rater {name[:60]!r}: give 1 to 40 letters (a-z), digits, - or _")
    return name


def create_study(folder: Path, plan: StudyPlan) -> None:
    """Write the plan of a new study. Raises DatasetError if one is there already, or it cannot be written."""
    path = folder / PLAN_NAME
    if path.exists():
        raise DatasetError(f"{folder} holds a study already: open it, or choose another folder")
    document = {"schema": SCHEMA, **asdict(plan)}
    document["items"], document["methods"] = list(plan.items), list(plan.methods)
    try:
        (folder / VOTES_NAME).mkdir(parents=True, exist_ok=True)
        write_atomically(path, tomli_w.dumps(document).encode())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def read_plan(folder: Path) -> StudyPlan:
    """Return the plan of a study. Raises DatasetError that names what is wrong."""
    path = folder / PLAN_NAME
    if not path.exists():
        raise DatasetError(f"{folder} holds no study ({PLAN_NAME} is missing)")
    document = read_toml(path, DatasetError)
    if document.pop("schema", None) != SCHEMA:
        raise DatasetError(f"{path}: this version of CycleRig reads studies of schema {SCHEMA}")
    try:
        plan = StudyPlan(
            seed=_whole(document.pop("seed")),
            items=_texts(document.pop("items")),
            methods=_texts(document.pop("methods")),
            again_share=_share(document.pop("again_share")),
            allowed_slips=_whole(document.pop("allowed_slips")),
        )
    except KeyError as error:
        raise DatasetError(f"{path}: {error.args[0]} is missing") from error
    except TypeError as error:
        raise DatasetError(f"{path}: {error}") from error
    if document:
        raise DatasetError(f"{path}: {next(iter(document))} is not a known key")
    return plan


def raters(folder: Path) -> list[str]:
    """Return who has answered, by name."""
    return sorted(p.stem for p in (folder / VOTES_NAME).glob("*.jsonl") if _RATER.fullmatch(p.stem))


def read_votes(folder: Path, plan: StudyPlan, rater: str) -> dict[int, Vote]:
    """Return a rater's newest answers by question; a torn last line is left out.

    Raises DatasetError that names the line: an answer that fits no question of the plan, or is no answer.
    """
    path = _votes_path(folder, rater)
    try:
        if path.stat().st_size > MOST_VOTE_BYTES:
            raise DatasetError(
                f"{path} has more than {MOST_VOTE_BYTES >> 20} MiB: these are no votes of ours"
            )
        *lines, _ = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error
    asked = questions(plan, rater)
    votes: dict[int, Vote] = {}
    for number, line in enumerate(lines, start=1):
        try:
            vote = _vote(json.loads(line), asked)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise DatasetError(f"{path}, line {number}: no answer to a question of this study") from error
        votes[vote.question] = vote
    return votes


def all_votes(folder: Path, plan: StudyPlan) -> dict[str, dict[int, Vote]]:
    """Return the answers of every rater. Raises DatasetError as `read_votes`."""
    return {rater: read_votes(folder, plan, rater) for rater in raters(folder)}


class Ballot:
    """One rater's answers, open for more. For one thread at a time.

    Raises DatasetError: the name cannot be used, the plan or the answers cannot be read.
    """

    def __init__(self, folder: Path, rater: str) -> None:
        self.folder, self.rater = folder, check_rater(rater)
        self.plan = read_plan(folder)
        self.questions = questions(self.plan, self.rater)
        self._votes = read_votes(folder, self.plan, self.rater)

    @property
    def votes(self) -> Mapping[int, Vote]:
        """Return the answers by question."""
        return self._votes

    @property
    def next_open(self) -> int | None:
        """Return the first question without an answer; None when all are answered."""
        return next((i for i in range(len(self.questions)) if i not in self._votes), None)

    def vote(self, question: int, level: int) -> Vote:
        """Answer a question, or answer it anew; returns when the answer is on the disk.

        Args:
            question: index into `questions`.
            level: 1 … 5.

        Raises:
            DatasetError: it cannot be written; nothing was answered then.
            ValueError: no such question or level.
        """
        if not 1 <= level <= len(LEVELS) or not 0 <= question < len(self.questions):
            raise ValueError(f"level {level} of question {question}")
        asked = self.questions[question]
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        vote = Vote(question, asked.item, asked.method, asked.again, level, now)
        path = _votes_path(self.folder, self.rater)
        try:
            _append_line(path, json.dumps(asdict(vote), separators=(",", ":")).encode())
        except OSError as error:
            raise DatasetError(
                f"cannot write {path}: {error.strerror or error}; no answer was kept"
            ) from error
        self._votes[question] = vote
        return vote


def _append_line(path: Path, line: bytes) -> None:
    """Append a line, on the disk when this returns; what a crash tore before is cut off first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("r+b" if not is_new else "x+b") as file:
        whole = _end_of_lines(file)
        file.seek(whole)
        file.truncate()
        try:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(whole)
            raise
    if is_new:
        sync_folder(path.parent)


def _end_of_lines(file: Any) -> int:
    """Return where the last whole line ends."""
    end = int(file.seek(0, os.SEEK_END))
    while end > 0:
        step = min(end, 4096)
        file.seek(end - step)
        found = file.read(step).rfind(b"\n")
        if found >= 0:
            return end - step + int(found) + 1
        end -= step
    return 0


def _votes_path(folder: Path, rater: str) -> Path:
    return folder / VOTES_NAME / f"{rater}.jsonl"


def _vote(fields: Any, asked: tuple[Question, ...]) -> Vote:
    vote = Vote(**fields)
    question = _whole(vote.question)
    if not 0 <= question < len(asked) or asked[question] != Question(vote.item, vote.method, vote.again):
        raise ValueError("another question")
    if not 1 <= _whole(vote.level) <= len(LEVELS) or not isinstance(vote.at, str):
        raise ValueError("no level")
    return vote


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("items and methods must be lists of names")
    return tuple(values)
