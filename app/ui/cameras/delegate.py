"""Editors for the values of features: the one that fits the kind, in place."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionButton,
    QStyleOptionViewItem,
    QWidget,
)

from app.ui.cameras.fields import NumberField
from app.ui.cameras.model import FEATURE_ROLE, VALUE, FeatureModel
from app.ui.cameras.values import parsed, plain_text
from capture.features import Feature

Index = QModelIndex | QPersistentModelIndex

ROW_PX = 26
BUTTON_PX = 64


def _feature(index: Index) -> Feature | None:
    found = index.data(FEATURE_ROLE)
    return found if isinstance(found, Feature) else None


def _in_steps(feature: Feature) -> bool:
    """Whether a number input suits: a number that is shown as one."""
    if feature.kind == "float":
        return True
    return feature.kind == "integer" and feature.representation in ("linear", "logarithmic", "number")


class FeatureDelegate(QStyledItemDelegate):
    """Numbers get a number input, enumerations and switches a list, text a line; commands are buttons."""

    def __init__(self, model: FeatureModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        """Return a height in which an editor fits."""
        size = super().sizeHint(option, index)
        return QSize(size.width(), ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a command as a button, everything else as text."""
        feature = _feature(index)
        if feature is None or feature.kind != "command" or index.column() != VALUE:
            super().paint(painter, option, index)
            return
        button = QStyleOptionButton()
        button.rect = option.rect.adjusted(4, 2, 0, -2)
        button.rect.setWidth(BUTTON_PX)
        button.text = str(index.data())
        if feature.writable:
            button.state = QStyle.StateFlag.State_Enabled | QStyle.StateFlag.State_Raised
        QApplication.style().drawControl(QStyle.ControlElement.CE_PushButton, button, painter)

    def editorEvent(  # noqa: N802
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Run a command that was clicked."""
        feature = _feature(index)
        if feature is not None and feature.kind == "command" and index.column() == VALUE:
            clicked = (
                event.type() == QEvent.Type.MouseButtonRelease
                and isinstance(event, QMouseEvent)
                and event.button() == Qt.MouseButton.LeftButton
            )
            return self.run(index) if clicked else False
        return super().editorEvent(event, model, option, index)

    def run(self, index: Index) -> bool:
        """Run the command in a row; False if it is none."""
        feature = _feature(index)
        if feature is None or feature.kind != "command" or not feature.writable:
            return False
        self._model.ask(feature.name, True)
        return True

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:  # noqa: N802
        """Return the editor that suits the kind of value."""
        feature = _feature(index)
        if feature is None:
            return super().createEditor(parent, option, index)
        if feature.kind in ("enumeration", "boolean"):
            box = QComboBox(parent)
            box.addItems(feature.choices or ("Off", "On"))
            box.activated.connect(self._on_chosen)
            return box
        if feature.value is not None and _in_steps(feature):
            field = NumberField(feature.setting(), parent)
            field.setFrame(False)
            return field
        line = QLineEdit(parent)
        line.setFrame(False)
        return line

    def setEditorData(self, editor: QWidget, index: Index) -> None:  # noqa: N802
        """Show the value in its editor."""
        feature = _feature(index)
        if feature is None or feature.value is None:
            return
        if isinstance(editor, QComboBox):
            editor.setCurrentText(plain_text(feature, feature.value))
        elif isinstance(editor, NumberField):
            editor.follow(feature.setting())
            editor.selectAll()
        elif isinstance(editor, QLineEdit):
            editor.setText(plain_text(feature, feature.value))

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:  # noqa: N802
        """Ask for what the editor says."""
        feature = _feature(index)
        if feature is None:
            return
        value: Any = None
        if isinstance(editor, QComboBox):
            text = editor.currentText()
            value = text == "On" if feature.kind == "boolean" else text
        elif isinstance(editor, NumberField):
            editor.interpretText()
            value = round(editor.value()) if editor.whole else editor.value()
            if isinstance(feature.value, float) and abs(value - feature.value) < 5e-4:
                return  # what the editor rounded away was nobody's wish
        elif isinstance(editor, QLineEdit):
            value = parsed(feature, editor.text())
        if value is not None:
            model.setData(index, value)

    def _on_chosen(self) -> None:
        box = self.sender()
        if isinstance(box, QWidget):
            self.commitData.emit(box)
            self.closeEditor.emit(box)
