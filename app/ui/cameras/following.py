"""Keeps the settings on screen up to date, also while a camera changes them by itself."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from app.pipeline.cameras import CameraDesk
from app.ui.bridge import Bridge
from app.ui.cameras.panel import CameraPanel
from capture.frames import ROLES, Role
from capture.rig import Setting

PERIOD_MS = 1000
QUESTION = "follow automatics"
IDLE = ("Off", False)
AUTOMATIC = "Auto"


class Following(QObject):
    """Shows settings as soon as others were read; reads them every second while something automatic is on.

    Nothing happens while the panel is not on screen.
    """

    def __init__(self, bridge: Bridge, panel: CameraPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._panel = panel
        self._asked = False
        self._shown: dict[Role, dict[str, Setting]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(PERIOD_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        bridge.answered.connect(self._on_answered)
        bridge.status_changed.connect(self._show)

    def look(self) -> None:
        """Ask once, if there is anything to follow."""
        wanted = self._panel.isVisible() and not self._asked
        if wanted and any(_is_automatic(s) for role in ROLES for s in self._bridge.settings(role).values()):
            self._asked = self._bridge.ask(QUESTION, CameraDesk.refresh)

    def _on_answered(self, question: str) -> None:
        if question != QUESTION:
            return
        self._asked = False
        self._show()

    def _show(self) -> None:
        if not self._panel.isVisible():
            self._shown.clear()
            return
        for role in ROLES:
            settings = self._bridge.settings(role)
            if settings != self._shown.get(role):
                self._shown[role] = settings
                self._panel.show_settings(role, settings)


def _is_automatic(setting: Setting) -> bool:
    return setting.name.endswith(AUTOMATIC) and setting.value not in IDLE
