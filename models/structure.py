"""The structure similarity network: how alike the pictures of two cameras are (paper, Fig. 5 and eq. 1).

Plain SSIM between a mono image and the luma of a colour camera is low even where they show the same: other
response, blur and noise. The network is trained to say what SSIM would say if both came from the mono camera
(`models.training.structure_task`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import WeightsMismatch
from models.layout import prefer_channels_last
from models.metrics import contrast_normalized, mean_inside, similarity_maps
from models.paper_layers import NormedConv2d, Residual
from models.weights_io import WEIGHTS_DIR, Card, load_weights, restore, save_weights

PRESET = "structure"
SHIPPED = WEIGHTS_DIR / "structure.safetensors"


@dataclass(frozen=True)
class StructureConfig:
    """Size of the three ResNets.

    Attributes:
        filters: n, the number of feature maps; the paper uses 16.
        blocks: residual blocks of two 3×3 convolutions in each ResNet; the paper uses 8.
    """

    filters: int = 16
    blocks: int = 3


PAPER_SIZE = StructureConfig(filters=16, blocks=8)
"""18 convolutions in each ResNet (paper, "Network architecture")."""


class StructureNetwork(nn.Module):
    """Two ResNets for the features of both images, and one that makes the map of them and of l, c and s.

    What the last ResNet makes is added to c · s, SSIM without its luminance term: untrained, the network is
    that measure (docs/decisions/071-structure-network-corrects-ssim.md).
    """

    def __init__(self, config: StructureConfig | None = None) -> None:
        super().__init__()
        self.config = config or StructureConfig()
        n, blocks = self.config.filters, self.config.blocks
        self.mono_features = nn.Sequential(*_trunk(2, n, blocks), NormedConv2d(n, n, 3))
        self.luma_features = nn.Sequential(*_trunk(2, n, blocks), NormedConv2d(n, n, 3))
        # The last layer has one filter and neither batch norm nor ReLU; it starts at 0.
        last = nn.Conv2d(n, 1, 3, padding=1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        self.similarity = nn.Sequential(*_trunk(2 * n + 3, n, blocks), last)
        prefer_channels_last(self)

    def forward(self, mono: Tensor, luma: Tensor) -> Tensor:
        """Return SSM, B×1×H×W: near 1 where both show the same, about −1 … 1, not clamped.

        Args:
            mono: I_G, B×1×H×W, 0 … 1.
            luma: luma of I_C (averaged with W), B×1×H×W, 0 … 1.
        """
        maps = similarity_maps(mono, luma)
        features = [self.mono_features(_inputs(mono)), self.luma_features(_inputs(luma)), *maps]
        correction: Tensor = self.similarity(torch.cat(features, dim=1))
        _luminance, contrast, structure = maps
        return contrast * structure + correction


def structure_loss(network: StructureNetwork, mono: Tensor, luma: Tensor) -> Tensor:
    """Return L_ss = 1 − μ(SSM(I_G, I_C)) (paper, eq. 1), a scalar, without a border of 10 pixels.

    Differentiable in `luma`; the network should be frozen and in evaluation mode, as `load_structure` returns
    it. Arguments as in `StructureNetwork.forward`. Raises ValueError where nothing is left inside the border.
    """
    return 1 - mean_inside(network(mono, luma)).mean()


def load_structure(path: Path | None = None) -> StructureNetwork:
    """Return the network of a weights file (default: the one that ships), frozen and in evaluation mode.

    Raises WeightsMismatch if the file is missing or holds something else.
    """
    path = path or SHIPPED
    card, states = load_weights(path)
    if card.get("preset") != PRESET or "structure" not in states:
        raise WeightsMismatch(f"{path}: made for preset {card.get('preset')!r}, not for {PRESET!r}")
    network = StructureNetwork(_read_config(card, path))
    restore(network, states["structure"], path)
    return network.eval().requires_grad_(requires_grad=False)


def save_structure(path: Path, network: StructureNetwork, card: Card) -> None:
    """Write weights that `load_structure` reads; `card` says on what and how they were trained."""
    full: dict[str, Any] = {"preset": PRESET, "config": asdict(network.config), **card}
    save_weights(path, {"structure": network}, full)


def _inputs(image: Tensor) -> Tensor:
    """Return the image as it is and without what differs between sensors, B×2×H×W."""
    return torch.cat([image - 0.5, contrast_normalized(image)], dim=1)


def _trunk(inputs: int, n: int, blocks: int) -> list[nn.Module]:
    """Return the layers of a ResNet before its last: one of 5×5, then the residual blocks."""
    return [NormedConv2d(inputs, n, 5), *(Residual(n) for _ in range(blocks))]


def _read_config(card: Card, path: Path) -> StructureConfig:
    try:
        return StructureConfig(**card.get("config", {}))
    except TypeError as error:
        raise WeightsMismatch(f"{path}: its card does not describe a structure network ({error})") from error
