"""The row of tools and the menus, made from the table of commands."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QSizePolicy, QToolBar, QToolButton, QWidget

from app.ui.pages import PAGES


def make_toolbar(
    actions: dict[str, QAction], chooser: QWidget, light: QWidget, toggles: Sequence[QAction], parent: QWidget
) -> QToolBar:
    """Return the toolbar: rig, live, capture at the left; view at the right."""
    bar = QToolBar("Tools", parent)
    bar.setObjectName("tools")
    bar.setMovable(False)
    bar.setIconSize(QSize(16, 16))
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
    bar.addWidget(chooser)
    bar.addAction(actions["run"])
    bar.addSeparator()
    bar.addActions([actions["freeze"], actions["step"]])
    bar.addSeparator()
    bar.addActions([actions["save"], actions["record"]])
    bar.addWidget(light)
    gap = QWidget(bar)
    gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    bar.addWidget(gap)
    bar.addActions([actions["fit"], actions["actual"]])
    bar.addSeparator()
    bar.addActions(list(toggles))
    bar.addAction(actions["shortcuts"])
    for action in (*toggles, actions["fit"], actions["shortcuts"]):
        button = bar.widgetForAction(action)
        if isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    for child in bar.findChildren(QWidget):
        # Space and digits are shortcuts: they must never end up in a focused button.
        child.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return bar


def make_menus(
    menu_bar: QMenuBar, actions: dict[str, QAction], docks: Sequence[QAction], colour_maps: Sequence[QAction]
) -> tuple[QMenu, QMenu]:
    """Fill the menu bar; return the menu for the rig's own commands, and the one for recent things."""
    rig = menu_bar.addMenu("&Rig")
    rig.addActions([actions["run"], actions["open_replay"], actions["open_rig_file"]])
    recent = rig.addMenu("Open recent")
    recent.setToolTipsVisible(True)
    rig.addSeparator()
    rig.addActions([actions["freeze"], actions["step"], actions["inspect_live"]])
    rig.addSeparator()
    commands = rig.addMenu("Commands")
    rig.addSeparator()
    rig.addAction(actions["quit"])
    capture = menu_bar.addMenu("&Capture")
    capture.addActions([actions["save"], actions["record"], actions["undo_save"]])
    capture.addSeparator()
    capture.addAction(actions["dataset"])
    view = menu_bar.addMenu("&View")
    view.addActions([actions[f"page_{page.key}"] for page in PAGES])
    view.addSeparator()
    view.addActions([actions[name] for name in ("fit", "actual", "zoom_in", "zoom_out")])
    view.addSeparator()
    panes = view.addMenu("Panes")
    panes.addActions([actions[f"pane_{n}"] for n in range(1, 7)])
    view.addActions([actions["restore"]])
    view.addSeparator()
    view.addActions([actions["zebra"], actions["peaking"]])
    view.addSeparator()
    view.addActions([actions["next_map"], actions["previous_map"]])
    view.addMenu("Colour map").addActions(list(colour_maps))
    view.addAction(actions["clear_pin"])
    view.addSeparator()
    view.addActions([*docks, actions["full_screen"]])
    help_menu = menu_bar.addMenu("&Help")
    help_menu.addActions([actions["shortcuts"], actions["about"]])
    return commands, recent
