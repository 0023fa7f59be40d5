"""The recipes themselves: complete defaults, and files that load."""

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from recipes.loader import DEFAULT, default_value, load
from recipes.schema import Recipe

_FOLDER = DEFAULT.parent
_RECIPES = sorted(_FOLDER.glob("*.yaml"))


def _keys_of_schema(section: type[BaseModel], prefix: str = "") -> set[str]:
    keys = set()
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys |= _keys_of_schema(inner, f"{prefix}{name}.")
        else:
            keys.add(f"{prefix}{name}")
    return keys


def _keys_of_file(tree: dict, prefix: str = "") -> set[str]:
    keys = set()
    for name, value in tree.items():
        if isinstance(value, dict) and value:  # an empty mapping is a value
            keys |= _keys_of_file(value, f"{prefix}{name}.")
        else:
            keys.add(f"{prefix}{name}")
    return keys


def test_default_yaml_holds_every_key_and_nothing_else():
    assert _keys_of_file(yaml.safe_load(DEFAULT.read_text())) == _keys_of_schema(Recipe)


def test_no_default_hides_in_the_schema():
    def without_default(section: type[BaseModel]) -> None:
        for name, field in section.model_fields.items():
            assert field.is_required(), f"{section.__name__}.{name}"
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                without_default(field.annotation)

    without_default(Recipe)


@pytest.mark.parametrize("path", _RECIPES, ids=lambda path: path.name)
def test_a_recipe_loads_and_opens_with_what_it_is(path: Path):
    settings = load(path)
    assert settings.source == path.name
    assert path.read_text().startswith("# ")
    assert f"recipes/{path.name}" in path.read_text() or path == DEFAULT


@pytest.mark.parametrize(
    "path", [path for path in _RECIPES if path != DEFAULT], ids=lambda path: path.name
)
def test_a_recipe_changes_something_of_the_default(path: Path):
    settings = load(path)
    assert settings.given
    changed = []
    for key in settings.given:
        value = settings.recipe.model_dump(mode="json")
        for part in key.split("."):
            value = value[part]
        changed.append(value != default_value(key))
    assert any(changed)


@pytest.mark.parametrize("path", _RECIPES, ids=lambda path: path.name)
def test_phases_begin_at_the_first_epoch_in_rising_order(path: Path):
    epochs = [phase.epoch for phase in load(path).recipe.finetune.phases]
    assert epochs[0] == 0
    assert epochs == sorted(set(epochs))


def test_the_cricket_recipe_is_the_classic_one():
    recipe = load(_FOLDER / "cricket_vgg16.yaml").recipe
    assert (recipe.backbone.name, recipe.sampling.fps) == ("vgg16", "source")
    assert recipe.sequence.look_back == 4
    assert recipe.sequence.learning_rate == recipe.finetune.phases[0].learning_rate == 1e-4


def test_the_demo_recipe_keeps_to_folders_of_its_own():
    recipe = load(_FOLDER / "demo.yaml").recipe
    assert (recipe.data.folder, recipe.model.folder) == ("data/demo", "weights/demo")
    assert recipe.backbone.weights == "none"  # nothing is downloaded
