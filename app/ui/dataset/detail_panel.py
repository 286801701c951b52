"""Everything about one pair: both pictures, metadata, gates with their limits of then, hashes."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QSplitter, QVBoxLayout, QWidget

from app.browsing.columns import time_text
from app.capturing.gates import GATES
from app.ui.dataset.session import Detail
from app.ui.image_view import ImageView
from app.ui.side_scroll import SideScroll
from app.ui.theme import ACCENT, DIM, TEXT
from app.ui.viewport import Viewport
from capture.dataset_records import FrameRecord, PairRecord

NOTHING = "Select a pair to see everything that is known of it."


class DetailPanel(QWidget):
    """Pictures above, words below; the pictures zoom and pan together."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._record: PairRecord | None = None
        self.viewport = Viewport(self)
        self.mono = ImageView(self.viewport, self)
        self.color = ImageView(self.viewport, self)
        self.title = QLabel(self)
        self.about = QLabel(self)
        self.about.setProperty("role", "small")
        self.about.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hashes = QLabel(self)
        self.hashes.setProperty("role", "small")
        self.hashes.setTextFormat(Qt.TextFormat.PlainText)
        for label in (self.title, self.about, self.hashes):
            label.setWordWrap(True)
        self._values = {spec.key: (QLabel(self), QLabel(self)) for spec in GATES}
        self.splitter = QSplitter(Qt.Orientation.Vertical, self)
        self._lay_out()
        self.show_record(None, {}, "")

    def _lay_out(self) -> None:
        body = QWidget(self)
        words = QVBoxLayout(body)
        words.setContentsMargins(8, 6, 8, 8)
        words.setSpacing(5)
        words.addWidget(self.title)
        words.addWidget(self.hashes)
        gates = QGridLayout()
        gates.setHorizontalSpacing(12)
        gates.setVerticalSpacing(2)
        self._gates_title = QLabel("Gates", self)
        self._gates_title.setProperty("role", "section")
        words.addWidget(self._gates_title)
        for row, spec in enumerate(GATES):
            title = QLabel(spec.title, self)
            title.setProperty("role", "smalldim")
            title.setToolTip(f"{spec.tip}{f' [{spec.unit}]' if spec.unit else ''}")
            gates.addWidget(title, row, 0)
            for column, label in enumerate(self._values[spec.key], start=1):
                label.setProperty("role", "small")
                label.setToolTip(title.toolTip())
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                gates.addWidget(label, row, column)
        gates.setColumnStretch(0, 1)
        self._gates_box = QWidget(self)
        self._gates_box.setLayout(gates)
        gates.setContentsMargins(0, 0, 0, 0)
        words.addWidget(self._gates_box)
        about_title = QLabel("Metadata", self)
        about_title.setProperty("role", "section")
        self._about_title = about_title
        words.addWidget(about_title)
        words.addWidget(self.about)
        words.addStretch(1)
        scroll = SideScroll(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(body)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        pictures = QWidget(self)
        stacked = QVBoxLayout(pictures)
        stacked.setContentsMargins(0, 0, 0, 0)
        stacked.setSpacing(2)
        stacked.addWidget(self.mono, 1)
        stacked.addWidget(self.color, 1)
        for view in (self.mono, self.color):
            view.setMinimumHeight(90)
        self.splitter.addWidget(pictures)
        self.splitter.addWidget(scroll)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.setMinimumWidth(264)

    def show_record(self, record: PairRecord | None, session: Mapping[str, object], place: str) -> None:
        """Show what is known of a pair; its pictures follow with `show_detail`.

        Args:
            record: None for none.
            session: the entry of `dataset.toml` that it belongs to.
            place: which one it is of how many.
        """
        same = record is not None and self._record is not None and record.name == self._record.name
        self._record = record
        known = record is not None and record.mono is not None
        for widget in (self._gates_box, self._gates_title):
            widget.setVisible(known)
        self._about_title.setVisible(record is not None)
        self.about.setVisible(record is not None)
        if not same:
            for view in (self.mono, self.color):
                view.set_picture(None)
                view.set_message("" if record is None else "…")
            self.hashes.setText("" if record is None or not known else "Reading …")
        if record is None:
            self.title.setText(NOTHING)
            self.title.setStyleSheet(f"color: {DIM};")
            return
        state = " · in the trash" if record.trashed else " · excluded" if record.excluded else ""
        self.title.setText(f"<b>{escape(record.name)}</b>{state}<span style='color:{DIM}'> · {place}</span>")
        self.title.setStyleSheet(f"color: {TEXT};")
        self.about.setText(_about(record, session))
        self._show_gates(record, session)

    def show_detail(self, detail: Detail) -> None:
        """Show its pictures and what its hashes say."""
        if self._record is None or detail.record.name != self._record.name:
            return
        for view, picture, title in ((self.mono, detail.mono, "mono"), (self.color, detail.color, "colour")):
            view.set_message(f"The {title} image cannot be shown" if picture is None else "")
            view.set_picture(picture)
        if detail.hash_problem:
            self.hashes.setText(f"✕ {detail.hash_problem}")
            self.hashes.setStyleSheet(f"color: {ACCENT};")
        elif detail.record.mono is None:
            self.hashes.setText("A plain folder: it has no hashes to compare with.")
            self.hashes.setStyleSheet(f"color: {DIM};")
        else:
            rectified = detail.note or ("rectified" if detail.rectified else "not rectified: no calibration")
            self.hashes.setText(f"✓ Both files are what was captured (SHA-256) · shown {rectified}")
            self.hashes.setStyleSheet(f"color: {DIM};")

    def _show_gates(self, record: PairRecord, session: Mapping[str, object]) -> None:
        limits = session.get("gate_limits")
        known = limits if isinstance(limits, Mapping) else {}
        for spec in GATES:
            value, limit = self._values[spec.key]
            warned = spec.key in record.warnings
            value.setText(("⚠ " if warned else "") + spec.text(record.gates.get(spec.key)))
            unknown = record.gates.get(spec.key) is None
            value.setStyleSheet(f"color: {ACCENT if warned else DIM if unknown else TEXT};")
            bound = known.get(spec.key)
            sign = "≤" if spec.better == "low" else "≥"
            limit.setText(f"{sign} {spec.text(bound)}" if isinstance(bound, int | float) else "no limit")
            limit.setStyleSheet(f"color: {DIM};")


def _about(record: PairRecord, session: Mapping[str, object]) -> str:
    lines: list[tuple[str, str]] = [
        ("Saved", time_text(record.saved)),
        ("Tags", ", ".join(record.tags)),
        ("Mode", record.mode),
        ("Session", f"{record.session + 1}" if record.mono is not None else ""),
        ("Index", str(record.index)),
    ]
    if record.mono is not None:
        lines.append(("Skew", f"{record.skew_ns / 1e6:+.3f} ms (colour − mono)"))
    for title, frame, key in (("Mono", record.mono, "mono"), ("Colour", record.color, "color")):
        if frame is not None:
            lines.append((title, _frame_words(frame, session.get(key))))
    for title, key in (
        ("Rig", "rig"),
        ("Operator", "operator"),
        ("Lens", "lens_note"),
        ("Calibration", "calibration"),
        ("Version", "app_version"),
    ):
        lines.append((title, _text(session.get(key))))
    sha = _text(session.get("calibration_sha256"))
    if sha:
        lines.append(("Cal. SHA-256", sha[:16] + "…"))
    cells = "".join(
        f"<tr><td style='color:{DIM}; padding-right:10px'>{title}</td><td>{escape(text)}</td></tr>"
        for title, text in lines
        if text
    )
    return f"<table cellspacing='1'>{cells}</table>"


def _frame_words(frame: FrameRecord, camera: object) -> str:
    known = camera if isinstance(camera, Mapping) else {}
    exposure = "" if frame.exposure_us is None else f"{frame.exposure_us / 1000:.2f} ms"
    gain = "" if frame.gain_db is None else f"{frame.gain_db:.1f} dB"
    size = f"{known.get('width')}×{known.get('height')}" if "width" in known else ""
    parts = (frame.pixel_format, size, exposure, gain, f"frame {frame.frame_id}", _text(known.get("serial")))
    return " · ".join(part for part in parts if part)


def _text(value: object) -> str:
    return "" if value is None else str(value)
