"""Measuring many results in a row: kept values are read, the rest is measured and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.inspecting.measures import measure
from app.inspecting.measures_cache import MeasuresCache
from app.inspecting.measures_table import Row
from app.inspecting.results import Results


def measured_rows(
    results: Results,
    cache: MeasuresCache,
    *,
    items: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Row]:
    """Yield the row of every result, pair by pair; stops early when cancelled.

    Args:
        items, methods: of which; None: all. Raises ModelError and DatasetError as reading and writing do.
    """
    for item in results.items if items is None else items:
        gates = results.gates(item)
        for method in results.methods if methods is None else methods:
            if is_cancelled():
                return
            row = measured_row(results, cache, item, method)
            if row is not None:
                yield Row(item, method, {**gates, **row})


def measured_row(
    results: Results, cache: MeasuresCache, item: str, method: str
) -> dict[str, float | None] | None:
    """Return what was measured of one result, None where there is no result."""
    key = results.key(item, method)
    if key is None:
        return None
    values = cache.get(key)
    if values is None:
        prediction = results.prediction(item, method)
        if prediction is None:
            return None
        values = measure(results.pair(item), prediction, results.search(item))
        cache.put(key, values)
    return values
