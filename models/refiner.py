"""The refiner Φ: corrects the first pass where it cannot be right, guided by the mono image (paper, Fig. 7).

Φ sees I_C (averaged luma and chroma), I_G, how unsure W was, and whether the second pass finds the way back:
I*_C = I_C + Φ(I_C, I_G). First, detail that the averaging left out is put back (`models.detail`). Where luma
and mono image still disagree, or the way back leads elsewhere, the colour came from a surface that hides the
right one. There it is replaced: colours spread from pixels that can be trusted, along surfaces of the mono
image, so that a filled pixel has a colour that its surroundings have.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.colorizer import ColorizerOutput
from models.detail import detail_chroma, mismatch, sharpen, standardize
from models.layout import prefer_channels_last

_SPREAD_STRIDE = 4  # pixels per cell of the grid on which colours spread
_DOUBTFUL_CELLS = 2.0  # error of the way back at which a pixel is half in doubt
_DETAIL = 2.0  # logit, before training, of the share of detail that is added
_TRUST, _DOUBT_COST = 4.0, 8.0  # logits, before training: of trust in a pixel, and what doubt takes from it
_NEIGHBORS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]


@dataclass(frozen=True)
class RefinerConfig:
    """Shape of the refiner.

    Attributes:
        channels: widths of the U-Net at strides 2, 4, 8, 16 and 32 of the full-size image.
        reaches: how far colours spread in each step, in cells of 4 pixels.
    """

    channels: tuple[int, ...] = (16, 32, 48, 48, 48)
    reaches: tuple[int, ...] = (16, 8, 4, 2, 1)


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def return_error(there: Tensor, back: Tensor) -> Tensor:
    """Return how far from its start a pixel arrives that goes to its match and back: B×1×H×W, px.

    Where one surface hides another from the colour camera, the way there leads to the surface in front, and
    from it the way back leads to where that one is in the mono image.

    Args:
        there: B×1×H×W disparities of the image that was coloured.
        back: B×1×H×W disparities of its reference, in the unmirrored frame.
    """
    width = there.shape[-1]
    column = torch.arange(width, device=there.device) + there.round().long()
    arrived = back.gather(-1, column.clamp(0, width - 1))
    outside = (column < 0) | (column >= width)
    return torch.where(outside, there.new_tensor(float(width)), (there - arrived).abs())


class Refiner(nn.Module):
    """A U-Net on 2×2 pixel blocks says which colours to trust, how they spread, and how much detail to add.

    Per block it sees the mono image, and its difference to the sharpened luma, pixel by pixel; chroma,
    entropy of W, the error of the way back and how unlike the two images are once: 13 channels.
    """

    def __init__(self, config: RefinerConfig | None = None) -> None:
        super().__init__()
        self.config = config or RefinerConfig()
        channels = self.config.channels
        self.stem = nn.Sequential(_conv(13, channels[0]), _conv(channels[0], channels[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, stride=2), _conv(b, b)) for a, b in itertools.pairwise(channels)
        )
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(channels))
        self.join = nn.ModuleList(_conv(a, a) for a in channels[:-1])
        self.reaches = sorted(set(self.config.reaches))
        self.trust = nn.Conv2d(channels[1], 1, 3, padding=1)
        self.affinity = nn.Conv2d(channels[1], len(self.reaches) * len(_NEIGHBORS), 3, padding=1)
        self.upsampling = nn.Conv2d(channels[1], 4 * len(_NEIGHBORS), 3, padding=1)
        self.head = nn.Conv2d(channels[0], 2 * 4, 3, padding=1)
        self.contrast = nn.Parameter(torch.tensor(15.0))  # cost of a difference in mono luma, 0 … 1
        self.nearness = nn.Parameter(torch.tensor(0.5))  # cost of a cell of disparity
        for layer in (self.trust, self.affinity, self.upsampling, self.head):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        prefer_channels_last(self)

    def forward(self, mono: Tensor, reference: Tensor, first: ColorizerOutput, back: Tensor) -> Tensor:
        """Return the refined chroma.

        Args:
            mono: I_G, B×1×H×W, 0 … 1.
            reference: R_C, B×3×H×W YCbCr, chroma centred: what the first pass took its colours from.
            first: the first pass on it.
            back: B×1×H×W, disparity of the second pass (in the frame of the reference).

        Returns:
            B×2×H×W, (Cb, Cr) centred: I_C + Φ(I_C, I_G).
        """
        return self.refine(mono, reference, first, back)[0]

    def refine(
        self, mono: Tensor, reference: Tensor, first: ColorizerOutput, back: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the refined chroma as `forward` does, and the spread colours alone, B×2×H×W."""
        height, width = mono.shape[-2:]
        cell = first.volume.stride
        block = 2 ** len(self.config.channels)
        pad = partial(F.pad, pad=(0, -width % block, 0, -height % block), mode="replicate")
        error = pad(return_error(first.disparity, back)) / cell
        mono, reference, first = pad(mono), pad(reference), first.each(pad)
        wanted = standardize(mono)
        luma, chroma = sharpen(wanted, reference, first)
        found = standardize(luma)
        error = F.max_pool2d(error, 2)
        doubt = (error * error / (error * error + _DOUBTFUL_CELLS**2)).to(mono.dtype)
        known = [
            F.pixel_unshuffle(torch.cat([mono - 0.5, (mono - luma) * 2], dim=1), 2),
            F.avg_pool2d(chroma, 2) * 4,
            F.avg_pool2d(first.entropy, 2),
            doubt,
            F.interpolate(mismatch(wanted, found), scale_factor=2.0, mode="bilinear"),
        ]
        half, quarter = self._features(torch.cat([image.to(mono.dtype) for image in known], dim=1))
        guide, depth = (F.avg_pool2d(image, _SPREAD_STRIDE) for image in (mono, first.disparity / cell))
        trust = torch.sigmoid(self.trust(quarter) + _TRUST - _DOUBT_COST * F.max_pool2d(doubt, 2))
        spread = self._spread(F.avg_pool2d(chroma, _SPREAD_STRIDE), trust, guide, depth, quarter)
        spread = F.interpolate(spread, scale_factor=2.0, mode="bilinear", align_corners=False)
        replaced, detailed = F.pixel_shuffle(self.head(half), 2).split_with_sizes((1, 1), dim=1)
        doubt = F.interpolate(doubt, scale_factor=2.0, mode="bilinear", align_corners=False)
        blend = torch.sigmoid(replaced - _TRUST + _DOUBT_COST * doubt)
        share = torch.sigmoid(detailed + _DETAIL)
        sharp = chroma + share * detail_chroma(wanted, found, chroma)
        refined = sharp + blend * (spread - sharp)
        return refined[..., :height, :width], spread[..., :height, :width]

    def _features(self, blocks: Tensor) -> tuple[Tensor, Tensor]:
        """Run the U-Net; return what it knows at strides 2 and 4."""
        levels = [self.stem(blocks)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        decoded = []
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            x = join(F.interpolate(up(x), scale_factor=2.0, mode="bilinear") + levels.pop())
            decoded.append(x)
        return decoded[-1], decoded[-2]

    def _spread(
        self, chroma: Tensor, trust: Tensor, guide: Tensor, depth: Tensor, features: Tensor
    ) -> Tensor:
        """Let trusted colours spread over the rest: chroma at stride 4 in, at stride 2 out.

        Each step gives what is not trusted an average of nine neighbours, first far, then near. A neighbour
        counts by the trust in the colour that it holds by now, the more the more alike it is in the mono
        image, and the more the farther away its surface is: what is hidden from the colour camera lies
        behind. The network's affinities correct that.

        Args:
            chroma: B×2×h×w.
            trust: B×1×h×w, 0 … 1.
            guide: B×1×h×w, the mono image.
            depth: B×1×h×w, disparity in cells of the chroma grid.
            features: B×C×h×w.
        """
        shape = (len(features), len(self.reaches), len(_NEIGHBORS), *features.shape[-2:])
        affinity = self.affinity(features).view(shape)
        likeness = {
            reach: affinity[:, n] - self.contrast * _differences(guide, reach)
            for n, reach in enumerate(self.reaches)
        }
        own = torch.cat([chroma, depth, trust], dim=1)
        held = own
        for reach in self.config.reaches:
            colors = torch.stack(list(_neighbors(held, reach)), dim=2)
            behind, trusted = colors[:, 2], colors[:, 3]
            scores = likeness[reach] - self.nearness * behind + (trusted + 1e-6).log()
            average = (colors * scores.softmax(dim=1).unsqueeze(1)).sum(dim=2)
            held = own + (1 - trust) * (average - own)
        return self._double(held[:, :2], features)

    def _double(self, chroma: Tensor, features: Tensor) -> Tensor:
        """Double the size: each of a cell's four quarters is a convex combination of nine cells."""
        batch, _, height, width = features.shape
        weights = self.upsampling(features).view(batch, 4, len(_NEIGHBORS), height, width).softmax(dim=2)
        quarters = torch.stack([_combine(chroma, weights[:, n], 1) for n in range(4)], dim=2)
        return F.pixel_shuffle(quarters.flatten(1, 2), 2)


def _neighbors(values: Tensor, reach: int) -> Iterator[Tensor]:
    """Return the nine neighbours `reach` cells away, each as an image; outside, the border repeats."""
    height, width = values.shape[-2:]
    padded = F.pad(values, (reach, reach, reach, reach), mode="replicate")
    for y, x in _NEIGHBORS:
        top, left = (1 + y) * reach, (1 + x) * reach
        yield padded[..., top : top + height, left : left + width]


def _differences(guide: Tensor, reach: int) -> Tensor:
    """Return how much the nine neighbours `reach` cells away differ: B×1×h×w → B×9×h×w, positive."""
    return torch.cat([(neighbor - guide).abs() for neighbor in _neighbors(guide, reach)], dim=1)


def _combine(values: Tensor, weights: Tensor, reach: int) -> Tensor:
    """Return Σ_n weights[n] · values at the nine neighbours `reach` cells away: B×C×h×w and B×9×h×w."""
    total = torch.zeros_like(values)
    for n, neighbor in enumerate(_neighbors(values, reach)):
        total = torch.addcmul(total, weights[:, n : n + 1], neighbor)
    return total
