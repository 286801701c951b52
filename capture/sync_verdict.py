"""What the numbers of two cameras' synchronization mean, in words, with what to do about it.

Every rule looks at one thing and says at most one sentence about it. The limits are explained in
docs/sync-verdicts.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from capture.clocks import ClockState
from capture.frames import ROLES, Role
from capture.sync_facts import Facts, Finding, Level

_ORDER: tuple[Level, ...] = ("bad", "fair", "good", "unknown")

TIGHT_NS = 100_000.0
"""A trigger that is wired keeps pairs within this."""
LOOSE_NS = 1_000_000.0
"""Beyond this, things that move show it: an object that crosses 1000 px in a second moves 1 px."""
POOR_NS = 10_000_000.0

FEW_LOST = 0.01
RARELY_UNPAIRED, OFTEN_UNPAIRED = 0.02, 0.2
LARGEST_QUARTZ_PPM = 200.0
"""Quartz clocks are good to 100 ppm; two of them differ by less than this."""
TAI_MINUS_UTC_NS = 37_000_000_000
"""Since 2017; a PTP clock that changes its time scale steps by it."""
STEP_WITHIN_NS = 100_000_000
RECENT_NS = 600_000_000_000
SILENT_NS = 3_000_000_000


_WAITING = {
    "software": "They wait for triggers: set a rate, or trigger by hand (Rig menu, Commands).",
    "action": "They wait for triggers: set a rate; then check the keys, the address and the network.",
    "external": "They wait for the external trigger: check its source, the wires and the names of the pins.",
}


def find(facts: Facts) -> tuple[Finding, ...]:
    """Return what is to be said, worst first; never empty: without a skew there is no pair."""
    found = [finding for rule in RULES for finding in rule(facts)]
    return tuple(sorted(found, key=lambda finding: _ORDER.index(finding.level)))


def worst(findings: tuple[Finding, ...]) -> Level:
    """Return the level of the worst finding."""
    return findings[0].level if findings else "unknown"


def duration(value_ns: float) -> str:
    """Return the size of a time for people: "0.5 µs", "48 µs", "1.4 ms", "250 ms"."""
    micros = abs(value_ns) / 1e3
    if micros < 100:
        return f"{micros:.1f} µs" if micros < 10 else f"{micros:.0f} µs"
    return f"{micros / 1e3:.2f} ms" if micros < 1e4 else f"{micros / 1e3:.0f} ms"


def _no_pairs(facts: Facts) -> Iterator[Finding]:
    if facts.pairs and facts.newest_ns is not None and facts.now_ns - facts.newest_ns < SILENT_NS:
        return
    silent = [name(role) for role in ROLES if facts.frames.get(role, 0) == 0]
    if facts.pairs:
        yield Finding("bad", "No pair for some seconds.", "Check cables and triggers.")
    elif len(silent) == 2:
        yield Finding("unknown", "Neither camera has sent a frame yet.", _WAITING.get(facts.mode or "", ""))
    elif silent:
        yield Finding(
            "bad",
            f"Only one camera sends: nothing comes from the {silent[0]} camera.",
            "Its trigger does not arrive: check the wire, its ground, the pin's name and the edge."
            if facts.mode in ("hardware", "external")
            else "Check its cable and its trigger settings.",
        )
    else:
        yield Finding(
            "bad",
            "Both cameras send, but no frames belong together.",
            "Let both run at one rate, or give them one trigger.",
        )


def _whole_frame(facts: Facts) -> Iterator[Finding]:
    skew = facts.skew
    if skew is None or facts.period_ns is None or not facts.shares_trigger:
        return
    if abs(skew.median_ns) > facts.period_ns / 2 and skew.spread_ns < facts.period_ns / 4:
        frames = max(1, round(abs(skew.median_ns) / facts.period_ns))
        yield Finding(
            "bad",
            f"Frames with equal ids arrive {duration(skew.median_ns)} apart, about {frames} "
            f"{'period' if frames == 1 else 'periods'}: one camera counts from elsewhere.",
            "Stop and start. If it stays so, one camera ignores triggers: shorten its exposure.",
        )


def _skew(facts: Facts) -> Iterator[Finding]:
    skew = facts.skew
    if skew is None:
        return
    within = duration(skew.spread_ns)
    if facts.shares_trigger:
        if skew.spread_ns <= TIGHT_NS:
            yield Finding("good", f"Synchronized: 95 % of pairs keep their distance within {within}.")
        elif skew.spread_ns <= LOOSE_NS:
            yield Finding("good", f"Synchronized to {within} (95 % of pairs).")
        else:
            yield Finding(
                "fair" if skew.spread_ns <= POOR_NS else "bad",
                f"Triggered together, but the distance between exposures varies by {within}.",
                "A cable from camera to camera (hardware mode) brings it below 0.1 ms."
                if facts.mode in ("software", "action")
                else "Use time stamps of the exposure's start, and check the trigger signal for bounces.",
            )
        return
    furthest = max(abs(skew.low_ns), abs(skew.high_ns))
    if furthest <= LOOSE_NS:
        yield Finding("good", f"Exposures lie within {duration(furthest)} of each other.")
        return
    yield Finding(
        "fair",
        f"Exposures lie up to {duration(furthest)} apart.",
        "Enough for a scene that stands still. For motion choose hardware or software trigger.",
    )


def _drifting_past(facts: Facts) -> Iterator[Finding]:
    skew = facts.skew
    if skew is None or facts.period_ns is None or facts.shares_trigger or abs(skew.slope_ns_per_s) < 20_000:
        return
    seconds = facts.period_ns / abs(skew.slope_ns_per_s)
    ppm = abs(skew.slope_ns_per_s) / 1e3
    yield Finding(
        "fair",
        f"The frame rates differ by {ppm:.0f} ppm: the cameras pass each other every {seconds:.0f} s, "
        "and one frame stays alone each time.",
        "A common trigger ends it.",
    )


def _wrong_edge(facts: Facts) -> Iterator[Finding]:
    skew = facts.skew
    if (
        skew is None
        or skew.basis != "one time"
        or facts.mode != "hardware"
        or facts.exposure_ns < 4 * TIGHT_NS
    ):
        return
    if abs(abs(skew.median_ns) - facts.exposure_ns) < 0.1 * facts.exposure_ns:
        yield Finding(
            "fair",
            f"The follower starts {duration(skew.median_ns)} late, when the leader's exposure ends.",
            "The wire is inverted (opto output with pull-up): choose the other edge.",
        )


def _losses(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        camera = facts.cameras.get(role)
        if camera is None:
            continue
        if camera.recent_loss > 0:
            yield Finding(
                "fair" if camera.recent_loss < FEW_LOST else "bad",
                f"The {name(role)} camera lost {_percent(camera.recent_loss)} of its frames lately.",
                "Check cable and bandwidth (jumbo frames, throughput limit); main.py doctor knows the traps.",
            )
    overrun = max((camera.recent_overrun for camera in facts.cameras.values()), default=0.0)
    if overrun > 0:
        yield Finding(
            "fair" if overrun < FEW_LOST else "bad",
            f"This computer was too slow for {_percent(overrun)} of the frames.",
            "Lower the frame rate, or give the app more of the computer.",
        )


def _alone(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        camera = facts.cameras.get(role)
        if camera is None or not facts.pairs or camera.recent_unpaired <= RARELY_UNPAIRED:
            continue
        yield Finding(
            "fair" if camera.recent_unpaired < OFTEN_UNPAIRED else "bad",
            f"{_percent(camera.recent_unpaired)} of the {name(role)} frames have no partner.",
            "Its partner is lost, or it runs faster than the other camera: give both one rate.",
        )


def _missed(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        camera = facts.cameras.get(role)
        if camera is not None and camera.missed:
            yield Finding(
                "fair",
                f"The {name(role)} camera did not answer {camera.missed} "
                f"{'trigger' if camera.missed == 1 else 'triggers'}; the count was put right.",
                "Exposure and readout must fit into the period: shorten the exposure or lower the rate.",
            )


def _steps(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        clock = facts.cameras[role].clock if role in facts.cameras else ClockState()
        if clock.last_jump_at_ns is None or facts.now_ns - clock.last_jump_at_ns > RECENT_NS:
            continue
        if _set_by_ptp(facts, clock):
            continue
        size = f"{abs(clock.last_jump_ns) / 1e9:.3g} s {'forward' if clock.last_jump_ns > 0 else 'back'}"
        often = f" ({clock.jumps} times so far)" if clock.jumps > 1 else ""
        tai = abs(abs(clock.last_jump_ns) - TAI_MINUS_UTC_NS) < STEP_WITHIN_NS
        yield Finding(
            "fair",
            f"The clock of the {name(role)} camera stepped {size}{often}; pairing went on.",
            "37 s is what TAI is ahead of UTC: a PTP clock changed its time scale. Let one PTP master serve "
            "both cameras, and give it its time before the cameras start."
            if tai
            else "Something set it: PTP, another program, or the camera restarted.",
        )


def _ptp(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        if role in facts.cameras and _set_by_ptp(facts, facts.cameras[role].clock):
            yield Finding("good", f"PTP has set the clock of the {name(role)} camera.")


def _set_by_ptp(facts: Facts, clock: ClockState) -> bool:
    """Tell whether the only step of a clock is the one that is to be expected."""
    return facts.mode == "action" and clock.jumps == 1


def _drift(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        clock = facts.cameras[role].clock if role in facts.cameras else ClockState()
        if clock.drift_ppm is None or abs(clock.drift_ppm) - 3 * clock.drift_error_ppm < LARGEST_QUARTZ_PPM:
            continue
        yield Finding(
            "fair",
            f"The clock of the {name(role)} camera runs {clock.drift_ppm:+.0f} ppm against this computer's.",
            "No quartz is so far off: its time stamps may be in another unit than it says.",
        )


def _no_clock(facts: Facts) -> Iterator[Finding]:
    for role in ROLES:
        camera = facts.cameras.get(role)
        if camera is not None and facts.pairs and not camera.clock.ticks:
            yield Finding(
                "fair",
                f"The {name(role)} camera sends no time stamps: skew is measured by arrival, to some ms.",
                "Switch its time stamps or chunk data on, if it has them.",
            )


RULES: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    _no_pairs,
    _whole_frame,
    _losses,
    _alone,
    _missed,
    _wrong_edge,
    _drifting_past,
    _steps,
    _drift,
    _no_clock,
    _skew,
    _ptp,
)
"""In the order of weight: of findings equally bad the first is the verdict."""


def name(role: Role) -> str:
    """Return what people call the camera."""
    return "mono" if role == "mono" else "colour"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
