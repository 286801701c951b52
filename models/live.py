"""The `live` preset: the colorizer that the app runs, made for milliseconds on a CPU.

Matching happens on a coarse grid whose stride follows from the size of the image and its disparities,
correlation instead of concatenation builds the volume, a small 3-D hourglass aggregates it at half
resolution, and the logits are brought to the chroma grid, where W takes the weighted average of the
reference. It remains a weight volume over the paper's candidates: every colour can be traced to where it came
from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.colorizer import (
    ColorizerOutput,
    SecondPass,
    WeightVolume,
    average_candidates,
    normalized_entropy,
    shift_reference,
)
from models.layout import SmallConv3d, prefer_channels_last

_FEATURE_STRIDE = 4  # the two strided convolutions of the feature network
_STRIDES = (1, 2, 4, 8, 16)


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
    """

    feature_channels: int = 32
    feature_blocks: int = 3
    groups: int = 8
    volume_channels: tuple[int, int] = (16, 32)
    normalization_window: int = 9
    volume_budget: int = 2_300_000


def matching_stride(height: int, width: int, max_disparity: int, budget: int) -> int:
    """Return the smallest stride in pixels whose volume of H·W·d / stride³ cells × candidates stays within
    the budget.
    """
    voxels = height * width * max_disparity
    return next((s for s in _STRIDES if voxels / s**3 <= budget), _STRIDES[-1])


def normalize_contrast(luma: Tensor, window: int) -> Tensor:
    """Return local mean-free, contrast-normalised luma beside globally normalised luma: B×1×H×W → B×2×H×W.

    H and W are multiples of 4.
    The two sensors differ in gain, gamma and spectral response; what they share is local structure. The
    constant under the root keeps noise of flat areas small, and its gradient finite.
    """
    size = luma.shape[-2:]

    def local_mean(image: Tensor) -> Tensor:
        """Box mean, taken of a quarter-size image: a wide box in full size costs more than the whole
        network.
        """
        small = F.avg_pool2d(image, 4)
        for kernel in ((1, window), (window, 1)):
            padding = (kernel[0] // 2, kernel[1] // 2)
            small = F.avg_pool2d(small, kernel, stride=1, padding=padding, count_include_pad=False)
        return F.interpolate(small, size=size, mode="bilinear", align_corners=False)

    mean = local_mean(luma)
    variance = (local_mean(luma * luma) - mean * mean).clamp_min(0)
    local = (luma - mean) / torch.sqrt(variance + 4e-4)
    center = luma.mean(dim=(2, 3), keepdim=True)
    spread = torch.sqrt(luma.var(dim=(2, 3), keepdim=True, correction=0) + 1e-4)
    return torch.cat([local, (luma - center) / (2 * spread)], dim=1)


class _Residual2d(nn.Module):
    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


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
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, channels, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
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
    """Walks over the candidates, like the weighted average, and for the same reason."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, padded: Tensor, candidates: int, groups: int) -> Tensor:
        ctx.save_for_backward(left, padded)
        batch, channels, height, width = left.shape
        per_group = (batch, groups, channels // groups, height, width)
        volume = left.new_empty(batch, groups, candidates, height, width)
        for k in range(candidates):
            volume[:, :, k] = (left * padded[..., k : k + width]).view(per_group).sum(dim=2)
        return volume

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


def _conv3d(channels: int, kind: type[nn.Conv3d] = nn.Conv3d) -> nn.Sequential:
    return nn.Sequential(
        kind(channels, channels, 3, padding=1, bias=False), nn.BatchNorm3d(channels), nn.ReLU()
    )


def _halve(inputs: int, outputs: int) -> nn.Conv3d:
    """Stride 2 in all dimensions. Entry k sits on candidate 2k, cell i between cells 2i and 2i + 1: `_double`
    undoes it.
    """
    return nn.Conv3d(inputs, outputs, (3, 4, 4), stride=2, padding=1, bias=False)


def _double(volume: Tensor, candidates: int) -> Tensor:
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
        self.down2 = nn.Sequential(_halve(half, quarter), nn.BatchNorm3d(quarter), nn.ReLU())
        self.conv2 = nn.Sequential(*(_conv3d(quarter, SmallConv3d) for _ in range(2)))
        self.up = nn.Sequential(nn.Conv3d(quarter, half, 1, bias=False), nn.BatchNorm3d(half))
        self.conv3 = _conv3d(half)
        self.score = nn.Conv3d(half, 1, 3, padding=1)

    def forward(self, correlations: Tensor, features: Tensor) -> Tensor:
        """Return the logits. `features` of the image to colorize tell where its edges are. h and w: multiples
        of 4.
        """
        context = self.context(features).unsqueeze(2)
        level1 = self.conv1(F.relu(self.down1(correlations) + context))
        level2 = self.conv2(self.down2(level1))
        level1 = self.conv3(F.relu(level1 + _double(self.up(level2), level1.shape[2])))
        score = _double(self.score(level1), correlations.shape[2]).squeeze(1)
        return torch.einsum("bgdhw,g->bdhw", correlations, self.mix) + score


class LiveColorizer(nn.Module):
    """M in the `live` preset; keeps the contract of `models.colorizer.Colorizer`."""

    second_pass = SecondPass()

    def __init__(self, config: LiveConfig | None = None) -> None:
        super().__init__()
        self.config = config or LiveConfig()
        self.features = FeatureNetwork(self.config)
        self.aggregation = Aggregation(self.config)
        self.temperature = nn.Parameter(torch.zeros(()))
        prefer_channels_last(self)

    def forward(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
    ) -> ColorizerOutput:
        """Colorize; arguments and result as in `Colorizer.__call__`."""
        height, width = luma.shape[-2:]
        matching = matching_stride(height, width, max_disparity, self.config.volume_budget)
        logits, stride = self.logits(luma, reference, max_disparity, offset, matching)
        return self.average(logits, stride, reference, max_disparity, offset)

    def logits(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int, stride: int
    ) -> tuple[Tensor, int]:
        """Match at `stride` pixels; return the logits of W on the chroma grid, B×D×h×w, and that grid's
        stride.
        """
        shifted = shift_reference(reference[:, :1], offset)
        features = self.features(self._working_images(torch.cat([luma, shifted]), stride))
        own, other = features.chunk(2)
        candidates = -(-max_disparity // stride)
        volume = correlate(own, other, candidates, self.config.groups)
        logits = self.aggregation(volume, own) * self.temperature.exp()
        if stride > 1:
            stride //= 2
            logits = _double(logits.unsqueeze(1), -(-max_disparity // stride)).squeeze(1)
        return self._mask_outside(logits), stride

    @staticmethod
    def _working_images(luma: Tensor, stride: int) -> Tensor:
        """Bring images to the scale at which the features' own stride of 4 is `stride` pixels of the
        original.

        Padded to multiples of four cells (the volume is halved twice) by repeating the border.
        """
        height, width = luma.shape[-2:]
        cell = 4 * stride
        padded = F.pad(luma, (0, -width % cell, 0, -height % cell), mode="replicate")
        if stride == _FEATURE_STRIDE:
            return padded
        scale = _FEATURE_STRIDE / stride
        return F.interpolate(
            padded, scale_factor=scale, mode="bilinear", align_corners=False, antialias=scale < 1
        )

    @staticmethod
    def _mask_outside(logits: Tensor) -> Tensor:
        """Take from each cell the candidates that lie outside the reference; the first one always stays."""
        depth, width = logits.shape[1], logits.shape[-1]
        column = torch.arange(width, device=logits.device)
        candidate = torch.arange(depth, device=logits.device)
        outside = column[None, :] + candidate[:, None] >= width
        outside[0] = False
        return logits.masked_fill(outside[None, :, None, :], -1e4)

    @staticmethod
    def average(
        logits: Tensor, stride: int, reference: Tensor, max_disparity: int, offset: int
    ) -> ColorizerOutput:
        """Softmax the logits to W and average the reference with it; the result is brought to full size."""
        height, width = reference.shape[-2:]
        grid_height, grid_width = logits.shape[-2:]
        shifted = shift_reference(reference, offset)
        padded = F.pad(
            shifted, (0, grid_width * stride - width, 0, grid_height * stride - height), mode="replicate"
        )
        cells = F.avg_pool2d(padded, stride) if stride > 1 else padded
        weights = logits.softmax(dim=1)
        averaged = average_candidates(weights, cells.to(weights.dtype)).to(reference.dtype)
        if stride > 1:
            averaged = F.interpolate(averaged, scale_factor=stride, mode="bilinear", align_corners=False)
        averaged = averaged[..., :height, :width]
        volume = WeightVolume(weights, normalized_entropy(weights, logits), stride, max_disparity, offset)
        return ColorizerOutput(averaged[:, 1:], averaged[:, :1], volume)
