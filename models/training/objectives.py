"""What the networks are trained to reach: with truth on generated scenes, by the cycle on real pairs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.colorizer import Cycle, WeightVolume
from models.metrics import mean_inside, ssim_map


def disparity_loss(logits: Tensor, disparity: Tensor, visible: Tensor, stride: int) -> Tensor:
    """Return the cross-entropy of W against the true candidate, linear between its two neighbours, where
    visible.

    Args:
        logits: B×D×h×w on a grid of `stride` pixels.
        disparity: B×1×H×W in px.
        visible: B×1×H×W, 1 where the colour camera sees the mono pixel.
        stride: pixels per cell and per candidate.
    """
    height, width = logits.shape[-2:]
    # A cell counts if all of it is visible and lies on one surface: then its mean disparity means something.
    grown = (width * stride - disparity.shape[-1], height * stride - disparity.shape[-2])
    padding = (0, grown[0], 0, grown[1])
    depth = F.pad(disparity, padding, mode="replicate")
    lowest, highest = -F.max_pool2d(-depth, stride), F.max_pool2d(depth, stride)
    mask = -F.max_pool2d(-F.pad(visible, padding), stride) * (highest - lowest < stride)
    target = (F.avg_pool2d(depth, stride) / stride).clamp(0, logits.shape[1] - 1)
    below = target.floor().long().clamp(0, max(0, logits.shape[1] - 2))
    # The candidate right of the true one may lie outside the reference, where W is 0 and its logarithm is no
    # measure.
    mask = mask * (torch.arange(width, device=logits.device) + below + 1 < width)
    fraction = target - below
    log_weights = logits.log_softmax(dim=1)
    entropy = -(1 - fraction) * log_weights.gather(1, below) - fraction * log_weights.gather(
        1, (below + 1).clamp_max(logits.shape[1] - 1)
    )
    return (entropy * mask).sum() / mask.sum().clamp_min(1)


def chroma_loss(chroma: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean absolute error of chroma (B×2×H×W), each pixel weighted."""
    error = (chroma - truth).abs().mean(dim=1, keepdim=True)
    if weight is None:
        return error.mean()
    return (error * weight).sum() / weight.sum().clamp_min(1)


def smoothness_loss(volume: WeightVolume) -> Tensor:
    """Return L_smooth (paper, eq. 3): mean absolute difference of W between the 6 neighbours in three
    dimensions.

    Every pair of neighbours is met twice in the equation's double sum, hence the factor.
    """
    weights = volume.weights
    differences = [weights.diff(dim=dim).abs().sum() for dim in (1, 2, 3)]
    return 2 * torch.stack(differences).sum() / weights.numel()


def cycle_objective(cycle: Cycle, mono: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return (L_ss, L_cc, L_smooth) of a real pair (paper, eqs. 1 to 3); plain SSIM stands for the learned
    metric.

    Args:
        cycle: both passes of the pair.
        mono: B×1×H×W, 0 … 1.
        reference: B×3×H×W YCbCr, chroma centred.
    """
    structure = 1 - mean_inside(ssim_map(cycle.first.luma, mono, luminance=False)).mean()
    consistency = 1 - mean_inside(ssim_map(cycle.second.chroma + 0.5, reference[:, 1:] + 0.5)).mean()
    return structure, consistency, smoothness_loss(cycle.first.volume)
