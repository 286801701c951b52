"""Which methods are compared, and the run that makes their results for many pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QProgressBar, QToolButton, QWidget

from app.inspecting.runner import Progress
from app.ui.words import duration

KNOWN_METHODS: tuple[tuple[str, str], ...] = (
    ("live", "The network that the app runs"),
    ("live+fine", "The same weights, matched at half the stride: slower, finer"),
    ("paper", "The network of the paper: slow without a GPU"),
    ("sgbm", "Semi-global matching, warp and fill: without learning"),
    ("dis", "DIS optical flow, warp and fill: without learning"),
    ("copy", "The reference's colours, where they are: the floor"),
)
"""Specs as `evaluate --methods` takes them, and what they are."""


class RunBar(QWidget):
    """A button for the methods, one to run them, and how far the run is.

    Signals:
        methods_wanted: a tuple of specs.
        run_wanted: True for all pairs, False for those that are selected.
        cancel_wanted: stop the run.
    """

    methods_wanted = Signal(object)
    run_wanted = Signal(bool)
    cancel_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs: tuple[str, ...] = ()
        self._dialog: QFileDialog | None = None
        self.menu = QMenu("Methods", self)
        self.menu.setToolTipsVisible(True)
        self.methods_button = QToolButton(self)
        self.methods_button.setProperty("framed", True)
        self.methods_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.methods_button.setMenu(self.menu)
        self.methods_button.setToolTip("Which networks and other methods are shown and compared")
        self.run_menu = QMenu("Run", self)
        self.run_button = QToolButton(self)
        self.run_button.setText("Run")
        self.run_button.setProperty("framed", True)
        self.run_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.run_button.setMenu(self.run_menu)
        self.run_button.setToolTip(
            "Make the results of all methods in the background; what is there is not made again.\n"
            "Results of the pair on screen are made by themselves."
        )
        self.run_menu.addAction("Selected pairs").triggered.connect(self._on_run_selected)
        self.run_menu.addAction("All pairs").triggered.connect(self._on_run_all)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(110, 6)
        self.words = QLabel(self)
        self.words.setProperty("role", "smalldim")
        self.cancel_button = QToolButton(self)
        self.cancel_button.setText("Cancel")
        self.cancel_button.setToolTip("Stop after the result under way; those that were made stay")
        self.cancel_button.clicked.connect(self.cancel_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for widget in (self.methods_button, self.run_button, self.bar, self.words, self.cancel_button):
            row.addWidget(widget)
        self.show_methods(())
        self.show_progress(Progress())

    def show_methods(self, specs: Sequence[str]) -> None:
        """Show which methods are in use."""
        self._specs = tuple(specs)
        words = ", ".join(_short(spec) for spec in self._specs) or "none"
        shown = words if len(words) <= 40 else f"{len(self._specs)} methods"
        self.methods_button.setText(f"Methods: {shown}")
        self.menu.clear()
        known = [spec for spec, _ in KNOWN_METHODS]
        for spec, tip in KNOWN_METHODS:
            self._entry(spec, tip)
        for spec in self._specs:
            if spec not in known:
                self._entry(spec, spec)
        self.menu.addSeparator()
        self.menu.addAction("Weights file …").triggered.connect(self.choose_file)

    def show_progress(self, progress: Progress) -> None:
        """Show how a run in bulk stands."""
        running = progress.running
        self.bar.setVisible(running)
        self.cancel_button.setVisible(running)
        self.bar.setMaximum(max(progress.total, 1))
        self.bar.setValue(progress.done)
        self.words.setText(_progress_words(progress))
        self.words.setVisible(bool(self.words.text()))
        self.words.setToolTip(progress.problem)

    def choose_file(self) -> None:
        """Ask for a weights file to add."""
        if self._dialog is None:
            self._dialog = QFileDialog(self, "Weights to compare")
            self._dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
            self._dialog.setNameFilter("Weights (*.safetensors *.h5)")
            self._dialog.filesSelected.connect(self._on_files)
        self._dialog.open()

    def add_specs(self, specs: Sequence[str]) -> None:
        """Take further methods in."""
        self.methods_wanted.emit((*self._specs, *(spec for spec in specs if spec not in self._specs)))

    def _entry(self, spec: str, tip: str) -> None:
        action = QAction(_short(spec), self.menu)
        action.setToolTip(tip)
        action.setCheckable(True)
        action.setChecked(spec in self._specs)
        action.setData(spec)
        action.toggled.connect(self._on_toggled)
        self.menu.addAction(action)

    def _on_toggled(self, checked: bool) -> None:
        action = self.sender()
        assert isinstance(action, QAction)
        spec = str(action.data())
        if checked:
            self.add_specs([spec])
        else:
            self.methods_wanted.emit(tuple(each for each in self._specs if each != spec))

    def _on_files(self, files: list[str]) -> None:
        self.add_specs(files)

    def _on_run_selected(self) -> None:
        self.run_wanted.emit(False)

    def _on_run_all(self) -> None:
        self.run_wanted.emit(True)


def _short(spec: str) -> str:
    """Return what a spec is called: a file by its stem, NAME=FILE by its name."""
    name, named, _ = spec.partition("=")
    return name if named else (Path(spec).stem if spec.endswith((".safetensors", ".h5")) else spec)


def _progress_words(progress: Progress) -> str:
    if progress.running:
        words = f"{progress.done} of {progress.total}"
        return words if progress.seconds_left is None else f"{words} · {duration(progress.seconds_left)} left"
    if progress.total == 0:
        return ""
    done = "all done" if progress.done == progress.total else f"stopped after {progress.done}"
    return f"{done}, {progress.failed} failed" if progress.failed else f"{done} of {progress.total}"
