"""The `live` preset: the colorizer that the app runs, made for milliseconds on a CPU.

Matching happens on a coarse grid whose stride follows from the size of the image and its disparities,
correlation instead of concatenation builds the volume, a small 3-D hourglass aggregates it at half
resolution, and the logits are brought to the chroma grid. There each candidate also pays for how much it
differs from the pixel in detail that the coarse grid cannot see, and W takes the weighted average of the
reference. It remains a weight volume over the paper's candidates: every colour can be traced to where it came
from. The second pass uses the features of the first, mirrored: what M sees of an image does not depend on
which of the two it colours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
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
    read_volume,
    shift_reference,
)
from models.layout import SmallConv3d, prefer_channels_last

_FEATURE_STRIDE = 4  # the two strided convolutions of the feature network
_STRIDES = (1, 2, 4, 8, 16)
_DETAIL_WINDOW = 5  # cells of 4×4 chroma-grid pixels over which detail is normalised
_LARGEST_DIFFERENCE = 1.5  # of detail, in local standard deviations
_LARGEST_COST = 40.0
_OUTSIDE = -1e4  # logit of candidates beyond the border


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


def _candidate_slice(logits: Tensor, k: int) -> Tensor:
    """Return candidate k of B×D×h×w logits whose candidates are doubled as in `_double`: B×1×h×w."""
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
        level1 = self.conv3(F.relu_(level1 + _double(self.up(level2), level1.shape[2])))
        score = _double(self.score(level1), correlations.shape[2]).squeeze(1)
        return torch.einsum("bgdhw,g->bdhw", correlations, self.mix) + score


@dataclass(frozen=True, eq=False)
class EncodedPair:
    """What is matched of two images, both padded at the bottom and, seen unmirrored, at the right.

    Attributes:
        own, other: B×C×h×w features of the image to colour and of the reference.
        own_detail, other_detail: B×1×h'×w', their contrast-normalised luma on the chroma grid.
        size: height and width of the images in px, without padding.
        stride: pixels per cell of the features.
        max_disparity: candidates to search, in px.
        offset: pixels by which the reference was shifted before it was encoded.
        is_mirrored: the images were mirrored, so that the padding is at the left.
    """

    own: Tensor
    other: Tensor
    own_detail: Tensor
    other_detail: Tensor
    size: tuple[int, int]
    stride: int
    max_disparity: int
    offset: int
    is_mirrored: bool = False

    def exchanged(self) -> EncodedPair:
        """Return both images mirrored and in each other's role: what the second pass matches."""
        return replace(
            self,
            own=self.other.flip(-1),
            other=self.own.flip(-1),
            own_detail=self.other_detail.flip(-1),
            other_detail=self.own_detail.flip(-1),
            is_mirrored=not self.is_mirrored,
        )

    @property
    def grid(self) -> int:
        """Return the stride of the chroma grid in px."""
        return max(1, self.stride // 2)

    @property
    def candidates(self) -> int:
        """Return the number of candidates on the chroma grid."""
        return -(-self.max_disparity // self.grid)

    def pad(self, image: Tensor) -> Tensor:
        """Pad an image in the pair's orientation to whole cells by repeating its border."""
        padded = _pad_to_cells(image.flip(-1) if self.is_mirrored else image, self.stride)
        return padded.flip(-1) if self.is_mirrored else padded

    def crop(self, image: Tensor) -> Tensor:
        """Undo `pad`."""
        height, width = self.size
        return image[..., :height, -width:] if self.is_mirrored else image[..., :height, :width]


def _pad_to_cells(image: Tensor, stride: int) -> Tensor:
    """Pad to multiples of four cells, for the volume is halved twice."""
    height, width = image.shape[-2:]
    cell = 4 * stride
    return F.pad(image, (0, -width % cell, 0, -height % cell), mode="replicate")


class LiveColorizer(nn.Module):
    """M in the `live` preset; keeps the contract of `models.colorizer.Colorizer`."""

    second_pass = SecondPass()

    def __init__(self, config: LiveConfig | None = None) -> None:
        super().__init__()
        self.config = config or LiveConfig()
        self.features = FeatureNetwork(self.config)
        self.aggregation = Aggregation(self.config)
        self.temperature = nn.Parameter(torch.zeros(()))
        self.detail_weight = nn.Conv2d(self.config.feature_channels, 1, 1)
        nn.init.zeros_(self.detail_weight.weight)
        prefer_channels_last(self)

    def forward(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
    ) -> ColorizerOutput:
        """Colorize; arguments and result as in `Colorizer.__call__`."""
        height, width = luma.shape[-2:]
        stride = matching_stride(height, width, max_disparity, self.config.volume_budget)
        return self.colorize(self.encode(luma, reference[:, :1], max_disparity, offset, stride), reference)

    def encode(
        self, luma: Tensor, reference_luma: Tensor, max_disparity: int, offset: int, stride: int
    ) -> EncodedPair:
        """Compute what is matched, at `stride` pixels a cell, of two B×1×H×W images in 0 … 1."""
        images = torch.cat([luma, shift_reference(reference_luma, offset)])
        padded = _pad_to_cells(images, stride)
        features = self.features(_working_images(padded, stride))
        grid = max(1, stride // 2)
        on_grid = F.avg_pool2d(padded, grid) if grid > 1 else padded
        detail = normalize_contrast(on_grid, _DETAIL_WINDOW)[:, :1]
        size = (luma.shape[-2], luma.shape[-1])
        own, other = features.chunk(2)
        own_detail, other_detail = detail.chunk(2)
        return EncodedPair(own, other, own_detail, other_detail, size, stride, max_disparity, offset)

    def colorize(self, pair: EncodedPair, reference: Tensor) -> ColorizerOutput:
        """Match an encoded pair and average the reference, B×3×H×W YCbCr, with what comes of it."""
        logits = self.matching_logits(pair)
        if torch.is_grad_enabled():
            return self.average(pair, self.grid_logits(pair, logits), reference)
        return self._average_in_slices(pair, logits, reference)

    def matching_logits(self, pair: EncodedPair) -> Tensor:
        """Return the aggregated logits on the features' grid: B×D×h×w."""
        candidates = -(-pair.max_disparity // pair.stride)
        volume = correlate(pair.own, pair.other, candidates, self.config.groups)
        logits: Tensor = self.aggregation(volume, pair.own) * self.temperature.exp()
        return logits

    def grid_logits(self, pair: EncodedPair, logits: Tensor) -> Tensor:
        """Bring logits to the chroma grid and let the detail have its say: B×D'×h'×w'."""
        if pair.stride > 1:
            logits = _double(logits.unsqueeze(1), pair.candidates).squeeze(1)
        logits = logits - self._detail_weight(pair) * detail_differences(pair)
        depth, width = logits.shape[1], logits.shape[-1]
        column = torch.arange(width, device=logits.device)
        candidate = torch.arange(depth, device=logits.device)
        outside = column[None, :] + candidate[:, None] >= width
        outside[0] = False  # something must stay
        return logits.masked_fill(outside[None, :, None, :], _OUTSIDE)

    def average(self, pair: EncodedPair, logits: Tensor, reference: Tensor) -> ColorizerOutput:
        """Softmax the logits of the chroma grid to W and average the reference with it, at full size."""
        weights = logits.softmax(dim=1)
        averaged = average_candidates(weights, self._cells(pair, reference).to(weights.dtype))
        log_total, disparity, entropy = read_volume(weights, logits, pair.grid, pair.offset)
        volume = WeightVolume(logits, log_total, pair.grid, pair.max_disparity, pair.offset)
        return self._full_size(pair, averaged, torch.cat([disparity, entropy], dim=1), volume)

    def _average_in_slices(self, pair: EncodedPair, logits: Tensor, reference: Tensor) -> ColorizerOutput:
        """Do what `grid_logits` and `average` do, one candidate at a time.

        Everything about a candidate happens while its slice is in the processor's cache: the volume of the
        chroma grid is written once and never read. The softmax needs a bound of the logits beforehand: detail
        only lowers them, so the coarse maximum is one, but for what the cubic overshoots.
        """
        cells = self._cells(pair, reference).float()
        width, depth = cells.shape[-1], pair.candidates
        values = F.pad(cells, (0, depth - 1, 0, 0), mode="replicate")
        other = F.pad(pair.other_detail, (0, depth - 1, 0, 0), mode="replicate")
        weight, scale = self._detail_weight(pair), 2.0 if pair.stride > 1 else 1.0
        upsample = partial(F.interpolate, scale_factor=scale, mode="bilinear", align_corners=False)
        bound = upsample(logits.amax(dim=1, keepdim=True).float()) if scale > 1 else logits.amax(1, True)
        volume = logits.new_empty(len(cells), depth, *cells.shape[-2:], dtype=torch.float32)
        total, moment, energy, best = (torch.zeros_like(bound) for _ in range(4))
        highest = torch.full_like(bound, _OUTSIDE)
        averaged = torch.zeros_like(cells)
        for k in range(depth):
            coarse = _candidate_slice(logits, k) if pair.stride > 1 else logits[:, k : k + 1]
            score = upsample(coarse.float()) if scale > 1 else coarse.float()
            difference = (pair.own_detail - other[..., k : k + width]).abs_().clamp_max_(_LARGEST_DIFFERENCE)
            score = torch.addcmul(score, weight, difference, value=-1, out=volume[:, k : k + 1])
            if k > 0:
                score[..., width - k :] = _OUTSIDE
            best.masked_fill_(score > highest, k)
            highest = torch.maximum(highest, score, out=highest)
            relative = score - bound
            mass = relative.exp()
            total += mass
            averaged.addcmul_(mass, values[..., k : k + width])
            moment.add_(mass, alpha=k)
            energy.addcmul_(mass, relative)
        averaged /= total
        log_total = bound + total.log()
        mean_logit = bound + energy / total
        disparity = moment / total * pair.grid + pair.offset
        entropy = normalized_entropy(log_total, mean_logit, depth)
        stored = WeightVolume(
            volume, log_total[:, 0], pair.grid, pair.max_disparity, pair.offset, best=best.long()
        )
        return self._full_size(pair, averaged, torch.cat([disparity, entropy], dim=1), stored)

    def _detail_weight(self, pair: EncodedPair) -> Tensor:
        """Return what a difference in detail costs in each cell of the chroma grid: B×1×h'×w', positive.

        Limited, so that some candidate keeps a mass that single precision can tell from zero.
        """
        weight = F.softplus(self.detail_weight(pair.own).float()).clamp_max(_LARGEST_COST)
        if pair.stride == 1:
            return weight
        return F.interpolate(weight, scale_factor=2.0, mode="bilinear", align_corners=False)

    @staticmethod
    def _cells(pair: EncodedPair, reference: Tensor) -> Tensor:
        """Return the reference on the chroma grid, in the frame of the pair."""
        shifted = reference if pair.is_mirrored else shift_reference(reference, pair.offset)
        padded = pair.pad(shifted)
        return F.avg_pool2d(padded, pair.grid) if pair.grid > 1 else padded

    def _full_size(
        self, pair: EncodedPair, averaged: Tensor, maps: Tensor, volume: WeightVolume
    ) -> ColorizerOutput:
        """Bring averaged colours and maps (disparity, entropy) from the chroma grid to full size.

        Colours are interpolated; a mean of two disparities is none, so maps are not.
        """
        if pair.grid > 1:
            scale = float(pair.grid)
            averaged = F.interpolate(averaged, scale_factor=scale, mode="bilinear", align_corners=False)
            maps = F.interpolate(maps, scale_factor=scale, mode="nearest")
        averaged, maps = pair.crop(averaged), pair.crop(maps)
        again = None
        if pair.is_mirrored:  # the image that was coloured is the shifted reference: shift the result back
            averaged, maps = (shift_reference(image, pair.offset) for image in (averaged, maps))
        else:
            again = partial(self.colorize, pair.exchanged())
        return ColorizerOutput(averaged[:, 1:], averaged[:, :1], maps[:, :1], maps[:, 1:], volume, again)


def detail_differences(pair: EncodedPair) -> Tensor:
    """Return |own(x) − other(x + k)| of the normalised luma on the chroma grid, at most 1.5: B×D×h×w.

    Bounded, because an occluded pixel differs from every candidate and should not choose by that.
    """
    width, depth = pair.own_detail.shape[-1], pair.candidates
    other = F.pad(pair.other_detail, (0, depth - 1, 0, 0), mode="replicate")
    shifted = other.unfold(-1, width, 1)[:, 0].transpose(1, 2)
    return (pair.own_detail - shifted).abs().clamp_max(_LARGEST_DIFFERENCE)


def _working_images(padded: Tensor, stride: int) -> Tensor:
    """Bring images to the scale at which the features' own stride of 4 is `stride` pixels of the original."""
    if stride == _FEATURE_STRIDE:
        return padded
    scale = _FEATURE_STRIDE / stride
    return F.interpolate(
        padded, scale_factor=scale, mode="bilinear", align_corners=False, antialias=scale < 1
    )
