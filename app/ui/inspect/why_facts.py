"""Words, numbers and colours of an explained pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.inspecting.why import PixelWhy, Rgb
from app.ui.theme import DIM, LINE, SMALL_PX, TEXT

TOP = 5
"""Candidates that are listed."""


@dataclass(frozen=True)
class Swatch:
    """A colour with its name and what it is, in 8-bit RGB."""

    name: str
    rgb: Rgb
    note: str = ""


class Swatches(QWidget):
    """Lines of a colour, its name, and a note at the right."""

    LINE_PX = SMALL_PX + 8
    SIDE_PX = 26

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._swatches: tuple[Swatch, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def swatches(self) -> tuple[Swatch, ...]:
        """What is shown."""
        return self._swatches

    def show_swatches(self, swatches: tuple[Swatch, ...]) -> None:
        """Show other colours."""
        changed = len(swatches) != len(self._swatches)
        self._swatches = swatches
        if changed:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the room that the lines take."""
        return QSize(220, self.LINE_PX * len(self._swatches))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002
        """Paint the lines."""
        painter = QPainter(self)
        font = painter.font()
        font.setPixelSize(SMALL_PX)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for number, swatch in enumerate(self._swatches):
            top = number * self.LINE_PX
            colour = QRectF(0.5, top + 2.5, self.SIDE_PX, self.LINE_PX - 5)
            painter.setPen(QColor(LINE))
            painter.setBrush(QColor(*swatch.rgb))
            painter.drawRect(colour)
            left = self.SIDE_PX + 8
            words = QRectF(left, top, self.width() - left, self.LINE_PX)
            painter.setPen(QColor(TEXT))
            painter.drawText(
                words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), swatch.name
            )
            room = int(words.width()) - metrics.horizontalAdvance(swatch.name) - 8
            painter.setPen(QColor(DIM))
            painter.drawText(
                words,
                int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter),
                metrics.elidedText(swatch.note, Qt.TextElideMode.ElideRight, max(room, 0)),
            )


class Facts(QWidget):
    """Names at the left, values at the right; the lines are made once and filled again."""

    def __init__(self, tips: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(1, 1)
        self._values: dict[str, QLabel] = {}
        for row, (name, tip) in enumerate(tips.items()):
            label, value = QLabel(name, self), QLabel(self)
            label.setProperty("role", "smalldim")
            value.setProperty("role", "small")
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for widget in (label, value):
                widget.setToolTip(tip)
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
            self._values[name] = value

    def fill(self, values: dict[str, str]) -> None:
        """Show values by name; what is not named shows a dash."""
        for name, label in self._values.items():
            label.setText(values.get(name, "–"))

    def value(self, name: str) -> str:
        """Return what a line says."""
        return self._values[name].text()


_WHERE = {
    "Peak disparity": "Where W has its peak, refined between candidates, in px of the image.",
    "Entropy": "Of W over its candidates: 0 bit for one certain candidate, log2 of their number for no idea.",
    "Effective candidates": "1 / Σ W²: as many candidates of one weight would be as spread out.",
    "Heaviest candidate": "Share of the colour that comes from one candidate.",
}
_CONFIDENCE = {
    "Cycle error": "|R'_C − R_C| at the pixel's match, mean of Cb and Cr in levels, and its factor.",
    "Way back misses by": "From the pixel to its match, and by the second pass back: how many px that misses "
    "the pixel, and the factor it is worth.",
    "Structure (SSIM)": "SSIM of the mono image and the averaged luma around the pixel, and its factor.",
    "Confidence": "The product of these three factors: 0 a guess, 1 sure.",
}
_CHECK = {
    "Residual": "Largest difference in R, G or B, in levels, of the weighted average of the candidates' "
    "chroma (with the mono luma) and the first pass's picture. 0, or 1 where rounding differs: the "
    "explanation is complete.",
    "Refiner": "What the refiner added: change of Cb and Cr in levels, and as CIEDE2000.",
    "Error": "CIEDE2000 of the result and the truth; above 3.5 anyone sees it.",
}


class WhyFacts(QWidget):
    """Everything about a pixel that is not a curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.where = Facts(_WHERE, self)
        self.confidence = Facts(_CONFIDENCE, self)
        self.check = Facts(_CHECK, self)
        self.candidates = Swatches(self)
        self.candidates.setToolTip(
            "The heaviest candidates: colour in the reference, share of the average, and disparity."
        )
        self.colours = Swatches(self)
        self.colours.setToolTip(
            "The weighted average of the candidates with the mono luma, the pictures' colours, and the truth."
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 2, 8, 8)
        column.setSpacing(3)
        for title, widget in (
            ("WHERE FROM", self.where),
            ("CANDIDATES", self.candidates),
            ("COLOUR", self.colours),
            ("", self.check),
            ("CONFIDENCE", self.confidence),
        ):
            if title:
                head = QLabel(title, self)
                head.setProperty("role", "section")
                column.addWidget(head)
            column.addWidget(widget)

    def show_why(self, why: PixelWhy) -> None:
        """Show another pixel."""
        sources = why.contributions
        most = float(np.log2(max(len(sources.weights), 2)))
        self.where.fill(
            {
                "Peak disparity": f"{why.peak_px:.1f} px",
                "Entropy": f"{sources.entropy_bits:.2f} of {most:.1f} bit",
                "Effective candidates": f"{sources.effective:.1f} of {len(sources.weights)}",
                "Heaviest candidate": f"{sources.weights.max():.1%}",
            }
        )
        self.candidates.show_swatches(_top(why))
        self.colours.show_swatches(_colours(why))
        self.check.fill(_checked(why))
        factors = {factor.name: f"{factor.measured}   ×{factor.factor:.2f}" for factor in why.factors}
        self.confidence.fill({**factors, "Confidence": f"{why.confidence:.2f}"})


def _top(why: PixelWhy) -> tuple[Swatch, ...]:
    sources = why.contributions
    pictured = sources.pictured
    swatches = []
    for k in np.argsort(sources.weights)[::-1][:TOP]:
        if sources.weights[k] < 5e-4:
            break
        red, green, blue = (int(v) for v in pictured[k])
        note = f"{sources.disparities[k]:g} px"
        swatches.append(Swatch(f"{sources.weights[k]:.1%}", (red, green, blue), note))
    return tuple(swatches)


def _colours(why: PixelWhy) -> tuple[Swatch, ...]:
    named = (
        ("Average of the candidates", why.average_rgb),
        ("First pass", why.first_rgb),
        ("Refined", why.refined_rgb),
        ("Truth", why.truth_rgb),
    )
    return tuple(Swatch(name, rgb, " ".join(str(v) for v in rgb)) for name, rgb in named if rgb is not None)


def _checked(why: PixelWhy) -> dict[str, str]:
    residual = f"{why.residual_levels} level{'s' * (why.residual_levels != 1)}"
    values = {"Residual": f"{residual}, clipped" if why.clipped else residual}
    if why.refined_chroma is not None:
        cb, cr = why.refined_chroma
        words = f"ΔCb {cb:+.1f}  ΔCr {cr:+.1f}   ΔE {why.refined_delta_e:.1f}"
        values["Refiner"] = words.replace("-", "−")
    else:
        values["Refiner"] = "none"
    values["Error"] = "no truth" if why.truth_delta_e is None else f"ΔE {why.truth_delta_e:.1f}"
    return values
