"""Opens the window on a rig for a while, for the tools that look at it or time it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from PySide6.QtCore import QEventLoop, QTimer

from capture.errors import CalibrationError, CaptureError
from capture.rig_file import parse_rig
from models.errors import ModelError

if TYPE_CHECKING:
    from app.pipeline.live import LiveConfig


def parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every tool has."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--rig", default="virtual", help="as for `main.py live`")
    made.add_argument("--model", default="live")
    made.add_argument(
        "--size", type=_size, default=(1280, 800), metavar="W×H", help="of the window, in pixels"
    )
    made.add_argument("--timeout", type=float, default=120.0, metavar="S", help="give up after this time")
    return made


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    return int(width), int(height)


class Driver:
    """A window that runs a rig, with settings that are forgotten. Use it as a context manager.

    Args:
        config: what to run.
        size: of the window, pixels.
        timeout_s: `wait` gives up after this time.
        start: run the rig; without, the window opens with nothing running.
    """

    def __init__(
        self, config: LiveConfig, size: tuple[int, int], timeout_s: float, *, start: bool = True
    ) -> None:
        if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
            os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as main.py does, before torch is imported
        from app.ui.application import make_application
        from app.ui.main_window import MainWindow
        from app.ui.settings import UiSettings

        self._timeout_ms = int(timeout_s * 1000)
        self._starts = start
        self._folder = tempfile.TemporaryDirectory(prefix="cyclerig-")
        self.application = make_application()
        self.window = MainWindow(config, UiSettings(Path(self._folder.name) / "settings.ini"))
        self.window.resize(*size)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Self:
        """Return the window that the arguments of `parser` ask for. Raises CaptureError."""
        from app.pipeline.live import LiveConfig

        config = LiveConfig(parse_rig(arguments.rig), model=arguments.model)
        return cls(config, arguments.size, arguments.timeout)

    def __enter__(self) -> Self:
        self.window.show()
        if self._starts:
            self.window.start()
        return self

    def __exit__(self, *_: object) -> None:
        from app.ui.application import delete_now

        self.window.close()
        self.wait(lambda: not self.window.isVisible())
        delete_now(self.window)
        self._folder.cleanup()

    def wait(self, until: Callable[[], bool]) -> bool:
        """Run the event loop until something is so; False if it is not in time."""
        loop = QEventLoop()
        check, limit = QTimer(interval=20), QTimer(singleShot=True, interval=self._timeout_ms)

        def look() -> None:
            if until():
                loop.exit(0)

        def give_up() -> None:
            loop.exit(1)

        check.timeout.connect(look)
        limit.timeout.connect(give_up)
        check.start()
        limit.start()
        in_time = loop.exec() == 0
        check.stop()
        limit.stop()
        return in_time

    def run(self, duration_s: float) -> None:
        """Run the event loop for a while."""
        loop = QEventLoop()
        QTimer.singleShot(int(duration_s * 1000), loop.quit)
        loop.exec()

    def picture(self, out: Path) -> bool:
        """Write what is on screen as PNG; says so and returns False if that is impossible."""
        out.parent.mkdir(parents=True, exist_ok=True)
        if self.window.grab().save(str(out)):
            return True
        print(f"error: {out} cannot be written", file=sys.stderr)
        return False

    def wait_for_results(self, count: int) -> bool:
        """Wait until so many colorized pairs were painted; says what is wrong if they do not come."""

        def there() -> bool:
            return self.window.results_painted >= count or bool(self.window.bridge.status().error)

        in_time = self.wait(there) and self.window.results_painted >= count
        if not in_time:
            error = self.window.bridge.status().error or "no result in time"
            print(f"error: {error}", file=sys.stderr)
        return in_time


def main(run: Callable[[], int]) -> int:
    """Run a tool; bad input is one line and exit code 2."""
    try:
        return run()
    except (CaptureError, CalibrationError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
