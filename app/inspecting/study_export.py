"""A study on paper: every answer as CSV, the result as JSON, and the chart of Figure 12 as SVG."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path

from app.inspecting.study import LEVELS, StudyPlan
from app.inspecting.study_results import MethodResult, StudyResult, evaluate_study
from app.inspecting.study_store import Vote
from capture.errors import DatasetError
from capture.files import write_atomically
from models.evaluation.statistics import Estimate

LEVEL_COLOURS = ("#2166ac", "#92c5de", "#e8e8e8", "#f4a582", "#b2182b")
"""From Perfect to Totally Wrong: told apart with every common form of colour blindness (ColorBrewer RdBu)."""
_LIGHT = frozenset({"#92c5de", "#e8e8e8", "#f4a582"})
CSV_NAME, JSON_NAME, SVG_NAME = "study-votes.csv", "study-result.json", "study-result.svg"

_WIDTH, _LEFT, _RIGHT, _BAR, _GAP, _TOP = 880, 150, 140, 28, 14, 64
_SMALLEST_NUMBER = 0.045  # of the bar's width: less has no room for a number


def export_study(folder: Path, plan: StudyPlan, votes: Mapping[str, Mapping[int, Vote]]) -> tuple[Path, ...]:
    """Write the three files, each atomically; return where they lie. Raises DatasetError."""
    result = evaluate_study(plan, votes)
    contents = {
        CSV_NAME: votes_csv(votes, result),
        JSON_NAME: result_json(result),
        SVG_NAME: result_svg(result),
    }
    paths = []
    for name, text in contents.items():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text.encode())
        except OSError as error:
            raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error
        paths.append(path)
    return tuple(paths)


def votes_csv(votes: Mapping[str, Mapping[int, Vote]], result: StudyResult) -> str:
    """Return one line per answer, dropped raters' too."""
    dropped = {check.rater for check in result.raters if check.dropped}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["rater", "dropped", "question", "item", "method", "again", "level", "answer", "at"])
    for rater, given in votes.items():
        for _, vote in sorted(given.items()):
            writer.writerow(
                [
                    rater,
                    int(rater in dropped),
                    vote.question,
                    vote.item,
                    vote.method,
                    int(vote.again),
                    vote.level,
                    LEVELS[vote.level - 1],
                    vote.at,
                ]
            )
    return text.getvalue()


def result_json(result: StudyResult) -> str:
    """Return the result for programs; an interval that is not there (one pair) is null."""
    document = {
        "plan": asdict(result.plan),
        "levels": LEVELS,
        "methods": {
            found.method: {
                "counts": dict(zip(LEVELS, found.counts, strict=True)),
                "shares": {
                    level: _estimate(share) for level, share in zip(LEVELS, found.shares, strict=True)
                },
                "good_share": _estimate(found.good),
                "mean_level": _estimate(found.mean_level),
            }
            for found in result.methods
        },
        "raters": [asdict(check) for check in result.raters],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def result_svg(result: StudyResult, *, ink: str = "#222222", paper: str = "#ffffff") -> str:
    """Return the stacked shares of every method, best on top, with the interval of Perfect and Few Errors.

    Args:
        ink, paper: colours of the text and of the ground.
    """
    height = _TOP + len(result.methods) * (_BAR + _GAP) + 42
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13">'
    )
    body = [
        head,
        f'<rect width="{_WIDTH}" height="{height}" fill="{paper}"/>',
        *_legend(ink),
    ]
    for index, found in enumerate(result.methods):
        body += _bar(found, _TOP + index * (_BAR + _GAP), ink)
    body += _axis(height - 34, ink)
    body.append("</svg>")
    return "\n".join(body) + "\n"


def _legend(ink: str) -> list[str]:
    step = (_WIDTH - 40) / len(LEVELS)
    return [
        f'<rect x="{20 + i * step:.0f}" y="16" width="14" height="14" fill="{colour}"/>'
        f'<text x="{40 + i * step:.0f}" y="28" fill="{ink}">{level}</text>'
        for i, (level, colour) in enumerate(zip(LEVELS, LEVEL_COLOURS, strict=True))
    ] + [
        f'<text x="{_WIDTH - _RIGHT + 12}" y="54" fill="{ink}" font-size="11">first two, 95 %</text>',
    ]


def _bar(found: MethodResult, top: float, ink: str) -> list[str]:
    span = _WIDTH - _LEFT - _RIGHT
    middle = top + _BAR / 2 + 4.5
    name = escape(_shortened(found.method))
    parts = [f'<text x="{_LEFT - 12}" y="{middle}" text-anchor="end" fill="{ink}">{name}</text>']
    x = float(_LEFT)
    for share, colour, count in zip(found.shares, LEVEL_COLOURS, found.counts, strict=True):
        width = share.value * span
        if count:
            parts.append(f'<rect x="{x:.2f}" y="{top}" width="{width:.2f}" height="{_BAR}" fill="{colour}"/>')
        if share.value >= _SMALLEST_NUMBER:
            number = "#222222" if colour in _LIGHT else "#ffffff"
            parts.append(
                f'<text x="{x + width / 2:.2f}" y="{middle}" text-anchor="middle" fill="{number}" '
                f'font-size="12">{100 * share.value:.0f}</text>'
            )
        x += width
    parts += _whisker(found.good, top, span, ink)
    parts.append(
        f'<text x="{_WIDTH - _RIGHT + 12}" y="{middle}" fill="{ink}">{interval_text(found.good)}</text>'
    )
    return parts


def _whisker(good: Estimate, top: float, span: float, ink: str) -> list[str]:
    """Return the interval of the first two levels, below its bar."""
    if math.isnan(good.low):
        return []
    low, high = _LEFT + good.low * span, _LEFT + good.high * span
    y = top + _BAR + 4
    line = f"M{low:.2f} {y - 3}v6M{low:.2f} {y}H{high:.2f}M{high:.2f} {y - 3}v6"
    return [f'<path d="{line}" stroke="{ink}" fill="none" stroke-width="1.3"/>']


def _axis(y: float, ink: str) -> list[str]:
    span = _WIDTH - _LEFT - _RIGHT
    ticks = "".join(f"M{_LEFT + span * i / 4:.1f} {y}v5" for i in range(5))
    labels = [
        f'<text x="{_LEFT + span * i / 4:.1f}" y="{y + 19}" text-anchor="middle" fill="{ink}" '
        f'font-size="11">{25 * i} %</text>'
        for i in range(5)
    ]
    return [f'<path d="M{_LEFT} {y}h{span}{ticks}" stroke="{ink}" fill="none"/>', *labels]


def interval_text(share: Estimate) -> str:
    """Return a share with its interval in per cent."""
    if math.isnan(share.low):
        return f"{100 * share.value:.0f} %"
    return f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _shortened(name: str, most: int = 20) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _estimate(estimate: Estimate) -> dict[str, float | int | None]:
    return {key: None if math.isnan(value) else value for key, value in asdict(estimate).items()}
