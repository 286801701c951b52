"""A tab at the side of the page: as wide as the person makes it, scrolled up and down."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QScrollArea, QSizePolicy, QWidget

LEAST_WIDTH_PX = 300


class SidePanel(QScrollArea):
    """Shows one widget in the width that there is; what is in it wraps or gives way."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setMinimumWidth(LEAST_WIDTH_PX)

    def show_body(self, body: QWidget) -> None:
        """Show a widget."""
        body.setMinimumWidth(0)
        body.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setWidget(body)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the width that is enough."""
        return QSize(LEAST_WIDTH_PX + 20, super().sizeHint().height())


def narrow(chooser: QComboBox) -> QComboBox:
    """Let a chooser be narrower than its longest entry."""
    chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    chooser.setMinimumContentsLength(6)
    return chooser
