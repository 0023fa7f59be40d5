"""The settings of one learning: how they reach its process, and what they add to the recipe."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from extract.backbones.reachable import FALLBACKS, keras_models
from extract.convert.catalogue import FOLDER
from recipes.loader import Settings
from recipes.schema import Recipe

# In the order of preference. The file is where each one's weights lie after their first use. Only
# those of the first can be fetched from pip's package index.
_AT_HAND: tuple[tuple[str, Callable[[], Path]], ...] = (
    ("efficientnet_lite0", lambda: FOLDER / "efficientnet_lite0-imagenet.weights.h5"),
    ("mobilenet_025", lambda: keras_models() / "mobilenet_2_5_224_tf_no_top.h5"),
    ("efficientnet_b0", lambda: keras_models() / Path(FALLBACKS["efficientnet_b0"].address).name),
)
_FETCHED = "efficientnet_lite0"


def to_json(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, for `from_json`."""
    return {
        "recipe": settings.recipe.model_dump(mode="json"),
        "given": sorted(settings.given),
        "flags": sorted(settings.flags),
        "source": settings.source,
    }


def from_json(values: Mapping[str, Any]) -> Settings:
    """Return the settings that `to_json` was given."""
    return Settings(
        Recipe.model_validate(values["recipe"]),
        frozenset(values["given"]),
        values["source"],
        frozenset(values["flags"]),
    )


def with_keys(settings: Settings, keys: Mapping[str, Any]) -> Settings:
    """Return the settings with other values, by dotted key, as if the user had set them."""
    tree = settings.recipe.model_dump(mode="json")
    for dotted, value in keys.items():
        *sections, key = dotted.split(".")
        section = tree
        for name in sections:
            section = section[name]
        section[key] = value
    return replace(
        settings, recipe=Recipe.model_validate(tree), given=settings.given | frozenset(keys)
    )


def without_asking(settings: Settings, keys: Mapping[str, Any]) -> Settings:
    """Return the settings with other values for keys that the user left alone."""
    return with_keys(
        settings, {key: value for key, value in keys.items() if key not in settings.given}
    )


def network_at_hand() -> str:
    """Return the fastest backbone whose weights are on this machine, or else one to fetch."""
    return next((name for name, path in _AT_HAND if path().is_file()), _FETCHED)
