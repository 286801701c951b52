"""A camera's features as a tree that Qt can show, search and edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont

from app.ui.cameras.values import tip_text, value_text
from app.ui.theme import DIM, FAINT, LINE
from capture.features import VISIBILITIES, Feature, FeatureTree, Visibility
from capture.rig import SettingValue

Index = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()

TITLE, VALUE, ACCESS = range(3)
HEADINGS = ("Feature", "Value", "Access")
FEATURE_ROLE = Qt.ItemDataRole.UserRole


@dataclass(eq=False)
class _Node:
    """A category (no feature) or a feature."""

    title: str
    parent: _Node | None
    row: int
    feature: Feature | None = None
    children: list[_Node] = field(default_factory=list)

    def child(self, title: str, feature: Feature | None = None) -> _Node:
        node = _Node(title, self, len(self.children), feature)
        self.children.append(node)
        return node


class FeatureModel(QAbstractItemModel):
    """Categories and features. A value that is set stays pending until the camera has answered.

    Signals:
        wanted: name of a feature and the value that the user wants; True for a command.
    """

    wanted = Signal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = _Node("", None, 0)
        self._places: dict[tuple[str, tuple[str, ...]], _Node] = {}
        self._shape: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._pending: set[str] = set()

    def show_tree(self, tree: FeatureTree) -> None:
        """Show what the camera says now; rows that are there already stay, and with them what is open."""
        shape = tuple((feature.name, feature.category) for feature in tree)
        self._pending.clear()
        if shape != self._shape:
            self.beginResetModel()
            self._shape = shape
            self._build(tree)
            self.endResetModel()
            return
        for feature in tree:
            node = self._places[feature.name, feature.category]
            if node.feature != feature:
                node.feature = feature
                self._changed(node)

    def _build(self, tree: FeatureTree) -> None:
        self._root = _Node("", None, 0)
        self._places = {}
        categories: dict[tuple[str, ...], _Node] = {(): self._root}
        for feature in tree:
            for depth in range(1, len(feature.category) + 1):
                path = feature.category[:depth]
                if path not in categories:
                    categories[path] = categories[path[:-1]].child(path[-1])
            node = categories[feature.category].child(feature.title, feature)
            self._places[feature.name, feature.category] = node

    def ask(self, name: str, value: SettingValue) -> None:
        """Ask for a value (True runs a command), and show that it is on its way."""
        self._pending.add(name)
        for (other, _), node in self._places.items():
            if other == name:
                self._changed(node)
        self.wanted.emit(name, value)

    def _changed(self, node: _Node) -> None:
        first, last = (self.createIndex(node.row, column, node) for column in (TITLE, ACCESS))
        self.dataChanged.emit(first, last)

    # --- what Qt asks ---

    def _node(self, index: Index) -> _Node:
        node = index.internalPointer() if index.isValid() else self._root
        assert isinstance(node, _Node)
        return node

    def index(self, row: int, column: int, parent: Index = NO_INDEX) -> QModelIndex:
        """Return the place of a cell."""
        children = self._node(parent).children
        if not (0 <= row < len(children) and 0 <= column < len(HEADINGS)):
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: Index = NO_INDEX) -> QModelIndex:  # type: ignore[override]  # QObject.parent()
        """Return the category that a row lies in."""
        above = self._node(index).parent
        return (
            QModelIndex() if above is None or above is self._root else self.createIndex(above.row, 0, above)
        )

    def rowCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802
        """Return how many rows lie in a category."""
        return 0 if parent.isValid() and parent.column() != TITLE else len(self._node(parent).children)

    def columnCount(self, parent: Index = NO_INDEX) -> int:  # noqa: N802, ARG002
        """Return the number of columns."""
        return len(HEADINGS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a heading."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, colour, font and tooltip of a cell."""
        node = self._node(index)
        feature = node.feature
        if feature is None:
            return _category_data(node.title, index.column(), role)
        if role == Qt.ItemDataRole.DisplayRole:
            return (node.title, value_text(feature), feature.access)[index.column()]
        if role == FEATURE_ROLE:
            return feature
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(feature)
        if role == Qt.ItemDataRole.ForegroundRole:
            return _colour(feature, index.column())
        if role == Qt.ItemDataRole.FontRole:
            return self._font(feature)
        return None

    def _font(self, feature: Feature) -> QFont:
        font = QFont()
        font.setBold(feature.differs)
        font.setItalic(feature.name in self._pending)
        return font

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Say what can be done with a cell."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        feature = self._node(index).feature
        editable = feature is not None and feature.writable and feature.kind not in ("command", "register")
        return flags | Qt.ItemFlag.ItemIsEditable if editable and index.column() == VALUE else flags

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802
        """Ask for a value; it is shown as set once the camera has it."""
        feature = self._node(index).feature
        if role != Qt.ItemDataRole.EditRole or feature is None or value is None:
            return False
        wanted: SettingValue = value
        if wanted != feature.value:
            self.ask(feature.name, wanted)
        return True


def _category_data(title: str, column: int, role: int) -> Any:
    if role == Qt.ItemDataRole.DisplayRole:
        return title if column == TITLE else None
    if role == Qt.ItemDataRole.BackgroundRole:
        return QColor(LINE)
    return None


def _colour(feature: Feature, column: int) -> QColor | None:
    if feature.access == "NA":
        return QColor(FAINT)
    if column == ACCESS or not feature.writable:
        return QColor(DIM)
    return None


class FeatureFilter(QSortFilterProxyModel):
    """Lets through what a person wants to see; categories with nothing in them go too."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()
        self._level = 0
        self._only_changed = False
        self.setRecursiveFilteringEnabled(True)

    def search(self, text: str) -> None:
        """Show what has all of these words in its name, its title or its description."""
        self.beginFilterChange()
        self._words = tuple(text.lower().split())
        self.endFilterChange()

    def show_level(self, level: Visibility) -> None:
        """Show what is meant for this level or a lower one."""
        self.beginFilterChange()
        self._level = VISIBILITIES.index(level)
        self.endFilterChange()

    def show_changed_only(self, only: bool) -> None:
        """Show only what differs."""
        self.beginFilterChange()
        self._only_changed = only
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: N802
        """Decide on one row."""
        model = self.sourceModel()
        feature = model.data(model.index(row, 0, parent), FEATURE_ROLE)
        if not isinstance(feature, Feature):
            return False
        if VISIBILITIES.index(feature.visibility) > self._level or (
            self._only_changed and not feature.differs
        ):
            return False
        text = f"{feature.name} {feature.title} {feature.description}".lower()
        return all(word in text for word in self._words)
