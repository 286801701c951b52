"""Everything that can go wrong in this package."""

from __future__ import annotations


class ModelError(Exception):
    """A network cannot be loaded or run; the message says what to do.

    Files may be called anything: characters that a terminal would obey, or cannot show, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in message))


class WeightsMismatch(ModelError):
    """A weights file does not fit the network: another shape, another preset, a broken or foreign file."""


class InferenceFailed(ModelError):
    """A pair cannot be colorized: unusable sizes or types, or the device failed (out of memory, lost)."""
