"""What a run leaves on disk: checkpoints, its configuration, and its origin, all of it atomically."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.errors import ModelError
from models.training.recipe_files import Document, difference

log = logging.getLogger(__name__)

State = dict[str, Any]


@dataclass(frozen=True)
class Provenance:
    """Where weights came from.

    Attributes:
        config: the resolved configuration of the stage.
        data: what it was trained on; kind → description, with hashes of names and content.
    """

    config: Document
    data: dict[str, str]

    def as_card(self) -> dict[str, object]:
        """Return what goes into the card of the weights."""
        licence = self.config.get("data_licence", "not stated")
        return {
            "training": self.config,
            "data": self.data,
            "data_licence": licence,
            "git_commit": git_commit(),
        }

    def write(self, folder: Path) -> None:
        """Write `config.toml`: the configuration, with data and commit in a table of their own."""
        try:
            import tomli_w
        except ModuleNotFoundError:
            log.warning("tomli_w is not installed: no config.toml; the configuration is in the card")
            return
        whole = {**self.config, "origin": {"git_commit": git_commit(), "data": self.data}}
        write_atomically(folder / "config.toml", tomli_w.dumps(whole).encode())

    def check(self, folder: Path) -> None:
        """Compare with the `config.toml` of the run in the folder, if there is one.

        Raises ModelError if this is another configuration or other data: going on would mix two runs.
        """
        path = folder / "config.toml"
        if not path.is_file():
            return
        try:
            written = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ModelError(f"{path}: damaged ({error})") from error
        data = written.pop("origin", {}).get("data", {})
        changed = difference(written, self.config) or difference(
            {**dict.fromkeys(self.data), **data}, self.data, "data."
        )
        if changed:
            raise ModelError(
                f"{folder} holds a run with another {changed}: use the same settings to go on, "
                "or another --out to start afresh"
            )


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is whole or the old one at any moment."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def save_checkpoint(path: Path, state: State) -> None:
    """Write a checkpoint; a kill at any moment leaves this one or the last one whole."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def load_checkpoint(path: Path) -> State:
    """Return a checkpoint, on the CPU. Raises ModelError if it cannot be read."""
    try:
        state: State = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load lets through whatever the unpickler or the zip reader raises
        raise ModelError(f"{path}: damaged checkpoint; remove it to start afresh ({error})") from error
    return state


def save_batch(path: Path, batch: object, step: int) -> None:
    """Write the tensors of a batch, by the names of its fields, so that `torch.load` needs no class for
    it.
    """
    if dataclasses.is_dataclass(batch):
        fields = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    elif isinstance(batch, dict):
        fields = batch
    else:
        fields = {
            str(i): item for i, item in enumerate(batch if isinstance(batch, list | tuple) else [batch])
        }
    tensors = {name: value.cpu() for name, value in fields.items() if isinstance(value, Tensor)}
    save_checkpoint(path, {"step": step, "batch": tensors})


def git_commit() -> str:
    """Return the commit of the code, with a mark if files differ from it; empty outside of a repository."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    return ""
