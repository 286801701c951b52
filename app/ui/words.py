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
