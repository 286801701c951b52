"""Which pairs are shown: text, tag, session, warnings, exclusion, and a range for every value."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.browsing.columns import COLUMNS, time_text
from app.browsing.filters import PairFilter, Range, Used, histogram
from app.browsing.table import PairTable, Rows
from app.ui.dataset.range_bar import RangeBar
from app.ui.side_scroll import SideScroll

TYPING_MS = 120
_WARNED: tuple[tuple[str, bool | None], ...] = (
    ("Warned or not", None),
    ("With warnings", True),
    ("Without warnings", False),
)
_USED: tuple[tuple[str, Used], ...] = (
    ("Used and excluded", "all"),
    ("Used only", "used"),
    ("Excluded only", "excluded"),
)
_ANY_TAG, _NO_TAG = "any", "none"


class FilterPanel(QWidget):
    """A column of filters.

    Signals:
        changed: the user wants to see others; `wanted` says which.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table: PairTable | None = None
        self.trash = False
        self.text = QLineEdit(self)
        self.text.setPlaceholderText("Name, tag or mode (Ctrl+F)")
        self.text.setClearButtonEnabled(True)
        self.text.setToolTip("Words that a pair's name, tags or mode must contain, all of them")
        self.tag = QComboBox(self)
        self.tag.setToolTip("Pairs with this scene tag")
        self.session = QComboBox(self)
        self.session.setToolTip("Pairs of one session: one time the dataset was opened for writing")
        self.warned = QComboBox(self)
        self.warned.setToolTip("Whether a gate was beyond its limit when the pair was saved")
        self.used = QComboBox(self)
        self.used.setToolTip("Excluded pairs stay in the dataset, and are left out of training and export")
        for box, entries in ((self.warned, _WARNED), (self.used, _USED)):
            for label, value in entries:
                box.addItem(label, value)
        self.bars = tuple(RangeBar(column, self) for column in COLUMNS if column.is_ranged)
        self.reset = QPushButton("Show all", self)
        self.reset.setToolTip("Forget all filters (Esc)")
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._lay_out()
        self._connect()
        self.show_table(None)

    def _lay_out(self) -> None:
        body = QWidget(self)
        ranges = QVBoxLayout(body)
        ranges.setContentsMargins(0, 0, 4, 0)
        ranges.setSpacing(3)
        for bar in self.bars:
            ranges.addWidget(bar)
        ranges.addStretch(1)
        scroll = SideScroll(self)
        scroll.show_body(body)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 2, 6)
        column.setSpacing(5)
        for widget in (self.text, self.tag, self.session, self.warned, self.used):
            column.addWidget(widget)
        title = QLabel("Values", self)
        title.setProperty("role", "section")
        column.addWidget(title)
        column.addWidget(scroll, 1)
        column.addWidget(self.reset)
        self.setMinimumWidth(208)
        for box in (self.tag, self.session, self.warned, self.used):
            box.setMinimumContentsLength(10)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def _connect(self) -> None:
        self.text.textChanged.connect(self._typing.start)
        self._typing.timeout.connect(self.changed)
        for box in (self.tag, self.session, self.warned, self.used):
            box.activated.connect(self.changed)
        for bar in self.bars:
            bar.changed.connect(self.changed)
        self.reset.clicked.connect(self.clear)

    @property
    def wanted(self) -> PairFilter:
        """What the user wants to see."""
        tag = self.tag.currentData()
        return PairFilter(
            text=self.text.text(),
            tag="" if tag in (None, _ANY_TAG, _NO_TAG) else str(tag)[1:],
            untagged=tag == _NO_TAG,
            session=self.session.currentData(),
            warned=self.warned.currentData(),
            used=self.used.currentData() or "all",
            ranges={bar.column.key: bar.range for bar in self.bars if not bar.range.is_open},
            trash=self.trash,
        )

    def clear(self) -> None:
        """Forget all filters."""
        with QSignalBlocker(self.text):
            self.text.clear()
        for box in (self.tag, self.session, self.warned, self.used):
            box.setCurrentIndex(0)
        for bar in self.bars:
            bar.set_range(Range())
        self.changed.emit()

    def show_table(self, table: PairTable | None) -> None:
        """Offer the tags and sessions of a dataset."""
        self._table = table
        known = {} if table is None else table.tags
        self._refill(
            self.tag,
            [
                ("Any tag", _ANY_TAG),
                ("Without a tag", _NO_TAG),
                *((f"{tag}  ({count:,})", f"#{tag}") for tag, count in known.items()),
            ],
        )
        sessions = () if table is None else table.sessions
        self._refill(
            self.session,
            [
                (f"All sessions ({len(sessions)})" if len(sessions) > 1 else "All sessions", None),
                *(
                    (f"{number + 1} · {time_text(str(session.get('started', '')))[:16]}", number)
                    for number, session in enumerate(sessions)
                ),
            ],
        )

    def show_values(self, shown: Rows) -> None:
        """Show how values are distributed, and those of the pairs on screen before them."""
        for bar in self.bars:
            bar.show_histogram(None if self._table is None else histogram(self._table, bar.column.key, shown))
        self.reset.setEnabled(self.wanted.narrows)

    @staticmethod
    def _refill(box: QComboBox, entries: list[tuple[str, object]]) -> None:
        """Offer other entries; the one that was chosen stays so, if it is still there."""
        if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] == entries:
            return
        chosen = box.currentData()
        with QSignalBlocker(box):
            box.clear()
            for label, value in entries:
                box.addItem(label, value)
            box.setCurrentIndex(max(0, box.findData(chosen)))
