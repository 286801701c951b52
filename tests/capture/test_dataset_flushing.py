"""The order in which a dataset is flushed: what a power cut could undo is never relied upon."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from capture.dataset import DatasetEditor, DatasetWriter, Edit, PairNote
from capture.frames import ROLES
from tests.capture.dataset_pairs import RIG, make_pair

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks descriptors up in /proc")


class Watch:
    """Notes, in order, what was flushed, renamed and appended, and lets all of it happen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._folder = folder
        self.events: list[tuple[str, str]] = []
        for owner, name, note in (
            (os, "fsync", lambda descriptor: ("flush", self._path(descriptor))),
            (os, "write", lambda descriptor, _data: ("append", self._path(descriptor))),
            (Path, "replace", lambda _source, target: ("name", self._relative(target))),
            (Path, "rename", lambda _source, target: ("name", self._relative(target))),
        ):
            monkeypatch.setattr(owner, name, self._noting(getattr(owner, name), note))

    def _noting(
        self, function: Callable[..., Any], note: Callable[..., tuple[str, str]]
    ) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            result = function(*arguments)
            self.events.append(note(*arguments))
            return result

        return noted

    def _path(self, descriptor: int) -> str:
        return self._relative(Path(f"/proc/self/fd/{descriptor}").readlink())

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)

    def first(self, kind: str, path: str, after: int = -1) -> int:
        """Return when that happened; fails if it did not."""
        return next(i for i, event in enumerate(self.events) if i > after and event == (kind, path))


def test_a_line_is_appended_after_its_images_are_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DatasetWriter(tmp_path, RIG) as writer:
        watch = Watch(monkeypatch, tmp_path)
        saved = writer.save_group([(make_pair(index), PairNote()) for index in range(3)])
    assert saved.error is None
    appended = watch.first("append", "pairs.jsonl")
    for role in ROLES:
        for name in saved.names:
            written = next(
                i
                for i, (kind, path) in enumerate(watch.events)
                if kind == "flush" and path.startswith(f"{role}/.{name}.png.")
            )
            named = watch.first("name", f"{role}/{name}.png")
            assert written < named < watch.first("flush", role, after=named) < appended
    assert watch.first("flush", "pairs.jsonl") > appended
    assert sum(event == ("flush", role) for event in watch.events for role in ROLES) == 2


def test_a_new_dataset_is_known_to_the_folders_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch, tmp_path)
    with DatasetWriter(tmp_path / "captures" / "today", RIG):
        pass
    for folder in (".", "captures", "captures/today"):
        watch.first("flush", folder)


def test_an_edit_is_safe_before_files_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DatasetWriter(tmp_path, RIG) as writer:
        name = writer.save(make_pair(0))
    watch = Watch(monkeypatch, tmp_path)
    DatasetEditor(tmp_path).apply(Edit((name,), trashed=True))
    decided = watch.first("flush", "edits.jsonl")
    for role in ROLES:
        moved = watch.first("name", f"trash/{role}/{name}.png")
        assert decided < watch.first("flush", "trash") < moved
        for folder in (role, f"trash/{role}"):
            assert watch.first("flush", folder, after=moved) > moved
