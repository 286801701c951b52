"""Turn the authors' released weights (Keras HDF5) into a weights file of the `paper` preset:

python -m models.convert_released released_cycle_cnn.h5 released.safetensors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import ModelError, WeightsMismatch
from models.paper import RELEASED, PaperColorizer
from models.weights_io import Card, restore, save_weights

CARD: Card = {
    "preset": "paper",
    "config": asdict(RELEASED),
    "max_disparity": 48,
    "source": "released by the authors of the Cycle-CNN paper; MIT licence, © 2021 bupt-wx",
}


Layers = Mapping[str, Mapping[str, NDArray[np.float32]]]


def load_released(path: Path) -> PaperColorizer:
    """Return the authors' network, ready to run. Raises WeightsMismatch, and ModelError without h5py."""
    network = PaperColorizer(RELEASED)
    # Only the running counts of batches are missing in the file; they matter to no one.
    counts = {
        key: value for key, value in network.state_dict().items() if key.endswith("num_batches_tracked")
    }
    restore(network, {**counts, **convert(read_keras(path), path)}, path)
    return network.eval()


def read_keras(path: Path) -> Layers:
    """Return the arrays of a Keras HDF5 file by layer and by array ("kernel", "gamma", …)."""
    try:
        import h5py
    except ImportError as error:
        raise ModelError("Reading HDF5 weights needs h5py: run `pip install h5py`.") from error
    if not path.is_file():
        raise WeightsMismatch(f"{path}: no such weights file")
    layers: dict[str, dict[str, NDArray[np.float32]]] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            layer, _, array = name.rpartition("/")
            layers.setdefault(layer.rpartition("/")[2], {})[array.partition(":")[0]] = np.asarray(
                item, np.float32
            )

    try:
        with h5py.File(path) as file:
            file.visititems(collect)
    except (OSError, ValueError) as error:
        raise WeightsMismatch(f"{path}: not a whole HDF5 file ({error})") from error
    return layers


def convert(layers: Layers, path: Path) -> dict[str, Tensor]:
    """Return the state of `PaperColorizer(RELEASED)`. Raises WeightsMismatch that names a missing layer."""
    state: dict[str, Tensor] = {}
    for ours, conv, norm in _layer_names():
        try:
            state[f"{ours}.conv.weight"] = _kernel(layers[conv]["kernel"])
            state[f"{ours}.conv.bias"] = torch.from_numpy(layers[conv]["bias"])
            for key, theirs in _NORM_ARRAYS.items():
                state[f"{ours}.norm.{key}"] = torch.from_numpy(layers[norm][theirs])
        except KeyError as error:
            raise WeightsMismatch(
                f"{path}: not the released network: layer {conv} or {norm} lacks {error}"
            ) from error
    # The authors feed Cr, Cb, Y in 0 … 255, we Y, Cb, Cr in 0 … 1.
    state["appearance.0.conv.weight"] = state["appearance.0.conv.weight"].flip(1) * 255
    return state


_NORM_ARRAYS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def _layer_names() -> Iterator[tuple[str, str, str]]:
    """Yield our name of every layer and theirs of its convolution and its batch norm."""
    for i in range(4):
        yield f"appearance.{i}", f"AF{3 * i + 1}", f"AF{3 * i + 2}"
        yield f"geometry.{i}", f"GF{3 * i + 1}", f"GF{3 * i + 2}"
    for i in range(8):
        yield f"appearance.{4 + i}.first", f"AFres{i}1", f"AFres{i}2"
        yield f"appearance.{4 + i}.second", f"AFres{i}4", f"AFres{i}5"
    for i in range(3):
        yield f"unet.down1.{i}", f"Unet_down0conv{i + 1}1", f"Unet_down0conv{i + 1}2"
        yield f"unet.down2.{i}", f"Unet_down1conv{i + 1}1", f"Unet_down1conv{i + 1}2"
    for ours, theirs in (
        ("match", "conv1_"), ("full", "conv2_"), ("up2", "up0"), ("up1", "up1"), ("last", "last_"),
    ):  # fmt: skip
        yield f"unet.{ours}", f"Unet_{theirs}1", f"Unet_{theirs}2"


def _kernel(kernel: NDArray[np.float32]) -> Tensor:
    """Return a kernel in torch's order of axes, turned by 180° within the image.

    The authors turn both images by 180°, run the network, and turn the result back: turning the kernels comes
    to the same. Keras orders (candidate,) row, column, inputs, outputs; for transposed kernels outputs,
    inputs. torch has outputs first, for transposed kernels inputs first: so both are the same permutation.
    """
    axes = (-1, -2, *range(kernel.ndim - 2))
    return torch.from_numpy(kernel.transpose(axes).copy()).flip(-2, -1)


def main(argv: Sequence[str]) -> int:
    """Convert one file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.convert_released", description=__doc__.splitlines()[0]
    )
    parser.add_argument("source", type=Path, help="the authors' released_cycle_cnn.h5")
    parser.add_argument("target", type=Path, help="weights file to write, NAME.safetensors")
    args = parser.parse_args(argv)
    try:
        save_weights(args.target, {"colorizer": load_released(args.source)}, CARD)
    except (ModelError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"wrote {args.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
