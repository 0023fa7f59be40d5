"""Properties of files that tell the class."""

import numpy as np
import pytest

from clips.finding.probing import ClipFacts
from clips.inspection.correlates import Correlate, correlates_of, properties_of
from clips.inspection.media import Media
from clips.manifest import Entry


def test_a_property_that_differs_by_class_is_named_and_others_are_not():
    random = np.random.default_rng(0)
    labels = ["a", "b"] * 40
    groups = [f"g{number // 4}" for number in range(80)]
    telling = np.array([[320, 240] if label == "a" else [640, 360] for label in labels], float)
    found = correlates_of(
        {"resolution": telling, "length": random.normal(size=(80, 1)), "codec": np.ones((80, 1))},
        labels,
        groups,
    )
    assert [each.name for each in found] == ["resolution", "length"]  # a constant says nothing
    assert found[0].score == 1.0
    assert found[0].chance == 0.5
    assert [each.tells_class for each in found] == [True, False]
    assert str(found[0]) == "resolution alone predicts the class with 1.00 (chance 0.50)"


def test_a_property_of_each_group_does_not_help_within_its_group():
    """Each group has a size of its own, and one class: without whole groups this would be 1.00."""
    groups = np.repeat(np.arange(30), 4)
    labels = np.random.default_rng(1).permutation(["a", "b"] * 15)[groups]
    sizes = np.random.default_rng(2).permutation(30)[groups][:, None].astype(float)
    (size,) = correlates_of({"resolution": sizes}, labels.tolist(), [f"g{g}" for g in groups])
    assert size.score < 0.75
    assert not size.tells_class


@pytest.mark.parametrize(
    ("score", "chance", "groups", "telling"),
    [
        (0.66, 0.5, 1000, True),
        (0.64, 0.5, 1000, False),
        (0.85, 0.5, 16, False),
        (0.9, 0.5, 16, True),
    ],
)
def test_the_limit_is_a_share_of_the_way_to_one_and_three_errors(score, chance, groups, telling):
    """By hand: 0.5 + 0.3 * 0.5 = 0.65; with 16 groups 0.5 + 3 * 0.5 / 4 = 0.875."""
    assert Correlate("x", score, chance, groups).tells_class is telling


def test_properties_come_from_pixels_and_headers():
    rows = [Entry("1", "a"), Entry("2", "b", start=1.0, end=1.5)]
    facts = {"1": ClipFacts(51, 2.0, (320, 240), ""), "2": ClipFacts(31, 3.0, (640, 360), "")}
    media = {"1": Media("h264", 25.0, 1000, True), "2": Media("vp9", 10.0, 6000, False)}
    found = properties_of(rows, facts, media, {"1": 100.0, "2": 40.0})
    assert {name: values.tolist() for name, values in found.items()} == {
        "resolution": [[320, 240], [640, 360]],
        "frame rate": [[25.0], [10.0]],
        "codec": [[1, 0], [0, 1]],
        "length": [[2.0], [0.5]],
        "bit rate": [[4000.0], [16000.0]],
        "sound": [[1], [0]],
        "brightness": [[100.0], [40.0]],
    }


def test_one_class_or_one_group_a_class_gives_nothing():
    values = {"length": np.arange(6.0)[:, None]}
    assert correlates_of(values, ["a"] * 6, list("123456")) == []
    assert correlates_of(values, list("aaabbb"), list("xxxyyy")) == []
