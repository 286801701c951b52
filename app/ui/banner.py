"""What the user must know, above the pictures and never in the way: one line for errors, one for notices."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.pipeline.recovery import reconnecting_words, recovered_words
from app.pipeline.status import RecoveryStatus
from app.ui.theme import SKY, TEXT

NEWS_S = 12.0  # for how long a recovery is worth a line

_KINDS = {
    # kind: (background, bar at the left, sign)
    "error": ("#4a2c2a", "#e0443e", "✕"),
    "notice": ("#33383d", SKY, "i"),
}


class BannerLine(QWidget):
    """One message that can be dismissed; the same message stays dismissed until another one came."""

    dismissed = Signal()

    def __init__(self, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        background, bar, sign = _KINDS[kind]
        self.setObjectName(f"{kind}Banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(
            f"#{self.objectName()} {{ background: {background}; border-left: 3px solid {bar}; }}"
            f"QLabel {{ color: {TEXT}; }}"
        )
        self._message = ""
        self._detail = ""
        self._sign = QLabel(sign, self)
        self._sign.setStyleSheet(f"color: {bar}; font-weight: bold;")
        self._sign.setFixedWidth(12)
        self._sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.action = QPushButton(self)
        self.action.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.action.hide()
        close = QToolButton(self)
        close.setText("×")
        close.setToolTip("Dismiss")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 3, 4, 3)
        row.setSpacing(10)
        row.addWidget(self._sign)
        row.addWidget(self._text, 1)
        row.addWidget(self.action)
        row.addWidget(close)
        self.hide()

    @property
    def message(self) -> str:
        """The newest message, dismissed or not."""
        return self._message

    @property
    def text(self) -> str:
        """What the line says, detail included."""
        return self._text.text()

    def show_message(self, message: str, detail: str = "") -> None:
        """Show a message; an empty one hides the line. One that was dismissed stays so until it changes.

        `detail` stands behind the message and may change all the time, as a countdown does.
        """
        if (message, detail) == (self._message, self._detail):
            return
        is_new = message != self._message
        self._message, self._detail = message, detail
        self._text.setText(f"{message} {detail}".strip())
        if is_new:
            self.setVisible(bool(message))

    def offer(self, text: str) -> None:
        """Show a button beside the message (`action`, for the window to connect); empty: none."""
        self.action.setText(text)
        self.action.setVisible(bool(text))

    def insist(self, message: str) -> None:
        """Show a message even if the same one was dismissed: it has just happened again."""
        self._message = ""
        self.show_message(message)

    def dismiss(self) -> None:
        """Hide the line."""
        self.hide()
        self.dismissed.emit()


class Banner(QWidget):
    """Errors above notices.

    Errors come from two places: the pipeline's state (gone once it is well again) and single requests that
    failed (gone once dismissed, or when the rig is started anew).
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.failure = BannerLine("error", self)
        self.error = BannerLine("error", self)
        self.notice = BannerLine("notice", self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for line in (self.error, self.failure, self.notice):
            column.addWidget(line)

    def show_state(self, error: str, notice: str, recovery: RecoveryStatus) -> None:
        """Show what the pipeline's status says, and how it comes along with a rig that was lost."""
        self.error.show_message(error, reconnecting_words(recovery) if recovery.reconnecting else "")
        news = recovered_words(recovery, within_s=NEWS_S)
        self.notice.show_message(f"{news} {notice}".strip())

    def show_failure(self, message: str) -> None:
        """Show that a request failed."""
        self.failure.insist(message)

    def clear(self) -> None:
        """Begin anew with another rig."""
        self.failure.show_message("")
        self.show_state("", "", RecoveryStatus())


class Toast(QLabel):
    """A short word that appears over the pictures and goes by itself."""

    DURATION_MS = 1600

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet(
            "#toast { background: rgba(20, 20, 20, 215); color: #ececec;"
            " border-radius: 6px; padding: 7px 16px; }"
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def flash(self, message: str, *, stays: bool = False) -> None:
        """Show a message; `stays` until the next one or `hide`."""
        self.setText(message)
        self.adjustSize()
        self.place()
        self.show()
        self.raise_()
        self._timer.stop()
        if not stays:
            self._timer.start(self.DURATION_MS)

    def place(self) -> None:
        """Stand in the lower middle of the parent."""
        parent = self.parentWidget()
        if parent is not None:
            self.move((parent.width() - self.width()) // 2, parent.height() - self.height() - 18)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Stay in the middle."""
        super().resizeEvent(event)
        self.place()
