"""Helpers for tests that run whole pipelines: waiting on news, weights for a real engine, replay folders."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.status import LiveResult, RectifiedPair

PATIENCE_S = 60.0


class Watched:
    """A running pipeline and everything that it has handed out."""

    def __init__(self, config: LiveConfig) -> None:
        self._news = threading.Condition()
        self.views: list[RectifiedPair] = []
        self.results: list[LiveResult] = []
        self.pipeline = LivePipeline(
            config, on_view=self._on_view, on_result=self._on_result, on_status=self._on_status
        )

    def __enter__(self) -> Self:
        self.pipeline.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pipeline.stop()

    def _on_view(self) -> None:
        with self._news:
            view = self.pipeline.take_view()
            if view is not None:
                self.views.append(view)
            self._news.notify_all()

    def _on_result(self) -> None:
        with self._news:
            result = self.pipeline.take_result()
            if result is not None:
                self.results.append(result)
            self._news.notify_all()

    def _on_status(self) -> None:
        with self._news:
            self._news.notify_all()

    def wait_for(self, what: str, holds: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Wait until `holds`, looking again at each news, and now and then for what comes without any."""
        deadline_s = time.monotonic() + patience_s
        with self._news:
            while not holds():
                assert time.monotonic() < deadline_s, f"waited in vain for {what}: {self.pipeline.status()}"
                self._news.wait(0.1)

    def wait_for_state(self, state: str) -> None:
        """Wait until the pipeline is in a state."""
        self.wait_for(f"state {state}", lambda: self.pipeline.status().state == state)

    def wait_for_views(self, count: int) -> None:
        """Wait for so many more views."""
        goal = len(self.views) + count
        self.wait_for(f"{count} views", lambda: len(self.views) >= goal)

    def wait_until_held(self) -> None:
        """Wait until several pairs were turned away and nothing is on its way to the view."""
        goal = self.pipeline.status().stages["rectify"].dropped + 3

        def held() -> bool:
            return self.pipeline.status().stages["rectify"].dropped >= goal and self.settled("rectify")

        self.wait_for("a held view", held)

    def settled(self, stage: str) -> bool:
        """Return whether nothing is under way in a stage."""
        counts = self.pipeline.status().stages[stage]
        return counts.taken == counts.finished + counts.dropped

    def wait_for_results(self, count: int) -> None:
        """Wait for so many more results."""
        goal = len(self.results) + count
        self.wait_for(f"{count} results", lambda: len(self.results) >= goal)


def write_replay(folder: Path, pairs: int, width: int = 96, height: int = 64) -> Path:
    """Make a replay folder whose pair number n is a pattern on the level 20 n."""
    pattern = np.random.default_rng(0).integers(0, 20, (height, width, 3), np.uint8)
    for name in ("mono", "color"):
        (folder / name).mkdir(parents=True)
    for number in range(pairs):
        color = pattern + np.uint8(20 * number)
        cv2.imwrite(str(folder / "mono" / f"{number:03d}.png"), color[..., 0])
        cv2.imwrite(str(folder / "color" / f"{number:03d}.png"), color)
    return folder


def number_of(view: RectifiedPair) -> int:
    """Return which pair of `write_replay` this is."""
    return int(view.mono.min()) // 20
