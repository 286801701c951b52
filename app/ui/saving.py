"""Saving pairs: asks for a folder when the first one is wanted, and tells what became of every wish."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from app.pipeline.status import RecorderStatus
from app.ui.bridge import Bridge
from app.ui.dataset_panel import DatasetPanel, RecorderLight, default_folder
from app.ui.settings import UiSettings


class Saving(QObject):
    """Connects the commands "save", "record" and "dataset" to the recorder.

    Signals:
        told: a few words for a toast.
    """

    told = Signal(str)

    def __init__(
        self,
        bridge: Bridge,
        panel: DatasetPanel,
        light: RecorderLight,
        record: QAction,
        settings: UiSettings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._panel = panel
        self._light = light
        self._record = record
        self._settings = settings
        self._recorder = RecorderStatus()
        self._wanted = ""
        light.clicked.connect(self.ask)
        panel.chosen.connect(self._on_chosen)
        panel.cancelled.connect(self._on_cancelled)
        bridge.done.connect(self._on_done)

    @property
    def recorder(self) -> RecorderStatus:
        """What the recorder said last."""
        return self._recorder

    def save(self) -> None:
        """Save the current pair; asks for a folder first if none is open."""
        if self._recorder.folder:
            self._bridge.save_pair()
        else:
            self._ask_for("save")

    def toggle_recording(self) -> None:
        """Begin or end to save every pair; asks for a folder first if none is open."""
        # The button shows what the recorder does, not what was asked for: its status will set it.
        self._record.setChecked(self._recorder.recording)
        if self._recorder.folder:
            self._bridge.set_recording(not self._recorder.recording)
        else:
            self._ask_for("record")

    def ask(self) -> None:
        """Ask for the folder."""
        self._ask_for("")

    def show_recorder(self, recorder: RecorderStatus) -> None:
        """Follow the recorder's state."""
        before, self._recorder = self._recorder, recorder
        self._light.show_recorder(recorder)
        self._record.setChecked(recorder.recording)
        same_folder = bool(before.folder) and before.folder == recorder.folder
        if same_folder and recorder.saved > before.saved and not (recorder.recording or before.recording):
            self.told.emit(f"Pair saved · {recorder.saved} in {Path(recorder.folder).name}")

    def _ask_for(self, wanted: str) -> None:
        self._wanted = wanted
        folder = self._recorder.folder
        self._panel.ask(Path(folder) if folder else default_folder(self._settings.dataset_parent))

    def _on_chosen(self, folder: Path) -> None:
        self._bridge.open_dataset(folder)

    def _on_cancelled(self) -> None:
        self._wanted = ""

    def _on_done(self, request: str, detail: str) -> None:
        if request == "open_dataset":
            self._settings.dataset_parent = Path(detail).parent
            wanted, self._wanted = self._wanted, ""
            if wanted == "save":
                self._bridge.save_pair()
            elif wanted == "record":
                self._bridge.set_recording(True)
            else:
                self.told.emit(f"Pairs go to {detail}")
        elif request == "set_recording":
            self.told.emit("Recording" if detail == "True" else "Recording stopped")
