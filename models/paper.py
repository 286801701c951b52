"""The `paper` preset: full-resolution features, concatenation volume, 3-D U-Net (paper, Fig. 6).

Layer for layer the network that the authors released (exactly so with `RELEASED`), but written to need less:
the volume of concatenated features is never built, batch norms are folded into convolutions, and large images
are worked off in bands of rows. None of that changes a result.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from models.colorizer import ColorizerOutput, SecondPass, WeightVolume, average_candidates, read_volume
from models.paper_layers import NormedConv2d, Residual, UNet

STRIDE = 4
"""The U-Net halves rows, columns and candidates twice."""
HALO = 24
"""Rows of input that a row of the U-Net's output depends on, on each side; a multiple of STRIDE."""
VOXELS_AT_ONCE = 12_000_000
"""Size of a band of rows in voxels (rows × columns × candidates): bounds the memory without gradients."""


@dataclass(frozen=True)
class PaperConfig:
    """Shape and conventions of the network.

    Attributes:
        filters: n, the number of feature maps; the paper uses 16, the released network 8.
        geometry: feed two maps more, the distances to the nearer horizontal and vertical border.
        first_candidate: candidate 0 of pixel x is reference pixel x + first_candidate (plus the offset).
        chroma_centre: what neutral chroma is for the features; 128 / 255 in the released network.
        black_outside: candidates outside the reference count as Y = Cb = Cr = 0 (a vivid green) instead of
            having the colour of the nearest pixel inside.
        averaged_luma, guided_in_color: see `models.colorizer.SecondPass`.
    """

    filters: int = 8
    geometry: bool = False
    first_candidate: int = 0
    chroma_centre: float = 0.0
    black_outside: bool = False
    averaged_luma: bool = True
    guided_in_color: bool = False


RELEASED = PaperConfig(
    filters=8,
    geometry=True,
    first_candidate=1,
    chroma_centre=128 / 255,
    black_outside=True,
    guided_in_color=True,
)
"""What the authors' released weights expect."""


class PaperColorizer(nn.Module):
    """M of the paper, a `models.colorizer.Colorizer`: any height and width, any number of candidates."""

    def __init__(self, config: PaperConfig | None = None) -> None:
        super().__init__()
        self.config = config or PaperConfig()
        n = self.config.filters
        self.appearance = nn.Sequential(
            NormedConv2d(3, n, 5),
            *(NormedConv2d(n, n, 3) for _ in range(3)),
            *(Residual(n) for _ in range(8)),
        )
        self.geometry = (
            nn.Sequential(
                NormedConv2d(2, n, 5), NormedConv2d(n, n, 3), NormedConv2d(n, n, 3), NormedConv2d(n, 2, 3)
            )
            if self.config.geometry
            else None
        )
        self.unet = UNet(2 * (n + 2 if self.config.geometry else n), n)

    @property
    def second_pass(self) -> SecondPass:
        """How to feed the second pass."""
        return SecondPass(self.config.averaged_luma, self.config.guided_in_color)

    def forward(
        self, luma: Tensor, reference: Tensor, max_disparity: int, offset: int = 0
    ) -> ColorizerOutput:
        """Colorize; arguments and result as in `Colorizer.__call__`."""
        height, width = luma.shape[-2:]
        start = offset + self.config.first_candidate
        depth = _round_up(max_disparity)
        guide = self.features(luma)
        candidates = _from_column(self.features(reference), start - 1, guide.shape[-1] + depth + 1)
        if torch.is_grad_enabled() or self.training:
            logits = self.unet(guide, candidates)
        else:
            logits = self._in_bands(guide, candidates)
        logits = logits[:, :max_disparity, :height, :width].float()
        weights = logits.softmax(dim=1)
        log_total, disparity, entropy = read_volume(weights, logits, 1, start)
        volume = WeightVolume(
            logits, log_total, 1, max_disparity, start, black_outside=self.config.black_outside
        )
        y, chroma = self._average(weights, reference.float(), start)
        return ColorizerOutput(chroma, y, disparity, entropy, volume.peak()[0].unsqueeze(1), volume)

    def features(self, image: Tensor) -> Tensor:
        """Return features, B×C×H'×W', of B×1×H×W luma or B×3×H×W YCbCr; H' and W' are multiples of 4."""
        if image.shape[1] == 1:
            image = torch.cat([image, image.new_zeros(image.shape).expand(-1, 2, -1, -1)], dim=1)
        if self.config.chroma_centre:
            image = torch.cat([image[:, :1], image[:, 1:] + self.config.chroma_centre], dim=1)
        height, width = image.shape[-2:]
        image = pad(image, (0, _round_up(width) - width, 0, _round_up(height) - height), mode="replicate")
        features: Tensor = self.appearance(image)
        if self.geometry is None:
            return features
        geometry: Tensor = self.geometry(_border_distances(image))
        return torch.cat([features, geometry.expand(len(image), -1, -1, -1)], dim=1)

    def _in_bands(self, guide: Tensor, candidates: Tensor) -> Tensor:
        """Return the logits, computed in bands of rows that overlap by what the rows in them depend on."""
        height, width = guide.shape[-2:]
        depth = candidates.shape[-1] - width - 1
        rows = max(_round_up(VOXELS_AT_ONCE // (width * depth * len(guide))) - 2 * HALO, STRIDE)
        if height <= rows + 2 * HALO:
            whole: Tensor = self.unet(guide, candidates)
            return whole
        logits = guide.new_empty(len(guide), depth, height, width)
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            above, below = max(top - HALO, 0), min(bottom + HALO, height)
            band = self.unet(guide[..., above:below, :], candidates[..., above:below, :])
            logits[:, :, top:bottom] = band[:, :, top - above : bottom - above]
        return logits

    def _average(self, weights: Tensor, reference: Tensor, start: int) -> tuple[Tensor, Tensor]:
        """Return luma and chroma of the weighted average over the candidates."""
        depth, width = weights.shape[1], weights.shape[-1]
        columns = width + depth - 1
        if self.config.black_outside:
            levels = torch.cat([reference[:, :1], reference[:, 1:] + 128 / 255], dim=1)
            average = average_candidates(weights, _from_column(levels, start, columns))
            return average[:, :1], average[:, 1:] - 128 / 255
        inside = (torch.arange(columns, device=reference.device) + start).clamp(0, width - 1)
        average = average_candidates(weights, reference[..., inside])
        return average[:, :1], average[:, 1:]


def _round_up(size: int) -> int:
    return size + -size % STRIDE


def _from_column(image: Tensor, first: int, columns: int) -> Tensor:
    """Return the columns first … first + columns − 1 of an image; those outside of it are zero."""
    inside = image[..., max(first, 0) : max(first + columns, 0)]
    left = min(max(-first, 0), columns)
    return pad(inside, (left, columns - left - inside.shape[-1]))


def _border_distances(image: Tensor) -> Tensor:
    """Return 1×2×H×W: distances to the nearer horizontal border, over H − 1, and vertical one, over W − 1."""
    rows, columns = (
        torch.linspace(0, 1, size, device=image.device, dtype=image.dtype) for size in image.shape[-2:]
    )
    vertical, horizontal = (torch.minimum(distance, 1 - distance) for distance in (rows, columns))
    size = (len(vertical), len(horizontal))
    return torch.stack([vertical[:, None].expand(size), horizontal.expand(size)])[None]
