"""The refiner Φ: corrects the first pass where it cannot be right, guided by the mono image (paper, Fig. 7).

Φ sees I_C (averaged luma and chroma), I_G, and how unsure W was; I*_C = I_C + Φ(I_C, I_G). Where averaged
luma and mono image disagree, the colour came from somewhere else: from an occlusion, or across an edge.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.colorizer import ColorizerOutput
from models.layout import prefer_channels_last


@dataclass(frozen=True)
class RefinerConfig:
    """Widths of the U-Net at strides 2, 4, 8, 16 and 32 of the full-size image."""

    channels: tuple[int, ...] = (24, 32, 48, 48, 48)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class Refiner(nn.Module):
    """Residual chroma from a U-Net on 2×2 pixel blocks: full-size in and out, most of the work at half
    size.
    """

    def __init__(self, config: RefinerConfig | None = None) -> None:
        super().__init__()
        self.config = config or RefinerConfig()
        channels = self.config.channels
        self.stem = nn.Sequential(_conv(5 * 4, channels[0]), _conv(channels[0], channels[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, stride=2), _conv(b, b)) for a, b in itertools.pairwise(channels)
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(channels))
        self.join = nn.ModuleList(_conv(a, a) for a in channels[:-1])
        self.head = nn.Conv2d(channels[0], 2 * 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)
        prefer_channels_last(self)

    def forward(self, mono: Tensor, first: ColorizerOutput) -> Tensor:
        """Return the refined chroma.

        Args:
            mono: I_G, B×1×H×W, 0 … 1.
            first: the first pass on it.

        Returns:
            B×2×H×W, (Cb, Cr) centred: I_C + Φ(I_C, I_G).
        """
        height, width = mono.shape[-2:]
        entropy = F.interpolate(
            first.volume.entropy.unsqueeze(1).to(mono.dtype),
            scale_factor=float(first.volume.stride),
            mode="bilinear",
        )[..., :height, :width]
        images = torch.cat([mono - 0.5, (mono - first.luma) * 2, first.chroma * 4, entropy], dim=1)
        block = 2 ** len(self.config.channels)
        padded = F.pad(images, (0, -width % block, 0, -height % block), mode="replicate")
        x = self.stem(F.pixel_unshuffle(padded, 2))
        levels = [x]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(F.interpolate(up(x), scale_factor=2.0, mode="bilinear") + levels.pop())
        residual = F.pixel_shuffle(self.head(x), 2)[..., :height, :width]
        return first.chroma + residual * 0.25
