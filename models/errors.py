"""Everything that can go wrong in this package."""

from __future__ import annotations


class ModelError(Exception):
    """A network cannot be loaded or run; the message says what to do."""


class WeightsMismatch(ModelError):
    """A weights file does not fit the network: another shape, another preset, a broken or foreign file."""


class InferenceFailed(ModelError):
    """A pair cannot be colorized: unusable sizes or types, or the device failed (out of memory, lost)."""
