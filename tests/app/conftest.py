"""Fixtures of the app's tests."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import pytest

import capture.ring


@pytest.fixture
def no_leaks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail the test if a thread, a child process or a piece of shared memory is left when it ends."""
    threads = set(threading.enumerate())
    segments: list[str] = []

    class Remembered(SharedMemory):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            segments.append(self.name)

    monkeypatch.setattr(capture.ring, "SharedMemory", Remembered)
    yield
    left = [thread.name for thread in set(threading.enumerate()) - threads]
    assert not left, f"threads left: {left}"
    assert not multiprocessing.active_children()
    for name in segments:
        with pytest.raises(FileNotFoundError):
            SharedMemory(name)
