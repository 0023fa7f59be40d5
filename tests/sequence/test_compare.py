"""Comparison of two models on the same clips."""

import json

import numpy as np
import pytest
from scipy.stats import t

from sequence.compare import Answers, compare, main, text_of
from video.errors import LookbackError, UsageError


def answers(name: str, right: str, labels=("a", "b"), first: int = 0) -> Answers:
    """Answers for clips in groups of two: `1` is right, `0` wrong."""
    targets = np.arange(len(right)) % 2
    hits = np.array([each == "1" for each in right])
    clip = np.where(hits[:, None], np.eye(2)[targets], np.eye(2)[1 - targets]) * 0.8 + 0.1
    keys = [(f"{first + number}.mp4", 0.0) for number in range(len(right))]
    groups = [f"g{(first + number) // 2}" for number in range(len(right))]
    return Answers(name, list(labels), keys, targets, groups, clip)


def test_the_difference_is_paired_and_counts_who_is_right():
    found = compare(answers("x", "1100110011"), answers("y", "1101111010"), 500, 0)
    counts = [found[key] for key in ("both", "only_first", "only_second", "neither")]
    assert counts == [5, 1, 2, 2]
    assert (found["clips"], found["groups"], found["left_out"]) == (10, 5, 0)
    assert [each["accuracy"] for each in found["models"]] == pytest.approx([0.6, 0.7])
    difference = found["difference"]
    # The groups gain 0, 1/2, 0, 1/2 and -1/2.
    half = t.ppf(0.975, 4) * np.sqrt(0.175 / 5)
    assert difference["accuracy"] == pytest.approx(0.1)
    assert difference["interval"] == pytest.approx([0.1 - half, 0.1 + half])
    assert difference["method"] == "t"
    low, high = difference["bootstrap"]
    assert low < 0.1 < high
    assert 0.5 < difference["better"] < 0.9
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_text_says_which_is_better_only_if_the_interval_says_so():
    clear = text_of(compare(answers("x", "10" * 20), answers("y", "11" * 20), 200, 0))
    assert "y minus x: +0.500, 95 % interval +0.383 to +0.617" in clear
    assert "paired): y is better." in clear
    assert "y is better in 100 % of the resamples" in clear
    open_ = text_of(compare(answers("x", "1011"), answers("y", "1101"), 200, 0))
    assert "these clips do not tell which is better" in open_


def test_only_common_clips_count():
    found = compare(answers("x", "1111"), answers("y", "0011", first=2), 50, 0)
    assert (found["clips"], found["left_out"]) == (2, 4)
    assert found["difference"]["accuracy"] == -1
    with pytest.raises(LookbackError, match="x and y have no clip in common"):
        compare(answers("x", "11"), answers("y", "11", first=8), 50, 0)


@pytest.mark.parametrize(
    ("labels", "what"),
    [(("b", "a"), "the same classes in another order"), (("a", "c"), "other classes")],
)
def test_other_classes_end_in_one_line(labels, what: str):
    with pytest.raises(LookbackError, match=f"x and y have {what}"):
        compare(answers("x", "11"), answers("y", "11", labels), 50, 0)


def test_two_model_folders_are_compared(project, tmp_path, capsys):
    out = tmp_path / "comparison.json"
    folder = str(project.weights)
    assert main([folder, folder, "--data", str(project.data), "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert (found["clips"], found["difference"]["accuracy"]) == (8, 0)
    assert found["difference"]["method"] == "exact"
    with pytest.raises(UsageError, match="one for each model"):
        main([folder, folder, "--features", "a", "b", "c"])
