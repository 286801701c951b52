"""What the Capture page says of numbers and states. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.capturing.gates import GATE, Limits, Verdict
from app.capturing.modes import Kind, Plan
from app.capturing.status import CaptureStatus, SavedPair
from app.pipeline.status import RecorderStatus

Tone = Literal["quiet", "busy", "good", "warn", "bad"]

TITLES: dict[Kind, str] = {
    "single": "Single shot",
    "burst": "Burst",
    "timed": "Timed",
    "change": "On change",
    "walk": "Walk-through",
}

_NOUNS: dict[Kind, str] = {
    "single": "single shot",
    "burst": "burst",
    "timed": "timed capture",
    "change": "capture on change",
    "walk": "walk-through",
}

QUEUE_WARN, QUEUE_BAD = 0.25, 0.75
"""Shares of the queue's memory from which writing falls behind, and is about to stop."""
AGE_WARN_S = 2.0


@dataclass(frozen=True)
class Said:
    """A few words, and how much they matter."""

    text: str
    tone: Tone = "quiet"


def duration_text(seconds: float) -> str:
    """Return a time as a person says it: "40 s", "12 min", "2 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def left_text(status: CaptureStatus) -> str:
    """Return how long the running plan will take, empty where that says nothing."""
    plan = status.state.plan
    if plan is None or not plan.goes_on:
        return ""
    if status.seconds_left is None:
        return "time left: known after two pairs"
    return f"about {duration_text(status.seconds_left)} left"


def queue_said(recorder: RecorderStatus) -> Said:
    """Return what waits to be written: pairs, rate, age of the oldest."""
    share = recorder.queued_bytes / recorder.budget_bytes if recorder.budget_bytes else 0.0
    tone: Tone = "quiet"
    if share >= QUEUE_WARN or recorder.age_s >= AGE_WARN_S:
        tone = "bad" if share >= QUEUE_BAD else "warn"
    words = f"Queue {recorder.queued}"
    if recorder.queued:
        words += f" ({share:.0%})"
    words += f" · {recorder.rate_hz:.1f}/s · oldest {recorder.age_s:.1f} s"
    return Said(words, tone)


def disk_said(recorder: RecorderStatus, wanted: int) -> Said:
    """Return what the disk has left; `wanted` pairs are still to come."""
    space = recorder.space
    if space is None:
        return Said("")
    usable = max(0, space.free_bytes - space.reserve_bytes)
    words = f"Disk {usable / 1e9:.1f} GB left"
    fits = space.pairs_left
    if fits is None:
        return Said(words, "bad" if usable == 0 else "quiet")
    tone: Tone = "bad" if fits == 0 else ("warn" if fits < wanted else "quiet")
    return Said(f"{words} · {fits:,} pairs fit".replace(",", " "), tone)


def beyond_text(keys: tuple[str, ...], verdict: Verdict, limits: Limits) -> str:
    """Return a line that names these gates with value and limit."""
    return "; ".join(Verdict(verdict.values, keys).reasons(limits))


def titles_text(keys: tuple[str, ...]) -> str:
    """Return gates by name: "Skew, Texture"."""
    return ", ".join(GATE[key].title for key in keys if key in GATE)


def now_said(status: CaptureStatus) -> Said:
    """Return what would become of a shot right now."""
    verdict, limits = status.verdict, status.state.limits
    if verdict.refused:
        return Said(f"Would be refused. {beyond_text(verdict.refused, verdict, limits)}", "bad")
    if verdict.warnings:
        return Said(f"Ready, with a warning. {beyond_text(verdict.warnings, verdict, limits)}", "warn")
    return Said("Ready: Space saves this pair" if verdict.values else "Looking at the pictures …")


def answer_said(before: CaptureStatus, now: CaptureStatus) -> Said | None:
    """Return what became of the shots since an earlier status; None if there is nothing to tell."""
    plan = now.state.plan
    if plan is not None and plan.goes_on:
        return None
    if now.refusals > before.refusals:
        return Said(f"Not saved. {now.reason}", "bad")
    same = before.folder == now.folder
    if now.reason and now.reason != before.reason:
        return Said(now.reason, "good" if now.resumable is None else "bad")  # ended by itself, or undone
    if same and now.total > before.total and now.saved and now.strip:
        return _saved_said(now, now.strip[-1])
    return None


def _saved_said(status: CaptureStatus, pair: SavedPair) -> Said:
    words = f"Saved {pair.name}: {status.total} in {Path(status.folder).name}"
    if pair.verdict.warnings:
        return Said(f"{words}. Warned: {titles_text(pair.verdict.warnings)}", "warn")
    return Said(words, "good")


def plan_said(status: CaptureStatus, plan: Plan) -> Said:
    """Return how a running plan gets on."""
    head = TITLES[plan.kind]
    if plan.kind == "burst":
        return Said(f"{head}: {status.saved} of {plan.count}", "busy")
    words = f"{head}: {status.saved} saved"
    if status.refused:
        words += f", {status.refused} refused"
    if status.reason:
        return Said(f"{words}. {status.reason}", "warn")
    return Said(words, "busy")


def continue_text(folder: str, total: int, target: int, plan: Plan | None) -> str:
    """Return the question for a dataset that was left, `plan` being what ran."""
    words = f"{Path(folder).name} has {total} of {target} pairs"
    if plan is not None and plan.goes_on:
        words += f", and its {_NOUNS[plan.kind]} was interrupted"
    return f"{words}. Continue?"
