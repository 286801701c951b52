"""Recipes on disk: TOML to `Recipe` and back, checked key by key."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from models.errors import ModelError
from models.live import LiveConfig
from models.paper import PaperConfig
from models.training.config import Recipe, Stage

RECIPES_DIR = Path(__file__).parent / "recipes"
Document = dict[str, Any]


def read_recipe(name: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Return a recipe that ships, by name, or of a TOML file, with keys replaced.

    A file may name another one as its `base`, a name or a path beside it, and change only what differs.

    Args:
        name: "live", "paper", … or a path.
        overrides: each "TABLE.KEY=VALUE", the value as in TOML; words need no quotes.

    Raises:
        ModelError: no such file, not TOML, a key or a value that does not exist; names file and key.
    """
    path = _recipe_path(name, Path())
    document = _load(path)
    for override in overrides:
        _merge(document, _parse_override(override))
    return recipe_from(document, path.name)


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that ship."""
    return tuple(sorted(path.stem for path in RECIPES_DIR.glob("*.toml")))


def recipe_from(document: Mapping[str, Any], source: str) -> Recipe:
    """Check a document and return the recipe. Raises ModelError that names `source` and the key."""
    networks = {"live": LiveConfig, "paper": PaperConfig}
    kind = networks.get(document.get("preset", Recipe.preset), PaperConfig)
    if kind is LiveConfig and "network" not in document:
        document = {**document, "network": {}}
    recipe: Recipe = _table(Recipe, document, "", source, {"network": kind})
    return recipe


def resolved(recipe: Recipe, stage: Stage) -> Document:
    """Return everything that a stage depends on, with all defaults, as plain lists, numbers and words."""
    document: Document = dataclasses.asdict(recipe)
    common = ["preset", "seed", "held_out", "held_out_names", "data_licence", "network"]
    if stage != "structure":  # which knows nothing of a refiner
        common.append("refiner_network")
    plain: Document = _plain({key: document[key] for key in (*common, stage)})
    return plain


def difference(old: Document, new: Document, prefix: str = "") -> str | None:
    """Return the first key of `old` (with its tables) that has another value in `new`, None if there is none.

    Keys that only `new` has are of a later version, and at their defaults.
    """
    for key in sorted(old):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            if found := difference(before, after, f"{prefix}{key}."):
                return found
        elif before != after:
            return f"{prefix}{key}"
    return None


def _recipe_path(name: str | Path, beside: Path) -> Path:
    shipped = RECIPES_DIR / f"{name}.toml"
    if shipped.is_file():
        return shipped
    path = beside / name
    if not path.is_file():
        raise ModelError(f"{name}: no such recipe (shipped: {', '.join(recipe_names())}; or a TOML file)")
    return path


def _load(path: Path, users: tuple[Path, ...] = ()) -> Document:
    """Return a file's document over that of its base; `users` are the files that led here."""
    try:
        document = tomllib.loads(path.read_bytes().decode())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a TOML file ({error})") from error
    base = document.pop("base", None)
    if base is None:
        return document
    found = _recipe_path(base, path.parent)
    above = (*users, path.resolve())
    if found.resolve() in above:
        raise ModelError(f"{path}: its base {base} is based on it")
    whole = _load(found, above)
    _merge(whole, document)
    return whole


def _merge(document: Document, changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(document.get(key), dict):
            _merge(document[key], value)
        else:
            document[key] = value


def _parse_override(text: str) -> Document:
    key, separator, word = text.partition("=")
    if not separator or not key.strip():
        raise ModelError(f"--set {text}: write TABLE.KEY=VALUE")
    try:
        value = tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        value = word.strip()
    nested: Any = value
    for part in reversed(key.strip().split(".")):
        nested = {part: nested}
    return dict(nested)


def _table(kind: type[Any], table: object, where: str, source: str, kinds: Mapping[str, Any]) -> Any:
    """Return a dataclass of a table; `kinds` replaces the types of keys that do not say enough."""
    if not isinstance(table, Mapping):
        raise ModelError(f"{source}: {where.rstrip('.')} must be a table")
    hints = {**get_type_hints(kind), **kinds}
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise ModelError(f"{source}: unknown key {where}{key} (known: {', '.join(hints)})")
        values[key] = _value(hints[key], value, f"{where}{key}", source)
    try:
        return kind(**values)
    except TypeError as error:  # a key without a default
        raise ModelError(f"{source}: {where.rstrip('.')}: {error}") from error


def _value(hint: Any, value: object, where: str, source: str) -> Any:
    """Return a value as the type asks for."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _table(hint, value, f"{where}.", source, {})
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in options:
            raise ModelError(f"{source}: {where} must be one of {', '.join(options)}, not {value!r}")
        return value
    if origin is tuple:
        return _tuple(options, value, where, source)
    if origin in (Union, UnionType):
        raise TypeError(f"{where}: cannot choose between {options}")
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise ModelError(f"{source}: {where} must be of type {hint.__name__}, not {value!r}")
    return value


def _tuple(options: tuple[Any, ...], value: object, where: str, source: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ModelError(f"{source}: {where} must be a list, not {value!r}")
    kinds = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
    if len(kinds) != len(value):
        raise ModelError(f"{source}: {where} must have {len(kinds)} entries, not {len(value)}")
    return tuple(
        _value(kind, item, f"{where}[{i}]", source)
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
