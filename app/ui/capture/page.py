"""The page: live pictures, gates beside them, ways of capturing and what was just saved below."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout

from app.capturing.controller import Capturing
from app.capturing.modes import Kind
from app.capturing.status import CaptureStatus, SavedPair
from app.pipeline.status import PipelineStatus, RecorderStatus
from app.ui.calibration.layouts import scrolling
from app.ui.capture.filmstrip import Filmstrip
from app.ui.capture.last_session import LastSession, LastSessionLook
from app.ui.capture.mode_bar import ModeBar
from app.ui.capture.offer import OfferLine
from app.ui.capture.pictures import LivePictures
from app.ui.capture.progress_line import ProgressLine
from app.ui.capture.review import Review
from app.ui.capture.said_line import SaidLine
from app.ui.capture.side import SidePanel
from app.ui.capture.ways import KEYS
from app.ui.capture.words import Said, answer_said, continue_text, now_said, plan_said
from app.ui.pages import Host, Page
from app.ui.renderer import Shown

VALUES_FRESH_S = 3.0
"""Older values say nothing of the picture on screen."""
SIDE_WIDTH = 312
_RUNNING = ("running", "frozen", "reconnecting")


class CapturePage(Page):
    """Capturing with gates."""

    KEYS = KEYS

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._bridge, self._settings, self._saving = host.bridge, host.settings, host.saving
        self._on_screen = False
        self._capturing: Capturing | None = None
        self._status = PipelineStatus()
        self._continue_wanted: Path | None = None
        self._last: LastSession | None = None
        self._heard = CaptureStatus()
        self._look = LastSessionLook(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.offer = OfferLine(self)
        self.pictures = LivePictures(self)
        self.review = Review(self)
        self.stage = QStackedWidget(self)
        self.stage.addWidget(self.pictures)
        self.stage.addWidget(self.review)
        self.said = SaidLine(self)
        self.modes = ModeBar(self)
        self.progress = ProgressLine(self)
        self.strip = Filmstrip(self)
        self.side = SidePanel(self._settings)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.offer)
        left.addWidget(self.stage, 1)
        for widget in (self.said, self.modes, self.progress, self.strip):
            left.addWidget(widget)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(left, 1)
        area = scrolling(self.side, SIDE_WIDTH)
        area.setObjectName("rigPanel")
        row.addWidget(area)
        self._connect()
        self._make_keys()
        self._on_status(self._bridge.status())

    def _connect(self) -> None:
        bridge, modes, pictures, review = self._bridge, self.modes, self.pictures, self.review
        bridge.shown.connect(self._on_shown)
        bridge.status_changed.connect(self._on_status)
        bridge.done.connect(self._on_done)
        modes.wanted.connect(self.want)
        modes.record_wanted.connect(self._saving.toggle_recording)
        modes.undo_wanted.connect(self.undo)
        pictures.layers_changed.connect(self._host.look)
        for picture in pictures.pictures.values():
            picture.view.painted.connect(self._host.painted)
        pictures.clicked.connect(self._take_keys)
        self.said.changed.connect(self._on_said)
        self.progress.target_changed.connect(self._on_target)
        self.offer.chosen.connect(self._on_offer)
        self.strip.opened.connect(self.open_saved)
        review.closed.connect(self.show_live)
        review.trash_wanted.connect(self._on_trash)
        review.inspect_wanted.connect(self._on_inspect)
        self.side.finished.connect(self._take_keys)
        for box in (self.progress.target, modes.burst_count, modes.period_s):
            box.lineEdit().returnPressed.connect(self._take_keys)
        for problems in (self.side.failed, review.failed):
            problems.connect(self._host.banner.show_failure)
        self._look.found.connect(self._on_last_found)

    def _make_keys(self) -> None:
        """Keys of this page alone: they sleep while another is on screen. Space and R are the window's."""
        slots = {
            "undo": self.undo,
            "large": self.pictures.next_large,
            "raw": self.pictures.raw.toggle,
            "edit_tags": self.side.tags.edit.toggle,
            "trash": self.review.trash.click,
            "inspect": self.review.inspect.click,
            "back": self._on_escape,
        }
        for key in self.KEYS:
            shortcut = QShortcut(QKeySequence(key.keys[0]), self)
            shortcut.setObjectName(key.name)
            shortcut.setWhatsThis(key.tip)
            tag = key.name.startswith("tag_")
            shortcut.activated.connect(slots.get(key.name, self._on_tag_key if tag else self._on_way_key))

    # --- coming and going ---

    def entered(self) -> None:
        """Measure from now on, and look whether there is something to continue."""
        self._on_screen = True
        self._heard = self._bridge.status().capture  # what was answered elsewhere is no news here
        self._on_status(self._bridge.status())
        if self._capturing is not None:
            self._capturing.watch(True)
        self._look_at_last()

    def left(self) -> None:
        """Measure no longer, unless a plan runs; what was typed is saved."""
        self._on_screen = False
        self.side.about.save_notes()
        if self._capturing is not None:
            self._capturing.watch(False)

    def closed(self) -> None:
        """Save what was typed, and end what is read."""
        self.side.about.close_down()
        self.review.close_down()
        self._look.close()

    def live_layers(self) -> frozenset[str]:
        """Return what the pictures show."""
        return self.pictures.layers()

    # --- what comes from the pipeline ---

    def _on_shown(self, shown: Shown) -> None:
        if self._on_screen:
            self.pictures.show_pictures(shown.pictures)

    def _on_status(self, status: PipelineStatus) -> None:
        self._status = status
        self._follow_pipeline()
        if not self._on_screen:
            return
        capture, recorder = status.capture, status.recorder
        running = self._capturing is not None and status.state in _RUNNING
        fresh = running and capture.age_s is not None and capture.age_s <= VALUES_FRESH_S
        self.side.show_status(capture, running=running, fresh=fresh)
        self.progress.show_status(capture, recorder if running else RecorderStatus())
        self.progress.target.setEnabled(running)
        self.modes.show_state(
            capture.state.plan, running=running, recording=recorder.recording, can_undo=capture.can_undo
        )
        self.strip.show_pairs(capture.strip)
        if self.review.pair is not None and self.review.pair.name not in self.strip.names:
            self.show_live()
        self._say(status, running=running, fresh=fresh)
        self._show_offer(status, running=running)

    def _follow_pipeline(self) -> None:
        capturing = self._bridge.capturing
        if capturing is self._capturing:
            return
        self._capturing = capturing
        self._heard = CaptureStatus()
        self.side.use(capturing)
        self.pictures.forget()
        if capturing is not None:
            capturing.watch(self._on_screen)
            self._look_at_last()

    def _say(self, status: PipelineStatus, *, running: bool, fresh: bool) -> None:
        capture, plan = status.capture, status.capture.state.plan
        if not running:
            starting = status.state == "starting"
            self.pictures.say(
                "Opening the rig …"
                if starting
                else "No rig is running.\nChoose one at the top left, then press Start (F5)."
            )
            self.said.follow(Said(""))
            return
        self.pictures.say("")
        before, self._heard = self._heard, capture
        answer = answer_said(before, capture)
        if answer is not None and not status.recorder.recording:
            self.said.answer(answer)
        if status.recorder.recording:
            self.said.follow(Said(f"Recording every pair: {status.recorder.saved} saved", "busy"))
        elif plan is not None:
            self.said.follow(plan_said(capture, plan))
        else:
            self.said.follow(now_said(capture) if fresh else Said("Looking at the pictures …"))

    def _show_offer(self, status: PipelineStatus, *, running: bool) -> None:
        capture = status.capture
        if not running:
            self.offer.show_offer("hint", "")
        elif capture.resumable is not None:
            words = continue_text(capture.folder, capture.total, capture.state.target, capture.resumable)
            self.offer.show_offer("question", words, (("continue", "Continue"), ("forget", "Not now")))
        elif not capture.folder and self._last is not None:
            self.offer.show_offer(
                "question", self._last.question, (("reopen", "Continue"), ("choose", "Another folder …"))
            )
        elif not capture.folder:
            self.offer.show_offer(
                "hint",
                "No dataset yet. Choose the folder that pairs go to; Space asks for it, too.",
                (("choose", "Choose folder …"),),
            )
        else:
            self.offer.show_offer("hint", "")

    def _on_said(self, said: Said) -> None:
        self.pictures.show_tone(said.tone)

    # --- continuing ---

    def _look_at_last(self) -> None:
        folder = self._settings.last_dataset
        if self._on_screen and folder is not None and not self._status.capture.folder:
            self._look.look(folder)

    def _on_last_found(self, last: LastSession | None) -> None:
        self._last = last
        self._on_status(self._bridge.status())

    def _on_offer(self, key: str) -> None:
        capturing = self._capturing
        if key == "choose":
            self._saving.ask()
        elif key == "reopen" and self._last is not None:
            self._continue_wanted = self._last.folder
            self._bridge.open_dataset(self._last.folder)
        elif capturing is not None and key in ("continue", "forget"):
            capturing.continue_plan(key == "continue")

    def _on_done(self, request: str, detail: str) -> None:
        if request == "open_dataset":
            wanted, self._continue_wanted = self._continue_wanted, None
            if self._capturing is not None and wanted == Path(detail):
                self._capturing.continue_plan(True)

    # --- capturing ---

    def _on_target(self, target: int) -> None:
        if self._capturing is not None:
            self._capturing.set_target(target)

    def want(self, kind: Kind) -> None:
        """Begin a way of capturing, or end it if it runs."""
        capturing, capture = self._capturing, self._status.capture
        if capturing is None:
            return
        running = capture.state.plan
        if kind == "single":
            self._saving.save()
        elif running is not None and running.kind == kind:
            capturing.stop()
        else:
            plan = self.modes.plan(kind, capture.state.target)
            if plan.goes_on and capture.folder and capture.total >= plan.target:
                self.said.answer(
                    Said(f"The target of {plan.target} pairs is reached: raise it to go on", "warn")
                )
                return
            self._saving.begin(plan)

    def undo(self) -> None:
        """Take back what was done last: a save, or a pair that was thrown away."""
        if self._capturing is not None and self._status.capture.can_undo:
            self._capturing.undo()

    def open_saved(self, pair: SavedPair) -> None:
        """Show a saved pair large, in place of the live pictures."""
        folder = self._status.capture.folder
        if folder:
            self.review.show_pair(Path(folder), pair)
            self.stage.setCurrentWidget(self.review)

    def show_live(self) -> None:
        """Show the live pictures again."""
        self.review.forget()
        self.stage.setCurrentWidget(self.pictures)
        self.strip.deselect()
        self._take_keys()

    def _on_way_key(self) -> None:
        self.want(cast("Kind", self.sender().objectName()))

    def _on_tag_key(self) -> None:
        if self.side.tags.isEnabled():
            self.side.tags.toggle(int(self.sender().objectName().removeprefix("tag_")))

    def _on_escape(self) -> None:
        plan = self._status.capture.state.plan
        if self._saving.cancel():
            return
        if self.review.pair is not None:
            self.show_live()
        elif plan is not None and self._capturing is not None:
            self._capturing.stop()
        self._take_keys()

    def _take_keys(self) -> None:
        """Let keys belong to the page again, not to the field that was typed in."""
        self.setFocus()

    def _on_trash(self, name: str) -> None:
        if self._capturing is not None:
            self._capturing.discard(name)

    def _on_inspect(self, name: str) -> None:
        self._host.open_in_inspect(Path(self._status.capture.folder), (name,))
