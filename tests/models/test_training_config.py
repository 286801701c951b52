"""Recipes: what ships can be read, mistakes are named, the command line replaces single keys."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w

from models.errors import ModelError
from models.live import LiveConfig
from models.paper import PaperConfig
from models.refiner import RefinerConfig
from models.training.config import STAGES, Recipe
from models.training.recipe_files import difference, read_recipe, recipe_from, recipe_names, resolved


def test_the_recipes_that_ship_can_be_read() -> None:
    assert set(recipe_names()) >= {"paper", "live", "finetune", "ablation"}
    presets = {name: read_recipe(name).preset for name in recipe_names()}
    assert presets["paper"] == "paper"
    assert presets["live"] == "live"


def test_the_paper_recipe_is_the_papers() -> None:
    recipe = read_recipe("paper")
    run, losses, real = recipe.colorizer.run, recipe.colorizer.losses, recipe.colorizer.real
    assert (run.optimizer, run.learning_rate, run.schedule, run.batch_size) == (
        "rmsprop",
        1e-3,
        "constant",
        1,
    )
    assert (losses.structure_weight, losses.consistency_weight, losses.smoothness_weight) == (1, 1, 0.1)
    assert (losses.structure, losses.consistency, losses.smoothness) == ("learned", "ssim", "l1")
    assert (real.every, real.crop, recipe.held_out) == (1, (256, 512), 0.3)
    assert recipe.network == PaperConfig(filters=16)
    assert recipe.refiner.loss == "l2"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("colorizer.run.learnrate=1", "unknown key colorizer.run.learnrate"),
        ("colour=1", "unknown key colour "),
        ("network.filters=4", "unknown key network.filters"),
        ("colorizer.run.steps=many", "colorizer.run.steps must be of type int, not 'many'"),
        ("colorizer.run.steps=true", "colorizer.run.steps must be of type int, not True"),
        ("colorizer.run.optimizer=sgd", "colorizer.run.optimizer must be one of rmsprop, adamw"),
        (
            "colorizer.losses.structure=mse",
            "colorizer.losses.structure must be one of learned, ssim, l1, none",
        ),
        ("colorizer.real.crop=[64]", r"colorizer.real.crop must have 2 entries, not 1"),
        ("colorizer.real.crop=64", r"colorizer.real.crop must be a list"),
        ("colorizer.run=5", "colorizer.run must be a table"),
        ("colorizer.supervised.shapes=[{high=1}]", r"unknown key colorizer.supervised.shapes\[0\].high"),
        ("steps", "write TABLE.KEY=VALUE"),
    ],
)
def test_a_mistake_is_named(override: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_recipe("live", [override])


def test_single_keys_can_be_replaced() -> None:
    recipe = read_recipe(
        "live", ["colorizer.losses.structure=none", "colorizer.run.learning_rate=1", "network.groups=4"]
    )
    assert recipe.colorizer.losses.structure == "none"
    assert recipe.colorizer.run.learning_rate == 1.0
    assert isinstance(recipe.network, LiveConfig)
    assert recipe.network.groups == 4


def test_a_file_can_change_part_of_a_base(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "live"\n[colorizer.run]\nsteps = 7\n')
    (tmp_path / "theirs.toml").write_text('base = "mine.toml"\nseed = 5\n')
    recipe = read_recipe(tmp_path / "theirs.toml")
    assert (recipe.seed, recipe.colorizer.run.steps) == (5, 7)
    assert recipe.colorizer.run.optimizer == read_recipe("live").colorizer.run.optimizer


@pytest.mark.parametrize("base", ["a.toml", "b.toml"])
def test_bases_that_go_in_circles_are_refused(tmp_path: Path, base: str) -> None:
    (tmp_path / "a.toml").write_text(f'base = "{base}"\n')
    (tmp_path / "b.toml").write_text('base = "a.toml"\n')
    with pytest.raises(ModelError, match="base"):
        read_recipe(tmp_path / "a.toml")


@pytest.mark.parametrize(("content", "message"), [("= 1", "not a TOML file"), (None, "no such recipe")])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "recipe.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ModelError, match=message):
        read_recipe(path)


@pytest.mark.parametrize("stage", STAGES)
def test_a_resolved_recipe_is_toml_that_gives_the_same_recipe(stage: str) -> None:
    recipe = read_recipe("live", ["seed=3"])
    document = tomllib.loads(tomli_w.dumps(resolved(recipe, stage)))  # type: ignore[arg-type]
    assert difference(document, resolved(recipe, stage)) is None  # type: ignore[arg-type]
    again = recipe_from(document, "resolved")
    assert getattr(again, stage) == getattr(recipe, stage)
    assert (again.network, again.seed) == (recipe.network, 3)


def test_the_first_difference_is_named_with_its_tables() -> None:
    one, other = resolved(Recipe(), "colorizer"), resolved(Recipe(), "colorizer")
    assert difference(one, other) is None
    other["colorizer"]["run"]["steps"] = 1
    assert difference(one, other) == "colorizer.run.steps"


def test_the_structure_stage_does_not_depend_on_the_refiner() -> None:
    one, other = Recipe(), Recipe(refiner_network=RefinerConfig((8, 8)))
    assert resolved(one, "structure") == resolved(other, "structure")
    assert difference(resolved(one, "refiner"), resolved(other, "refiner")) is not None
