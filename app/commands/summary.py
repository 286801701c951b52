"""What a headless run has to say in the end: `summary.json` and a few lines for people."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, median
from typing import TypeAlias

from app.pipeline.rectifying import arrival_ns
from app.pipeline.status import LiveResult, PipelineStatus, RecoveryStatus
from capture.errors import DatasetError
from capture.files import write_atomically
from capture.frames import ROLES
from capture.rig import RigInfo
from capture.sync_health import SyncState

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | int | None"

_NS_PER_S = 1e9
_NS_PER_MS = 1e6


class ResultTally:
    """Collects the measures of colorized pairs; keeps no picture."""

    def __init__(self) -> None:
        self.pairs = 0
        self._first_ns = 0
        self._last_ns = 0
        self._latency_ms: list[float] = []
        self._stages_ms: defaultdict[str, list[float]] = defaultdict(list)
        self._ssim_cb: list[float] = []
        self._ssim_cr: list[float] = []
        self._psnr_db: list[float] = []

    def add(self, result: LiveResult) -> None:
        """Count one result."""
        arrived_ns = arrival_ns(result.rectified.pair)
        self._first_ns = self._first_ns if self.pairs else arrived_ns
        self._last_ns = arrived_ns + round(result.latency_ms * _NS_PER_MS)
        self.pairs += 1
        self._latency_ms.append(result.latency_ms)
        for stage, time_ms in result.colorization.stages_ms.items():
            self._stages_ms[stage].append(time_ms)
        self._ssim_cb.append(result.colorization.cycle_ssim_cb)
        self._ssim_cr.append(result.colorization.cycle_ssim_cr)
        if result.psnr_truth_db is not None:
            self._psnr_db.append(result.psnr_truth_db)

    @property
    def seconds(self) -> float:
        """Return the time from the first pair's arrival to the last result."""
        return (self._last_ns - self._first_ns) / _NS_PER_S

    def summary(self) -> dict[str, Json]:
        """Return times (medians) and measures (means)."""
        summary: dict[str, Json] = {
            "latency_ms": {"p50": percentile(self._latency_ms, 50), "p99": percentile(self._latency_ms, 99)},
            "stages_ms": {stage: median(times) for stage, times in self._stages_ms.items()},
            "cycle_ssim": {"cb": _mean(self._ssim_cb), "cr": _mean(self._ssim_cr)},
        }
        if self._psnr_db:
            summary["psnr_truth"] = _mean(self._psnr_db)
        return summary


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the smallest value that at least `percent` of all values do not exceed; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(len(values) * percent / 100) - 1, 0)]


def accounts(status: PipelineStatus) -> dict[str, Json]:
    """Return where every frame and every pair went, after the pipeline has stopped.

    Per camera: delivered = paired + unpaired + waiting; delivered + incomplete + id_gaps + overrun is all
    it counted since the start. Per stage: taken = finished + dropped; "pair" takes frames of both cameras.
    """
    pairing = status.pairing
    unpaired = {"mono": pairing.unpaired_mono, "color": pairing.unpaired_color}
    waiting = {"mono": pairing.waiting_mono, "color": pairing.waiting_color}
    cameras: dict[str, Json] = {}
    for role in ROLES:
        counters = status.cameras[role]
        cameras[role] = {
            "delivered": counters.delivered,
            "paired": pairing.paired,
            "unpaired": unpaired[role],
            "waiting": waiting[role],
            "incomplete": counters.incomplete,
            "id_gaps": counters.id_gaps,
            "overrun": counters.overrun,
        }
    stages: dict[str, Json] = {
        name: {"taken": stage.taken, "finished": stage.finished, "dropped": stage.dropped}
        for name, stage in status.stages.items()
    }
    return {"cameras": cameras, "stages": stages}


def libraries(rig: RigInfo | None) -> list[dict[str, Json]]:
    """Return the GenTL libraries that were loaded."""
    loaded = rig.libraries if rig is not None else ()
    return [
        {"path": str(one.path), "vendor": one.vendor, "model": one.model, "version": one.version}
        for one in loaded
    ]


def recovery(status: RecoveryStatus) -> dict[str, Json]:
    """Return how often the rig was lost and how long it took to come back, seconds."""
    outages = status.outages
    summary: dict[str, Json] = {"losses": status.losses, "recovered": len(outages)}
    if outages:
        summary["longest_recovery_s"] = max(outage.recovery_s for outage in outages)
        summary["longest_frozen_s"] = max(outage.frozen_s for outage in outages)
        summary["outages"] = [asdict(outage) for outage in outages]
    return summary


def synchronization(state: SyncState, rig: RigInfo | None) -> dict[str, Json]:
    """Return how well the cameras kept together in the last minute; skews in ms, drift in ppm."""
    report = rig.sync if rig is not None else None
    summary: dict[str, Json] = {
        "mode": report.config.mode if report is not None and report.complete else None,
        "matched_by": state.matched_by,
        "verdict": state.level,
        "findings": [f"{finding.text} {finding.advice}".strip() for finding in state.findings],
    }
    if state.skew is not None:
        summary["skew_median_ms"] = state.skew.median_ns / _NS_PER_MS
        summary["skew_95_percent_within_ms"] = state.skew.spread_ns / _NS_PER_MS
        summary["measured_by"] = state.skew.basis
    summary["relative_drift_ppm"] = state.relative_drift_ppm
    summary["refused"] = list(report.refusals) if report is not None else []
    return summary


def drops(status: PipelineStatus) -> dict[str, Json]:
    """Return what was lost or left out, by where it happened."""
    cameras = [status.cameras[role] for role in ROLES]
    return {
        "capture": sum(camera.incomplete + camera.id_gaps + camera.overrun for camera in cameras),
        **{name: stage.dropped for name, stage in status.stages.items() if name != "capture"},
    }


def lines(summary: Mapping[str, Json]) -> list[str]:
    """Return the summary for people; lists in it are for machines."""
    flat = {key: value for key, value in summary.items() if not isinstance(value, Mapping | list)}
    nested = {key: value for key, value in summary.items() if isinstance(value, Mapping)}
    shown = [", ".join(f"{key} {_figure(value)}" for key, value in flat.items() if value not in (None, ""))]
    for name, table in nested.items():
        parts = [
            f"{key} ({_row(value)})" if isinstance(value, Mapping) else f"{key} {_figure(value)}"
            for key, value in table.items()
            if not isinstance(value, list)
        ]
        shown.append(f"{name}: {', '.join(parts)}" if parts else f"{name}: none")
    return shown


def _row(table: Mapping[str, Json]) -> str:
    return ", ".join(f"{key} {_figure(value)}" for key, value in table.items())


def _figure(value: Json) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_json(document: Mapping[str, Json], path: Path) -> None:
    """Write a document in one step. Raises DatasetError."""
    try:
        write_atomically(path, (json.dumps(document, indent=2) + "\n").encode())
    except OSError as error:
        raise DatasetError(f"cannot write {path}: {error.strerror or error}") from error


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
