"""Everything that can be judged, by name: the networks, any weights file, and systems without a network here.

A system joins with one function, luma and reference in, chroma and confidence out (`OnePass`), and a line in
`ONE_PASS`; the second pass and the pictures are made here, the same for all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from models import bench, color
from models.data.pairs import unit
from models.engine import Colorization, Device, Engine, SearchRange
from models.errors import ModelError, WeightsMismatch
from models.evaluation import peers
from models.evaluation.peers import Colors
from models.presets import FINE, is_fine, weights_path

Image = NDArray[np.uint8] | NDArray[np.uint16]
Rgb8 = NDArray[np.uint8]
FloatImage = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a method says of a pair, as a user would get it.

    Attributes:
        first_pass: H×W×3 uint8 RGB, I_C with the mono luma.
        second_pass: H×W×3 uint8 RGB, R'_C with the reference's luma, aligned with the reference.
        confidence: H×W float32, 0 … 1, of the first pass.
        refined: H×W×3 uint8 RGB, I*_C; None if the method refines nothing.
        warped_luma: H×W uint8, the reference's luma taken from where the colours came; None if unknown.
        disparity: H×W float32 px, NaN where the colour came from no one place; None if unknown.
        return_error: H×W float32 px, how far the way there and back misses its start; None if unknown.
    """

    first_pass: Rgb8
    second_pass: Rgb8
    confidence: FloatImage
    refined: Rgb8 | None = None
    warped_luma: NDArray[np.uint8] | None = None
    disparity: FloatImage | None = None
    return_error: FloatImage | None = None


class Method(Protocol):
    """Something that colorizes pairs."""

    @property
    def name(self) -> str:
        """Return what tables call it."""

    @property
    def fingerprint(self) -> str:
        """Return what changes when its results may: predictions of another fingerprint are of no use."""

    @property
    def candidates(self) -> int | None:
        """Return the number of candidates it is bound to, None if any will do. Only after `load`."""

    def member_for(self, pair_name: str) -> Method | None:
        """Return what colorizes this pair: itself (of `Folds`, see there)."""

    def load(self) -> None:
        """Get ready. Raises ModelError."""

    def colorize(self, mono: Image, reference: Image, search: SearchRange) -> Prediction:
        """Colorize H×W mono from H×W×3 RGB reference, both passes. Raises ModelError."""


class OnePass(Protocol):
    """The small interface for systems that know one direction only: see `peers.match_and_fill`."""

    def __call__(self, luma: FloatImage, reference: FloatImage, search: SearchRange) -> Colors:
        """Return the colours of every pixel of luma (H×W, 0 … 1) from the reference (H×W×3 YCbCr)."""


FLOOR = "copy"
"""Doing nothing: what every contestant has to beat. It is no contestant: its cycle is perfect."""

ONE_PASS: dict[str, OnePass] = {
    "sgbm": partial(peers.match_and_fill, peers.match_sgbm),
    "dis": partial(peers.match_and_fill, peers.match_dis),
    FLOOR: peers.copy_colors,
}
"""The registry of systems that are functions."""


class TwoPass:
    """A method made of one that knows one direction: the second pass is the first one, mirrored."""

    candidates = None

    def __init__(self, name: str, one_pass: OnePass, version: str) -> None:
        self.name, self.fingerprint, self._one_pass = name, version, one_pass

    def member_for(self, pair_name: str) -> Method:
        """Return itself."""
        del pair_name
        return self

    def load(self) -> None:
        """Nothing to do."""

    def colorize(self, mono: Image, reference: Image, search: SearchRange) -> Prediction:
        """Colorize; see `Method.colorize`. The second pass sees I_C with the mono luma."""
        luma = unit(mono)
        y, chroma = color.split(torch.from_numpy(unit(reference)).movedim(-1, 0))
        ycc = torch.cat([y, chroma]).movedim(0, -1).contiguous().numpy()
        # A mirrored rig is the usual one in a mirror; the second pass is the first one in a mirror.
        forth, back = (-1, 1) if search.mirrored else (1, -1)
        straight = replace(search, mirrored=False)
        first = self._one_pass(_turn(luma, forth), _turn(ycc, forth), straight)
        first_chroma = _turn(first.chroma, forth)
        colored = np.dstack([luma, first_chroma])
        second = self._one_pass(_turn(ycc[..., 0], back), _turn(colored, back), straight)
        return Prediction(
            first_pass=_picture(luma, first_chroma),
            second_pass=_picture(ycc[..., 0], _turn(second.chroma, back)),
            confidence=_turn(first.confidence, forth),
            warped_luma=None if first.luma is None else _levels(_turn(first.luma, forth)),
            disparity=None if first.disparity is None else _turn(first.disparity, forth),
        )


class NetworkMethod:
    """A weights file, run by the app's own engine.

    A file without a refiner is judged without: the engine would lend it another's.

    Attributes:
        held_out: names of the pairs that its training left out, as its card says.
    """

    def __init__(self, name: str, model: str, device: Device = "auto") -> None:
        self.name = name
        weights = weights_path(model)
        self.fingerprint = hashlib.sha256(weights.read_bytes() + FINE.encode() * is_fine(model)).hexdigest()
        self._engine = Engine(model, device)
        self._refines, self._is_foreign, self.held_out = _read_head(weights)

    @property
    def candidates(self) -> int | None:
        """Return the number of candidates that the weights were made for."""
        return self._engine.max_disparity

    def member_for(self, pair_name: str) -> Method:
        """Return itself."""
        del pair_name
        return self

    def load(self) -> None:
        """Load the weights."""
        self._engine.load()

    def colorize(self, mono: Image, reference: Image, search: SearchRange) -> Prediction:
        """Colorize; see `Method.colorize`."""
        return self.prediction_of(self.explain(mono, reference, search))

    def explain(self, mono: Image, reference: Image, search: SearchRange) -> Colorization:
        """Colorize, and keep W and every map."""
        # The released network is run as its authors do.
        return self._engine.colorize(mono, reference, search, align_rows=not self._is_foreign)

    def prediction_of(self, result: Colorization) -> Prediction:
        """Return what is kept of a result."""
        return Prediction(
            first_pass=result.first_pass,
            second_pass=result.second_pass,
            confidence=result.confidence,
            refined=result.refined if self._refines else None,
            warped_luma=result.warped_luma,
            disparity=result.disparity,
            return_error=result.return_error,
        )


class Folds:
    """Networks of one kind, trained on different parts of the data: each is judged on what it never saw.

    It only hands out its members, which carry its name.
    """

    def __init__(self, name: str, members: Sequence[NetworkMethod]) -> None:
        self.name, self._members = name, members
        self.fingerprint = hashlib.sha256("".join(m.fingerprint for m in members).encode()).hexdigest()

    def member_for(self, pair_name: str) -> Method | None:
        """Return the first member whose training left the pair out."""
        return next((member for member in self._members if pair_name in member.held_out), None)


class Judged:
    """A network whose second pass another one makes: one judge for all, of what their colours are worth.

    A network that blurs, or copies, finds its own way back best of all; a judge that matches well does not.
    """

    def __init__(self, method: Method, judge: Method) -> None:
        self.name, self._method, self._judge = method.name, method, judge
        both = f"{method.fingerprint} {judge.fingerprint}"
        self.fingerprint = hashlib.sha256(both.encode()).hexdigest()

    @property
    def candidates(self) -> int | None:
        """Return the number of candidates that the network is bound to."""
        return self._method.candidates

    def member_for(self, pair_name: str) -> Method:
        """Return itself."""
        del pair_name
        return self

    def load(self) -> None:
        """Load both."""
        self._method.load()
        self._judge.load()

    def colorize(self, mono: Image, reference: Image, search: SearchRange) -> Prediction:
        """Colorize; see `Method.colorize`. The judge colours the reference's luma from the first pass."""
        prediction = self._method.colorize(mono, reference, search)
        luma = color.luma_uint8(color.as_uint8(reference))
        back = replace(search, mirrored=not search.mirrored)
        return replace(
            prediction, second_pass=self._judge.colorize(luma, prediction.first_pass, back).first_pass
        )


Contestant = Method | Folds


def judged_by(judge: Contestant, method: Contestant) -> Judged:
    """Return the method with second passes made by the judge. Raises ModelError if either is `Folds`."""
    if isinstance(judge, Folds) or isinstance(method, Folds):
        raise ModelError("--judge: neither the judge nor those judged can be folds")
    return Judged(method, judge)


def open_methods(specs: Sequence[str], folder: Path, device: Device = "auto") -> list[Contestant]:
    """Return the methods that a person named; networks are not loaded yet.

    Args:
        specs: each a name of `ONE_PASS`, a preset, a weights file (called by its stem), or NAME=FILE. The
            authors' HDF5 file will do. NAME=FILE,FILE,… are `Folds`.
        folder: where a file that has to be converted goes.
        device: where networks run.

    Raises:
        ModelError: unknown, unreadable, or two of one name.
    """
    methods = [_open_method(spec, folder, device) for spec in specs]
    names = [method.name for method in methods]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ModelError(f"two methods are called {twice}: name one of them, as in other={twice}")
    return methods


def _open_method(spec: str, folder: Path, device: Device) -> Contestant:
    label, named, model = spec.partition("=") if "=" in spec else ("", "", spec)
    if named and "," in model:
        files = [Path(name) for name in model.split(",") if name]
        return Folds(label, [NetworkMethod(label, str(file), device) for file in files])
    if model in ONE_PASS:
        # The code is the method: its hash stands for the weights' one. All of them are in one file.
        version = hashlib.sha256(model.encode() + Path(peers.__file__).read_bytes()).hexdigest()
        return TwoPass(label or model, ONE_PASS[model], version)
    try:
        stem, usable = bench.prepare(model, folder)
    except WeightsMismatch as error:
        known = ", ".join(ONE_PASS)
        raise ModelError(f"{error}; methods without weights: {known}") from error
    return NetworkMethod(label if named else stem, usable, device)


def _read_head(weights: Path) -> tuple[bool, bool, frozenset[str]]:
    """Return whether a weights file holds a refiner, whether others trained it, and the names of the pairs
    that its training held out.
    """
    try:
        with safe_open(weights, framework="pt") as file:
            refines = any(key.startswith("refiner.") for key in file.keys())  # noqa: SIM118 (no mapping)
            card = json.loads((file.metadata() or {}).get("card", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsMismatch(f"{weights}: not a weights file of this app ({error})") from error
    held_out = card.get("training", {}).get("held_out_names", ())
    return refines, "source" in card, frozenset(held_out)


def _turn(image: FloatImage, side: int) -> FloatImage:
    """Return the image, mirrored if `side` is −1."""
    return np.ascontiguousarray(image[:, ::side])


def _picture(luma: FloatImage, chroma: FloatImage) -> Rgb8:
    planes = torch.from_numpy(chroma).movedim(-1, 0)
    rgb = color.combine(torch.from_numpy(luma)[None], planes)
    return _levels(np.ascontiguousarray(rgb.movedim(0, -1).numpy()))


def _levels(values: FloatImage) -> NDArray[np.uint8]:
    return np.clip(np.round(values * 255), 0, 255).astype(np.uint8)
