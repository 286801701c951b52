from __future__ import annotations

from pathlib import Path

import numpy as np

from app.pipeline.live import LiveConfig, LivePipeline
from app.pipeline.taps import Tap, Taps
from capture.spec import ReplaySpec, VirtualSpec
from tests.app.pipelines import PATIENCE_S, write_replay


def test_the_newest_item_waits_in_every_slot() -> None:
    tap: Tap[int] = Tap()
    one, other = tap.open(), tap.open()
    for number in range(5):
        tap.put(number)
    assert one.try_take() == 4
    assert other.try_take() == 4
    assert one.try_take() is None


def test_a_closed_slot_is_let_go_of() -> None:
    tap: Tap[int] = Tap()
    news: list[str] = []
    gone, stays = tap.open(lambda: news.append("gone")), tap.open(lambda: news.append("stays"))
    gone.close()
    tap.put(1)
    tap.put(2)
    assert news == ["stays", "stays"]
    stays.close()
    assert not tap.in_use


def test_a_pipeline_hands_out_raw_and_rectified_pairs(tmp_path: Path) -> None:
    folder = write_replay(tmp_path / "pairs", 3)
    taps = Taps()
    raw, rectified = taps.raw.open(), taps.rectified.open()
    pipeline = LivePipeline(LiveConfig(ReplaySpec(folder), colorize=False), taps=taps)
    pipeline.start()
    try:
        pair, shown = raw.take(PATIENCE_S), rectified.take(PATIENCE_S)
    finally:
        pipeline.stop()
    assert pair is not None
    assert shown is not None
    assert pair.mono.role == "mono"
    assert np.array_equal(shown.mono, shown.pair.mono.image)


def test_raw_pairs_come_while_the_pictures_are_frozen() -> None:
    """A board is looked for in what the cameras see now, whatever is held on the live page."""
    taps = Taps()
    raw = taps.raw.open()
    spec = VirtualSpec(width=96, height=64, frame_rate_hz=30)
    pipeline = LivePipeline(LiveConfig(spec, colorize=False), taps=taps)
    pipeline.set_frozen(True)
    pipeline.start()
    try:
        first, second = raw.take(PATIENCE_S), raw.take(PATIENCE_S)
    finally:
        pipeline.stop()
    assert first is not None
    assert second is not None
    assert second.index > first.index
