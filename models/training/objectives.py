"""What the networks are trained to reach: with truth, by supervision; on real pairs, by the cycle.

Every loss is a mean over samples, so that n processes with b samples each minimise what one with n·b does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.colorizer import Cycle, WeightVolume
from models.errors import ModelError
from models.metrics import mean_inside, ssim_map
from models.structure import StructureNetwork, structure_loss
from models.training.config import LossConfig


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
    log_weights = logits.float().log_softmax(dim=1)
    entropy = -(1 - fraction) * log_weights.gather(1, below) - fraction * log_weights.gather(
        1, (below + 1).clamp_max(logits.shape[1] - 1)
    )
    return ((entropy * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp_min(1)).mean()


def chroma_loss(chroma: Tensor, truth: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean absolute error of chroma (B×2×H×W), each pixel weighted (B×1×H×W)."""
    error = (chroma.float() - truth).abs().mean(dim=1, keepdim=True)
    if weight is None:
        return error.mean()
    return ((error * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3)).clamp_min(1)).mean()


def squared_chroma_loss(chroma: Tensor, truth: Tensor) -> Tensor:
    """Return the mean square error of chroma (B×2×H×W): the L2 loss of the refiner (paper, "Color
    refinement").
    """
    return F.mse_loss(chroma.float(), truth)


def smoothness_loss(volume: WeightVolume) -> Tensor:
    """Return L_smooth (paper, eq. 3): mean absolute difference of W between the 6 neighbours in three
    dimensions.

    Every pair of neighbours is met twice in the equation's double sum, hence the factor.
    """
    weights = volume.weights.float()
    differences = [weights.diff(dim=dim).abs().sum() for dim in (1, 2, 3)]
    return 2 * torch.stack(differences).sum() / weights.numel()


def consistency_loss(chroma: Tensor, reference: Tensor) -> Tensor:
    """Return L_cc (paper, eq. 2): one minus the mean SSIM of Cb and Cr of R'_C and R_C, without the border.

    Args:
        chroma: of R'_C, B×2×H×W, centred.
        reference: R_C, B×3×H×W YCbCr.
    """
    return 1 - mean_inside(ssim_map(chroma + 0.5, reference[:, 1:] + 0.5)).mean()


def plain_structure_loss(luma: Tensor, mono: Tensor) -> Tensor:
    """Return one minus SSIM without its luminance term, of I_C's luma and I_G: Table 4's "SSIM as structure
    similarity loss", and what the authors' released code minimises.
    """
    return 1 - mean_inside(ssim_map(luma, mono, luminance=False)).mean()


class CycleObjective:
    """L = λ1·L_ss + λ2·L_cc + λ3·L_smooth (paper, eq. 4), with each loss as the configuration has it.

    Args:
        config: which losses, with which weights.
        structure: the learned metric, frozen, where `config.structure` is "learned".
    """

    def __init__(self, config: LossConfig, structure: StructureNetwork | None = None) -> None:
        self.config = config
        self.structure = structure

    def __call__(self, cycle: Cycle, mono: Tensor, reference: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Return L and its terms, unweighted, by name: those that are switched off are left out.

        Args:
            cycle: both passes of the pairs.
            mono: I_G, B×1×H×W, 0 … 1.
            reference: R_C, B×3×H×W YCbCr, chroma centred.
        """
        config = self.config
        terms: dict[str, tuple[float, Tensor]] = {}
        if config.structure != "none":
            terms["L_ss"] = (config.structure_weight, self._structure(cycle.first.luma, mono))
        if config.consistency == "ssim":
            consistency = consistency_loss(cycle.second.chroma, reference)
            terms["L_cc"] = (config.consistency_weight, consistency)
        elif config.consistency == "l1":
            consistency = chroma_loss(cycle.second.chroma, reference[:, 1:])
            terms["L_cc"] = (config.consistency_weight, consistency)
        if config.smoothness != "none":
            terms["L_smooth"] = (config.smoothness_weight, smoothness_loss(cycle.first.volume))
        if not terms:
            raise ModelError("structure, consistency and smoothness are all off: nothing is left to minimise")
        total = torch.stack([weight * loss for weight, loss in terms.values()]).sum()
        return total, {name: loss for name, (_, loss) in terms.items()}

    def _structure(self, luma: Tensor, mono: Tensor) -> Tensor:
        if self.config.structure == "learned":
            assert self.structure is not None, "the learned metric was not given"
            return structure_loss(self.structure.to(mono.device), mono, luma)
        if self.config.structure == "ssim":
            return plain_structure_loss(luma, mono)
        return (luma.float() - mono).abs().mean()
