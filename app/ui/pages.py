"""The pages of the window besides Live: one table, from which switch, menu and shortcuts are made.

A page is added by a line in `PAGES` and a function that imports and returns its widget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.ui.banner import Banner, Toast
    from app.ui.bridge import Bridge
    from app.ui.keys import Key
    from app.ui.rig_chooser import RigChooser
    from app.ui.saving import Saving
    from app.ui.settings import UiSettings

LIVE = "live"
"""Key of the page that is always there: panes, plots and docks."""
CAPTURE = "capture"
"""Key of the page where Space and R act as on Live."""


@dataclass(frozen=True)
class Host:
    """What the window lends its pages. For the GUI thread.

    Attributes:
        bridge: the running pipeline, its signals and requests.
        settings: what is remembered; a page keeps its keys below a group of its own name.
        chooser: opens rigs by name (`choose`) and knows the one that is open.
        banner: `show_failure` for what went wrong; never a modal box.
        toast: `flash` for a word in passing.
        open_page: shows another page, by its key.
        open_in_inspect: shows a dataset, pairs or results on the page Inspect; of the named pairs only, if
            there are any names.
        saving: the one way to save pairs: asks for a folder first if none is open.
        look: to be called when a page on screen wants other live pictures (`Page.live_layers`).
        painted: to be called when the page has painted a live picture: the status bar counts.
    """

    bridge: Bridge
    settings: UiSettings
    chooser: RigChooser
    banner: Banner
    toast: Toast
    open_page: Callable[[str], None]
    open_in_inspect: Callable[[Path, tuple[str, ...]], None]
    saving: Saving
    look: Callable[[], None]
    painted: Callable[[], None]


class Page(QWidget):
    """A page of the window, built when it is first shown.

    `entered` and `left` come in turns; `left` comes also before the window closes. What costs anything
    (timers, threads, taps of the pipeline) runs only in between.

    Attributes:
        KEYS: of the page alone, for the list of shortcuts; those of buttons and actions are found without.
        HANDS: what else keys and mouse do there: (keys, what they do).
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()
    HANDS: ClassVar[tuple[tuple[str, str], ...]] = ()

    def entered(self) -> None:
        """The page is on screen from now on."""

    def left(self) -> None:
        """The page is no longer on screen."""

    def live_layers(self) -> frozenset[str]:
        """Return the live layers that it shows: `bridge.shown` brings them while it is on screen."""
        return frozenset()

    def release(self, then: Callable[[], None]) -> None:
        """A rig is about to be opened: let go of cameras, if the page has any, and call `then`."""
        then()

    def closed(self) -> None:
        """The window is gone: end what still runs, and wait for it."""


@dataclass(frozen=True)
class PageSpec:
    """An entry of the switch.

    Attributes:
        key: how code and settings call it.
        title: one word.
        tip: what one does there.
        icon: file in `assets`, without ending.
        make: builds the page; None for Live, which the window builds itself.
    """

    key: str
    title: str
    tip: str
    icon: str
    make: Callable[[Host], Page] | None = None


def _capture(host: Host) -> Page:
    from app.ui.capture.page import CapturePage

    return CapturePage(host)


def _rig(host: Host) -> Page:
    from app.ui.rig.page import RigPage

    return RigPage(host)


def _sync(host: Host) -> Page:
    from app.ui.sync.page import SyncPage

    return SyncPage(host)


def _cameras(host: Host) -> Page:
    from app.ui.cameras.page import CamerasPage

    return CamerasPage(host)


def _calibration(host: Host) -> Page:
    from app.ui.calibration.page import CalibrationPage

    return CalibrationPage(host)


def _dataset(host: Host) -> Page:
    from app.ui.dataset.page import DatasetPage

    return DatasetPage(host)


def _inspect(host: Host) -> Page:
    from app.ui.inspect.page import InspectPage

    return InspectPage(host)


PAGES: tuple[PageSpec, ...] = (
    PageSpec(LIVE, "Live", "The live pictures", "live"),
    PageSpec(CAPTURE, "Capture", "Capture pairs with quality gates, tags and a target", "save", _capture),
    PageSpec(
        "dataset",
        "Dataset",
        "Look through pairs: sort, filter, tag, exclude, throw away",
        "dataset",
        _dataset,
    ),
    PageSpec("inspect", "Inspect", "See results, compare them, and find out why", "inspect", _inspect),
    PageSpec("rig", "Rig", "Find cameras, say which is which, save a rig", "rig", _rig),
    PageSpec("sync", "Sync", "Let both cameras expose together, and see how well", "sync", _sync),
    PageSpec("cameras", "Cameras", "Everything the cameras have, presets and user sets", "cameras", _cameras),
    PageSpec(
        "calibration", "Calibration", "Calibrate the rig, and see how well", "calibration", _calibration
    ),
)
"""In the order of the switch; Ctrl+1 shows the first."""
