"""What the window shows of a rig that was lost and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from app.pipeline.live import LiveConfig
from app.pipeline.status import Outage, PipelineStatus, RecoveryStatus
from app.ui.banner import NEWS_S
from app.ui.main_window import MainWindow
from capture.spec import VirtualSpec

CAUSE = "Camera 40012345 (mono) is gone: no answer."


def away(elapsed_s: float, wait_s: float) -> PipelineStatus:
    recovery = RecoveryStatus(
        reconnecting=True,
        cause=CAUSE,
        serials=("40012345", "40012346"),
        elapsed_s=elapsed_s,
        attempt=2,
        wait_s=wait_s,
        losses=1,
    )
    return PipelineStatus(state="reconnecting", error=CAUSE, recovery=recovery)


def back(ago_s: float) -> PipelineStatus:
    outage = Outage(CAUSE, attempts=2, detection_s=2.0, recovery_s=1.8)
    recovery = RecoveryStatus(cause=CAUSE, losses=1, outages=(outage,), recovered_ago_s=ago_s)
    return PipelineStatus(state="running", recovery=recovery)


def test_a_lost_rig_is_counted_down_in_the_banner(window: MainWindow) -> None:
    window.bridge.status_changed.emit(away(3.2, 0.5))
    banner = window.banner
    assert banner.error.isVisible()
    assert banner.error.text == (
        f"{CAUSE} Reconnecting to cameras 40012345 and 40012346 … 3.2 s; attempt 2 in 0.5 s."
    )
    assert window.live_status.state.text() == "reconnecting"
    banner.error.dismiss()
    window.bridge.status_changed.emit(away(3.4, 0.3))
    assert not banner.error.isVisible(), "a countdown does not bring back what was dismissed"
    assert "3.4 s; attempt 2 in 0.3 s" in banner.error.text
    window.bridge.status_changed.emit(away(3.7, 0.0))
    assert banner.error.text.endswith("3.7 s; attempt 2.")


def test_recovery_is_news_for_a_while(window: MainWindow) -> None:
    window.bridge.status_changed.emit(away(3.2, 0.0))
    window.bridge.status_changed.emit(back(0.0))
    banner = window.banner
    assert not banner.error.isVisible()
    assert banner.notice.text == f"Recovered in 1.8 s; the picture stood still for 3.8 s. {CAUSE}"
    assert "lost once" in window.live_status.state.toolTip()
    window.bridge.status_changed.emit(back(NEWS_S + 1))
    assert not banner.notice.isVisible()
    assert "pictures stood still for 3.8 s" in window.live_status.state.toolTip()


def test_the_window_goes_on_by_itself_after_a_crash(make_window: Callable[..., MainWindow], qtbot) -> None:
    spec = VirtualSpec(width=160, height=120, frame_rate_hz=15)
    window = make_window(LiveConfig(spec, device="cpu", threads=1, colorize=False))
    window.start()
    bridge = window.bridge
    qtbot.waitUntil(lambda: bridge.status().pairing.paired > 3, timeout=60_000)
    pid = bridge._pipeline.capture_pid if bridge._pipeline is not None else None
    assert pid is not None
    os.kill(pid, signal.SIGSEGV)
    qtbot.waitUntil(lambda: window.live_status.state.text() == "reconnecting", timeout=60_000)
    assert window.commands["run"].text() == "Stop", "it can be called off"
    qtbot.waitUntil(lambda: window.live_status.state.text() == "running", timeout=60_000)
    assert window.banner.notice.text.startswith("Recovered in ")
    before = bridge.status().pairing.paired
    qtbot.waitUntil(lambda: bridge.status().pairing.paired > before + 3, timeout=60_000)
