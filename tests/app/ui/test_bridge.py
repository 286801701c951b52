from __future__ import annotations

import threading
from pathlib import Path

import pytest

from app.pipeline.live import LiveConfig
from app.ui.bridge import Bridge
from app.ui.mailbox import Mailbox
from app.ui.renderer import Shown
from capture.spec import ReplaySpec


@pytest.fixture
def bridge(qapp, qtbot):
    made = Bridge()
    yield made
    if made.running:
        with qtbot.waitSignal(made.stopped, timeout=30_000):
            made.stop()
    made.close()


def test_the_reader_is_told_once_until_it_takes() -> None:
    box: Mailbox[int] = Mailbox()
    told = [box.put(number) for number in range(100)]
    assert told == [True] + [False] * 99
    assert box.take() == 99
    assert box.replaced == 99
    assert box.take() is None
    assert box.put(100)


def test_a_thousand_publications_from_a_thread_become_one_signal(bridge: Bridge, qtbot) -> None:
    published = [Shown() for _ in range(1000)]
    signals, received = [], []
    bridge._pictures_ready.connect(lambda: signals.append(1))
    bridge._renderer = _NoRenderer()  # takes note of nothing: what is tested is the way to the GUI
    bridge.shown.connect(received.append)

    def publish() -> None:
        for shown in published:
            bridge._publish(shown)

    thread = threading.Thread(target=publish)
    with qtbot.waitSignal(bridge.shown, timeout=5000):
        thread.start()
        # The GUI thread is busy meanwhile: it must not find a thousand events afterwards.
        thread.join()
    bridge._renderer = None
    assert received == [published[-1]]
    assert len(signals) == 1


class _NoRenderer:
    def taken(self) -> None:
        pass


def test_a_rig_that_cannot_be_opened_ends_in_the_status(bridge: Bridge, qtbot, tmp_path: Path) -> None:
    errors = []
    bridge.status_changed.connect(lambda status: errors.append(status.error))
    bridge.start(LiveConfig(ReplaySpec(tmp_path / "nothing here")))
    qtbot.waitUntil(lambda: bool(errors) and "nothing here" in errors[-1], timeout=30_000)


def test_requests_without_a_pipeline_do_nothing(bridge: Bridge, qtbot) -> None:
    bridge.set_frozen(True)
    bridge.step()
    bridge.save_pair()
    assert bridge.settings("mono") == {}
    with qtbot.waitSignal(bridge.stopped, timeout=1000):
        bridge.stop()
