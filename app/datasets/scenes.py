"""Which pairs of captured datasets show one scene, and the split that keeps scenes whole."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from app.training_data import CapturedPairs, scene_of_record
from capture.dataset_records import PairRecord
from models.data.pairs import JoinedPairs, PairSource
from models.data.split import PAPER_TRAIN_SHARE, Split, split_known

SceneRule = Literal["time", "tags"]
SCENE_TAG = "scene:"
"""A tag that begins so names a scene: pairs that have it are of one scene, whenever they were captured."""


def scenes_of_record(folder: Path, record: PairRecord, rule: SceneRule = "time") -> list[str]:
    """Return the names of all scenes that a pair belongs to, at least one.

    Args:
        folder: of its dataset.
        record: of the pair.
        rule: "time": pairs of ten seconds are one scene, and so are those with one `SCENE_TAG`; "tags": pairs
            with any tag in common are one scene, those without tags go by time.
    """
    tags = [tag for tag in record.tags if rule == "tags" or tag.lower().startswith(SCENE_TAG)]
    if rule == "tags" and tags:
        return [f"tag {tag}" for tag in tags]
    return [scene_of_record(folder, record), *(f"tag {tag}" for tag in tags)]


def split_records(
    folder: Path, records: Sequence[PairRecord], seed: int, train_share: float, rule: SceneRule
) -> Split:
    """Split the pairs of one dataset by scene, by what their lines say; no image is read.

    Pairs with an image in common (by hash) are never on two sides. Raises ModelError.
    """
    scenes = [scenes_of_record(folder, record, rule) for record in records]
    return split_known(scenes, [_contents(record) for record in records], seed, train_share)


def known_scenes(source: PairSource, rule: SceneRule) -> list[list[str]]:
    """Return the scenes of every pair of a source, captured or not."""
    if isinstance(source, CapturedPairs):
        return [scenes_of_record(source.folder, record, rule) for record in source.records]
    if isinstance(source, JoinedPairs):
        return [scenes for part in source.sources for scenes in known_scenes(part, rule)]
    return [[source.scene_of(index)] for index in range(len(source))]


def add_split_arguments(parser: argparse._ActionsContainer) -> None:
    """Describe how a split is made."""
    parser.add_argument(
        "--train-share",
        type=float,
        default=PAPER_TRAIN_SHARE,
        metavar="PART",
        help="part of the pairs to train on, 0 … 1 (default: the paper's 0.7: 700 of 1000)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, another split (default: 0)"
    )
    parser.add_argument(
        "--scenes",
        choices=get_args(SceneRule),
        default="time",
        help=f"what tells that pairs show one scene, which stays on one side: time (10 s; tags that begin "
        f"with {SCENE_TAG!r}; default) or any tag in common",
    )


def _contents(record: PairRecord) -> tuple[str, ...]:
    return tuple(frame.sha256 for frame in (record.mono, record.color) if frame is not None)
