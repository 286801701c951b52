"""What a check of a dataset finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SET_ASIDE = "sets it aside"
"""What repair does with most things: they move to `orphans/`, where nothing reads them."""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        kind: "line", "duplicate", "missing", "size", "hash", "image", "unlisted", "temporary", "link",
            "trash", "edit", "event", "session", "calibration", "notes", "half", "unknown".
        name: the pair, or the file, that it is about.
        message: what is wrong, one line, printable.
        mend: what repair does about it; empty where a person has to look.
        is_damage: False for what a person should know but what harms nothing.
    """

    kind: str
    name: str
    message: str
    mend: str = ""
    is_damage: bool = True


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        findings: in the order of the dataset.
        pairs: how many pairs are listed (once each).
        whole: how many of them have no finding.
        size_bytes: of all listed images that are there.
        broken: names of listed pairs whose files are not what was captured.
        chosen: number of the line that belongs to the files, by name, where a name is listed more than once.
        is_plain: a folder of images without lists.
    """

    findings: tuple[Finding, ...]
    pairs: int
    whole: int
    size_bytes: int
    broken: frozenset[str] = frozenset()
    chosen: Mapping[str, int] = field(default_factory=dict)
    is_plain: bool = False

    @property
    def damage(self) -> int:
        """Return the number of findings that are damage."""
        return sum(finding.is_damage for finding in self.findings)
