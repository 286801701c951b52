"""What is known of two cameras' synchronization, for the verdict and for whoever shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from capture.clocks import ClockState
from capture.frames import Role
from capture.sync.config import SyncMode

Level = Literal["unknown", "good", "fair", "bad"]
SkewBasis = Literal["one time", "two clocks", "arrival"]


@dataclass(frozen=True)
class SkewStats:
    """Colour minus mono over the last minute, in ns.

    Attributes:
        median_ns: the constant part.
        spread_ns: 95 % of pairs are within this of the median.
        low_ns, high_ns: the extremes.
        basis: "one time": both clocks show the same, skews are the exposures' own. "two clocks": so is the
            spread, but the constant part was taken from arrivals, and contains what one camera's exposure,
            readout and cable take longer than the other's. "arrival": all of it was.
        slope_ns_per_s: by how much the skew grows; cameras that run freely drift past each other.
    """

    median_ns: float
    spread_ns: float
    low_ns: float
    high_ns: float
    basis: SkewBasis
    slope_ns_per_s: float = 0.0


@dataclass(frozen=True)
class CameraHealth:
    """One camera over the last minute; `lost`, `incomplete`, `overrun`, `unpaired` and `missed` since start.

    Attributes:
        lost: gaps in its frame ids.
        missed: triggers it did not answer (found by its clock).
        recent_loss: share of its frames that were lost or arrived incomplete, 0 … 1.
        recent_overrun: share that this computer was too slow for.
        recent_unpaired: share of delivered frames without a partner.
    """

    lost: int = 0
    incomplete: int = 0
    overrun: int = 0
    unpaired: int = 0
    missed: int = 0
    recent_loss: float = 0.0
    recent_overrun: float = 0.0
    recent_unpaired: float = 0.0
    clock: ClockState = field(default_factory=ClockState)


@dataclass(frozen=True)
class Finding:
    """One thing that was found: what it is, and what to do (empty: nothing)."""

    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True)
class Facts:
    """What the rules look at.

    Attributes:
        mode: how the cameras were set up; None if nobody said.
        skew: None while no pair is there.
        period_ns: between pairs.
        pairs: in the last minute.
        now_ns: of this judgement, on the axis of `host_ns`.
        frames: seen of each camera since it was set up.
        exposure_ns: of the mono camera, 0 if unknown.
        newest_ns: arrival of the newest pair, None without one.
    """

    mode: SyncMode | None
    shares_trigger: bool
    skew: SkewStats | None
    period_ns: float | None
    pairs: int
    cameras: Mapping[Role, CameraHealth]
    now_ns: int
    frames: Mapping[Role, int]
    exposure_ns: float = 0.0
    newest_ns: int | None = None
