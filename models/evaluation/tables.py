"""The tables of the paper (1 to 4) on the data at hand, and some it does not have, from scores."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from models.evaluation.measures import VISIBLE_STEP
from models.evaluation.methods import FLOOR
from models.evaluation.regions import REGIONS, WHOLE
from models.evaluation.scoring import FIRST, REFINED, SECOND, Score
from models.evaluation.sets import PairId, groups
from models.evaluation.statistics import Estimate, correlation_estimate, mean_estimate

FINAL = "final"
"""Stage: the refined result where there is one, else the first pass."""

_DIGITS = {"psnr_db": 2, "delta_e": 2, "wrong_share": 3}
_LOWER_IS_BETTER = {"delta_e", "wrong_share"}
_HEADS = {
    "ssim_rgb": "SSIM",
    "ssim_cb": "SSIM Cb",
    "ssim_cr": "SSIM Cr",
    "psnr_db": "PSNR dB",
    "delta_e": "ΔE00",
    "wrong_share": f"ΔE00 > {VISIBLE_STEP}",
    "structure": "structure",
    "confidence_auc": "confidence AUC",
}
_STAGES = {FIRST: "first", REFINED: "refined", SECOND: "second", FINAL: "final"}


@dataclass(frozen=True)
class Cell:
    """A figure with its interval, or a dash."""

    estimate: Estimate | None
    digits: int = 4
    signed: bool = False
    best: bool = False

    @property
    def figure(self) -> str:
        """Return the figure alone, – if there is none."""
        return "–" if self.estimate is None else self._format(self.estimate.value)

    @property
    def interval(self) -> str:
        """Return the interval in brackets, empty if there is none."""
        if self.estimate is None or math.isnan(self.estimate.low):
            return ""
        return f"[{self._format(self.estimate.low)}, {self._format(self.estimate.high)}]"

    def _format(self, value: float) -> str:
        return f"{value:+.{self.digits}f}" if self.signed else f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class Table:
    """A titled table: a name and cells in every row."""

    title: str
    caption: str
    header: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]


@dataclass(frozen=True)
class Column:
    """What one column measures."""

    stage: str
    measure: str
    region: str = WHOLE
    group: str = ""


@dataclass(frozen=True, eq=False)
class Results:
    """Scores by what they are of.

    Attributes:
        methods: in the order they were named.
        ablation: those of them that belong to Table 4 only.
        scores: (method, stage, region, measure) → pair → value.
    """

    methods: Sequence[str]
    ablation: Sequence[str]
    scores: Mapping[tuple[str, str, str, str], Mapping[PairId, float]]
    pairs: Sequence[PairId] = field(default=())

    @classmethod
    def of(cls, scores: Iterable[Score], methods: Sequence[str], ablation: Sequence[str] = ()) -> Results:
        """Sort scores."""
        found: dict[tuple[str, str, str, str], dict[PairId, float]] = {}
        pairs: dict[PairId, None] = {}
        for s in scores:
            found.setdefault((s.method, s.stage, s.region, s.measure), {})[s.set_name, s.pair] = s.value
            pairs.setdefault((s.set_name, s.pair))
        return cls(methods, ablation, found, tuple(pairs))

    def values(self, method: str, stage: str, measure: str, region: str = WHOLE) -> Mapping[PairId, float]:
        """Return the values by pair; empty if the method has none."""
        if stage == FINAL:
            refined = self.scores.get((method, REFINED, region, measure))
            return refined if refined is not None else self.values(method, FIRST, measure, region)
        return self.scores.get((method, stage, region, measure), {})

    def judged(self) -> list[str]:
        """Return the methods outside the ablation."""
        return [name for name in self.methods if name not in self.ablation]

    def has_truth(self, pairs: Sequence[PairId]) -> bool:
        """Return whether first passes of these pairs were compared with a truth."""
        wanted = set(pairs)
        return any(
            stage == FIRST and measure == "ssim_rgb" and wanted & values.keys()
            for (_, stage, _, measure), values in self.scores.items()
        )


def all_tables(results: Results) -> list[Table]:
    """Return every table for which there are scores."""
    by_group = groups(results.pairs)
    real = {name: pairs for name, pairs in by_group.items() if not results.has_truth(pairs)}
    stereo = {name: pairs for name, pairs in by_group.items() if results.has_truth(pairs)}
    tables: list[Table] = []
    if results.judged():
        tables += [_table_1(results, name, pairs) for name, pairs in real.items()]
        if stereo:
            tables.append(_table_2(results, stereo))
            tables += [_details(results, name, pairs) for name, pairs in stereo.items()]
            tables.append(_table_3(results, stereo))
            tables += [_regions(results, name, pairs) for name, pairs in stereo.items()]
            tables.append(_differences(results, stereo))
    if results.ablation:
        tables += [_table_4(results, name, pairs) for name, pairs in (real or stereo).items()]
    return [table for table in tables if table.rows]


def _table_1(results: Results, group: str, pairs: Sequence[PairId]) -> Table:
    return _measured(
        results,
        results.judged(),
        pairs,
        [Column(SECOND, m) for m in ("ssim_rgb", "ssim_cb", "ssim_cr", "delta_e")]
        + [Column(FIRST, "structure")],
        f"Table 1: second pass on real pairs, {group}",
        "R'_C with the luma of R_C against R_C; structure: averaged luma of the first pass against I_G. "
        "The cycle alone can be fooled by copying: read both.",
    )


def _table_2(results: Results, stereo: Mapping[str, Sequence[PairId]]) -> Table:
    stages = (FIRST, FINAL, SECOND)
    header = ["method", *(f"{group} {_STAGES[stage]}" for group in stereo for stage in stages)]
    columns = [
        _column(results, results.judged(), pairs, Column(stage, "ssim_rgb"))
        for pairs in stereo.values()
        for stage in stages
    ]
    return Table(
        "Table 2: SSIM on colour stereo sets",
        "First pass and final result (refined, where the method refines) against the truth, second pass "
        "against R_C; mean of R, G and B.",
        header,
        _rows(results.judged(), columns),
    )


def _details(results: Results, group: str, pairs: Sequence[PairId]) -> Table:
    columns = [
        Column(stage, measure)
        for stage in (FIRST, REFINED)
        for measure in ("ssim_rgb", "psnr_db", "delta_e", "wrong_share")
    ]
    columns += [Column(FINAL, "ssim_cb"), Column(FINAL, "ssim_cr")]
    columns += [Column(FIRST, "structure"), Column(FIRST, "confidence_auc")]
    return _measured(
        results,
        results.judged(),
        pairs,
        columns,
        f"Table 2, all measures: {group}",
        "Chroma of the method, luma of the truth. Confidence AUC: the chance that a wrong pixel of the first "
        "pass has less confidence than a right one.",
    )


def _table_3(results: Results, stereo: Mapping[str, Sequence[PairId]]) -> Table:
    rows = []
    for method in results.judged():
        cells = []
        for pairs in stereo.values():
            first, second = (results.values(method, stage, "ssim_rgb") for stage in (FIRST, SECOND))
            common = [pair for pair in pairs if pair in first and pair in second]
            estimate = correlation_estimate([first[p] for p in common], [second[p] for p in common])
            cells.append(Cell(estimate, digits=3))
        rows.append((method, cells))
    return Table(
        "Table 3: linear correlation of first-pass and second-pass SSIM",
        "Over the pairs of a set; with few pairs the interval is wide.",
        ["method", *(f"{group} (n = {len(pairs)})" for group, pairs in stereo.items())],
        rows,
    )


def _table_4(results: Results, group: str, pairs: Sequence[PairId]) -> Table:
    columns = [Column(SECOND, measure) for measure in ("ssim_rgb", "ssim_cb", "ssim_cr")]
    columns += [Column(FIRST, "structure"), Column(FINAL, "ssim_rgb"), Column(FINAL, "psnr_db")]
    return _measured(
        results,
        results.ablation,
        pairs,
        columns,
        f"Table 4: ablation, {group}",
        "As Table 1, for networks trained with parts of the objective left out.",
    )


def _regions(results: Results, group: str, pairs: Sequence[PairId]) -> Table:
    measures = ("delta_e", "wrong_share")
    columns = [Column(FINAL, measure, region) for region in REGIONS for measure in measures]
    return _measured(
        results,
        results.judged(),
        pairs,
        columns,
        f"By region, final result: {group}",
        "Means over the pairs that have the region. visible, occluded, outside: what the colour camera sees "
        "of it; edges, textureless: of the mono image.",
        intervals=False,
    )


def _differences(results: Results, stereo: Mapping[str, Sequence[PairId]]) -> Table:
    ours, *others = results.judged()
    measures = ("ssim_rgb", "psnr_db", "delta_e")
    rows = []
    for group, pairs in stereo.items():
        for other in others:
            cells = []
            for measure in measures:
                a, b = (results.values(method, FINAL, measure) for method in (ours, other))
                gains = [a[pair] - b[pair] for pair in pairs if pair in a and pair in b]
                estimate = mean_estimate(gains) if gains else None
                cells.append(Cell(estimate, _DIGITS.get(measure, 4), signed=True))
            rows.append((f"{group}: {ours} − {other}", cells))
    return Table(
        "Paired differences, final result",
        "Mean over the pairs of the difference on the same pair; an interval without 0 is a difference that "
        "the choice of pairs does not explain.",
        ["methods", *(_HEADS[measure] for measure in measures)],
        rows,
    )


def _measured(
    results: Results,
    methods: Sequence[str],
    pairs: Sequence[PairId],
    columns: Sequence[Column],
    title: str,
    caption: str,
    *,
    intervals: bool = True,
) -> Table:
    """Return a table of methods by measures, without columns that no method has figures for."""
    found = [(column, _column(results, methods, pairs, column, intervals=intervals)) for column in columns]
    kept = [(column, cells) for column, cells in found if any(cell.estimate for cell in cells)]
    stages = {column.stage for column, _ in kept}
    header = ["method", *(_head(column, name_stage=len(stages) > 1) for column, _ in kept)]
    counts = f" Pairs: {len(pairs)}."
    return Table(title, caption + counts, header, _rows(methods, [cells for _, cells in kept]))


def _column(
    results: Results,
    methods: Sequence[str],
    pairs: Sequence[PairId],
    column: Column,
    *,
    intervals: bool = True,
) -> list[Cell]:
    estimates = []
    for method in methods:
        by_pair = results.values(method, column.stage, column.measure, column.region)
        values = [by_pair[pair] for pair in pairs if pair in by_pair]
        estimate = mean_estimate(values) if values else None
        if estimate is not None and not intervals:
            estimate = Estimate(estimate.value, math.nan, math.nan, estimate.count)
        estimates.append(estimate)
    # The floor wins every cycle by doing nothing: it is no contestant.
    figures = [e.value for name, e in zip(methods, estimates, strict=True) if e and name != FLOOR]
    best = None
    if len(figures) > 1:
        best = min(figures) if column.measure in _LOWER_IS_BETTER else max(figures)
    digits = _DIGITS.get(column.measure, 4)
    return [
        Cell(estimate, digits, best=estimate is not None and estimate.value == best) for estimate in estimates
    ]


def _rows(methods: Sequence[str], columns: Sequence[Sequence[Cell]]) -> list[tuple[str, Sequence[Cell]]]:
    return [(method, [cells[i] for cells in columns]) for i, method in enumerate(methods)] if columns else []


def _head(column: Column, *, name_stage: bool) -> str:
    parts = [_STAGES[column.stage] if name_stage and column.measure != "structure" else ""]
    parts.append(_HEADS[column.measure])
    if column.region != WHOLE:
        parts.insert(0, f"{column.region}:")
    return " ".join(part for part in parts if part)
