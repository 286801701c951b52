"""Weights on disk: safetensors with the card in the file's metadata, and the same card as readable JSON
beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from models.errors import WeightsMismatch

Card = dict[str, Any]

WEIGHTS_DIR = Path(__file__).parent / "weights"


def save_weights(path: Path, modules: Mapping[str, nn.Module], card: Card) -> None:
    """Write the modules' states, each under its name, and the card; atomically.

    The card says at least `preset` and `config`, from which the networks can be built again. It is stored in
    the file and, with the file's SHA-256, as `NAME.json` beside it.
    """
    # Imported here, so that training runs, and keeps checkpoints, where safetensors is not installed.
    from safetensors.torch import save_file

    tensors = {
        f"{name}.{key}": value.contiguous().cpu()
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file(tensors, temporary, metadata={"card": json.dumps(card)})
    temporary.replace(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(
        json.dumps({**card, "sha256": digest}, indent=2) + "\n", encoding="utf-8"
    )


def load_weights(path: Path) -> tuple[Card, dict[str, dict[str, Tensor]]]:
    """Return the card and the states by module name. Raises WeightsMismatch if the file is missing, broken or
    foreign.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsMismatch(f"{path}: no such weights file")
    try:
        with safe_open(path, framework="pt") as file:
            card = json.loads((file.metadata() or {})["card"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise WeightsMismatch(f"{path}: not a weights file of this app ({error})") from error
    states: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        module, _, name = key.partition(".")
        states.setdefault(module, {})[name] = value
    return card, states


def restore(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Put a state into a module, all of it and nothing else. Raises WeightsMismatch that names what does not
    fit.
    """
    try:
        module.load_state_dict(dict(state), strict=True)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[1:2]
        raise WeightsMismatch(
            f"{path}: does not fit {type(module).__name__}: {' '.join(first).strip()}"
        ) from error
