"""Everything one camera has: the tree, what narrows it, and the details of the row that is chosen."""

from __future__ import annotations

import html

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.ui.arrangement import remember
from app.ui.cameras.delegate import FeatureDelegate
from app.ui.cameras.model import ACCESS, FEATURE_ROLE, TITLE, VALUE, FeatureFilter, FeatureModel
from app.ui.cameras.values import details
from app.ui.theme import DIM
from capture.features import VISIBILITIES, Feature, FeatureTree

ORIGINS = {
    "opened": "Bold: differs from what the camera had when the rig was opened.",
    "user set Default": "Bold: differs from the camera's own user set Default.",
}


class FeatureView(QWidget):
    """The tree of one camera.

    Signals:
        wanted: name and value that the user wants; True for a command.
        refresh_wanted: read everything again.
        factory_wanted: compare with the user set Default.
    """

    wanted = Signal(str, object)
    refresh_wanted = Signal()
    factory_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = FeatureModel(self)
        self.filter = FeatureFilter(self)
        self.filter.setSourceModel(self.model)
        self._tree = FeatureTree()
        self._opened_once = False
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search features")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Name, title and description; several words must all be there (Ctrl+F)")
        self.level = QComboBox(self)
        self.level.addItems(VISIBILITIES)
        self.level.setToolTip("For whom the maker meant them: Guru shows all")
        self.changed_only = QCheckBox("Changed only", self)
        self.changed_only.setToolTip("Only what is bold")
        self.refresh = QPushButton("Refresh", self)
        self.refresh.setToolTip("Read everything from the camera again")
        self.view = self._make_view()
        self.origin = QLabel(ORIGINS["opened"], self)
        self.origin.setProperty("role", "smalldim")
        self.factory = QPushButton("Compare with user set Default", self)
        self.factory.setToolTip(
            "The camera loads its set Default, everything is read, and what it had is put back: "
            "acquisition stops for a moment"
        )
        self.about = QLabel(self)
        self.about.setWordWrap(True)
        self.about.setTextFormat(Qt.TextFormat.RichText)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.about.setMinimumHeight(112)
        self._lay_out()
        self._connect()

    def _make_view(self) -> QTreeView:
        view = QTreeView(self)
        view.setModel(self.filter)
        view.setItemDelegate(FeatureDelegate(self.model, view))
        view.setUniformRowHeights(True)
        view.setAlternatingRowColors(True)
        view.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.SelectedClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        header = view.header()
        remember(header, "features")
        header.setStretchLastSection(False)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(VALUE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(ACCESS, QHeaderView.ResizeMode.ResizeToContents)
        view.setColumnWidth(TITLE, 300)
        return view

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.addWidget(self.search, 1)
        tools.addWidget(self.level)
        tools.addWidget(self.changed_only)
        tools.addWidget(self.refresh)
        below = QHBoxLayout()
        below.addWidget(self.origin, 1)
        below.addWidget(self.factory)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(tools)
        column.addWidget(self.view, 1)
        column.addLayout(below)
        column.addWidget(self.about)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._on_search)
        self.level.currentTextChanged.connect(self._on_level)
        self.changed_only.toggled.connect(self._on_changed_only)
        self.refresh.clicked.connect(self.refresh_wanted)
        self.factory.clicked.connect(self.factory_wanted)
        self.model.wanted.connect(self.wanted)
        self.model.modelReset.connect(self.view.expandAll)
        self.view.activated.connect(self._on_activated)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        self.filter.dataChanged.connect(self._show_current)
        find = QShortcut(QKeySequence.StandardKey.Find, self)
        find.setWhatsThis("Search the features")
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.search.setFocus)

    def show_tree(self, tree: FeatureTree, *, has_factory: bool) -> None:
        """Show what the camera has now."""
        self._tree = tree
        self.model.show_tree(tree)
        self.origin.setText(ORIGINS[tree.origin])
        self.factory.setVisible(has_factory)
        self._show_current()

    def choose(self, name: str) -> bool:
        """Choose a feature by its name; False if it is not among those shown."""
        for row in self._rows():
            feature = row.data(FEATURE_ROLE)
            if isinstance(feature, Feature) and feature.name == name:
                self.view.setCurrentIndex(row)
                return True
        return False

    def shown_names(self) -> list[str]:
        """Return the names of the features that are shown, from the top."""
        found = (row.data(FEATURE_ROLE) for row in self._rows())
        return [feature.name for feature in found if isinstance(feature, Feature)]

    def _rows(self, parent: QModelIndex | None = None) -> list[QModelIndex]:
        above = QModelIndex() if parent is None else parent
        rows = []
        for number in range(self.filter.rowCount(above)):
            row = self.filter.index(number, TITLE, above)
            rows += [row, *self._rows(row)]
        return rows

    def _on_search(self, text: str) -> None:
        self.filter.search(text)
        self.view.expandAll()

    def _on_level(self, level: str) -> None:
        self.filter.show_level(next(known for known in VISIBILITIES if known == level))
        self.view.expandAll()

    def _on_changed_only(self, only: bool) -> None:
        self.filter.show_changed_only(only)
        self.view.expandAll()

    def _on_activated(self, index: QModelIndex) -> None:
        """Enter: run a command, or edit the value whatever cell of the row is chosen."""
        value = index.siblingAtColumn(VALUE)
        delegate = self.view.itemDelegate()
        if isinstance(delegate, FeatureDelegate) and delegate.run(value):
            return
        if value.flags() & Qt.ItemFlag.ItemIsEditable:
            self.view.setCurrentIndex(value)
            self.view.edit(value)

    def _on_current(self, current: QModelIndex) -> None:
        self._show(current.data(FEATURE_ROLE))

    def _show_current(self) -> None:
        self._show(self.view.currentIndex().data(FEATURE_ROLE))

    def _show(self, feature: object) -> None:
        if not isinstance(feature, Feature):
            self.about.setText(
                f"<span style='color:{DIM}'>Choose a feature to see what it is and what it takes. "
                "Enter or a double click edits a value, and runs a command.</span>"
            )
            return
        rows = "".join(
            f"<tr><td style='color:{DIM}; padding-right:14px'>{name}</td><td>{html.escape(text)}</td></tr>"
            for name, text in details(feature)
            if name != "Level"
        )
        description = html.escape(feature.description) or "The camera does not say what it is."
        self.about.setText(f"<b>{html.escape(feature.title)}</b><br>{description}<table>{rows}</table>")
