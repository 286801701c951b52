"""What can be looked at and compared: each picture of a pair and of each method's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from app.ui.layers import Alignment, disparity_scale
from app.ui.picture import Picture, Scale, make_picture
from models.data.pairs import Pair
from models.engine import SearchRange
from models.evaluation.methods import Prediction

Array = NDArray[Any]


@dataclass(frozen=True)
class Side:
    """A picture by name: a layer of the pair, or of what a method made of it ("" for the pair's own)."""

    layer: str
    method: str = ""


@dataclass(frozen=True, eq=False)
class Content:
    """All there is of one pair at a moment.

    Attributes:
        item: its name; empty while nothing is open.
        pair: None while it is being read, or cannot be.
        search: where colours are searched in it.
        predictions: by method, those that are there.
        methods: all that can be chosen, in order.
        messages: by method, why it has no result (yet); "" stands for the pair.
    """

    item: str = ""
    pair: Pair | None = None
    search: SearchRange | None = None
    predictions: Mapping[str, Prediction] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    messages: Mapping[str, str] = field(default_factory=dict)


Scaling = Callable[[Array, SearchRange | None], Scale]


@dataclass(frozen=True)
class Layer:
    """One kind of picture.

    Attributes:
        key: name in settings.
        title, tip: on screen.
        aligned: whose pixels it shows.
        of_pair: takes it from a pair; None if it is of a result.
        of_result: takes it from a result.
        map_of: the colours of a map; None for gray and RGB.
    """

    key: str
    title: str
    tip: str
    aligned: Alignment = "mono"
    of_pair: Callable[[Pair], Array | None] | None = None
    of_result: Callable[[Pair, Prediction], Array | None] | None = None
    map_of: Scaling | None = None


_SURE = Scale(0.0, 1.0, "", "viridis")


def _unit(values: Array, search: SearchRange | None) -> Scale:
    del values, search
    return _SURE


LAYERS: dict[str, Layer] = {
    layer.key: layer
    for layer in (
        Layer("mono", "Mono", "I_G: the rectified image of the mono camera.", of_pair=lambda pair: pair.mono),
        Layer(
            "reference",
            "Reference",
            "R_C: the rectified image of the colour camera.",
            "reference",
            of_pair=lambda pair: pair.reference,
        ),
        Layer(
            "truth",
            "Truth",
            "The right colours of every mono pixel, where they are known.",
            of_pair=lambda pair: pair.truth,
        ),
        Layer(
            "true_disparity",
            "True disparity",
            "Where each mono pixel really lies in the reference, in px.",
            of_pair=lambda pair: pair.disparity,
            map_of=disparity_scale,
        ),
        Layer(
            "first",
            "First pass",
            "I_C: the mono luma with the first pass's chroma.",
            of_result=lambda _pair, result: result.first_pass,
        ),
        Layer(
            "second",
            "Second pass",
            "R'_C: colours sent back from the first pass; should look like the reference.",
            "reference",
            of_result=lambda _pair, result: result.second_pass,
        ),
        Layer(
            "refined",
            "Refined",
            "I*_C: the mono luma with the refined chroma.",
            of_result=lambda _pair, result: result.refined,
        ),
        Layer(
            "confidence",
            "Confidence",
            "0 a guess, 1 sure.",
            of_result=lambda _pair, result: result.confidence,
            map_of=_unit,
        ),
        Layer(
            "disparity",
            "Disparity",
            "Where each pixel's colour lies in the reference, in px.",
            of_result=lambda _pair, result: result.disparity,
            map_of=disparity_scale,
        ),
    )
}

OF_PAIR = tuple(key for key, layer in LAYERS.items() if layer.of_pair is not None)
OF_RESULT = tuple(key for key, layer in LAYERS.items() if layer.of_result is not None)


def title_of(side: Side) -> str:
    """Return a side's name on screen: "Refined · live"."""
    title = LAYERS[side.layer].title
    return f"{title} · {side.method}" if side.method else title


def values_of(content: Content, side: Side) -> Array | None:
    """Return the array of a side, None if it is not there."""
    pair, layer = content.pair, LAYERS[side.layer]
    if pair is None:
        return None
    if layer.of_pair is not None:
        return layer.of_pair(pair)
    result = content.predictions.get(side.method)
    if result is None or layer.of_result is None:
        return None
    return layer.of_result(pair, result)


def picture_of(content: Content, side: Side) -> Picture | None:
    """Return the picture of a side, None if it is not there. Costs some 10 ms per megapixel."""
    values = values_of(content, side)
    if values is None:
        return None
    map_of = LAYERS[side.layer].map_of
    return make_picture(values, None if map_of is None else map_of(values, content.search))


def missing_words(content: Content, side: Side) -> str:
    """Return why a side is not there, and what to do."""
    if not content.item:
        return "Nothing is open."
    if content.pair is None:
        return content.messages.get("", f"Reading {content.item} …")
    if side.layer == "truth":
        return "The truth of this pair is not known."
    if side.layer == "true_disparity":
        return "The true disparity of this pair is not known."
    if side.method not in content.methods:
        return f"{side.method} is no longer among the methods."
    if side.method not in content.predictions:
        return content.messages.get(side.method, f"{side.method} is at work …")
    if side.layer == "refined":
        return f"{side.method} refines nothing: see its first pass."
    return f"{side.method} says nothing of its {LAYERS[side.layer].title.lower()}."
