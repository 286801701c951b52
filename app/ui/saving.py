"""Saving pairs: asks for a folder when the first one is wanted, and tells what became of every wish."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from app.capturing.modes import Plan
from app.capturing.status import CaptureStatus
from app.pipeline.status import RecorderStatus
from app.ui.bridge import Bridge
from app.ui.dataset_panel import DatasetPanel, RecorderLight, default_folder
from app.ui.settings import UiSettings


class Saving(QObject):
    """Connects the commands "save", "record" and "dataset" to the recorder.

    Attributes:
        tells: say what became of single shots; a page that says so itself turns it off.

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
        self._capture = CaptureStatus()
        self._wanted: Callable[[], None] | None = None
        self.tells = True
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
            self._ask_for(self._bridge.save_pair)

    def begin(self, plan: Plan) -> None:
        """Begin a way of capturing, to the dataset's target; asks for a folder first if none is open."""
        if self._recorder.folder:
            self._begin(plan)
        else:
            self._ask_for(partial(self._begin, plan))

    def toggle_recording(self) -> None:
        """Begin or end to save every pair; asks for a folder first if none is open."""
        # The button shows what the recorder does, not what was asked for: its status will set it.
        self._record.setChecked(self._recorder.recording)
        if self._recorder.folder:
            self._bridge.set_recording(not self._recorder.recording)
        else:
            self._ask_for(partial(self._bridge.set_recording, True))

    def ask(self) -> None:
        """Ask for the folder."""
        self._ask_for(None)

    def cancel(self) -> bool:
        """Ask no longer; returns whether there was a question."""
        asked = self._panel.isVisible()
        if asked:
            self._panel.cancel()
        return asked

    def show_status(self, recorder: RecorderStatus, capture: CaptureStatus) -> None:
        """Follow the recorder and the capture session."""
        self._show_recorder(recorder)
        before, self._capture = self._capture, capture
        plan = capture.state.plan
        if self.tells and capture.refusals > before.refusals and (plan is None or not plan.goes_on):
            self.told.emit(f"Not saved. {capture.reason}")

    def _show_recorder(self, recorder: RecorderStatus) -> None:
        before, self._recorder = self._recorder, recorder
        self._light.show_recorder(recorder)
        self._record.setChecked(recorder.recording)
        same_folder = bool(before.folder) and before.folder == recorder.folder
        plan = self._capture.state.plan
        streams = recorder.recording or before.recording or (plan is not None and plan.kind != "single")
        if self.tells and same_folder and recorder.saved > before.saved and not streams:
            self.told.emit(f"Pair saved · {recorder.saved} in {Path(recorder.folder).name}")

    def _begin(self, plan: Plan) -> None:
        capturing = self._bridge.capturing
        if capturing is not None:
            capturing.begin_to_target(plan)

    def _ask_for(self, wanted: Callable[[], None] | None) -> None:
        self._wanted = wanted
        folder = self._recorder.folder
        self._panel.ask(Path(folder) if folder else default_folder(self._settings.dataset_parent))

    def _on_chosen(self, folder: Path) -> None:
        self._bridge.open_dataset(folder)

    def _on_cancelled(self) -> None:
        self._wanted = None

    def _on_done(self, request: str, detail: str) -> None:
        if request == "open_dataset":
            self._settings.dataset_parent = Path(detail).parent
            self._settings.last_dataset = Path(detail)
            self._settings.save()  # whatever happens next, this is what to continue
            wanted, self._wanted = self._wanted, None
            if wanted is not None:
                wanted()
            else:
                self.told.emit(f"Pairs go to {detail}")
        elif request == "set_recording":
            self.told.emit("Recording" if detail == "True" else "Recording stopped")
