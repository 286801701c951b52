"""Opens the window on a rig, waits for results, and writes what is on screen.

python -m app.ui.screenshot --rig virtual --size 1280x800 --wait-results 5 --click 200,150 --out window.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.capturing.modes import Kind
from app.ui.capture.page import CapturePage
from app.ui.capture.ways import WAYS
from app.ui.driver import Driver, main, parser
from app.ui.layers import CHOICES
from app.ui.main_window import MainWindow
from app.ui.overlays import OVERLAYS
from app.ui.pages import CAPTURE, PAGES


def _pixel(text: str) -> tuple[int, int]:
    x, y = text.split(",")
    return int(x), int(y)


def run() -> int:
    """Take the picture. Returns 1 if no result came in time (the picture is taken all the same)."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--out", type=Path, required=True, help="PNG to write")
    arguments.add_argument(
        "--wait-results", type=int, default=1, metavar="N", help="colorized pairs to wait for"
    )
    arguments.add_argument(
        "--seconds", type=float, default=1.0, help="time to go on after that, for the plots"
    )
    arguments.add_argument("--click", type=_pixel, metavar="X,Y", help="pin this pixel of the mono image")
    arguments.add_argument("--hover", type=_pixel, metavar="X,Y", help="hold the mouse over this pixel")
    arguments.add_argument(
        "--maximise", type=int, choices=range(1, 7), metavar="N", help="fill the window with pane N"
    )
    arguments.add_argument(
        "--layer", choices=[layer.key for layer in CHOICES], help="show this in the sixth pane"
    )
    arguments.add_argument("--zoom", type=float, help="zoom in by this factor about the clicked pixel")
    arguments.add_argument("--freeze", action="store_true", help="hold the pictures: all panes show one pair")
    arguments.add_argument("--cameras", action="store_true", help="open the camera settings")
    arguments.add_argument("--exposure", action="store_true", help="open the exposure assistant")
    arguments.add_argument("--marks", action="store_true", help="zebra and focus peaking over the pictures")
    arguments.add_argument("--dataset", type=Path, metavar="DIR", help="save pairs to this dataset")
    arguments.add_argument(
        "--begin", choices=[way.kind for way in WAYS], help="capture like this, on the page Capture"
    )
    arguments.add_argument(
        "--open", type=Path, metavar="PATH", help="open this as if it were dropped on the window"
    )
    arguments.add_argument("--page", choices=[page.key for page in PAGES], help="show this page")
    options = arguments.parse_args()
    with Driver.of(options) as driver:
        in_time = driver.wait_for_results(options.wait_results)
        arrange(driver.window, options)
        if options.open:
            driver.window.opening.open(options.open.absolute())
        if options.dataset:
            driver.window.bridge.open_dataset(options.dataset)
            driver.wait(lambda: bool(driver.window.saving.recorder.folder))
        if options.begin:
            capture(driver.window, options.begin)
        driver.run(options.seconds)
        if not driver.picture(options.out):
            return 2
    return 0 if in_time else 1


def arrange(window: MainWindow, options: argparse.Namespace) -> None:
    """Do with the window what the options say, through the same events a user causes."""
    if options.freeze:
        window.commands["freeze"].trigger()
    if options.layer:
        window.grid.choice.choose(options.layer)
    if options.cameras or options.exposure:
        window.show_cameras()
        window.camera_tabs.setCurrentIndex(1 if options.exposure else 0)
    if options.marks:
        for name in OVERLAYS:
            window.commands[name].setChecked(True)
    if options.page:
        window.pages.show_page(options.page)
        return
    if options.maximise:
        window.grid.maximise(options.maximise)
    view = window.grid.panes[max(window.grid.full - 1, 0)].view
    for name in ("click", "hover"):
        pixel = getattr(options, name)
        placement = view.placement()
        if pixel is None or placement is None:
            continue
        position = QPointF(*placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5))
        if name == "click":
            QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=position.toPoint())
            if options.zoom and view.picture is not None:
                extent = (view.width(), view.height())
                at = (position.x(), position.y())
                window.viewport.zoom(options.zoom, at, view.picture.size, extent)
        else:
            QTest.mouseMove(view, position.toPoint())


def capture(window: MainWindow, kind: Kind) -> None:
    """Begin a way of capturing, through its button."""
    window.pages.show_page(CAPTURE)
    page = window.pages.page(CAPTURE)
    assert isinstance(page, CapturePage)
    page.modes.buttons[kind].click()


if __name__ == "__main__":
    sys.exit(main(run))
