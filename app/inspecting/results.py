"""Where results come from, for whatever measures, draws and exports them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from models.data.pairs import Pair
from models.engine import SearchRange
from models.errors import ModelError
from models.evaluation.methods import Contestant, Method, Prediction
from models.evaluation.predictions import (
    load_prediction,
    prediction_key,
    prediction_path,
    save_prediction,
    search_of,
    stored_key,
)
from models.evaluation.sets import DataSet


class Results(Protocol):
    """Pairs, methods, and what each method says of each pair. For one worker thread at a time; it blocks."""

    @property
    def items(self) -> Sequence[str]:
        """Return the names of the pairs, unique."""

    @property
    def methods(self) -> Sequence[str]:
        """Return the names of the methods, unique."""

    def pair(self, item: str) -> Pair:
        """Read a pair. Raises ModelError."""

    def search(self, item: str) -> SearchRange:
        """Return where colours are searched in a pair. Raises ModelError."""

    def prediction(self, item: str, method: str) -> Prediction | None:
        """Return what a method says of a pair, None where it says nothing. Raises ModelError."""

    def key(self, item: str, method: str) -> str | None:
        """Return what changes when the result or the truth does; None without a result. Raises ModelError."""

    def gates(self, item: str) -> Mapping[str, float | None]:
        """Return what the dataset knows of the pair."""


class EvaluatedResults:
    """Results of methods on a set of pairs; what is missing is made and kept, as `evaluate` does.

    Args:
        data: the pairs.
        methods: who colorizes them.
        folder: of `predictions/`, an evaluation's own if it is there.
    """

    def __init__(self, data: DataSet, methods: Sequence[Contestant], folder: Path) -> None:
        self._data, self._folder = data, folder
        self._index = {name: index for index, name in enumerate(data.source.names)}
        self._methods = {method.name: method for method in methods}
        self._loaded: set[int] = set()
        self._last: tuple[str, Pair] | None = None

    @property
    def items(self) -> Sequence[str]:
        """Return the names of the pairs."""
        return self._data.source.names

    @property
    def methods(self) -> Sequence[str]:
        """Return the names of the methods."""
        return list(self._methods)

    def pair(self, item: str) -> Pair:
        """Read a pair; the newest one is kept."""
        if self._last is None or self._last[0] != item:
            if item not in self._index:
                raise ModelError(f"{self._data.name} has no pair {item}")
            self._last = (item, self._data.source.read(self._index[item]))
        return self._last[1]

    def search(self, item: str) -> SearchRange:
        """Return where colours are searched."""
        return self._data.search_for(self.pair(item))

    def prediction(self, item: str, method: str) -> Prediction | None:
        """Return what a method says of a pair; made if it is not there yet."""
        member = self._member(item, method)
        if member is None:
            return None
        path, key = self._place(item, member)
        if stored_key(path) != key:
            pair = self.pair(item)
            search = search_of(member, self._data, pair)
            save_prediction(path, key, member.colorize(pair.mono, pair.reference, search))
        return load_prediction(path)

    def key(self, item: str, method: str) -> str | None:
        """Return the prediction's key, with the truth's hash."""
        member = self._member(item, method)
        if member is None:
            return None
        pair = self.pair(item)
        digest = hashlib.sha256(self._place(item, member)[1].encode())
        for image in (pair.truth, pair.disparity, pair.visible):
            digest.update(b"none" if image is None else np.ascontiguousarray(image).data)
        return digest.hexdigest()

    def gates(self, item: str) -> Mapping[str, float | None]:
        """Return nothing: pairs that are evaluated are pictures only."""
        del item
        return {}

    def _member(self, item: str, method: str) -> Method | None:
        if method not in self._methods:
            raise ModelError(f"no method is called {method}")
        member = self._methods[method].member_for(item)
        if member is not None and id(member) not in self._loaded:
            member.load()
            self._loaded.add(id(member))
        return member

    def _place(self, item: str, member: Method) -> tuple[Path, str]:
        pair = self.pair(item)
        path = prediction_path(self._folder / "predictions", member, self._data.name, pair.name)
        return path, prediction_key(member, pair, search_of(member, self._data, pair))
