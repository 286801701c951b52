"""The split: 70/30, seeded, and nothing of one side on the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.pairs import Pair, PairSource, open_pairs
from models.data.split import Split, SubsetPairs, content_hashes, split_known, split_pairs
from models.errors import ModelError
from tests.models.planted import PlantedPairs, planted_pair


@dataclass(frozen=True)
class Recorded:
    """A source of tiny pairs: (scene, number of the image that mono shows)."""

    entries: tuple[tuple[str, int], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"pair{i}" for i in range(len(self.entries)))

    def __len__(self) -> int:
        return len(self.entries)

    def scene_of(self, index: int) -> str:
        return self.entries[index][0]

    def read(self, index: int) -> Pair:
        scene, content = self.entries[index]
        mono = np.full((4, 4), content, np.uint8)
        color = np.full((4, 4, 3), index, np.uint8)
        return Pair(self.names[index], scene, mono, color)


def assert_no_leak(source: PairSource, split: Split) -> None:
    assert sorted(split.train + split.held_out) == list(range(len(source)))
    assert split.train
    assert split.held_out
    sides = [[source.read(i) for i in side] for side in (split.train, split.held_out)]
    names, hashes = (
        [{item for pair in side for item in items(pair)} for side in sides]
        for items in (lambda pair: [pair.name], content_hashes)
    )
    assert not names[0] & names[1]
    assert not hashes[0] & hashes[1]
    if split.by_scene:
        scenes = [{source.scene_of(i) for i in side} for side in (split.train, split.held_out)]
        assert not scenes[0] & scenes[1]


entries = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 12)), min_size=2, max_size=30).map(
    tuple
)


@settings(max_examples=60, deadline=None)
@given(entries=entries, seed=st.integers(0, 5))
def test_no_name_scene_or_image_is_on_both_sides(entries: tuple[tuple[str, int], ...], seed: int) -> None:
    source = Recorded(entries)
    try:
        split = split_pairs(source, seed)
    except ModelError:
        # Then one image links all of them, by scene and without.
        assert len({content for _, content in entries}) < len(entries)
        return
    assert_no_leak(source, split)


def test_seven_tenths_are_trained_on() -> None:
    source = Recorded(tuple((f"scene{i}", i) for i in range(100)))
    split = split_pairs(source)
    assert (len(split.train), len(split.held_out)) == (70, 30)
    assert split == split_pairs(source)
    assert split != split_pairs(source, seed=1)


def test_the_order_of_the_pairs_does_not_matter() -> None:
    listed = tuple((f"scene{i}", i) for i in range(20))
    there, back = Recorded(listed), Recorded(listed[::-1])
    held_out = [{s.scene_of(i) for i in split_pairs(s).held_out} for s in (there, back)]
    assert held_out[0] == held_out[1]


def test_an_image_in_two_scenes_joins_them() -> None:
    source = Recorded((("a", 1), ("b", 1), ("c", 2)))
    split = split_pairs(source)
    assert {frozenset(split.train), frozenset(split.held_out)} == {frozenset({0, 1}), frozenset({2})}


def test_of_one_scene_the_last_pairs_are_held_out() -> None:
    split = split_pairs(Recorded(tuple(("a", i) for i in range(10))))
    assert split == Split(tuple(range(7)), (7, 8, 9), by_scene=False)


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(ModelError, match="cannot be split"):
        split_pairs(Recorded((("a", 1), ("a", 1))))
    with pytest.raises(ModelError, match="between 0 and 1"):
        split_pairs(Recorded((("a", 1), ("b", 2))), train_share=1.0)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    split_pairs(Recorded((("a", 1), ("b", 2))), progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


def test_a_subset_reads_what_it_names() -> None:
    subset = SubsetPairs(PlantedPairs(("a", "b", "c"), ("x", "y", "z")), (2, 0))
    assert (len(subset), subset.names, subset.scene_of(0)) == (2, ("c", "a"), "z")
    assert subset.read(0).name == "c"


def test_the_hash_is_of_pixels() -> None:
    pair = planted_pair()
    assert content_hashes(pair) == content_hashes(planted_pair("another name"))
    mono = pair.mono.copy()
    mono[0, 0] ^= 1
    assert content_hashes(pair)[0] != content_hashes(replace(pair, mono=mono))[0]


def test_pairs_at_hand_do_not_leak(shared_dir: Path) -> None:
    source = open_pairs(shared_dir / "data" / "middlebury_v3", shared_dir / "data" / "middlebury_2001_2003")
    split = split_pairs(source)
    assert split.by_scene
    assert_no_leak(source, split)
    assert abs(len(split.train) / len(source) - 0.7) < 0.1


def test_what_is_known_splits_like_what_is_read() -> None:
    scenes = [["a"], ["a"], ["b"], ["b", "c"], ["c"], ["d"]]
    contents = [[str(number)] for number in range(6)]
    split = split_known(scenes, contents, seed=3, train_share=0.5)
    assert split.by_scene
    sides = [set(split.train), set(split.held_out)]
    assert sorted(split.train + split.held_out) == list(range(6))
    for together in ({0, 1}, {2, 3, 4}):
        assert any(together <= side for side in sides)
    contents[0] = contents[5] = ["the same"]
    split = split_known(scenes, contents, seed=3, train_share=0.5)
    assert any({0, 1, 5} <= set(side) for side in (split.train, split.held_out))
    assert not split_known([["a"]] * 6, [[str(n)] for n in range(6)]).by_scene
    with pytest.raises(ModelError, match="between 0 and 1"):
        split_known(scenes, contents, train_share=1)
