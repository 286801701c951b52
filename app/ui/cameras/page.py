"""The Cameras page: everything both cameras have, presets of the rig, and the cameras' own user sets."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.pipeline.cameras import CameraDesk
from app.pipeline.status import PipelineStatus
from app.presets import PresetShelf
from app.ui.cameras.feature_view import FeatureView
from app.ui.cameras.preset_box import QUESTIONS as PRESET_QUESTIONS
from app.ui.cameras.preset_box import PresetBox
from app.ui.cameras.user_set_box import UserSetBox
from app.ui.pages import Host, Page
from capture.features import FeatureTree
from capture.frames import ROLES, Role
from capture.preset_file import file_stem
from capture.rig import RigInfo, SettingValue
from capture.user_sets import FACTORY, LOAD, user_sets

SIDE_PX = 390
TITLES = {"mono": "Mono camera", "color": "Colour camera"}
SHOWABLE = ("running", "frozen")


class CamerasPage(Page):
    """The tree of one camera at the left, presets and user sets at the right."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._bridge = host.bridge
        self._role: Role = "mono"
        self._on_screen = False
        self._info: RigInfo | None = None
        self._trees: dict[Role, FeatureTree] = {}
        self.features = FeatureView(self)
        self.presets = PresetBox(self._bridge, self)
        self.user_sets = UserSetBox(self)
        self.about = QLabel(self)
        self.about.setProperty("role", "dim")
        self._buttons = self._make_buttons()
        self._lay_out()
        self._connect()
        self._show_rig()
        self._show_tree()

    def _make_buttons(self) -> dict[Role, QToolButton]:
        group = QButtonGroup(self)
        buttons: dict[Role, QToolButton] = {}
        for number, role in enumerate(ROLES, start=1):
            button = QToolButton(self)
            button.setText(TITLES[role])
            button.setObjectName(role)
            button.setCheckable(True)
            button.setProperty("framed", True)
            button.setToolTip(f"Show this camera (Alt+{number})")
            button.clicked.connect(self._on_role)
            shortcut = QShortcut(QKeySequence(f"Alt+{number}"), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.setWhatsThis(f"Show the {TITLES[role].lower()}")
            shortcut.activated.connect(button.click)
            group.addButton(button)
            buttons[role] = button
        buttons["mono"].setChecked(True)
        return buttons

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        for button in self._buttons.values():
            head.addWidget(button)
        head.addSpacing(10)
        head.addWidget(self.about, 1)
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(head)
        left.addWidget(self.features, 1)
        side = QWidget(self)
        side.setFixedWidth(SIDE_PX)
        right = QVBoxLayout(side)
        right.setContentsMargins(0, 0, 0, 0)
        right.addWidget(self.presets, 1)
        right.addWidget(self.user_sets)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(14)
        row.addLayout(left, 1)
        row.addWidget(side)

    def _connect(self) -> None:
        self.features.wanted.connect(self._on_wanted)
        self.features.refresh_wanted.connect(self.refresh)
        self.features.factory_wanted.connect(self._on_factory)
        self.user_sets.wanted.connect(self._on_user_set)
        self.user_sets.power_up_wanted.connect(self._on_wanted)
        self._bridge.status_changed.connect(self._on_status)
        self._bridge.answered.connect(self._on_answered)
        self._bridge.applied.connect(self._on_applied)

    # --- coming and going ---

    def entered(self) -> None:
        """Read what the cameras have."""
        self._on_screen = True
        self._on_status(self._bridge.status())
        self.refresh()

    def left(self) -> None:
        """Read nothing while nobody looks."""
        self._on_screen = False

    def show_camera(self, role: Role) -> None:
        """Show a camera's tree."""
        self._buttons[role].setChecked(True)
        self._role = role
        self._show_rig()
        self._show_tree()
        self.refresh()

    def refresh(self) -> None:
        """Read everything of the camera on screen; it is shown when it is there."""
        if self._on_screen and self._info is not None:
            role = self._role
            self._bridge.ask(f"features {role}", partial(CameraDesk.features, role=role))

    # --- what the user wants ---

    def _on_role(self) -> None:
        self.show_camera(next(role for role in ROLES if role == self.sender().objectName()))

    def _on_wanted(self, name: str, value: SettingValue) -> None:
        tree = self._trees.get(self._role)
        feature = None if tree is None else tree.get(name)
        role = self._role
        if feature is not None and feature.kind == "command":
            self._bridge.ask(f"set {role} {name}", partial(CameraDesk.execute, command=f"{name}:{role}"))
        else:
            change = partial(CameraDesk.apply, role=role, name=name, value=value)
            self._bridge.ask(f"set {role} {name}", change)
            if feature is not None and feature.while_stopped:
                self._host.toast.flash(f"Acquisition stops for a moment to set {name}.")

    def _on_factory(self) -> None:
        role = self._role
        self._host.toast.flash("Reading the camera's user set Default …", stays=True)
        self._bridge.ask(f"factory {role}", partial(CameraDesk.read_factory, role=role))

    def _on_user_set(self, name: str, command: str) -> None:
        role = self._role
        use = partial(CameraDesk.use_user_set, role=role, name=name, command=command)
        words = "Loading" if command == LOAD else "Saving"
        self._host.toast.flash(f"{words} user set {name} …", stays=True)
        self._bridge.ask(f"user set {role}", use)

    # --- what comes back ---

    def _on_answered(self, question: str, answer: object) -> None:
        kind, _, rest = question.partition(" ")
        if kind == "features":
            if isinstance(answer, FeatureTree):
                self._trees[next(role for role in ROLES if role == rest)] = answer
            self._show_tree()
        elif kind in ("set", "factory", "user") or question in PRESET_QUESTIONS:
            if kind in ("factory", "user") and answer is None:
                self._host.toast.hide()
            elif kind == "factory":
                self._host.toast.flash("Bold is now what differs from the user set Default.")
            elif kind == "user":
                self._host.toast.flash(f"User set {answer}: done.")
            self._bridge.applied.emit(self._role, "")  # the panel beside the pictures follows too

    def _on_applied(self) -> None:
        self.refresh()

    def _on_status(self, status: PipelineStatus) -> None:
        info = status.rig if status.state in SHOWABLE else None
        if info == self._info:
            return
        others = _serials(info) != _serials(self._info)
        self._info = info
        if others:
            self._trees.clear()
            self._show_tree()
        self._show_rig()
        self.refresh()

    def _show_rig(self) -> None:
        info = self._info
        self.presets.show_rig(info, None if info is None else self._shelf(info))
        if info is None:
            self.about.setText("No rig is running: choose one at the top left, then press Start (F5).")
            return
        camera = info.mono if self._role == "mono" else info.color
        size = f"{camera.width}×{camera.height} {camera.pixel_format}"
        self.about.setText(f"{camera.vendor} {camera.model} · {camera.serial} · {size}")

    def _show_tree(self) -> None:
        tree = self._trees.get(self._role, FeatureTree())
        sets = user_sets(tree)
        self.features.setEnabled(len(tree) > 0)
        has_factory = sets is not None and FACTORY in sets.names and sets.can_load
        self.features.show_tree(tree, has_factory=has_factory)
        self.user_sets.show_sets(sets)

    def _shelf(self, info: RigInfo) -> PresetShelf:
        """Presets lie beside the rig file that they belong to, those of other rigs with the settings."""
        name = self._host.chooser.current.name
        if name.endswith(".toml"):
            path = Path(name)
            return PresetShelf(path.with_name(f"{path.stem}.presets"), info.name)
        return PresetShelf(self._host.settings.folder / "presets" / file_stem(info.name), info.name)


def _serials(info: RigInfo | None) -> tuple[str, str] | None:
    return None if info is None else (info.mono.serial, info.color.serial)
