"""Rules of a recipe: its section `alarms`, with a preset, for the classes of a model."""

from collections.abc import Sequence
from typing import Any

from clips.manifest import BACKGROUND
from live.alarms.rule import Rule
from recipes.schema import Alarms
from video.errors import UsageError, hint

# More than five steps in a row at 0.5 or above, as they come: no smoothing, no lower threshold.
_POSITIVE_FRAMES = {
    "threshold_on": 0.5,
    "threshold_off": 0.5,
    "smoothing": "none",
    "hold_seconds": 0.0,
    "hold_steps": 6,
}
_PRESETS: dict[str, dict[str, Any]] = {"none": {}, "positive_frames": _POSITIVE_FRAMES}

_SHARED = (
    "threshold_on",
    "threshold_off",
    "smoothing",
    "smoothing_seconds",
    "hold_seconds",
    "hold_steps",
    "release_seconds",
    "cool_down_seconds",
)
_NAMES = {"threshold_on": "on", "threshold_off": "off"}  # YAML reads on and off as true and false


def rules_of(alarms: Alarms, labels: Sequence[str], events_of_model: Sequence[str]) -> list[Rule]:
    """Return the rules of a recipe.

    The keys of a class go before those of the preset, and these before the other keys.

    Args:
        alarms: Section `alarms` of the recipe.
        labels: Names of the K classes of the model.
        events_of_model: Classes that raise alarms if `alarms.classes` is not set.

    Raises:
        UsageError: A key names a class that the model lacks or that raises no alarm, or a threshold
            to end an event is above the one to begin it.
    """
    classes = events_of_model if alarms.classes is None else alarms.classes
    for label in classes:
        if label not in labels:
            raise UsageError(
                f"alarms.classes: the model has no class {label}; {hint(label, labels)}"
            )
    for label in alarms.per_class:
        if label not in labels:
            raise UsageError(
                f"alarms.per_class: the model has no class {label}; {hint(label, labels)}"
            )
        if label not in classes:
            raise UsageError(
                f"alarms.per_class.{label}: this class raises no alarm; add it to alarms.classes"
            )
    return [_rule(alarms, label) for label in dict.fromkeys(classes)]


def event_classes(
    recipe_events: Sequence[str] | None,
    model_events: Sequence[str],
    labels: Sequence[str],
    several: bool = False,
) -> tuple[str, ...]:
    """Return the classes that raise alarms if a recipe does not name them.

    Args:
        recipe_events: `sequence.events` of the recipe.
        model_events: Events of the trained model, of the pooling `top`; empty for other poolings.
        labels: Names of the K classes of the model.
        several: Whether several classes can hold at once, so that none of them is `background`.

    Returns:
        The events of the recipe, else those of the model, else all classes but `background`; none
        if the model has no such class, unless several classes can hold at once.
    """
    if recipe_events is not None:
        return tuple(recipe_events)
    if model_events:
        return tuple(model_events)
    if BACKGROUND not in labels and not several:
        return ()
    return tuple(each for each in labels if each != BACKGROUND)


def _rule(alarms: Alarms, label: str) -> Rule:
    values = {key: getattr(alarms, key) for key in _SHARED} | _PRESETS[alarms.preset]
    if own := alarms.per_class.get(label):
        values |= {key: value for key, value in own.model_dump().items() if value is not None}
    on, off = values["threshold_on"], values["threshold_off"]
    if off > on:
        raise UsageError(
            f"alarms: threshold_off {off:g} of class {label} is above threshold_on {on:g}; lower "
            "threshold_off as well"
        )
    return Rule(label, **{_NAMES.get(key, key): value for key, value in values.items()})
