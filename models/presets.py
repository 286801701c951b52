"""From a name or a weights file to networks that are ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from models.colorizer import Colorizer
from models.errors import WeightsMismatch
from models.live import LiveColorizer, LiveConfig
from models.paper import PaperColorizer, PaperConfig
from models.refiner import Refiner, RefinerConfig
from models.weights_io import WEIGHTS_DIR, Card, load_weights, restore

C = TypeVar("C")

_CONFIGS: dict[str, type[LiveConfig | PaperConfig]] = {"live": LiveConfig, "paper": PaperConfig}
PRESETS = tuple(_CONFIGS)
FINE = "+fine"
"""Ending of a model's name that asks for finer matching: `live+fine`, `weights.safetensors+fine`."""
_FINER_BUDGET = 8  # one stride finer: half of it in three dimensions


@dataclass(frozen=True, eq=False)
class Networks:
    """The networks of one weights file, in evaluation mode, on the CPU.

    `max_disparity` is the number of candidates that the weights were made for, None if any number will do.
    """

    name: str
    colorizer: Colorizer
    refiner: Refiner
    card: Card
    max_disparity: int | None

    def modules(self) -> tuple[nn.Module, nn.Module]:
        """Return both networks as modules."""
        assert isinstance(self.colorizer, nn.Module)
        return self.colorizer, self.refiner


def load_networks(model: str | Path) -> Networks:
    """Load a preset ("live", "paper") or a weights file, with or without `FINE`.

    A file without a refiner, such as the converted released network, is refined by the one of the live
    preset. Raises WeightsMismatch.
    """
    path = weights_path(model)
    card, states = load_weights(path)
    config = _read_config(card, path)
    if is_fine(model):
        if not isinstance(config, LiveConfig):
            raise WeightsMismatch(f"{model}: only the live preset has a stride that could be finer")
        config = replace(config, volume_budget=config.volume_budget * _FINER_BUDGET)
    colorizer = build_colorizer(config)
    if "colorizer" not in states:
        raise WeightsMismatch(f"{path}: holds no colorizer")
    restore(colorizer, states["colorizer"], path)
    if "refiner" in states:
        refiner = Refiner(_config(RefinerConfig, card.get("refiner", {}), path))
        restore(refiner, states["refiner"], path)
    else:
        refiner = load_networks("live").refiner
    return Networks(
        name=path.stem + (FINE if is_fine(model) else ""),
        colorizer=colorizer.eval(),
        refiner=refiner.eval(),
        card=card,
        max_disparity=card.get("max_disparity"),
    )


def weights_path(model: str | Path) -> Path:
    """Return the file behind a preset's name or a path, with or without `FINE`.

    Raises WeightsMismatch if it does not exist.
    """
    model = str(model).removesuffix(FINE)
    path = WEIGHTS_DIR / f"{model}.safetensors" if str(model) in PRESETS else Path(model)
    if path.is_file():
        return path
    if str(model) in PRESETS:
        raise WeightsMismatch(
            f"no weights of the {model} preset are here ({path}): use another --model, or a weights file"
        )
    raise WeightsMismatch(f"{model}: no such weights file (presets: {', '.join(PRESETS)})")


def is_fine(model: str | Path) -> bool:
    """Return whether a model's name asks for finer matching."""
    return str(model).endswith(FINE)


def build_colorizer(config: LiveConfig | PaperConfig) -> LiveColorizer | PaperColorizer:
    """Return the network of this shape, untrained."""
    return LiveColorizer(config) if isinstance(config, LiveConfig) else PaperColorizer(config)


def preset_of(config: LiveConfig | PaperConfig) -> str:
    """Return the name of the preset that a configuration belongs to."""
    return next(name for name, kind in _CONFIGS.items() if isinstance(config, kind))


def _read_config(card: Card, path: Path) -> LiveConfig | PaperConfig:
    kind = _CONFIGS.get(card.get("preset", ""))
    if kind is None:
        raise WeightsMismatch(
            f"{path}: made for preset {card.get('preset')!r}, known are {', '.join(PRESETS)}"
        )
    return _config(kind, card.get("config", {}), path)


def _config(kind: type[C], values: Mapping[str, Any], path: Path) -> C:
    try:
        return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
    except TypeError as error:
        raise WeightsMismatch(f"{path}: its card does not describe a {kind.__name__} ({error})") from error
