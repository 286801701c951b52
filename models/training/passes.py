"""How the networks are run while they train: at a stride of choice, and refined in either direction."""

from __future__ import annotations

import torch
from torch import Tensor

from models.colorizer import Colorizer, ColorizerOutput, Cycle
from models.live import LiveColorizer
from models.refiner import Refiner


def first_pass(
    network: Colorizer, mono: Tensor, reference: Tensor, max_disparity: int, stride: int
) -> ColorizerOutput:
    """Return I_C, matched at a stride in px; 0, and any preset without strides, takes the network's own.

    Arguments as in `Colorizer.__call__`.
    """
    if stride and isinstance(network, LiveColorizer):
        encoded = network.encode(mono, reference[:, :1], max_disparity, 0, stride)
        return network.colorize(encoded, reference)
    return network(mono, reference, max_disparity)


def refine_first(refiner: Refiner, mono: Tensor, reference: Tensor, cycle: Cycle) -> tuple[Tensor, Tensor]:
    """Return I*_C and the spread colours (see `Refiner.refine`) of a cycle that is not trained by it."""
    return refiner.refine(mono, reference, cycle.first.detach(), cycle.second.disparity.detach())


def refine_second(refiner: Refiner, mono: Tensor, reference: Tensor, cycle: Cycle) -> tuple[Tensor, Tensor]:
    """Return the refined R'_C and the spread colours: what the refiner makes of the second pass.

    The refiner sees it as it sees a first pass: mirrored, so that matches lie further right.
    """
    first, second = cycle.first.detach(), cycle.second.mirrored().detach()
    colored = torch.cat([mono, first.chroma], dim=1).flip(-1)
    guide = reference[:, :1].flip(-1)
    refined, spread = refiner.refine(guide, colored, second, first.disparity.flip(-1))
    return refined.flip(-1), spread.flip(-1)
