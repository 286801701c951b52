"""The page itself: what was found, and what to make of it."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout

from app.ui.pages import Host, Page
from app.ui.rig.search import DeviceSearch
from capture.probe import ProducerReport


class RigPage(Page):
    """Producers and the cameras behind them. Looks for them whenever it comes on screen."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._search = DeviceSearch(self)
        self._search.found.connect(self._show)
        self.again = QPushButton("Look again", self)
        self.again.clicked.connect(self.entered)
        self.found = QLabel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.addWidget(self.again)
        column.addWidget(self.found)
        column.addStretch(1)

    def entered(self) -> None:
        """Look for cameras."""
        self.found.setText("Looking for cameras …")
        self._search.start()

    def left(self) -> None:
        """Look no longer."""
        self._search.stop()

    def _show(self, reports: list[ProducerReport]) -> None:
        lines = []
        for report in reports:
            lines.append(f"{report.path}   {report.problem}")
            lines += [f"    {device}, {device.transport}" for device in report.devices]
        self.found.setText("\n".join(lines))
