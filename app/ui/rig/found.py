"""The left side of the page: every camera that was found, and the libraries that found them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.rig.card import CARD_WIDTH, MAX_CARD_WIDTH, CameraCard
from app.ui.rig.covering import CoverWatch, covered_one
from app.ui.rig.draft import RigDraft
from app.ui.rig.libraries import LibraryList
from app.ui.rig.panel import StepTitle
from capture.discovery import Device, is_simulated
from capture.frames import Role
from capture.preview import PreviewCamera, PreviewFrame, PreviewProblem
from capture.probe import ProducerReport
from capture.rig import CameraInfo

GAP = 12
NEW_RIG = ""
OTHER_FILE = "open:file"
IDENTIFY = "Cover a lens with your hand: the picture of that camera lights up."
NOTHING = (
    "No camera answers.\n\nCheck power and cable, close other programs that use the camera, and look again. "
    "`python main.py doctor` names what else may be in the way."
)


class FoundCameras(QWidget):
    """Cards of cameras.

    Signals:
        look_wanted: look again.
        file_wanted: path of a rig file to edit, empty for a new rig.
        role_wanted: serial and role, empty for none.
        blink_wanted: serial.
        simulated_wanted: whether simulated cameras are shown has changed.
    """

    look_wanted = Signal()
    file_wanted = Signal(str)
    role_wanted = Signal(str, str)
    blink_wanted = Signal(str)
    simulated_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rigFound")
        self.cards: dict[str, CameraCard] = {}
        self._watches: dict[str, CoverWatch] = {}
        self._dialog: QFileDialog | None = None
        self._asked_for_simulated: bool | None = None
        self.title = StepTitle(1, "Cameras found", self)
        self.hint = QLabel(IDENTIFY, self)
        self.hint.setWordWrap(True)
        self.hint.setProperty("role", "smalldim")
        self._body = QWidget(self)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.nothing = QLabel(NOTHING, self)
        self.nothing.setWordWrap(True)
        self.nothing.setProperty("role", "dim")
        self.nothing.hide()
        self.libraries = LibraryList(self)
        libraries_title = QLabel("GenTL libraries that were loaded", self)
        libraries_title.setToolTip("A GenTL library (.cti) is code of the cameras' maker; no other is loaded")
        column = QVBoxLayout(self._body)
        column.setContentsMargins(16, 4, 16, 12)
        column.setSpacing(8)
        column.addLayout(self._grid)
        column.addWidget(self.nothing)
        column.addStretch(1)
        column.addWidget(libraries_title)
        column.addWidget(self.libraries)
        area = QScrollArea(self)
        area.setWidget(self._body)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(self._make_head())
        outer.addWidget(area, 1)

    def _make_head(self) -> QVBoxLayout:
        self.files = QComboBox(self)
        self.files.setMinimumWidth(190)
        self.files.setToolTip("The rig file to change, or a new rig")
        self.files.activated.connect(self._on_file)
        self.simulated = QCheckBox("Simulated cameras", self)
        self.simulated.setToolTip("Show cameras that exist in software only, to try things out")
        self.simulated.clicked.connect(self._on_simulated)
        self.again = QPushButton("Look again", self)
        self.again.setToolTip("Ask every library for its cameras again")
        self.again.clicked.connect(self.look_wanted)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.title)
        row.addStretch(1)
        row.addWidget(self.simulated)
        row.addWidget(self.again)
        row.addWidget(self.files)
        head = QVBoxLayout()
        head.setContentsMargins(16, 12, 16, 6)
        head.setSpacing(4)
        head.addLayout(row)
        head.addWidget(self.hint)
        return head

    # --- what was found ---

    def show_searching(self) -> None:
        """Say that an answer is to come."""
        self.again.setEnabled(False)
        self.again.setText("Looking …")

    def wants_simulated(self, devices: Mapping[str, Device]) -> bool:
        """Tell whether to show simulated cameras: as the user wants, else where there are no others."""
        if self._asked_for_simulated is not None:
            return self._asked_for_simulated
        return all(is_simulated(Path(device.producer)) for device in devices.values())

    def show_reports(self, reports: Sequence[ProducerReport], devices: Mapping[str, Device]) -> None:
        """Show which libraries were loaded, and a card for each of these cameras."""
        self.again.setEnabled(True)
        self.again.setText("Look again")
        self.simulated.setChecked(any(is_simulated(Path(device.producer)) for device in devices.values()))
        self.libraries.show_reports(reports)
        for serial in [serial for serial in self.cards if self.cards[serial].device != devices.get(serial)]:
            self.cards.pop(serial).deleteLater()
            self._watches.pop(serial, None)
        for serial, device in devices.items():
            if serial not in self.cards:
                card = CameraCard(device, self._body)
                card.role_wanted.connect(self.role_wanted)
                card.blink_wanted.connect(self.blink_wanted)
                self.cards[serial] = card
        self.cards = {serial: self.cards[serial] for serial in devices}
        self.nothing.setVisible(not devices)
        self.hint.setVisible(bool(devices))
        self.title.set_done(done=len(devices) >= 2)
        self._arrange()

    def show_camera(self, camera: PreviewCamera) -> None:
        """Show what a camera said of itself."""
        card = self.cards.get(camera.device.serial)
        if card is not None:
            card.show_camera(camera)

    def show_running(self, cameras: Mapping[Role, CameraInfo]) -> None:
        """Say which cameras belong to the rig that runs."""
        for info in cameras.values():
            card = self.cards.get(info.serial)
            if card is not None:
                card.show_running(info)

    def show_frame(self, frame: PreviewFrame) -> None:
        """Show a picture; light up the camera that is under a hand."""
        card = self.cards.get(frame.serial)
        if card is None:
            return
        card.thumbnail.show_picture(frame.thumbnail)
        self._watches.setdefault(frame.serial, CoverWatch()).add(frame.level)
        covered = covered_one(self._watches)
        for serial, other in self.cards.items():
            other.thumbnail.set_lit(lit=serial == covered)

    def show_problem(self, problem: PreviewProblem) -> None:
        """Say why a camera shows nothing."""
        card = self.cards.get(problem.serial)
        if card is not None:
            card.thumbnail.show_message(problem.text)

    def show_roles(self, draft: RigDraft) -> None:
        """Mark which camera is which."""
        for serial, card in self.cards.items():
            card.show_role(draft.role_of(serial))

    # --- files ---

    def show_files(self, recent: Sequence[str], current: str) -> None:
        """List the rig files used lately."""
        self.files.clear()
        self.files.addItem("New rig", NEW_RIG)
        for name in dict.fromkeys([*([current] if current else []), *recent]):
            self.files.addItem(Path(name).stem, name)
            self.files.setItemData(self.files.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        self.files.insertSeparator(self.files.count())
        self.files.addItem("Other rig file …", OTHER_FILE)
        self.files.setCurrentIndex(max(self.files.findData(current), 0))

    def _on_file(self, index: int) -> None:
        name = str(self.files.itemData(index))
        if name != OTHER_FILE:
            self.file_wanted.emit(name)
            return
        self._dialog = QFileDialog(self.window(), "Rig file")
        self._dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._dialog.setNameFilter("Rig files (*.toml)")
        self._dialog.fileSelected.connect(self.file_wanted)
        self._dialog.open()

    def _on_simulated(self, checked: bool) -> None:
        self._asked_for_simulated = checked
        self.simulated_wanted.emit()

    # --- layout ---

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Use the width that is there."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        room = self.width() - 32 - 8 + GAP
        columns = max(1, min(room // (CARD_WIDTH + GAP), len(self.cards)))
        width = min(room // columns - GAP, MAX_CARD_WIDTH)
        while self._grid.takeAt(0) is not None:
            pass
        for index, card in enumerate(self.cards.values()):
            card.set_width(width)
            self._grid.addWidget(card, index // columns, index % columns)
            card.show()
