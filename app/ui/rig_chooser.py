"""Which rig: the built-in ones, those used lately, a folder, a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from capture.errors import CalibrationError, CaptureError, DatasetError
from capture.rig_file import parse_rig
from capture.simulator.rig import is_built
from capture.spec import ReplaySpec, RigSpec, VirtualSpec

OPEN_REPLAY = "open:replay"
OPEN_FILE = "open:file"
UNNAMED = "rig:"

_BUILT_IN = {
    "virtual": "Virtual rig",
    "simulator": "Simulated cameras",
    "viky": "viky (simulated GenTL)",
}


@dataclass(frozen=True)
class RigChoice:
    """An entry of the chooser. `name` as on the command line; `spec` where the rig is known already."""

    label: str
    name: str
    spec: RigSpec | None = None


def choice_of(spec: RigSpec) -> RigChoice:
    """Return the entry for a rig that was given on the command line."""
    if isinstance(spec, VirtualSpec):
        return RigChoice("Virtual rig", "virtual", spec)
    if isinstance(spec, ReplaySpec):
        return RigChoice(_replay_label(spec.folder), f"replay:{spec.folder}", spec)
    if spec.name in _BUILT_IN:
        return RigChoice(_BUILT_IN[spec.name], spec.name, spec)
    # The file it came from is not known: it can be chosen again here, but not be remembered.
    return RigChoice(spec.name, f"{UNNAMED}{spec.name}", spec)


def choice_named(name: str) -> RigChoice:
    """Return the entry for a name as on the command line."""
    if name in _BUILT_IN:
        return RigChoice(_BUILT_IN[name], name)
    if name.startswith("replay:"):
        return RigChoice(_replay_label(Path(name.removeprefix("replay:"))), name)
    return RigChoice(Path(name).stem, name)


def _there() -> tuple[str, ...]:
    """Return the built-in rigs that can be opened: the simulator has to be compiled first."""
    return tuple(name for name in _BUILT_IN if name != "simulator" or is_built())


def _replay_label(folder: Path) -> str:
    return f"Replay {folder.name or folder}"


class RigChooser(QComboBox):
    """A list of rigs.

    Signals:
        chosen: the user wants this rig (a `RigSpec`); refused: why it cannot be opened.
    """

    chosen = Signal(object)
    refused = Signal(str)

    def __init__(self, current: RigChoice, recent: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._current = current
        self._choices: list[RigChoice] = []
        self._dialog: QFileDialog | None = None
        self.setToolTip("The rig: a pair of cameras, a folder of pairs, or the virtual rig")
        self.setMinimumWidth(190)
        self.setMaximumWidth(260)
        self._fill([choice_named(name) for name in (*_there(), *recent)])
        self.activated.connect(self._on_activated)

    @property
    def current(self) -> RigChoice:
        """The rig that is open, or was last."""
        return self._current

    def open_replay(self) -> None:
        """Ask for a folder to replay."""
        self._ask(QFileDialog.FileMode.Directory, "Folder with mono/ and color/, or a dataset", "")

    def open_rig_file(self) -> None:
        """Ask for a rig file."""
        self._ask(QFileDialog.FileMode.ExistingFile, "Rig file", "Rig files (*.toml)")

    def choose(self, name: str) -> bool:
        """Open a rig by its name; False, and `refused`, if there is no such rig."""
        known = next((choice for choice in self._choices if choice.name == name), choice_named(name))
        try:
            spec = known.spec or parse_rig(name)
        except (CaptureError, CalibrationError, DatasetError) as error:
            self.refused.emit(str(error))
            self._select()
            return False
        self._current = known
        if known not in self._choices:
            built_in = len(_there())
            self._fill([*self._choices[:built_in], known, *self._choices[built_in:]])
        self._select()
        self.chosen.emit(spec)
        return True

    def _fill(self, choices: list[RigChoice]) -> None:
        named = {choice.name: choice for choice in choices}
        named[self._current.name] = self._current
        self._choices = list(named.values())
        self.clear()
        for choice in self._choices:
            self.addItem(choice.label, choice.name)
            tip = choice.name if choice.name != choice.label else ""
            self.setItemData(self.count() - 1, tip, 3)  # 3: Qt.ItemDataRole.ToolTipRole
        self.insertSeparator(self.count())
        self.addItem("Replay folder …", OPEN_REPLAY)
        self.addItem("Rig file …", OPEN_FILE)
        self._select()

    def _select(self) -> None:
        self.setCurrentIndex(max(self.findData(self._current.name), 0))

    def _on_activated(self, index: int) -> None:
        name = self.itemData(index)
        self._select()
        if name == OPEN_REPLAY:
            self.open_replay()
        elif name == OPEN_FILE:
            self.open_rig_file()
        elif isinstance(name, str):
            self.choose(name)

    def _ask(self, mode: QFileDialog.FileMode, title: str, pattern: str) -> None:
        self._dialog = QFileDialog(self.window(), title)
        self._dialog.setFileMode(mode)
        if pattern:
            self._dialog.setNameFilter(pattern)
        self._dialog.fileSelected.connect(self._on_selected)
        self._dialog.open()

    def _on_selected(self, path: str) -> None:
        self.choose(f"replay:{path}" if Path(path).is_dir() else path)
