"""From the section `alarms` of a recipe to rules."""

import numpy as np
import pytest

from live.alarms.detector import Detector
from live.alarms.presets import event_classes, rules_of
from live.alarms.rule import Rule
from recipes.loader import load
from video.errors import UsageError

LABELS = ("background", "fall", "jump")


def rules(events=("fall", "jump"), **values) -> list[Rule]:
    recipe = load(flags={f"alarms.{key}": value for key, value in values.items()}).recipe
    return rules_of(recipe.alarms, LABELS, events)


def test_the_defaults_of_recipe_and_rule_are_the_same():
    assert rules() == [Rule("fall"), Rule("jump")]


def test_classes_of_the_recipe_replace_the_models_events():
    assert [rule.label for rule in rules(classes=["jump", "jump"])] == ["jump"]
    assert rules(classes=[]) == []
    assert rules(events=()) == []


def test_keys_of_a_class_go_before_the_others():
    falls, jumps = rules(
        threshold_on=0.7, hold_seconds=3.0, per_class={"fall": {"threshold_on": 0.9}}
    )
    assert (falls.on, falls.hold_seconds, jumps.on) == (0.9, 3.0, 0.7)


def test_positive_frames_alert_after_more_than_five_frames():
    (preset,) = rules(["fall"], preset="positive_frames", cool_down_seconds=5.0)
    assert (preset.on, preset.off, preset.smoothing) == (0.5, 0.5, "none")
    assert (preset.hold_steps, preset.hold_seconds, preset.cool_down_seconds) == (6, 0.0, 5.0)
    for frames, alerts in ((5, 0), (6, 1), (7, 1)):
        detector = Detector([preset], LABELS)
        values = [0.4] + [0.5] * frames + [0.4]
        changes = [
            change
            for step, value in enumerate(values)
            for change in detector.push(step / 30, np.array([1 - value, value, 0.0]))
        ]
        assert len(changes) == alerts, frames


def test_a_class_may_differ_from_the_preset():
    falls, jumps = rules(preset="positive_frames", per_class={"jump": {"hold_steps": 10}})
    assert (falls.hold_steps, jumps.hold_steps, jumps.on) == (6, 10, 0.5)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"classes": ["fal"]}, ["alarms.classes", "no class fal", "did you mean fall?"]),
        (
            {"per_class": {"jmp": {"hold_steps": 2}}},
            ["alarms.per_class", "no class jmp", "did you mean jump?"],
        ),
        (
            {"classes": ["fall"], "per_class": {"jump": {"hold_steps": 2}}},
            ["alarms.per_class.jump", "raises no alarm", "alarms.classes"],
        ),
        (
            {"per_class": {"jump": {"threshold_on": 0.3}}},
            ["threshold_off 0.5", "jump", "threshold_on 0.3"],
        ),
    ],
)
def test_mistakes_are_refused_in_one_line(values: dict, words: list[str]):
    with pytest.raises(UsageError) as refusal:
        rules(**values)
    message = str(refusal.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize(
    ("recipe", "model", "labels", "expected"),
    [
        (None, (), LABELS, ("fall", "jump")),
        (None, (), ("fall", "jump"), ()),
        (None, ("jump",), LABELS, ("jump",)),
        (("fall",), ("jump",), LABELS, ("fall",)),
    ],
)
def test_classes_that_raise_alarms(recipe, model, labels, expected):
    assert event_classes(recipe, model, labels) == expected
