"""Pieces of layout that the steps share."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QScrollArea, QWidget

from app.ui.theme import TEXT


def heading(text: str) -> QLabel:
    """Return the headline of a group."""
    label = QLabel(text)
    label.setStyleSheet(f"color: {TEXT}; font-weight: 600;")
    return label


def scrolling(widget: QWidget, width: int) -> QScrollArea:
    """Return a column of a fixed width that scrolls where the window is low."""
    area = QScrollArea()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFixedWidth(width + 14)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area
