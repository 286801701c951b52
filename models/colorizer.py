"""The colorizer M: builds the weight volume W and takes the weighted average of the reference (paper, Fig.
6).

Both presets, `live` (`models/live.py`) and `paper` (`models/paper.py`), are a `Colorizer`: two images and a
search range in, averaged colours and the readable W out. The two-pass cycle with its flips is written here
once, for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


class Corners(NamedTuple):
    """The four cells around a pixel, in the frame of a volume: rows, columns, and shares that sum to 1."""

    rows: tuple[int, int, int, int]
    columns: tuple[int, int, int, int]
    shares: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WeightVolume:
    """W on its own grid: one cell per `stride`×`stride` pixels, one candidate per `stride` pixels of
    disparity.

    Attributes:
        logits: B×D×h×w; candidate k of a cell lies `offset + k * stride` pixels further right.
        log_total: B×h×w, log Σ exp(logits) over D: with it, W of any cell can be read without a softmax over
            the whole volume.
        stride: pixels per cell and per candidate.
        max_disparity: d, candidates in pixels.
        offset: first candidate in pixels.
        mirrored: cells are counted from the right border, because the images were mirrored on the way in.
        best: B×1×h×w int64, candidate with the largest weight, where it is known already.
        columns_px: from the grid's left border to the image border that mirrored cells are counted from; None
            if that is the grid's right border.
        black_outside: candidates outside the reference had Y = 0, Cb = Cr = −128 / 255 (see
            `models.paper.PaperConfig`) instead of the colour of the nearest pixel inside.
    """

    logits: Tensor
    log_total: Tensor
    stride: int
    max_disparity: int
    offset: int
    mirrored: bool = False
    best: Tensor | None = None
    columns_px: int | None = None
    black_outside: bool = False

    @property
    def weights(self) -> Tensor:
        """Return W, B×D×h×w: the softmax of the logits over D."""
        return (self.logits - self.log_total.unsqueeze(1)).exp()

    def curve(self, x: int, y: int) -> NDArray[np.float32]:
        """Return W of pixel (y, x) of the first image: float32 (d,), sums to 1. Bilinear between cells."""
        corners = self.corners(x, y)
        cell = self.at_cells(corners) @ corners.shares
        candidates = np.arange(self.max_disparity) / self.stride
        values = np.interp(candidates, np.arange(len(cell)), cell)
        return np.asarray(values / values.sum(), np.float32)

    def curves(self, xs: NDArray[np.intp], ys: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return W of many pixels of the first image over the volume's own candidates: N×D, rows sum to 1."""
        corners = [self.corners(int(x), int(y)) for x, y in zip(xs, ys, strict=True)]
        rows, columns = (
            np.array([getattr(c, name) for c in corners]).ravel() for name in ("rows", "columns")
        )
        shares = np.array([c.shares for c in corners])
        logits, log_total = self.logits[0][:, rows, columns].float(), self.log_total[0][rows, columns].float()
        cells = (logits - log_total).exp().cpu().numpy().reshape(len(logits), -1, 4)
        weights = np.einsum("dnc,nc->nd", cells.astype(np.float64), shares)
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def corners(self, x: int, y: int) -> Corners:
        """Return the cells that pixel (y, x) of the first image is interpolated from."""
        height, width = self.logits.shape[-2:]
        if self.mirrored:
            x = (self.columns_px or width * self.stride) - 1 - x
        column, row = (x + 0.5) / self.stride - 0.5, (y + 0.5) / self.stride - 0.5
        x0, y0 = (int(np.clip(np.floor(v), 0, n - 1)) for v, n in ((column, width), (row, height)))
        x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
        fx, fy = float(np.clip(column - x0, 0, 1)), float(np.clip(row - y0, 0, 1))
        shares = np.array([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
        return Corners((y0, y0, y1, y1), (x0, x1, x0, x1), shares)

    def at_cells(self, corners: Corners) -> NDArray[np.float64]:
        """Return W of four cells of the first image: D×4."""
        rows, columns = list(corners.rows), list(corners.columns)
        logits, log_total = self.logits[0][:, rows, columns].float(), self.log_total[0][rows, columns].float()
        return np.asarray((logits - log_total).exp().cpu().numpy(), np.float64)

    def peak(self) -> tuple[Tensor, Tensor]:
        """Return position and mass of the peak, both B×h×w.

        The position is in pixels of disparity (offset included), refined by the centre of mass of the peak
        and its two neighbours; the mass is what these three candidates hold of W.
        """
        depth = self.logits.shape[1]
        best = self.logits.argmax(dim=1, keepdim=True) if self.best is None else self.best
        around = torch.cat([best - 1, best, best + 1], dim=1)
        inside = (around >= 0) & (around < depth)
        logits = self.logits.gather(1, around.clamp(0, depth - 1)).float()
        mass = (logits - self.log_total.float().unsqueeze(1)).exp() * inside
        total = mass.sum(dim=1)
        position = (mass * around).sum(dim=1) / total.clamp_min(1e-12)
        return position * self.stride + self.offset, total


class ColorizerOutput(NamedTuple):
    """What M says of one pair.

    Attributes:
        chroma: B×2×H×W, (Cb, Cr) centred, −0.5 … 0.5: the weighted average of the reference's chroma.
        luma: B×1×H×W, 0 … 1: the same average of the reference's luma.
        disparity: B×1×H×W, px, offset included: the mean of the candidates under W. Unlike the peak it is
            differentiable, and between two surfaces it lies between them.
        entropy: B×1×H×W, entropy of W over D divided by log D, 0 (certain) … 1 (no idea).
        peak: B×1×H×W, px, offset included: where W of the pixel's cell is largest (see `WeightVolume.peak`).
        volume: W.
        again: where a network can use its features of both images twice: colours the mirrored second image of
            this pass from a mirrored B×3×H×W reference.
    """

    chroma: Tensor
    luma: Tensor
    disparity: Tensor
    entropy: Tensor
    peak: Tensor
    volume: WeightVolume
    again: Callable[[Tensor], ColorizerOutput] | None = None

    def mirrored(self) -> ColorizerOutput:
        """Return the same result with its images mirrored; W stays in its own frame and says so."""
        volume = replace(self.volume, mirrored=not self.volume.mirrored)
        return self.each(lambda image: image.flip(-1))._replace(volume=volume)

    def detach(self) -> ColorizerOutput:
        """Return the images as constants: what is done with them trains nothing else."""
        return self.each(Tensor.detach)

    def each(self, change: Callable[[Tensor], Tensor]) -> ColorizerOutput:
        """Return the result with all of its images changed, W as it is."""
        return self._replace(
            chroma=change(self.chroma),
            luma=change(self.luma),
            disparity=change(self.disparity),
            entropy=change(self.entropy),
            peak=change(self.peak),
        )


class SecondPass(NamedTuple):
    """What a network wants to see in the second pass.

    Attributes:
        averaged_luma: I_C carries the luma that W averaged, as the paper has it, instead of the mono image's.
        guided_in_color: R_C takes the place of R_G with its colours, as in the authors' released code.
    """

    averaged_luma: bool = False
    guided_in_color: bool = False


class Colorizer(Protocol):
    """M: {A_G, B_C} → A_C. Implemented by the presets as `torch.nn.Module`s."""

    @property
    def second_pass(self) -> SecondPass:
        """How to feed the second pass."""

    def __call__(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
    ) -> ColorizerOutput:
        """Colorize.

        Args:
            luma: B×1×H×W, 0 … 1, the image that lacks colour (B×3×H×W YCbCr where it guides in colour).
            reference: B×3×H×W, YCbCr: luma 0 … 1, then Cb and Cr centred at 0.
            max_disparity: d, candidates to search, in pixels.
            offset: first candidate, in pixels.
        """


class Cycle(NamedTuple):
    """Both passes: I_C and R'_C, the latter flipped back so that it lies on R_C."""

    first: ColorizerOutput
    second: ColorizerOutput


def colorize_first(
    network: Colorizer, mono: Tensor, reference: Tensor, max_disparity: int, offset: int
) -> ColorizerOutput:
    """Return I_C = M(I_G, R_C): the first pass."""
    return network(mono, reference, max_disparity, offset)


def colorize_second(
    network: Colorizer,
    mono: Tensor,
    reference: Tensor,
    first: ColorizerOutput,
    max_disparity: int,
    offset: int,
) -> ColorizerOutput:
    """Return R'_C = flip(M(flip(R_G), flip(I_C))): the second pass.

    Content of reference pixel x lies at x − d in the mono image; mirrored, that is x' + d again, so the same
    network searches the same candidates (paper, Method, Overview). I_C carries the mono luma, as everywhere
    we show it, unless the network wants its own. The volume of the result stays in the mirrored frame and
    says so.
    """
    how = network.second_pass
    guide = reference if how.guided_in_color else reference[:, :1]
    colored = torch.cat([first.luma if how.averaged_luma else mono, first.chroma], dim=1)
    mirrored = colored.flip(-1)
    if first.again is not None:
        return first.again(mirrored).mirrored()
    return network(guide.flip(-1), mirrored, max_disparity, offset).mirrored()


def colorize_cycle(
    network: Colorizer, mono: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
) -> Cycle:
    """Run both passes. Shapes and ranges as in `Colorizer.__call__`."""
    first = colorize_first(network, mono, reference, max_disparity, offset)
    return Cycle(first, colorize_second(network, mono, reference, first, max_disparity, offset))


def read_volume(weights: Tensor, logits: Tensor, stride: int, offset: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is known of W: log Σ exp(logits) (B×h×w), mean candidate in px and entropy (B×1×h×w).

    Args:
        weights: B×D×h×w, the softmax of `logits`.
        logits, stride, offset: as in `WeightVolume`.
    """
    log_total = logits.logsumexp(dim=1)
    entropy = normalized_entropy(log_total, (weights * logits).sum(dim=1), logits.shape[1])
    candidates = torch.arange(logits.shape[1], device=logits.device, dtype=weights.dtype)
    mean = torch.einsum("bdhw,d->bhw", weights, candidates) * stride + offset
    return log_total, mean.unsqueeze(1), entropy.unsqueeze(1)


def normalized_entropy(log_total: Tensor, mean_logit: Tensor, candidates: int) -> Tensor:
    """Return the entropy of W, log Σ exp(l) − Σ W·l, over log d: B×h×w, 0 … 1."""
    return ((log_total - mean_logit) / math.log(max(2, candidates))).clamp(0, 1)


def shift_reference(reference: Tensor, offset: int) -> Tensor:
    """Return the reference moved so that candidate 0 of pixel x is pixel x; what comes from outside repeats
    the border.
    """
    if offset == 0:
        return reference
    width = reference.shape[-1]
    columns = (torch.arange(width, device=reference.device) + offset).clamp(0, width - 1)
    return reference[..., columns]


def average_candidates(weights: Tensor, values: Tensor) -> Tensor:
    """Return the weighted average Σ_k W[k, y, x] · values[y, x + k] (paper, Fig. 6): B×C×h×w.

    Args:
        weights: B×D×h×w.
        values: B×C×h×w. Candidates right of the border count as the border's value.
    """
    padded = F.pad(values, (0, weights.shape[1] - 1, 0, 0), mode="replicate")
    result: Tensor = _WeightedAverage.apply(weights, padded)  # type: ignore[no-untyped-call]
    return result


class _WeightedAverage(torch.autograd.Function):
    """Walks over the candidates instead of laying them out: D shifted views, no copy of the reference for
    each.

    Autograd through those views would fill a zero image for every candidate, which costs more than the
    networks.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, padded: Tensor) -> Tensor:
        ctx.save_for_backward(weights, padded)
        width = weights.shape[-1]
        total = weights[:, 0:1] * padded[..., :width]
        for k in range(1, weights.shape[1]):
            total.addcmul_(weights[:, k : k + 1], padded[..., k : k + width])
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        weights, padded = ctx.saved_tensors
        width = weights.shape[-1]
        to_weights = torch.empty_like(weights) if ctx.needs_input_grad[0] else None
        to_padded = torch.zeros_like(padded) if ctx.needs_input_grad[1] else None
        for k in range(weights.shape[1]):
            if to_weights is not None:
                torch.sum(gradient * padded[..., k : k + width], dim=1, out=to_weights[:, k])
            if to_padded is not None:
                to_padded[..., k : k + width].addcmul_(weights[:, k : k + 1], gradient)
        return to_weights, to_padded
