"""The `live` preset: the colorizer that the app runs, made for milliseconds on a CPU.

Matching happens on a coarse grid whose stride follows from the size of the image and its disparities,
correlation instead of concatenation builds the volume, a small 3-D hourglass aggregates it at half
resolution, and the logits are brought to the chroma grid. There each candidate also pays for how much it
differs from the pixel in detail that the coarse grid cannot see; then W is tilted so that the detail it
averages comes to that of the pixel, and takes the weighted average of the reference. It remains a weight
volume over the paper's candidates: every colour can be traced to where it came from. The second pass uses the
features of the first, mirrored: what M sees of an image does not depend on which of the two it colours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

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
from models.layout import prefer_channels_last
from models.live_layers import (
    FEATURE_STRIDE,
    Aggregation,
    FeatureNetwork,
    LiveConfig,
    candidate_slice,
    correlate,
    double,
    normalize_contrast,
)

__all__ = ["EncodedPair", "LiveColorizer", "LiveConfig", "detail_differences", "matching_stride"]

_STRIDES = (1, 2, 4, 8, 16)
_DETAIL_WINDOW = 5  # cells of 4×4 chroma-grid pixels over which detail is normalised
_LARGEST_DIFFERENCE = 1.5  # of detail, in local standard deviations
_LARGEST_DETAIL = 3.0  # the same, of detail itself
_LARGEST_COST = 40.0
_OUTSIDE = -1e4  # logit of candidates beyond the border


def matching_stride(height: int, width: int, max_disparity: int, budget: int) -> int:
    """Return the smallest stride in pixels whose volume of H·W·d / stride³ cells × candidates stays within
    the budget.
    """
    voxels = height * width * max_disparity
    return next((s for s in _STRIDES if voxels / s**3 <= budget), _STRIDES[-1])


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
        return _grid_stride(self.stride)

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


def _grid_stride(stride: int) -> int:
    """Return the stride of the chroma grid for a matching stride, both in px."""
    return max(1, stride // 2)


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
        self.sharpness = nn.Parameter(torch.zeros(2))  # logarithms, for matching every pixel and for coarser
        self.detail_weight = nn.Conv2d(self.config.feature_channels, 1, 1)
        self.tilt = nn.Conv2d(self.config.feature_channels, 2, 1)  # logit of the share, log of the noise
        for layer in (self.detail_weight, self.tilt):
            nn.init.zeros_(layer.weight)
        assert self.tilt.bias is not None
        self.tilt.bias.data.copy_(torch.tensor([1.0, -2.0]))
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
        grid = _grid_stride(stride)
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
        sharpness = self.sharpness[0 if pair.stride == 1 else 1].exp()
        logits: Tensor = self.aggregation(volume, pair.own) * sharpness
        return logits

    def grid_logits(self, pair: EncodedPair, logits: Tensor) -> Tensor:
        """Bring logits to the chroma grid and let the detail have its say: B×D'×h'×w'."""
        if pair.stride > 1:
            logits = double(logits.unsqueeze(1), pair.candidates).squeeze(1)
        logits = logits - self._detail_weight(pair) * detail_differences(pair)
        depth, width = logits.shape[1], logits.shape[-1]
        column = torch.arange(width, device=logits.device)
        candidate = torch.arange(depth, device=logits.device)
        outside = column[None, :] + candidate[:, None] >= width
        outside[0] = False  # something must stay
        logits = logits.masked_fill(outside[None, :, None, :], _OUTSIDE)
        candidates = _shifted(_bounded(pair.other_detail), depth)
        for _ in range(self.config.tilt_steps):
            weights = logits.softmax(dim=1)
            mean = (weights * candidates).sum(dim=1, keepdim=True)
            variance = (weights * candidates * candidates).sum(dim=1, keepdim=True) - mean * mean
            logits = logits + self._tilt(pair, mean, variance) * candidates
        return logits

    def average(self, pair: EncodedPair, logits: Tensor, reference: Tensor) -> ColorizerOutput:
        """Softmax the logits of the chroma grid to W and average the reference with it, at full size."""
        weights = logits.softmax(dim=1)
        averaged = average_candidates(weights, self._cells(pair, reference).to(weights.dtype))
        log_total, disparity, entropy = read_volume(weights, logits, pair.grid, pair.offset)
        volume = WeightVolume(logits, log_total, pair.grid, pair.max_disparity, pair.offset)
        return self._full_size(pair, averaged, [disparity, entropy], volume)

    def _average_in_slices(self, pair: EncodedPair, logits: Tensor, reference: Tensor) -> ColorizerOutput:
        """Do what `grid_logits` and `average` do, one candidate at a time.

        Everything about a candidate happens while its slice is in the processor's cache. The softmax needs a
        bound of the logits beforehand: detail only lowers them, so the coarse maximum is one, but for what
        the cubic overshoots and the tilt adds, and single precision bears that. So the maximum is taken off.
        """
        cells = self._cells(pair, reference).float()
        width, depth = cells.shape[-1], pair.candidates
        values = F.pad(cells, (0, depth - 1, 0, 0), mode="replicate")
        detail = F.pad(_bounded(pair.other_detail), (0, depth - 1, 0, 0), mode="replicate")
        volume, tilt = self._tilted_slices(pair, logits - logits.amax(dim=1, keepdim=True))
        total, moment, energy, best = (torch.zeros_like(tilt) for _ in range(4))
        highest = torch.full_like(tilt, _OUTSIDE)
        averaged = torch.zeros_like(cells)
        for k in range(depth):
            score = volume[:, k : k + 1].addcmul_(tilt, detail[..., k : k + width])
            best.masked_fill_(score > highest, k)
            highest = torch.maximum(highest, score, out=highest)
            mass = score.exp()
            total += mass
            averaged.addcmul_(mass, values[..., k : k + width])
            moment.add_(mass, alpha=k)
            energy.addcmul_(mass, score)
        averaged /= total
        log_total = total.log()
        disparity = moment / total * pair.grid + pair.offset
        entropy = normalized_entropy(log_total, energy / total, depth)
        stored = WeightVolume(
            volume, log_total[:, 0], pair.grid, pair.max_disparity, pair.offset, best=best.long()
        )
        return self._full_size(pair, averaged, [disparity, entropy], stored)

    def _tilted_slices(self, pair: EncodedPair, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits of the chroma grid before they are tilted, B×D'×h'×w', and the tilt, B×1×h'×w'.

        `logits` are those of the features' grid, less their maximum.
        """
        depth = pair.candidates
        other = F.pad(pair.other_detail, (0, depth - 1, 0, 0), mode="replicate")
        detail = _bounded(other)
        cost = self._detail_weight(pair)
        width = cost.shape[-1]
        volume = cost.new_empty(len(cost), depth, *cost.shape[-2:])
        moments = _Moments(cost)
        for k in range(depth):
            coarse = candidate_slice(logits, k) if pair.stride > 1 else logits[:, k : k + 1]
            score = self._on_grid(pair, coarse.float())
            difference = (pair.own_detail - other[..., k : k + width]).abs_().clamp_max_(_LARGEST_DIFFERENCE)
            score = torch.addcmul(score, cost, difference, value=-1, out=volume[:, k : k + 1])
            if k > 0:
                score[..., width - k :] = _OUTSIDE
            moments.add(score.exp(), detail[..., k : k + width])
        tilt = torch.zeros_like(cost)
        for step in range(self.config.tilt_steps):
            if step > 0:
                moments = _Moments(cost)
                for k in range(depth):
                    values = detail[..., k : k + width]
                    moments.add(torch.addcmul(volume[:, k : k + 1], tilt, values).exp_(), values)
            tilt += self._tilt(pair, *moments.read())
        return volume, tilt

    def _tilt(self, pair: EncodedPair, mean: Tensor, variance: Tensor) -> Tensor:
        """Return λ, by which logits are tilted along the candidates' detail n, l + λ·n: B×1×h'×w'.

        Of all weights whose average of n is that of the pixel, those closest to W (in relative entropy) are
        W·exp(λ·n), normalised. One Newton step from λ = 0 is δ / var(n), δ being what is missing; where W is
        all on one side of an edge and the pixel is on both, it goes much too far, and δ²/2 more in the
        denominator about right. Noise in the denominator keeps flat areas as they are; a share of the step
        is taken. Both are learned.
        """
        missing = _bounded(pair.own_detail) - mean
        share, noise = self._on_grid(pair, self.tilt(pair.own).float()).split_with_sizes((1, 1), dim=1)
        return share.sigmoid() * missing / (variance.clamp_min(0) + missing.square() / 2 + noise.exp())

    def _detail_weight(self, pair: EncodedPair) -> Tensor:
        """Return what a difference in detail costs in each cell of the chroma grid: B×1×h'×w', positive.

        Limited, so that some candidate keeps a mass that single precision can tell from zero.
        """
        return self._on_grid(pair, F.softplus(self.detail_weight(pair.own).float()).clamp_max(_LARGEST_COST))

    @staticmethod
    def _on_grid(pair: EncodedPair, cells: Tensor) -> Tensor:
        """Bring a map from the features' grid to the chroma grid."""
        if pair.stride == 1:
            return cells
        return F.interpolate(cells, scale_factor=2.0, mode="bilinear", align_corners=False)

    @staticmethod
    def _cells(pair: EncodedPair, reference: Tensor) -> Tensor:
        """Return the reference on the chroma grid, in the frame of the pair."""
        shifted = reference if pair.is_mirrored else shift_reference(reference, pair.offset)
        padded = pair.pad(shifted)
        return F.avg_pool2d(padded, pair.grid) if pair.grid > 1 else padded

    def _full_size(
        self, pair: EncodedPair, averaged: Tensor, known: list[Tensor], volume: WeightVolume
    ) -> ColorizerOutput:
        """Bring averaged colours, and disparity, entropy and peak of W, from the chroma grid to full size.

        Colours are interpolated; a mean of two disparities is none, so maps are not.
        """
        maps = torch.cat([*known, volume.peak()[0].unsqueeze(1)], dim=1)
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
        disparity, entropy, peak = maps.split_with_sizes((1, 1, 1), dim=1)
        return ColorizerOutput(averaged[:, 1:], averaged[:, :1], disparity, entropy, peak, volume, again)


def detail_differences(pair: EncodedPair) -> Tensor:
    """Return |own(x) − other(x + k)| of the normalised luma on the chroma grid, at most 1.5: B×D×h×w.

    Bounded, because an occluded pixel differs from every candidate and should not choose by that.
    """
    shifted = _shifted(pair.other_detail, pair.candidates)
    return (pair.own_detail - shifted).abs().clamp_max(_LARGEST_DIFFERENCE)


def _shifted(image: Tensor, depth: int) -> Tensor:
    """Return an image as each candidate sees it, B×1×h×w → B×D×h×w: entry k at x is pixel x + k."""
    padded = F.pad(image, (0, depth - 1, 0, 0), mode="replicate")
    return padded.unfold(-1, image.shape[-1], 1)[:, 0].transpose(1, 2)


class _Moments:
    """Mean and variance of the candidates' detail under W, gathered one candidate at a time."""

    def __init__(self, like: Tensor) -> None:
        self._total, self._first, self._second = (torch.zeros_like(like) for _ in range(3))

    def add(self, mass: Tensor, values: Tensor) -> None:
        """Take in a candidate: its share of W, up to a factor, and its detail; B×1×h×w each."""
        self._total += mass
        mass = mass * values
        self._first += mass
        self._second.addcmul_(mass, values)

    def read(self) -> tuple[Tensor, Tensor]:
        """Return mean and variance, B×1×h×w each."""
        mean = self._first / self._total
        return mean, self._second / self._total - mean * mean


def _bounded(detail: Tensor) -> Tensor:
    return detail.clamp(-_LARGEST_DETAIL, _LARGEST_DETAIL)


def _working_images(padded: Tensor, stride: int) -> Tensor:
    """Bring images to the scale at which the features' own stride of 4 is `stride` pixels of the original."""
    if stride == FEATURE_STRIDE:
        return padded
    scale = FEATURE_STRIDE / stride
    return F.interpolate(
        padded, scale_factor=scale, mode="bilinear", align_corners=False, antialias=scale < 1
    )
