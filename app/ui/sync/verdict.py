"""The verdict: what was found, the worst first, with what to do."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.theme import ACCENT, DIM, FAINT, GREEN, TEXT, VERMILION
from capture.sync_facts import Level
from capture.sync_health import SyncState

COLOURS: dict[Level, str] = {"good": GREEN, "fair": ACCENT, "bad": VERMILION, "unknown": FAINT}
SIGNS: dict[Level, str] = {"good": "✓", "fair": "!", "bad": "✕", "unknown": "…"}
WORDS: dict[Level, str] = {"good": "good", "fair": "fair", "bad": "bad", "unknown": "not known yet"}
MOST_LINES = 3


class VerdictPanel(QFrame):
    """One headline with a coloured sign, advice below it, and what else was found in small lines."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("syncVerdict")
        self.sign = QLabel(self)
        self.sign.setFixedSize(34, 34)
        self.sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.headline = QLabel(self)
        self.headline.setStyleSheet(f"font-size: 15px; font-weight: 600; color: {TEXT};")
        self.advice = QLabel(self)
        self.others = QLabel(self)
        self.others.setProperty("role", "smalldim")
        for label in (self.headline, self.advice, self.others):
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addStretch(1)
        words.addWidget(self.headline)
        words.addWidget(self.advice)
        words.addWidget(self.others)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 14, 8)
        row.setSpacing(14)
        row.addWidget(self.sign)
        row.addLayout(words, 1)
        self.setMinimumHeight(96)
        self._shown: tuple[object, ...] = ()

    def show_message(self, text: str) -> None:
        """Say something else than a verdict: no rig runs."""
        self._show("unknown", text, "", "")

    def show_state(self, state: SyncState) -> None:
        """Show the findings."""
        if not state.findings:
            self.show_message("Nothing to judge yet.")
            return
        first, *others = state.findings
        lines = [
            f'<span style="color:{COLOURS[finding.level]}">{SIGNS[finding.level]}</span>&nbsp; '
            f'{escape(finding.text)} <span style="color:{DIM}">{escape(finding.advice)}</span>'
            for finding in others[:MOST_LINES]
        ]
        if len(others) > MOST_LINES:
            lines.append(f"and {len(others) - MOST_LINES} more")
        self._show(first.level, first.text, first.advice, "<br>".join(lines))

    def _show(self, level: Level, headline: str, advice: str, others: str) -> None:
        if self._shown == (level, headline, advice, others):
            return
        self._shown = (level, headline, advice, others)
        self.sign.setText(SIGNS[level])
        self.sign.setToolTip(f"Verdict: {WORDS[level]}")
        self.sign.setStyleSheet(
            f"background: {COLOURS[level]}; color: white; border-radius: 17px; "
            "font-size: 17px; font-weight: 700;"
        )
        self.headline.setText(headline)
        for label, text in ((self.advice, advice), (self.others, others)):
            label.setText(text)
            label.setVisible(bool(text))
