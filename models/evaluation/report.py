"""The report on disk: scores.csv, report.json, report.md, and report.html with pictures, all from scores."""

from __future__ import annotations

import csv
import html
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

from models.errors import ModelError
from models.evaluation.pictures import ERROR_CEILING, Grid, data_uri
from models.evaluation.scoring import Score
from models.evaluation.statistics import CONFIDENCE, RESAMPLES
from models.evaluation.tables import Cell, Table

TITLE = "Evaluation"
_HOW = (
    "SSIM: window 11 Gaussian σ 1.5, data range 255, population covariance, 10 border pixels left out, mean "
    "of R, G and B; of 8-bit pictures as a user gets them. Intervals: "
    f"{CONFIDENCE:.0%} percentile bootstrap over the pairs, {RESAMPLES} seeded resamples. Best in bold."
)


def write_report(
    folder: Path,
    scores: Sequence[Score],
    tables: Sequence[Table],
    grids: Sequence[Grid],
    about: Mapping[str, Any],
) -> None:
    """Write the four files, each atomically.

    Args:
        folder: where to.
        scores: every number; they make the CSV.
        tables: they make the Markdown, the HTML and the JSON.
        grids: pictures for the HTML.
        about: what was run, for people: name → value.

    Raises:
        ModelError: a file cannot be written.
    """
    facts = {name: str(value) for name, value in about.items()}
    _write(folder / "scores.csv", _csv(scores))
    data = {"about": about, "tables": [_table_data(table) for table in tables]}
    _write(folder / "report.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "report.md", markdown(tables, facts))
    _write(folder / "report.html", page(tables, grids, facts))


def markdown(tables: Sequence[Table], about: Mapping[str, str]) -> str:
    """Return the tables as Markdown."""
    lines = [f"# {TITLE}", "", *(f"- {name}: {value}" for name, value in about.items()), "", _HOW]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.caption, ""]
        lines += [_line(table.header), _line(["---"] * len(table.header))]
        lines += [_line([name, *(_markdown_cell(cell) for cell in cells)]) for name, cells in table.rows]
    return "\n".join(lines) + "\n"


def page(
    tables: Sequence[Table],
    grids: Sequence[Grid],
    about: Mapping[str, str],
    *,
    title: str = TITLE,
    sections: Sequence[str] = (),
) -> str:
    """Return one HTML page that needs no other file; a click on a column's head sorts its table.

    Args:
        tables, grids, about: as in `write_report`.
        title: of the page.
        sections: ready pieces of HTML (charts), before the tables.
    """
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in about.items())
    body = [f"<h1>{_text(title)}</h1>", f"<dl>{facts}</dl>", f"<p>{_text(_HOW)}</p>", *sections]
    body += [_html_table(table) for table in tables]
    if grids:
        body.append(
            "<h2>Pictures</h2><p>The part of each image where the methods differ most, and under it the "
            f"error: black is right, bright a ΔE00 of {ERROR_CEILING:.0f} and beyond.</p>"
        )
        body += [_html_grid(grid) for grid in grids]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}<script>{_SORT}</script></body></html>\n"
    )


def _csv(scores: Sequence[Score]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(Score)])
    writer.writerows(astuple(score) for score in scores)
    return text.getvalue()


def _table_data(table: Table) -> dict[str, Any]:
    def cell_data(cell: Cell) -> dict[str, Any] | None:
        if cell.estimate is None:
            return None
        # NaN is no JSON: an interval that is not there is null.
        return {key: None if math.isnan(value) else value for key, value in asdict(cell.estimate).items()}

    columns = table.header[1:]
    return {
        "title": table.title,
        "rows": {
            name: {column: cell_data(cell) for column, cell in zip(columns, cells, strict=True)}
            for name, cells in table.rows
        },
    }


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_cell(cell: Cell) -> str:
    figure = f"**{cell.figure}**" if cell.best else cell.figure
    return f"{figure} {cell.interval}".strip()


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{_text(title)}</th>" for title in table.header)
    rows = "".join(
        f"<tr><th>{_text(name)}</th>{''.join(_html_cell(cell) for cell in cells)}</tr>"
        for name, cells in table.rows
    )
    return (
        f"<h2>{_text(table.title)}</h2><p>{_text(table.caption)}</p>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _html_cell(cell: Cell) -> str:
    figure = f"<b>{cell.figure}</b>" if cell.best else cell.figure
    interval = f"<small>{cell.interval}</small>" if cell.interval else ""
    value = "" if cell.estimate is None else f' data-value="{cell.estimate.value!r}"'
    return f"<td{value}>{figure}{interval}</td>"


def _html_grid(grid: Grid) -> str:
    tiles = "".join(
        f'<figure><img src="{data_uri(tile.picture)}" alt="{_text(tile.caption)}">'
        f"<figcaption>{_text(tile.caption) or '&nbsp;'}</figcaption></figure>"
        if tile.caption
        else "<figure></figure>"
        for row in grid.rows
        for tile in row
    )
    columns = len(grid.rows[0])
    return (
        f'<h3>{_text(grid.title)}</h3><div class="wide"><div class="grid" '
        f'style="grid-template-columns: repeat({columns}, 256px)">{tiles}</div></div>'
    )


def _text(value: str) -> str:
    return html.escape(value)


def _write(path: Path, content: str) -> None:
    temporary = path.with_suffix(f"{path.suffix}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(content, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"cannot write {path}: {error.strerror or error}") from error


_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 1900px; margin: 2rem auto; padding: 0 1.5rem; }
h2 { margin-top: 2.2rem; } p { max-width: 70rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
th[aria-sort=ascending]::after { content: " ▲"; } th[aria-sort=descending]::after { content: " ▼"; }
thead th { cursor: pointer; border-bottom: 2px solid #8888; white-space: normal; min-width: 4.5rem;
  vertical-align: bottom; }
td small { display: block; opacity: .65; font-size: .75em; }
.grid { display: grid; gap: 6px; width: max-content; }
figure { margin: 0; } figure img { width: 256px; display: block; }
figcaption { font-size: .8em; text-align: center; }
"""

# Every head of a table is a button: first click down, second up; what has no value stays at the end.
_SORT = """
for (const table of document.querySelectorAll('table')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    head.title = 'Sort by this column';
    const sort = () => {
      const rising = head.ariaSort !== 'ascending';
      heads.forEach(other => other.removeAttribute('aria-sort'));
      head.ariaSort = rising ? 'ascending' : 'descending';
      const value = row => column ? parseFloat(row.cells[column].dataset.value) : row.cells[0].textContent;
      const compare = (a, b) => {
        const x = value(a), y = value(b);
        if (!column) return rising ? x.localeCompare(y) : y.localeCompare(x);
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
        return rising ? x - y : y - x;
      };
      table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
    };
    head.addEventListener('click', sort);
    head.addEventListener('keydown', event => { if (event.key === 'Enter') sort(); });
  });
}
"""
