"""The right side of the page: the rig in the making, what its link must carry, and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.rig.card import ShortLine, short_path
from app.ui.rig.draft import (
    ROLE_WORDS,
    RigDraft,
    draft_problems,
    fitting_formats,
    planned_cameras,
    with_limits,
)
from app.ui.rig.places import Places
from app.ui.theme import DIM, GREEN, TEXT, VERMILION
from capture.bandwidth import budget_lines, need_line
from capture.frames import ROLES, Role
from capture.preview import PreviewCamera
from capture.rig_budget import limit_settings, link_budgets
from capture.traps.network import Adapter, adapters

PANEL_WIDTH = 396
MAX_RATE_HZ = 1000.0
COUNTS_TRIGGER = "Both count the same hardware trigger"
SYNC_DECIDES = "Triggers: as saved on the Sync page"


class StepTitle(QLabel):
    """A numbered heading; the number is green once the step is done."""

    def __init__(self, number: int, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._number, self._text = number, text
        self.setTextFormat(Qt.TextFormat.RichText)
        self.set_done(done=False)

    def set_done(self, *, done: bool) -> None:
        """Mark the step."""
        colour, sign = (GREEN, "✓") if done else (DIM, str(self._number))
        self.setText(
            f'<span style="color:{colour}; font-weight:bold;">{sign}</span>'
            f'&nbsp;&nbsp;<span style="color:{TEXT}; font-weight:600;">{self._text}</span>'
        )


class RigPanel(QFrame):
    """Shows a draft and asks for changes of it.

    Signals:
        changed: a `RigDraft` with what the user changed.
        dropped, swap_wanted: as of `Places`.
        save_wanted: save it, open it.
    """

    changed = Signal(object)
    dropped = Signal(str, str)
    swap_wanted = Signal()
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rigPanel")
        self.setFixedWidth(PANEL_WIDTH)
        self._draft = RigDraft()
        self._filling = False
        self._adapters: list[Adapter] = adapters()  # some small files of the kernel
        self.roles_title = StepTitle(2, "Say which is which", self)
        self.places = Places(self)
        self.places.dropped.connect(self.dropped)
        self.places.swap_wanted.connect(self.swap_wanted)
        hint = QLabel("Seen from behind the cameras. Drag a picture here, or press Mono and Colour below it.")
        hint.setWordWrap(True)
        hint.setProperty("role", "smalldim")
        self._make_fields()
        self.problem = QLabel(self)
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"color: {VERMILION};")
        self.budget = QLabel(self)
        self.budget.setWordWrap(True)
        self.budget.setProperty("role", "small")
        self.budget.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.save_title = StepTitle(3, "Save it and open it", self)
        self.file = ShortLine(self)
        self.file.setProperty("role", "smalldim")
        self.save = QPushButton("Save and open", self)
        self.save.setToolTip("Write the rig file and run the rig (Ctrl+S)")
        self.save.setShortcut("Ctrl+S")
        self.save.setDefault(True)
        self.save.clicked.connect(self.save_wanted)
        self._arrange(hint)

    def _make_fields(self) -> None:
        self.name = QLineEdit(self)
        self.name.setToolTip("What the rig is called; its file is named after it")
        self.name.textEdited.connect(self._on_edited)
        self.formats: dict[Role, QComboBox] = {}
        for role in ROLES:
            box = QComboBox(self)
            box.setToolTip(f"What the {ROLE_WORDS[role].lower()} camera sends (PixelFormat)")
            box.activated.connect(self._on_edited)
            self.formats[role] = box
        self.rate = QDoubleSpinBox(self)
        self.rate.setRange(0.0, MAX_RATE_HZ)
        self.rate.setDecimals(1)
        self.rate.setSuffix(" Hz")
        self.rate.setSpecialValueText("as the cameras are set")
        self.rate.setKeyboardTracking(False)
        self.rate.lineEdit().setTextMargins(5, 0, 0, 0)
        self.rate.setToolTip("AcquisitionFrameRate of both cameras, in Hz; 0 leaves it to them")
        self.rate.valueChanged.connect(self._on_edited)
        self.trigger = QCheckBox(COUNTS_TRIGGER, self)
        self.trigger.setToolTip("Equal frame ids then make a pair; otherwise the nearest in time do")
        self.trigger.clicked.connect(self._on_edited)

        self.limit = QCheckBox("Hold each camera to its share of the link", self)
        self.limit.setToolTip("Set DeviceLinkThroughputLimit, bytes per second, to the values above")
        self.limit.clicked.connect(self._on_edited)

    def _arrange(self, hint: QLabel) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(6)
        form.addRow("Name", self.name)
        for role in ROLES:
            form.addRow(f"{ROLE_WORDS[role]} sends", self.formats[role])
        form.addRow("Frame rate", self.rate)
        form.addRow(self.trigger)
        body = QWidget(self)
        body.setObjectName("rigPanelBody")
        column = QVBoxLayout(body)
        column.setContentsMargins(16, 12, 16, 4)
        column.setSpacing(8)
        column.addWidget(self.roles_title)
        column.addWidget(self.places)
        column.addWidget(hint)
        column.addSpacing(4)
        column.addLayout(form)
        column.addSpacing(2)
        column.addWidget(self.problem)
        column.addWidget(self.budget)
        column.addWidget(self.limit)
        column.addStretch(1)
        self.area = QScrollArea(self)
        self.area.setWidget(body)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = QVBoxLayout()
        foot.setContentsMargins(16, 6, 16, 12)
        foot.setSpacing(8)
        foot.addWidget(self.save_title)
        foot.addWidget(self.file)
        foot.addWidget(self.save)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self.area, 1)
        outer.addLayout(foot)

    def show_draft(
        self, draft: RigDraft, cameras: Mapping[str, PreviewCamera], found: frozenset[str], file: Path
    ) -> None:
        """Show a rig in the making.

        Args:
            draft: the rig.
            cameras: what the cameras said of themselves, by serial number.
            found: the serial numbers of all that are there.
            file: where it will be saved.
        """
        self._draft = draft
        self._filling = True
        self.places.show_draft(draft, found)
        if self.name.text() != draft.name:
            self.name.setText(draft.name)
        for role in ROLES:
            self._fill_formats(role, cameras)
        self.rate.setValue(draft.rate_hz or 0.0)
        by_sync = draft.base is not None and draft.base.sync is not None
        self.trigger.setEnabled(not by_sync)
        self.trigger.setText(SYNC_DECIDES if by_sync else COUNTS_TRIGGER)
        self.trigger.setChecked(draft.shares_trigger and not by_sync)
        self._show_budget(cameras)
        self.roles_title.set_done(done=draft.complete)
        problems = draft_problems(draft, cameras)
        self.problem.setText("\n".join(problems))
        self.problem.setVisible(bool(problems))
        self.save.setEnabled(draft.complete and not problems)
        self.file.set_line(short_path(file), str(file))
        self._filling = False

    def final(self, cameras: Mapping[str, PreviewCamera]) -> RigDraft:
        """Return the rig as it is to be saved, each camera's share of the link worked out."""
        return with_limits(self._draft, cameras, self._adapters)

    def set_saved(self, *, saved: bool) -> None:
        """Mark the last step."""
        self.save_title.set_done(done=saved)

    def _fill_formats(self, role: Role, cameras: Mapping[str, PreviewCamera]) -> None:
        box = self.formats[role]
        chosen = self._draft.camera(role)
        camera = cameras.get(chosen.serial) if chosen else None
        fitting = fitting_formats(role, camera.pixel_formats) if camera else ()
        wanted = chosen.pixel_format if chosen else ""
        names = list(fitting) if wanted in fitting or not wanted else [*fitting, wanted]
        if [box.itemText(n) for n in range(box.count())] != names:
            box.clear()
            box.addItems(names)
        box.setCurrentText(wanted)
        box.setEnabled(bool(names))

    def _show_budget(self, cameras: Mapping[str, PreviewCamera]) -> None:
        planned = planned_cameras(self._draft, cameras)
        limits = limit_settings(planned, self._adapters)
        self.limit.setVisible(any(limits) or self._draft.limited)
        self.limit.setChecked(self._draft.limited)
        budgets = link_budgets(planned, self._adapters)
        if not budgets:  # no link that we know: only what the cameras send
            streams = [one.stream for one in planned if one.stream.image_bytes_per_s > 0]
            lines = [need_line(stream, stream.image_bytes_per_s) for stream in streams]
        else:
            fullest = budgets[0]
            lines = budget_lines(fullest)
            verdict = len(fullest.streams)
            colour = GREEN if fullest.fits else VERMILION
            lines[verdict] = f'<span style="color:{colour}">{lines[verdict]}</span>'
        self.budget.setText("<br>".join(lines))
        self.budget.setVisible(bool(lines))

    def _on_edited(self) -> None:
        if self._filling:
            return
        draft = self._draft
        draft = replace(
            draft,
            name=self.name.text(),
            rate_hz=self.rate.value() or None,
            shares_trigger=self.trigger.isChecked() if self.trigger.isEnabled() else draft.shares_trigger,
            limited=self.limit.isChecked(),
        )
        for role in ROLES:
            if self.formats[role].currentText():
                draft = draft.with_format(role, self.formats[role].currentText())
        self.changed.emit(draft)
