"""What a look at the machine came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """Something to know.

    Attributes:
        severity: "problem": broken, or bound to break; "note": fine, but worth knowing.
        text: what was seen, where, and what follows from it.
        fix: a command for the shell that mends it; empty where no single one does.
    """

    severity: Literal["problem", "note"]
    text: str
    fix: str = ""
