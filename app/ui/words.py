"""Names from the code and from SFNC, made readable."""

from __future__ import annotations

import re

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def spaced(name: str) -> str:
    """Return a name in words: "ExposureTime" → "Exposure time", "LoseDevice:mono" → "Lose device: mono"."""
    head, _, tail = name.partition(":")
    words = _WORD_START.sub(" ", head).split()
    lower = [word if word.isupper() else word.lower() for word in words]
    text = " ".join(lower)
    text = text[:1].upper() + text[1:]
    return f"{text}: {tail}" if tail else text


def duration(seconds: float) -> str:
    """Return a span of time in two units at most: "8 s", "3 min 20 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest and hours < 10 else f"{hours} h"
