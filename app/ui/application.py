"""Opens the app: one process, one window, one event loop."""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from app.pipeline.live import LiveConfig
from app.ui.commands import icon
from app.ui.main_window import MainWindow
from app.ui.rig_chooser import choice_of
from app.ui.settings import UiSettings
from app.ui.theme import apply_theme
from capture.errors import CaptureError
from capture.rig_file import parse_rig

log = logging.getLogger(__name__)


def make_application() -> QApplication:
    """Return the application object with the app's name and look; the one that exists, if there is one."""
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        application = QApplication([sys.argv[0]])
    QApplication.setApplicationName("CycleRig")
    QGuiApplication.setApplicationDisplayName("CycleRig")
    # Lets Linux desktops find name and icon of the window.
    QGuiApplication.setDesktopFileName("cyclerig")
    application.setWindowIcon(icon("cyclerig"))
    apply_theme(application)
    # Lines of a few hundred points, drawn several times per second: smooth ones cost ten times as much.
    pg.setConfigOptions(antialias=False)
    return application


@dataclass(frozen=True)
class ToInspect:
    """What to open on the page Inspect; see `MainWindow.inspect`."""

    path: Path
    names: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


def run_app(
    config: LiveConfig,
    *,
    reopen_last: bool = False,
    settings_file: Path | None = None,
    inspect: ToInspect | None = None,
    browse: Path | None = None,
) -> int:
    """Open the window on a rig and return the exit code once it was closed.

    Args:
        config: what to run.
        reopen_last: the user named no rig: open the one that was open last, if it is still there.
        settings_file: where to remember things; None for the user's own file.
        inspect: what to look at; then the rig is not started until a person does it.
        browse: a dataset to look through on the page Dataset; likewise.
    """
    application = make_application()
    settings = UiSettings(settings_file)
    if reopen_last:
        config = with_last_rig(config, settings)
    window = MainWindow(config, settings)
    with _ClosesOnInterrupt(window):
        window.show()
        if inspect is not None:
            window.inspect(inspect.path, inspect.names, inspect.methods)
        elif browse is not None:
            window.browse(browse)
        else:
            window.start()
        code = application.exec()
    delete_now(window)
    return code


def delete_now(window: QWidget) -> None:
    """Delete a window and all that is in it, in Qt's own order.

    Left to Python's garbage collector, the parts would go in any order, perhaps in a worker thread, and
    Qt would crash.
    """
    window.deleteLater()
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete.value)


def with_last_rig(config: LiveConfig, settings: UiSettings) -> LiveConfig:
    """Return the configuration with the rig that was open last; unchanged if there was none or it is gone."""
    name = settings.rig
    if not name or name == choice_of(config.rig).name:
        return config
    try:
        return replace(config, rig=parse_rig(name))
    except CaptureError as error:
        log.warning("the last rig is not opened again: %s", error)
        return config


class _ClosesOnInterrupt(QObject):
    """Ctrl-C in the terminal closes the window as its cross does. The status timer gives Python its turn."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._before: object = None

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, self._on_interrupt)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)  # type: ignore[arg-type]

    @Slot()
    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        self._window.close()
