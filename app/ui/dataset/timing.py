"""Times the Dataset page on a long dataset, in a real window: what one waits for, and how long it freezes.

python -m app.browsing.many_pairs /tmp/pairs --pairs 10000
python -m app.ui.dataset.timing /tmp/pairs

Every line: how long it takes until it is on screen, the longest time that the window answered nothing
meanwhile, and what its thread computed (the only figure that other programs do not change). Tags that are
given are taken back in the end, by undo.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtTest import QTest

if TYPE_CHECKING:
    from app.ui.dataset.page import DatasetPage

PERIOD_MS = 4
STEPS = 60


class Watch(QObject):
    """Runs the event loop until something is so, and notes the longest time between two of its turns."""

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self, interval=PERIOD_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._last = 0.0
        self._longest = 0.0
        self._until: Callable[[], bool] = bool
        self._loop = QEventLoop(self)

    def time(self, what: str, action: Callable[[], object], until: Callable[[], bool]) -> None:
        """Do something, wait until it shows, print the time it took."""
        self._until, self._longest = until, 0.0
        begun = self._last = time.perf_counter()
        busy = time.thread_time()
        self._timer.start()
        action()
        self._turn()
        if not self._until():
            self._loop.exec()
        self._timer.stop()
        took, busy = time.perf_counter() - begun, time.thread_time() - busy
        print(
            f"{what:<44}{took * 1e3:9.0f} ms   longest freeze {self._longest * 1e3:6.0f} ms"
            f"   work of the window's thread {busy * 1e3:6.0f} ms",
            flush=True,
        )

    def _turn(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        if self._until():
            self._loop.quit()


def main() -> int:
    """Run the tool."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--look-only", action="store_true", help="edit nothing: no tags, no undo")
    parser.add_argument("--size", default="1920x1080", help="of the window, W×H")
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    width, height = (int(side) for side in options.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="cyclerig-") as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch  # the first look is one without thumbnails
        _run(options.folder, (width, height), Path(scratch), edits=not options.look_only)
    return 0


def _run(folder: Path, size: tuple[int, int], scratch: Path, *, edits: bool) -> None:
    from app.pipeline.live import LiveConfig
    from app.ui.application import delete_now, make_application
    from app.ui.dataset.page import DatasetPage
    from app.ui.main_window import MainWindow
    from app.ui.settings import UiSettings
    from capture.spec import VirtualSpec

    make_application()
    for look in ("cold", "warm"):
        window = MainWindow(LiveConfig(VirtualSpec()), UiSettings(scratch / f"{look}.ini"))
        window.resize(*size)
        window.show()
        window.pages.show_page("dataset")
        page = window.pages.page("dataset")
        assert isinstance(page, DatasetPage)
        QTest.qWait(300)
        _opening(Watch(), page, folder, look)
        if look == "warm":
            _working(Watch(), page)
            if edits:
                _editing(Watch(), page)
            _tabular(Watch(), page)
        window.close()
        delete_now(window)


def _opening(watch: Watch, page: DatasetPage, folder: Path, look: str) -> None:
    whole: list[object] = []
    page.session.opened.connect(whole.append)

    def seen() -> bool:
        rows = page.sheet.rows_on_screen()
        return len(rows) > 0 and all(
            page.gallery.memory.get(page.model.record(row).name) is not None for row in rows
        )

    def begun() -> bool:
        return page.model.rowCount() > 0

    watch.time(f"open, first cells ({look})", lambda: page.open(folder), begun)
    watch.time(f"  … first screen of thumbnails ({look})", lambda: None, seen)
    watch.time(f"  … everything read ({look})", lambda: None, lambda: bool(whole))
    bar = page.sheet.verticalScrollBar()

    def jump() -> None:
        bar.setValue(bar.maximum() // 2)

    watch.time(f"jump to the middle, thumbnails there ({look})", jump, seen)


def _working(watch: Watch, page: DatasetPage) -> None:
    def now() -> bool:
        page.sheet.viewport().repaint()
        page.table.viewport().repaint()
        return True

    count = page.model.rowCount()
    print(f"{count:,} pairs, {len(page.sheet.rows_on_screen())} cells on screen")
    bar = page.sheet.verticalScrollBar()
    bar.setValue(0)

    def scroll() -> None:
        for _ in range(STEPS):
            bar.setValue(bar.value() + bar.singleStep())
            page.sheet.viewport().repaint()

    watch.time(f"scroll {STEPS} steps (freeze: all of them)", scroll, now)
    for key in ("cycle_ssim", "tags", "saved"):
        watch.time(f"sort by {key}", partial(page.head.order_chosen.emit, key, True), now)
    page.head.order_chosen.emit("", False)
    page.filters.text.setText("outdoor")
    watch.time("filter by text", page.filters.changed.emit, now)
    page.filters.clear()
    sharp = next(each for each in page.filters.bars if each.column.key == "sharpness")

    def narrow() -> None:
        from app.browsing.filters import Range

        sharp.set_range(Range(0.7, None))
        page.filters.changed.emit()

    watch.time("filter by sharpness ≥ 0.7", narrow, now)
    watch.time("show all", page.filters.clear, now)
    watch.time("select all", page.sheet.selectAll, now)
    watch.time("sort while all are selected", lambda: page.head.order_chosen.emit("motion_px", False), now)
    page.head.order_chosen.emit("", False)


def _editing(watch: Watch, page: DatasetPage) -> None:
    def now() -> bool:
        page.sheet.viewport().repaint()
        return True

    count = page.model.rowCount()
    page.sheet.selectAll()
    table = page.model.table
    assert table is not None

    def tagged() -> bool:
        known = page.model.table
        return known is not None and known.tags.get("timed by hand", 0) == count and now()

    def untagged() -> bool:
        known = page.model.table
        return known is not None and "timed by hand" not in known.tags and now()

    watch.time(f"tag {count:,} pairs", lambda: page.bar.tag.given.emit("timed by hand", False), tagged)
    watch.time("undo", page.session.undo, untagged)


def _tabular(watch: Watch, page: DatasetPage) -> None:
    def now() -> bool:
        page.table.viewport().repaint()
        return True

    watch.time("table view", lambda: page.show_way("table"), now)
    rows = page.table.verticalScrollBar()

    def scroll_table() -> None:
        for step in range(STEPS):
            rows.setValue(step * 30)
            page.table.viewport().repaint()

    watch.time(f"scroll the table {STEPS} screens (all)", scroll_table, now)


if __name__ == "__main__":
    sys.exit(main())
