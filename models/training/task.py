"""What can be trained: the seam between the runner and the networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from models.weights_io import Card


class Task(Protocol):
    """What is trained, on what, and towards what."""

    @property
    def name(self) -> str:
        """Return the name of the stage."""

    @property
    def criterion(self) -> str:
        """Return the measure of `validate` that decides which weights are best: the higher the better."""

    def modules(self) -> Mapping[str, nn.Module]:
        """Return the networks that are trained, by name; the runner moves and updates them."""

    def batch(self, step: int, rank: int, world: int, /) -> Any:
        """Return the samples of process `rank` of `world` in a step: tensors on the CPU, in a dataclass, dict
        or tuple.

        Depends on nothing else; may be called in a worker process. The samples of all processes together must
        be those that one process with a batch of that size would draw.
        """

    def losses(self, batch: Any, /) -> dict[str, Tensor]:
        """Return the scalar losses of a batch on the device; "loss" is what is minimised, the rest is shown.

        Draws no random numbers. Every loss is a mean over samples.
        """

    def validate(self) -> Mapping[str, float]:
        """Return measures on held-out data, none if there is no such data. Called in evaluation mode."""

    def images(self) -> Tensor | None:
        """Return a grid of what `validate` saw last: 3×H×W RGB, 0 … 1."""

    def export(self, folder: Path, card: Card, /) -> Path:
        """Write the networks as weights that can be loaded and return the file."""
