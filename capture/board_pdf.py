"""Printable boards: a calibration target as a PDF page, vectors only, true to scale.

Besides the target the page carries its settings in words and two bars of 100 mm, one each way, to check the
printer with. The page asks the viewer not to scale it (PDF 1.7, 12.2: PrintScaling).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from capture.errors import CalibrationError
from capture.files import write_atomically
from capture.targets import Charuco, Chessboard, CircleGrid, Target
from capture.targets.drawing import Disc, Rectangle, Shape

# (width, height) in mm, upright: ISO 216 and ANSI.
PAPERS: dict[str, tuple[float, float]] = {
    "A4": (210.0, 297.0),
    "A3": (297.0, 420.0),
    "Letter": (215.9, 279.4),
}
POINTS_PER_MM = 72 / 25.4
# Printers leave a border; detectors need white around the target.
MARGIN_MM = 10.0
FOOTER_MM = 12.0
SCALE_BAR_MM = 100.0
TICK_MM = 2.0
LINE_MM = 0.25
TEXT_MM = 2.8
# Control points of a quarter circle's Bézier curve, in radii: off by 0.03 % of the radius at most.
KAPPA = 0.5522847498


@dataclass(frozen=True)
class Page:
    """Where things go on a page, mm from its upper left corner.

    Attributes:
        paper: name of the paper.
        width_mm, height_mm: of the page as it lies.
        left_mm, top_mm: upper left corner of the target's printed area.
    """

    paper: str
    width_mm: float
    height_mm: float
    left_mm: float
    top_mm: float


def lay_out(target: Target, paper: str) -> Page:
    """Return the page for a target, upright or lying. Raises CalibrationError if it does not fit."""
    if paper not in PAPERS:
        raise CalibrationError(f"{paper!r} is no paper known here: {', '.join(PAPERS)}")
    width, height = target.extent_mm
    for page_width, page_height in (PAPERS[paper], PAPERS[paper][::-1]):
        room = _room(page_width, page_height)
        if width <= room[0] and height <= room[1]:
            return Page(
                paper, page_width, page_height, (page_width - width) / 2, MARGIN_MM + (room[1] - height) / 2
            )
    room = _room(*PAPERS[paper][::-1])
    raise CalibrationError(
        f"the target is {width:g} × {height:g} mm, {paper} has room for {room[0]:g} × {room[1]:g} mm: "
        "take larger paper, fewer or smaller squares"
    )


def usual_target(kind: str, paper: str) -> Target:
    """Return a target of this kind that fills the paper, in whole mm. Raises CalibrationError."""
    starts: dict[str, Chessboard | Charuco | CircleGrid] = {
        "chessboard": Chessboard(9, 6, 10.0),
        "charuco": Charuco(12, 8, 10.0, 7.5),
        "circles": CircleGrid(4, 11, 10.0, 7.0),
    }
    if kind not in starts:
        raise CalibrationError(f"{kind!r} is no kind of target: {', '.join(starts)}")
    best = starts[kind]
    for side in range(11, 100):
        larger = _of_side(starts[kind], float(side))
        try:
            lay_out(larger, paper)
        except CalibrationError:
            break
        best = larger
    return best


def write_board(target: Target, path: Path, paper: str = "A4") -> Page:
    """Write the page and return its layout. Raises CalibrationError: does not fit, or cannot be written."""
    page = lay_out(target, paper)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, board_pdf(target, page))
    except OSError as error:
        raise CalibrationError(f"cannot write {path}: {error.strerror or error}") from error
    return page


def board_pdf(target: Target, page: Page) -> bytes:
    """Return the PDF file of a page."""
    content = "\n".join(
        [
            # From here on in mm from the upper left corner of the page, y down.
            f"{POINTS_PER_MM:.9f} 0 0 {-POINTS_PER_MM:.9f} 0 {page.height_mm * POINTS_PER_MM:.6f} cm",
            "0 g",
            # One path for everything: between shapes that touch, no viewer leaves a hair of white.
            *(_path(shape, page) for shape in target.shapes()),
            "f",
            *_footer(target, page),
        ]
    )
    return _document(
        content.encode("cp1252", "replace"), (page.width_mm * POINTS_PER_MM, page.height_mm * POINTS_PER_MM)
    )


def _room(width_mm: float, height_mm: float) -> tuple[float, float]:
    return width_mm - 2 * MARGIN_MM, height_mm - 2 * MARGIN_MM - FOOTER_MM


def _of_side(target: Chessboard | Charuco | CircleGrid, side: float) -> Chessboard | Charuco | CircleGrid:
    if isinstance(target, Chessboard):
        return replace(target, square_mm=side)
    if isinstance(target, Charuco):
        return replace(target, square_mm=side, marker_mm=0.75 * side)
    return replace(target, spacing_mm=side, diameter_mm=0.7 * side)


def _path(shape: Shape, page: Page) -> str:
    x, y = page.left_mm + shape.x_mm, page.top_mm + shape.y_mm
    if isinstance(shape, Rectangle):
        return f"{_n(x)} {_n(y)} {_n(shape.width_mm)} {_n(shape.height_mm)} re"
    return _circle(Disc(x, y, shape.radius_mm))


def _circle(disc: Disc) -> str:
    x, y, r = disc.x_mm, disc.y_mm, disc.radius_mm
    k = KAPPA * r
    curves = (
        (x + r, y + k, x + k, y + r, x, y + r),
        (x - k, y + r, x - r, y + k, x - r, y),
        (x - r, y - k, x - k, y - r, x, y - r),
        (x + k, y - r, x + r, y - k, x + r, y),
    )
    lines = [f"{_n(x + r)} {_n(y)} m", *(" ".join(map(_n, curve)) + " c" for curve in curves), "h"]
    return "\n".join(lines)


def _footer(target: Target, page: Page) -> list[str]:
    """Return the operators for the bars and the words below and beside the target."""
    bottom = page.height_mm - MARGIN_MM
    advice = f"Print at 100 % on {page.paper}: both bars must measure {SCALE_BAR_MM:g} mm. Mount it flat."
    return [
        f"{LINE_MM} w 0 G",
        *_bar(MARGIN_MM, bottom, along_x=True),
        *_bar(0.6 * MARGIN_MM, (page.height_mm - SCALE_BAR_MM) / 2, along_x=False),
        _text(MARGIN_MM, bottom - TICK_MM - 1.4 * TEXT_MM, f"CycleRig: {target}"),
        _text(MARGIN_MM, bottom - TICK_MM, advice),
    ]


def _bar(x: float, y: float, *, along_x: bool) -> list[str]:
    """Return a line of 100 mm with a tick every 10 mm; the outer ticks end it exactly."""
    dx, dy = (1, 0) if along_x else (0, 1)
    lines = [f"{_n(x)} {_n(y)} m {_n(x + dx * SCALE_BAR_MM)} {_n(y + dy * SCALE_BAR_MM)} l S"]
    for step in range(11):
        at_x, at_y = x + dx * 10 * step, y + dy * 10 * step
        half = TICK_MM / 2 if step % 5 == 0 else TICK_MM / 4
        across_x, across_y = dy * half, dx * half
        first, last = (at_x - across_x, at_y - across_y), (at_x + across_x, at_y + across_y)
        lines.append(f"{_n(first[0])} {_n(first[1])} m {_n(last[0])} {_n(last[1])} l S")
    return lines


def _text(x: float, y: float, words: str) -> str:
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {TEXT_MM} Tf 1 0 0 -1 {_n(x)} {_n(y)} Tm ({escaped}) Tj ET"


def _document(content: bytes, size_pt: tuple[float, float]) -> bytes:
    """Return a file of one page (PDF 1.7, 7.5: header, body, cross-reference table, trailer)."""
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size_pt[0]:.6f} {size_pt[1]:.6f}] "
            "/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
        ).encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)


def _n(value: float) -> str:
    """Return a length with a tenth of a micrometre."""
    return f"{value:.4f}".rstrip("0").rstrip(".")
