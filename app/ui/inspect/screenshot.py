"""Opens the page Inspect on pairs or results, waits for what is on screen, and writes it.

python -m app.ui.inspect.screenshot PAIRS --way swipe --sides mono,refined:live --out page.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabWidget

from app.inspecting.maps import BY_KEY
from app.inspecting.regions import Region
from app.pipeline.live import LiveConfig
from app.ui.driver import Driver, main, parser
from app.ui.inspect.keys import WAYS
from app.ui.inspect.page import InspectPage
from app.ui.inspect.pane import Pane
from app.ui.inspect.sides import LAYERS, Side
from capture.spec import VirtualSpec
from models.errors import ModelError


def run() -> int:
    """Take the picture. Returns 1 if something on screen was not there in time."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("path", type=Path, help="as for `main.py inspect`")
    arguments.add_argument("--methods", default="live", metavar="M,…")
    arguments.add_argument("--pair", help="name of the pair to show; the first without")
    arguments.add_argument("--way", choices=WAYS, default="panes")
    arguments.add_argument(
        "--sides", default="mono,refined:live,reference,truth", metavar="LAYER[:METHOD],…", help="A, B, …"
    )
    arguments.add_argument("--run", action="store_true", help="make all results first")
    arguments.add_argument("--zoom", type=float, help="zoom in by this factor about --click or the middle")
    arguments.add_argument("--click", type=_pixel, metavar="X,Y", help="click this pixel of A")
    arguments.add_argument("--hover", type=_pixel, metavar="X,Y", help="hold the mouse there, with the loupe")
    arguments.add_argument("--tab", help="title of the tab at the right")
    arguments.add_argument("--line", type=_line, metavar="X,Y:X,Y", help="explain these mono pixels")
    arguments.add_argument("--map", choices=BY_KEY, help="lay this map over the pictures")
    arguments.add_argument("--above", type=float, metavar="V", help="show what the map has above this only")
    arguments.add_argument("--region", type=_line, action="append", metavar="X,Y:X,Y", help="measure over it")
    arguments.add_argument("--bottom", help="title of the tab below the pictures")
    arguments.add_argument("--seconds", type=float, default=2.0, help="time to go on, for measures and plots")
    arguments.add_argument("--out", type=Path, required=True, help="PNG to write")
    options = arguments.parse_args()
    with Driver(LiveConfig(VirtualSpec()), options.size, options.timeout, start=False) as driver:
        in_time = _arrange(driver, options)
        driver.run(options.seconds)
        if not driver.picture(options.out):
            return 2
    return 0 if in_time else 1


def _arrange(driver: Driver, options: argparse.Namespace) -> bool:
    """Do with the page what the options say; return whether all of it was there in time."""
    driver.window.inspect(options.path, (), tuple(options.methods.split(",")))
    page = driver.window.pages.page("inspect")
    assert isinstance(page, InspectPage)
    problems: list[str] = []
    page.model.failed.connect(problems.append)
    driver.wait(
        lambda: bool(problems) or (page.model.shown is not None and page.model.shown.pair is not None)
    )
    if problems:
        raise ModelError(problems[0])
    if options.pair:
        page.model.set_item(options.pair)
    for tabs, title in ((page.side_tabs, options.tab), (page.bottom_tabs, options.bottom)):
        _choose_tab(tabs, title)
    page.canvas.set_sides(tuple(_side(text) for text in options.sides.split(",")), options.way)
    if options.run:
        page.model.run_all(list(page.model.items), list(page.model.methods))
        driver.wait(lambda: page.model.progress.total > 0 and not page.model.progress.running)
    in_time = driver.wait(lambda: all(pane.view.picture is not None for pane in page.canvas.panes))
    _point(page, options)
    return in_time and _ask(driver, page, options)


def _ask(driver: Driver, page: InspectPage, options: argparse.Namespace) -> bool:
    """Ask the tabs at the right; return whether all answers were there in time."""
    in_time = True
    if options.click and page.why.isVisible():
        in_time &= driver.wait(lambda: page.why.why is not None)
    if options.line:
        page.why.line_button.setChecked(True)
        page.why.explain_line(*options.line)
        in_time &= driver.wait(lambda: page.why.lines.line is not None)
    if options.map:
        page.maps.choose(options.map)
        in_time &= driver.wait(lambda: page.maps.made is not None and page.maps.made.kind.key == options.map)
    if options.above is not None:
        page.maps.low.set_value(options.above)
    for number, corners in enumerate(options.region or (), 1):
        page.regions.add(Region(f"Region {number}", "mono", "rectangle", corners))
    wanted = len(page.regions.regions) * len(page.model.methods)
    in_time &= driver.wait(lambda: len(page.regions.rows) == wanted)
    return in_time


def _point(page: InspectPage, options: argparse.Namespace) -> None:
    """Click, zoom and hover through the events that a mouse causes."""
    pane = page.canvas.panes[0]
    if options.click:
        QTest.mouseClick(pane.view, Qt.MouseButton.LeftButton, pos=_position(pane, options.click))
    if options.zoom and pane.view.picture is not None:
        extent = (pane.view.width(), pane.view.height())
        spot = _position(pane, options.click) if options.click else pane.view.rect().center()
        at = (float(spot.x()), float(spot.y()))
        page.canvas.viewport.zoom(options.zoom, at, pane.view.picture.size, extent)
    if options.hover:
        page.canvas.actions_by_name["loupe"].setChecked(True)
        QTest.mouseMove(pane.view, _position(pane, options.hover))


def _choose_tab(tabs: QTabWidget, title: str | None) -> None:
    for index in range(tabs.count()):
        if tabs.tabText(index) == title:
            tabs.setCurrentIndex(index)


def _position(pane: Pane, pixel: tuple[int, int]) -> QPoint:
    placement = pane.view.placement()
    if placement is None:
        return pane.view.rect().center()
    return QPointF(*placement.to_widget(pixel[0] + 0.5, pixel[1] + 0.5)).toPoint()


def _pixel(text: str) -> tuple[int, int]:
    x, y = text.split(",")
    return int(x), int(y)


def _line(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    start, end = text.split(":")
    return _pixel(start), _pixel(end)


def _side(text: str) -> Side:
    layer, _, method = text.partition(":")
    if layer not in LAYERS:
        raise ModelError(f"--sides: {layer} is none of {', '.join(LAYERS)}")
    return Side(layer, method)


if __name__ == "__main__":
    sys.exit(main(run))
