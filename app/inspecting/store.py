"""Results of methods on the pairs of a source: made once, kept by content and weights, within a limit."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from app.inspecting.cache import DEFAULT_LIMIT_BYTES, result_path, trim
from app.inspecting.kept import Kept, array_bytes
from app.inspecting.sources import Source
from models.data.pairs import Pair
from models.engine import Colorization, SearchRange
from models.errors import ModelError
from models.evaluation.methods import Contestant, Method, NetworkMethod, Prediction, TwoPass, open_methods
from models.evaluation.predictions import (
    load_prediction,
    prediction_key,
    prediction_path,
    save_prediction,
    stored_key,
)

LIVE = "live result"
"""Name of the method whose result was frozen together with its frame."""
TRIM_EVERY_BYTES = 256 << 20
"""A run in bulk looks at the cache's limit when it has written so much."""
PAIR_BYTES, RESULT_BYTES, EXPLANATION_BYTES = 256 << 20, 384 << 20, 512 << 20
"""What may stay in memory."""


class ResultStore:
    """Results of one source; implements `app.inspecting.results.Results`. For worker threads: calls block.

    Networks run one at a time, and what is there already can be read meanwhile.

    Args:
        source: the pairs.
        cache: folder for results, shared by all sources.
        limit_bytes: how large the cache may grow.
    """

    def __init__(self, source: Source, cache: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.source = source
        self.limit_bytes = limit_bytes
        self._cache = cache
        self._running = threading.Lock()  # for the networks
        self._methods: dict[str, Contestant] = {}
        self._loaded: set[Method] = set()
        self._keys: dict[tuple[str, str], str] = {}
        self._pairs: Kept[Pair] = Kept(PAIR_BYTES, array_bytes)
        self._predictions: Kept[Prediction] = Kept(RESULT_BYTES, array_bytes)
        self._explanations: Kept[Colorization] = Kept(EXPLANATION_BYTES, _explanation_bytes)
        self._untrimmed = 0

    # --- Results ---

    @property
    def items(self) -> Sequence[str]:
        """Return the names of the pairs."""
        return [item.name for item in self.source.items]

    @property
    def methods(self) -> Sequence[str]:
        """Return the names of the methods."""
        return [*([LIVE] if self.source.live else []), *self._methods]

    def pair(self, item: str) -> Pair:
        """Read a pair. Raises ModelError."""
        kept = self._pairs.get(item)
        return self._pairs.put(item, self.source.item(item).read()) if kept is None else kept

    def search(self, item: str) -> SearchRange:
        """Return where colours are searched in a pair. Raises ModelError."""
        return self.source.item(item).data.search_for(self.pair(item))

    def prediction(self, item: str, method: str) -> Prediction | None:
        """Return a result that is there already, None if it was not made yet. Raises ModelError."""
        if method == LIVE:
            return live_prediction(self.source.live[item]) if item in self.source.live else None
        key = self._result_key(item, method)
        if key is None:
            return None
        kept = self._predictions.get(key)
        if kept is not None:
            return kept
        path = self._place(item, method, key)
        if stored_key(path) != key:
            return None
        with suppress(OSError):
            os.utime(path)  # used: others go first when room is needed
        return self._predictions.put(key, load_prediction(path))

    def key(self, item: str, method: str) -> str | None:
        """Return what changes when the result or the truth does; None without a result. Raises ModelError."""
        if self.prediction(item, method) is None:
            return None
        pair = self.pair(item)
        digest = hashlib.sha256((self._result_key(item, method) or self._live_key(item)).encode())
        for image in (pair.truth, pair.disparity, pair.visible):
            digest.update(b"none" if image is None else np.ascontiguousarray(image).data)
        return digest.hexdigest()

    def gates(self, item: str) -> Mapping[str, float | None]:
        """Return what the dataset knows of the pair."""
        record = self.source.item(item).record
        return {} if record is None else record.gates

    # --- making results ---

    def use_methods(self, specs: Sequence[str]) -> None:
        """Judge these methods from now on; see `open_methods`. Raises ModelError."""
        former = self._methods
        opened = {method.name: method for method in open_methods(specs, self._cache / "weights")}
        self._methods = {
            name: former[name]
            if name in former and former[name].fingerprint == method.fingerprint
            else method
            for name, method in opened.items()
        }

    def make(self, item: str, method: str) -> Prediction | None:
        """Return what a method says of a pair; made and kept if it is not there. Raises ModelError."""
        found = self.prediction(item, method)
        member = None if found is not None or method == LIVE else self._member(item, method)
        if member is None:
            return found
        key = self._result_key(item, method)
        assert key is not None, "there is a member, so there is a key"
        pair, search = self.pair(item), self._search_of(item, member)
        with self._running:
            prediction = member.colorize(pair.mono, pair.reference, search)
        return self._keep(item, method, key, prediction)

    def explain(self, item: str, method: str) -> Colorization | None:
        """Return a result with its W, made anew unless it is one of the last; None from a method without W.

        Raises ModelError.
        """
        if method == LIVE:
            return self.source.live.get(item)
        member = self._member(item, method)
        key = self._result_key(item, method)
        if not isinstance(member, NetworkMethod) or key is None:
            return None
        kept = self._explanations.get(key)
        if kept is not None:
            return kept
        pair, search = self.pair(item), self._search_of(item, member)
        with self._running:
            result = member.explain(pair.mono, pair.reference, search)
        self._keep(item, method, key, member.prediction_of(result))
        return self._explanations.put(key, result)

    def explains(self, method: str) -> bool:
        """Return whether a method has a W to show."""
        return method == LIVE or not isinstance(self._methods.get(method), TwoPass)

    # --- small things ---

    def _keep(self, item: str, method: str, key: str, prediction: Prediction) -> Prediction:
        path = self._place(item, method, key)
        if stored_key(path) != key:
            save_prediction(path, key, prediction)
            with suppress(OSError):
                self._untrimmed += path.stat().st_size
            if self._untrimmed > TRIM_EVERY_BYTES:
                self._untrimmed = 0
                trim(self._cache, self.limit_bytes)
        return self._predictions.put(key, prediction)

    def _member(self, item: str, method: str) -> Method | None:
        if method not in self._methods:
            raise ModelError(f"no method is called {method}")
        known = self.source.item(item)
        member = self._methods[method].member_for(known.data.source.names[known.index])
        if member is not None and member not in self._loaded:
            with self._running:
                member.load()
            self._loaded.add(member)
        return member

    def _search_of(self, item: str, member: Method) -> SearchRange:
        search = self.search(item)
        bound = member.candidates
        return search if bound is None else SearchRange(bound, search.offset, search.mirrored)

    def _result_key(self, item: str, method: str) -> str | None:
        member = None if method == LIVE else self._member(item, method)
        if member is None:
            return None
        known = self._keys.get((item, member.fingerprint))
        if known is None:
            known = prediction_key(member, self.pair(item), self._search_of(item, member))
            self._keys[item, member.fingerprint] = known
        return known

    def _live_key(self, item: str) -> str:
        """Return the hash of a frozen result: nothing else tells it from other frozen ones."""
        result, pair = self.source.live[item], self.pair(item)
        digest = hashlib.sha256(LIVE.encode())
        for image in (pair.mono, pair.reference, result.first_pass, result.second_pass, result.refined):
            digest.update(np.ascontiguousarray(image).data)
        return digest.hexdigest()

    def _place(self, item: str, method: str, key: str) -> Path:
        """Return where a result lies: in the evaluation that it comes from, else in the cache."""
        if self.source.results is not None:
            known = self.source.item(item)
            name = known.data.source.names[known.index]
            member = self._methods[method].member_for(name)
            if member is not None:
                path = prediction_path(self.source.results / "predictions", member, known.data.name, name)
                if stored_key(path) == key:
                    return path
        return result_path(self._cache, key)


def live_prediction(result: Colorization) -> Prediction:
    """Return what is kept of a live result."""
    return Prediction(
        first_pass=result.first_pass,
        second_pass=result.second_pass,
        confidence=result.confidence,
        refined=result.refined,
        warped_luma=result.warped_luma,
        disparity=result.disparity,
        return_error=result.return_error,
    )


def _explanation_bytes(result: Colorization) -> int:
    """Return the memory of a result with its W."""
    volume = result.weights
    return array_bytes(result) + volume.logits.nbytes + volume.log_total.nbytes
