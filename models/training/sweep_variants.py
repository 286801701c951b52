"""Designs of the live network to compare: the default, and one knob changed at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.colorizer import ColorizerOutput
from models.errors import ModelError
from models.layout import prefer_channels_last
from models.live import EncodedPair, LiveColorizer, LiveConfig
from models.live_layers import Aggregation
from models.refiner import RefinerConfig

FLAT_CANDIDATES = 32
"""Candidates of the matching grid that the 2-D aggregation has channels for: 128 px at stride 4."""
_FLAT_WIDTHS = (64, 96)  # of the 2-D aggregation, at half and a quarter of the matching resolution
_CONCATENATED = 8  # channels of each image in a concatenation volume


class NoDetailColorizer(LiveColorizer):
    """Detail costs nothing on the chroma grid. The term is still computed: times are those of the default."""

    def _detail_weight(self, pair: EncodedPair) -> Tensor:
        return torch.zeros_like(super()._detail_weight(pair))


class _CoarsePair(EncodedPair):
    """A pair whose chroma grid is the matching grid."""

    @property
    def grid(self) -> int:
        return self.stride


class CoarseChromaColorizer(LiveColorizer):
    """Averages the reference on the matching grid, at half the default's resolution."""

    def encode(
        self, luma: Tensor, reference_luma: Tensor, max_disparity: int, offset: int, stride: int
    ) -> EncodedPair:
        """Encode as the default does, with the detail of the coarser grid."""
        pair = super().encode(luma, reference_luma, max_disparity, offset, stride)
        parts = {part.name: getattr(pair, part.name) for part in fields(pair)}
        if stride > 1:
            for name in ("own_detail", "other_detail"):
                parts[name] = F.avg_pool2d(parts[name], 2)
        return _CoarsePair(**parts)

    def colorize(self, pair: EncodedPair, reference: Tensor) -> ColorizerOutput:
        """Average at once: the volume is an eighth of the default's."""
        return self.average(pair, self.grid_logits(pair, self.matching_logits(pair)), reference)

    def grid_logits(self, pair: EncodedPair, logits: Tensor) -> Tensor:
        """Let the detail have its say where the logits are: a cell is the pixel of this grid."""
        return super().grid_logits(replace(pair, stride=1, max_disparity=pair.candidates), logits)


class ConcatenationColorizer(LiveColorizer):
    """Lays features of both images side by side instead of multiplying them, as the paper does."""

    def __init__(self, config: LiveConfig | None = None) -> None:
        super().__init__(config)
        self.aggregation = Aggregation(replace(self.config, groups=2 * _CONCATENATED))
        nn.init.zeros_(self.aggregation.mix)  # a sum of features says nothing of how alike they are
        self.compress = nn.Conv2d(self.config.feature_channels, _CONCATENATED, 1)
        prefer_channels_last(self)

    def matching_logits(self, pair: EncodedPair) -> Tensor:
        """Return the aggregated logits on the features' grid: B×D×h×w."""
        candidates, width = -(-pair.max_disparity // pair.stride), pair.own.shape[-1]
        own = self.compress(pair.own).movedim(1, -1)
        other = F.pad(self.compress(pair.other), (0, candidates - 1)).movedim(1, -1)
        # Channels last, as the convolutions that follow want it.
        slices = [torch.cat([own, other[:, :, k : k + width]], dim=-1) for k in range(candidates)]
        volume = torch.stack(slices, dim=1).movedim(-1, 1)
        logits: Tensor = (
            self.aggregation(volume, pair.own) * self.sharpness[0 if pair.stride == 1 else 1].exp()
        )
        return logits


class FlatAggregation(nn.Module):
    """A 2-D hourglass with a channel for every candidate: B×G×D×h×w → B×D×h×w, D at most 32.

    What it learns of one candidate it does not know of the next.
    """

    def __init__(self, config: LiveConfig) -> None:
        super().__init__()
        half, quarter = _FLAT_WIDTHS
        self.mix = nn.Parameter(torch.full((config.groups,), 10.0 / config.groups))
        self.context = nn.Conv2d(config.feature_channels, half, 4, stride=2, padding=1)
        self.down1 = nn.Sequential(
            nn.Conv2d(FLAT_CANDIDATES, half, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(half)
        )
        self.conv1 = _conv(half, half)
        self.down2 = _conv(half, quarter, kernel=4, stride=2)
        self.conv2 = nn.Sequential(_conv(quarter, quarter), _conv(quarter, quarter))
        self.up = nn.Sequential(nn.Conv2d(quarter, half, 1, bias=False), nn.BatchNorm2d(half))
        self.conv3 = _conv(half, half)
        self.score = nn.Conv2d(half, FLAT_CANDIDATES, 3, padding=1)

    def forward(self, correlations: Tensor, features: Tensor) -> Tensor:
        """Return the logits. Raises ModelError for more candidates than there are channels."""
        mixed = torch.einsum("bgdhw,g->bdhw", correlations, self.mix)
        candidates = mixed.shape[1]
        if candidates > FLAT_CANDIDATES:
            raise ModelError(f"2-D aggregation has {FLAT_CANDIDATES} candidates, not {candidates}")
        volume = F.pad(mixed, (0, 0, 0, 0, 0, FLAT_CANDIDATES - candidates))
        level1 = self.conv1(F.relu_(self.down1(volume) + self.context(features)))
        level2 = self.conv2(self.down2(level1))
        level1 = self.conv3(F.relu_(level1 + _doubled(self.up(level2))))
        return mixed + _doubled(self.score(level1))[:, :candidates]


class FlatColorizer(LiveColorizer):
    """Aggregates in two dimensions."""

    def __init__(self, config: LiveConfig | None = None) -> None:
        super().__init__(config)
        aggregation: Any = FlatAggregation(self.config)
        self.aggregation = aggregation
        prefer_channels_last(self)


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _doubled(image: Tensor) -> Tensor:
    return F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)


@dataclass(frozen=True)
class Variant:
    """One design.

    Attributes:
        name: of its folder.
        knob: what is changed.
        value: to what.
        config: of the colorizer.
        network: its class.
        refiner: of the refiner.
        trains: which network is compared; the refiner is trained behind the default colorizer.
        weights_of: variant whose weights serve, because they do not depend on this knob; None to train.
        seed: of the first weights.
    """

    name: str
    knob: str
    value: str
    config: LiveConfig = field(default_factory=LiveConfig)
    network: type[LiveColorizer] = LiveColorizer
    refiner: RefinerConfig = field(default_factory=RefinerConfig)
    trains: Literal["colorizer", "refiner"] = "colorizer"
    weights_of: str | None = None
    seed: int = 0

    @property
    def label(self) -> str:
        """Return what to write beside its point."""
        return self.knob if not self.value else f"{self.knob} {self.value}"

    @property
    def timed_as(self) -> str:
        """Return the name of the first variant with the same networks: training changes no time."""
        own = (self.config, self.network, self.refiner)
        return next(v.name for v in VARIANTS if (v.config, v.network, v.refiner) == own)


_SMALL_REFINER = RefinerConfig((8, 16, 24, 24, 24), (16, 8, 4, 2, 1))
_LARGE_REFINER = RefinerConfig((24, 48, 64, 64, 64), (16, 8, 4, 2, 1, 8, 4, 2, 1, 8, 4, 2, 1))

# Budgets that give these strides both at 1024×780 with 128 candidates and at 640×480 with 96.
_BUDGET_OF_STRIDE = {2: 13_000_000, 8: 250_000}

VARIANTS: tuple[Variant, ...] = (
    Variant("default", "default", ""),
    Variant("seed-1", "default,", "other seed", seed=1),
    Variant("refiner-default", "refiner", "default", trains="refiner"),
    Variant("flat", "aggregation", "2-D", network=FlatColorizer),
    Variant("concatenation", "volume", "concatenated", network=ConcatenationColorizer),
    Variant("no-detail", "detail term", "off", network=NoDetailColorizer),
    Variant("coarse-chroma", "chroma grid", "= matching grid", network=CoarseChromaColorizer),
    Variant("stride-2", "stride", "2", LiveConfig(volume_budget=_BUDGET_OF_STRIDE[2]), weights_of="default"),
    Variant("stride-8", "stride", "8", LiveConfig(volume_budget=_BUDGET_OF_STRIDE[8]), weights_of="default"),
    Variant("volume-8-16", "volume width", "8, 16", LiveConfig(volume_channels=(8, 16))),
    Variant("volume-24-48", "volume width", "24, 48", LiveConfig(volume_channels=(24, 48))),
    Variant("features-16", "feature width", "16", LiveConfig(feature_channels=16)),
    Variant("features-48", "feature width", "48", LiveConfig(feature_channels=48)),
    Variant("blocks-1", "feature blocks", "1", LiveConfig(feature_blocks=1)),
    Variant("blocks-5", "feature blocks", "5", LiveConfig(feature_blocks=5)),
    Variant("groups-4", "groups", "4", LiveConfig(groups=4)),
    Variant("groups-16", "groups", "16", LiveConfig(groups=16)),
    Variant("refiner-small", "refiner", "small", refiner=_SMALL_REFINER, trains="refiner"),
    Variant("refiner-large", "refiner", "large", refiner=_LARGE_REFINER, trains="refiner"),
)
