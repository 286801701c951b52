"""Asks for files and folders, one dialog at a time, none of them in the way of the live pictures."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget


class Dialogs(QObject):
    """File dialogs of the page.

    Args:
        owner: the dialogs belong to its window.
        folder: where they begin.

    Signals:
        images_chosen: folder of board images; calibration_named: file to save to;
        board_named: PDF to write, and the paper it is for.
    """

    images_chosen = Signal(Path)
    calibration_named = Signal(Path)
    board_named = Signal(Path, str)

    def __init__(self, owner: QWidget, folder: Path) -> None:
        super().__init__(owner)
        self._owner = owner
        self._folder = folder
        self._dialog: QFileDialog | None = None
        self._paper = ""

    def ask_images(self) -> None:
        """Ask for a folder of board images, or an earlier set of shots."""
        dialog = QFileDialog(self._owner.window(), "Board images, or an earlier set of shots")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setDirectory(str(self._folder))
        dialog.fileSelected.connect(self._on_images)
        self._open(dialog)

    def ask_calibration(self, usual: Path) -> None:
        """Ask where to save a calibration."""
        dialog = self._to_save("Save the calibration", usual, "Calibration (*.toml)")
        dialog.fileSelected.connect(self._on_calibration)
        self._open(dialog)

    def ask_board(self, paper: str) -> None:
        """Ask where to write the board."""
        self._paper = paper
        dialog = self._to_save("Print the board", self._folder / f"board_{paper}.pdf", "PDF (*.pdf)")
        dialog.fileSelected.connect(self._on_board)
        self._open(dialog)

    def _to_save(self, title: str, path: Path, pattern: str) -> QFileDialog:
        dialog = QFileDialog(self._owner.window(), title)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(pattern)
        dialog.setDefaultSuffix(path.suffix[1:])
        path.parent.mkdir(parents=True, exist_ok=True)
        dialog.selectFile(str(path))
        return dialog

    def _open(self, dialog: QFileDialog) -> None:
        self._dialog = dialog
        dialog.open()

    def _on_images(self, path: str) -> None:
        self.images_chosen.emit(Path(path))

    def _on_calibration(self, path: str) -> None:
        self.calibration_named.emit(Path(path))

    def _on_board(self, path: str) -> None:
        self.board_named.emit(Path(path), self._paper)
