"""Every command of the window in one table: menus, toolbar, shortcuts and their list are all made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QIcon, QKeySequence

from app.ui.page_keys import Line, key_text
from app.ui.pages import CAPTURE, LIVE, PAGES

ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        name: how the code calls it.
        group: heading in the list of shortcuts.
        text: words in menus.
        keys: shortcuts; the first is the one that is listed.
        tip: what it does, for tooltips and the list.
        icon: file in `assets`, without ending; empty for none.
        checkable: it is on or off.
    """

    name: str
    group: str
    text: str
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    checkable: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("run", "Rig", "Start", ("F5",), "Start or stop the rig", "play"),
    Command(
        "open_replay",
        "Rig",
        "Open replay folder …",
        ("Ctrl+O",),
        "Replay a folder of pairs or a dataset",
        "folder",
    ),
    Command(
        "open_rig_file", "Rig", "Open rig file …", ("Ctrl+Shift+O",), "Open the cameras named in a rig file"
    ),
    Command(
        "freeze", "Rig", "Freeze", ("F",), "Hold the pictures; the cameras go on", "pause", checkable=True
    ),
    Command("step", "Rig", "Step", (".", "Right"), "While frozen: one pair further", "step"),
    Command(
        "inspect_live", "Rig", "Inspect picture", ("I",), "Look into the picture of now: on the page Inspect"
    ),
    Command("save", "Capture", "Save pair", ("Space",), "Save the current raw pair to the dataset", "save"),
    Command(
        "record", "Capture", "Record", ("R",), "Save every pair until pressed again", "record", checkable=True
    ),
    Command(
        "undo_save", "Capture", "Undo save", ("Ctrl+Z",), "Move the pair that was saved last to the trash"
    ),
    Command("dataset", "Capture", "Dataset folder …", ("Ctrl+D",), "Choose where pairs are saved", "folder"),
    Command("fit", "View", "Fit", ("0", "Ctrl+0"), "Show the whole picture", "fit"),
    Command("actual", "View", "1:1", ("Z",), "One picture pixel on one screen pixel"),
    Command("zoom_in", "View", "Zoom in", ("+", "="), "Closer, about the middle"),
    Command("zoom_out", "View", "Zoom out", ("-",), "Further away"),
    *(
        Command(
            f"pane_{n}", "View", f"Pane {n}", (str(n),), f"Fill the window with pane {n}, or bring all back"
        )
        for n in range(1, 7)
    ),
    Command("restore", "View", "All panes", ("Esc",), "Bring all panes back; close what lies over them"),
    Command(
        "zebra",
        "View",
        "Zebra",
        ("X",),
        "Stripes over what is clipped in the raw frames: red at the top, blue at 0",
        checkable=True,
    ),
    Command(
        "peaking",
        "View",
        "Focus peaking",
        ("P",),
        "Green marks over what is in focus in the raw frames",
        checkable=True,
    ),
    Command("next_map", "View", "Next map", ("M",), "Next map in the sixth pane"),
    Command("previous_map", "View", "Previous map", ("Shift+M",), "Previous map in the sixth pane"),
    Command("clear_pin", "View", "Release pixel", ("C",), "Forget the pixel that was clicked"),
    *(
        Command(f"page_{page.key}", "Pages", page.title, (f"Ctrl+{n}",), page.tip, page.icon, checkable=True)
        for n, page in enumerate(PAGES, start=1)
    ),
    Command("full_screen", "View", "Full screen", ("F11",), "Use the whole screen", checkable=True),
    Command("shortcuts", "Help", "Shortcuts", ("F1", "?"), "List the shortcuts", "help"),
    Command("about", "Help", "About CycleRig", (), "What this is"),
    Command("quit", "Help", "Quit", ("Ctrl+Q",), "Stop the rig, write what is queued, and close"),
)

MOUSE: tuple[tuple[str, str], ...] = (
    ("Wheel, pinch", "Zoom at the mouse, all panes together"),
    ("Drag", "Move the picture"),
    ("Click", "Pin a pixel and plot its weights"),
    ("Double click", "Fill the window with a pane, or bring all back"),
)


def icon(name: str) -> QIcon:
    """Return one of the app's own icons."""
    return QIcon(str(ASSETS / f"{name}.svg"))


def make_actions(parent: QObject) -> dict[str, QAction]:
    """Return an action for every command, by name, without anything connected."""
    actions = {}
    for command in COMMANDS:
        action = QAction(command.text, parent)
        action.setObjectName(command.name)
        action.setShortcuts([QKeySequence(key) for key in command.keys])
        action.setCheckable(command.checkable)
        if command.icon:
            action.setIcon(icon(command.icon))
        keys = f" ({key_text(command.keys[0])})" if command.keys else ""
        action.setToolTip(f"{command.tip}{keys}")
        actions[command.name] = action
    return actions


_NEED_A_RIG = ("freeze", "step", "save", "record")
_KEPT_ON = {CAPTURE: frozenset({"save", "record"})}
"""Commands whose single keys act on pages other than Live, too."""


def keep_single_keys(actions: Mapping[str, QAction], page: str, taken: frozenset[str] = frozenset()) -> None:
    """Let keys without Ctrl act as shortcuts, or not: on a page of inputs, Space and digits are its own.

    Args:
        actions: of the window.
        page: key of the page on screen.
        taken: keys that this page uses itself.
    """
    for command in COMMANDS:
        kept = page == LIVE or command.name in _KEPT_ON.get(page, ())
        keys = [
            QKeySequence(key)
            for key in command.keys
            if kept or key.startswith(("Ctrl+", "F1", "F5")) or key == "?"
        ]
        actions[command.name].setShortcuts([key for key in keys if key.toString() not in taken])


def shortcut_groups(actions: Mapping[str, QAction]) -> list[tuple[str, list[Line]]]:
    """Return headings with their (keys, what they do) as they act now; panes 1 … 6 as one line."""
    groups: dict[str, list[Line]] = {}
    for command in COMMANDS:
        keys = actions[command.name].shortcuts()
        if not actions[command.name].isEnabled() and command.name not in _NEED_A_RIG:
            continue  # it is about pictures of Live that are not on screen
        if not keys or command.name.startswith("pane_"):
            if keys and command.name == "pane_1":
                groups[command.group].append(("1 … 6", "Fill the window with a pane, or bring all back"))
            continue
        if command.name.startswith("page_"):
            if command.name == f"page_{PAGES[0].key}":
                first, last = (key_text(f"Ctrl+{number}") for number in (1, len(PAGES)))
                groups.setdefault(command.group, []).append(
                    (f"{first} … {last}", "Show a page, in the order of the switch")
                )
            continue
        groups.setdefault(command.group, []).append(("  ".join(map(key_text, keys)), command.tip))
    return list(groups.items())
