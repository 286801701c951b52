"""What is known of the pairs of a folder besides their images: `pairs.json`, which exports write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.data.image_files import LARGEST_PX
from models.errors import ModelError

KNOWN_NAME = "pairs.json"
_MOST_BYTES = 256 << 20
_LONGEST_SCENE = 500


@dataclass(frozen=True)
class KnownPair:
    """Of one pair: the scene it shows, and the number of disparities that covers it; None where unknown."""

    scene: str | None = None
    max_disparity: int | None = None


def read_known(folder: Path) -> Mapping[str, KnownPair]:
    """Return what is known of pairs, by name; empty if the folder has no `pairs.json`.

    Raises ModelError that names the file and the key.
    """
    path = folder / KNOWN_NAME
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{path} is larger than {_MOST_BYTES >> 20} MiB")
        document = json.loads(path.read_bytes().decode())
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path} must hold an object: what is known by the name of the pair")
    return {name: _known_pair(values, f"{path}: {name[:80]}") for name, values in document.items()}


def dump_known(known: Mapping[str, KnownPair]) -> str:
    """Return the text of `pairs.json`."""
    values = {
        name: {key: value for key, value in vars(pair).items() if value is not None}
        for name, pair in known.items()
    }
    return json.dumps(values, indent=0) + "\n"


def _known_pair(values: object, where: str) -> KnownPair:
    if not isinstance(values, dict):
        raise ModelError(f"{where} must be an object")
    if unknown := sorted(values.keys() - {"scene", "max_disparity"}):
        raise ModelError(f"{where}: {unknown[0][:80]} is not a known key")
    scene, count = values.get("scene"), values.get("max_disparity")
    if scene is not None and (not isinstance(scene, str) or not 0 < len(scene) <= _LONGEST_SCENE):
        raise ModelError(f"{where}: scene must be a text")
    if count is not None and (
        isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= LARGEST_PX
    ):
        raise ModelError(f"{where}: max_disparity must be a whole number from 1 to {LARGEST_PX}")
    return KnownPair(scene, count)
