"""The layers of the `live` preset: matching features, their correlation, and what aggregates it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.layout import SmallConv3d

FEATURE_STRIDE = 4  # the two strided convolutions of the feature network


@dataclass(frozen=True)
class LiveConfig:
    """Shape of the network and how finely it matches.

    Attributes:
        feature_channels: width of the matching features.
        feature_blocks: residual blocks at the feature resolution.
        groups: groups of the correlation; each gives one channel of the volume.
        volume_channels: width of the aggregation at half and at a quarter of the matching resolution.
        normalization_window: cells of 4×4 pixels over which contrast is normalised; odd.
        volume_budget: cells × candidates that the volume may have; decides the matching stride.
        tilt_steps: how often W is tilted towards the pixel's own detail.
    """

    feature_channels: int = 32
    feature_blocks: int = 3
    groups: int = 8
    volume_channels: tuple[int, int] = (16, 32)
    normalization_window: int = 9
    volume_budget: int = 2_300_000
    tilt_steps: int = 2


def normalize_contrast(luma: Tensor, window: int) -> Tensor:
    """Return local mean-free, contrast-normalised luma beside globally normalised luma: B×1×H×W → B×2×H×W.

    H and W are multiples of 4.
    The two sensors differ in gain, gamma and spectral response; what they share is local structure. The
    constant under the root keeps noise of flat areas small, and its gradient finite.
    """
    small = torch.cat([F.avg_pool2d(luma, 4), F.avg_pool2d(luma * luma, 4)], dim=1)
    center = small[:, :1].mean(dim=(2, 3), keepdim=True)
    spread = small[:, 1:].mean(dim=(2, 3), keepdim=True) - center * center
    # A wide box in full size costs more than the whole network: the boxes are taken of a quarter-size image.
    for kernel in ((1, window), (window, 1)):
        padding = (kernel[0] // 2, kernel[1] // 2)
        small = F.avg_pool2d(small, kernel, stride=1, padding=padding, count_include_pad=False)
    mean = small[:, :1]
    contrast = torch.rsqrt((small[:, 1:] - mean * mean).clamp_min(0) + 4e-4)
    offset, contrast = F.interpolate(
        torch.cat([mean * contrast, contrast], dim=1),
        scale_factor=4.0,
        mode="bilinear",
        align_corners=False,
    ).split_with_sizes((1, 1), dim=1)
    everywhere = (luma - center) * (0.5 * torch.rsqrt(spread.clamp_min(0) + 1e-4))
    return torch.cat([luma * contrast - offset, everywhere], dim=1)


class _Residual2d(nn.Module):
    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu_(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        return F.relu_(y + x)


class FeatureNetwork(nn.Module):
    """Matching features of one image at a quarter of the working resolution: B×1×H×W → B×C×H/4×W/4, unit
    length per group.
    """

    def __init__(self, config: LiveConfig) -> None:
        super().__init__()
        channels = config.feature_channels
        self.window = config.normalization_window
        self.groups = config.groups
        self.stem = nn.Sequential(
            nn.Conv2d(2, 16, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(
            *(_Residual2d(channels, dilation=1 + i % 2) for i in range(config.feature_blocks))
        )
        self.head = nn.Conv2d(channels, channels, 1)

    def forward(self, luma: Tensor) -> Tensor:
        """Return features whose groups have unit length, so that their products are correlations."""
        features: Tensor = self.head(self.blocks(self.stem(normalize_contrast(luma, self.window))))
        features = features.contiguous()  # correlation reads whole planes
        batch, channels, height, width = features.shape
        grouped = features.view(batch, self.groups, channels // self.groups, height, width)
        length = torch.rsqrt((grouped * grouped).sum(dim=2, keepdim=True) + 1e-6)
        return (grouped * length).view(features.shape)


def correlate(left: Tensor, right: Tensor, candidates: int, groups: int) -> Tensor:
    """Return the group-wise correlation volume: B×C×h×w features → B×G×D×h×w in −1 … 1.

    Cell x of `left` meets cell x + k of `right`; beyond the border there is nothing to meet: 0.
    """
    padded = F.pad(right, (0, candidates - 1, 0, 0))
    volume: Tensor = _Correlation.apply(left, padded, candidates, groups)  # type: ignore[no-untyped-call]
    return volume


class _Correlation(torch.autograd.Function):
    """Walks over the candidates, like the weighted average, and for the same reason.

    The volume is laid out with the groups last, as the convolutions that follow want it: so each candidate's
    part of it is one block of memory, and small enough for the processor's cache.
    """

    @staticmethod
    def forward(ctx: Any, left: Tensor, padded: Tensor, candidates: int, groups: int) -> Tensor:
        ctx.save_for_backward(left, padded)
        batch, _, height, width = left.shape
        own, other = _by_member(left, groups), _by_member(padded, groups)
        volume = left.new_empty(batch, candidates, height, width, groups)
        for k in range(candidates):
            products = zip(own, (member[:, :, k : k + width] for member in other), strict=True)
            part = torch.mul(*next(products), out=volume[:, k])
            for a, b in products:
                part.addcmul_(a, b)
        return volume.permute(0, 4, 1, 2, 3)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        left, padded = ctx.saved_tensors
        width, repeat = left.shape[-1], left.shape[1] // gradient.shape[1]
        to_left, to_padded = torch.zeros_like(left), torch.zeros_like(padded)
        for k in range(gradient.shape[2]):
            spread = gradient[:, :, k].repeat_interleave(repeat, dim=1)
            to_left.addcmul_(spread, padded[..., k : k + width])
            to_padded[..., k : k + width].addcmul_(spread, left)
        return to_left, to_padded, None, None


def _by_member(features: Tensor, groups: int) -> list[Tensor]:
    """Return the first, second, … channel of every group: B×C×h×w → C/G tensors, B×h×w×G."""
    batch, channels, height, width = features.shape
    grouped = features.view(batch, groups, channels // groups, height, width)
    return [member.permute(0, 2, 3, 1).contiguous() for member in grouped.unbind(dim=2)]


def _conv3d(channels: int, kind: type[nn.Conv3d] = nn.Conv3d) -> nn.Sequential:
    return nn.Sequential(
        kind(channels, channels, 3, padding=1, bias=False), nn.BatchNorm3d(channels), nn.ReLU(inplace=True)
    )


def _halve(inputs: int, outputs: int) -> nn.Conv3d:
    """Stride 2 in all dimensions. Entry k sits on candidate 2k, cell i between cells 2i and 2i + 1: `double`
    undoes it.
    """
    return nn.Conv3d(inputs, outputs, (3, 4, 4), stride=2, padding=1, bias=False)


def double(volume: Tensor, candidates: int) -> Tensor:
    """Double B×C×D×h×w in the three dimensions; candidates beyond `candidates` are cut off.

    Along the candidates, entry 2k stays and entry 2k + 1 is the cubic (−1, 9, 9, −1) / 16 between its
    neighbours: that can peak between two entries, which a linear one cannot. Bilinear in the image.
    """
    batch, channels, _, height, width = volume.shape
    padded = torch.cat([volume[:, :, :1], volume, volume[:, :, -1:], volume[:, :, -1:]], dim=2)
    between = (9 * (padded[:, :, 1:-2] + padded[:, :, 2:-1]) - padded[:, :, :-3] - padded[:, :, 3:]) / 16
    doubled = torch.stack([volume, between], dim=3).flatten(2, 3)[:, :, :candidates]
    finer = F.interpolate(doubled.flatten(1, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    return finer.view(batch, channels, -1, 2 * height, 2 * width)


def candidate_slice(logits: Tensor, k: int) -> Tensor:
    """Return candidate k of B×D×h×w logits whose candidates are doubled as in `double`: B×1×h×w."""
    low = k // 2
    if k % 2 == 0:
        return logits[:, low : low + 1]
    before, after, beyond = (min(max(n, 0), logits.shape[1] - 1) for n in (low - 1, low + 1, low + 2))
    near = logits[:, low] + logits[:, after]
    far = logits[:, before] + logits[:, beyond]
    return ((9 * near - far) / 16).unsqueeze(1)


class Aggregation(nn.Module):
    """Turns correlations into logits: B×G×D×h×w → B×D×h×w. Works at half the resolution in all three
    dimensions.

    The raw correlations, mixed per candidate, are added at full resolution, so that the hourglass need only
    say where to believe them.
    """

    def __init__(self, config: LiveConfig) -> None:
        super().__init__()
        half, quarter = config.volume_channels
        self.mix = nn.Parameter(torch.full((config.groups,), 10.0 / config.groups))
        self.context = nn.Conv2d(config.feature_channels, half, 4, stride=2, padding=1)
        self.down1 = nn.Sequential(_halve(config.groups, half), nn.BatchNorm3d(half))
        self.conv1 = _conv3d(half)
        self.down2 = nn.Sequential(_halve(half, quarter), nn.BatchNorm3d(quarter), nn.ReLU(inplace=True))
        self.conv2 = nn.Sequential(*(_conv3d(quarter, SmallConv3d) for _ in range(2)))
        self.up = nn.Sequential(nn.Conv3d(quarter, half, 1, bias=False), nn.BatchNorm3d(half))
        self.conv3 = _conv3d(half)
        self.score = nn.Conv3d(half, 1, 3, padding=1)

    def forward(self, correlations: Tensor, features: Tensor) -> Tensor:
        """Return the logits. `features` of the image to colorize tell where its edges are. h and w: multiples
        of 4.
        """
        context = self.context(features).unsqueeze(2)
        level1 = self.conv1(F.relu_(self.down1(correlations) + context))
        level2 = self.conv2(self.down2(level1))
        level1 = self.conv3(F.relu_(level1 + double(self.up(level2), level1.shape[2])))
        score = double(self.score(level1), correlations.shape[2]).squeeze(1)
        return torch.einsum("bgdhw,g->bdhw", correlations, self.mix) + score
