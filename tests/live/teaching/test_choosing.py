"""Which input and head a learning takes, by the scores of a table."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from live.teaching import choosing
from live.teaching.scoring import Score
from tests.live.teaching.scripted import settings_of


@dataclass(frozen=True)
class FakeExperiment:
    """An experiment of one input, whose dataset is its name."""

    input: str
    alternative: "FakeExperiment | None" = None
    closed: list = field(default_factory=list)

    @property
    def inputs(self):
        return [self] if self.alternative is None else [self, self.alternative]

    @property
    def store(self):
        return SimpleNamespace(close=lambda: self.closed.append(self.input))

    def look_back(self, recipe):
        return recipe.sequence.look_back

    def dataset(self, look_back):
        return self.input


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """Return a function from the tables to the choice, and what was measured for it."""

    def choose(linear, scores, folds="group", **keys):
        measured = []

        def folds_score(dataset, recipe, by):
            measured.append((dataset, recipe.sequence.head))
            right = round(20 * scores[measured[-1]])
            return Score({str(n): n < right for n in range(20)}, "groups")

        monkeypatch.setattr(choosing, "linear_score", lambda dataset, by, seed: linear[dataset])
        monkeypatch.setattr(choosing, "folds_score", folds_score)
        first, *rest = [FakeExperiment(name) for name in linear]
        one = FakeExperiment(first.input, rest[0] if rest else None)
        kept, settings, score = choosing.choose(one, settings_of(tmp_path, **keys), folds)
        assert kept.alternative is None
        assert not kept.closed
        assert all(each.closed for each in one.inputs if each.input != kept.input)
        found = (kept.input, settings.recipe.sequence.head)
        return found, score and score.accuracy, measured

    return choose


def test_the_first_that_is_as_good_as_a_linear_model_is_taken(chosen):
    found, score, measured = chosen({"frame": 0.6, "change": 0.7}, {("change", "lstm"): 0.9})
    assert (found, score) == (("change", "lstm"), 0.9)
    assert measured == [("change", "lstm")]


def test_frames_come_first_where_change_pictures_show_nothing(chosen):
    found, _, measured = chosen({"frame": 1.0, "change": 0.5}, {("frame", "lstm"): 1.0})
    assert found == ("frame", "lstm")
    assert len(measured) == 1


def test_where_a_linear_model_is_better_the_others_are_tried_and_the_best_is_taken(chosen):
    scores = {
        ("change", "lstm"): 0.5,
        ("change", "statistics"): 0.8,
        ("frame", "lstm"): 0.6,
        ("frame", "statistics"): 0.7,
    }
    found, score, measured = chosen({"frame": 0.9, "change": 0.9}, scores)
    assert (found, score) == (("change", "statistics"), 0.8)
    assert measured == list(scores)


def test_a_head_that_the_user_names_is_the_only_one(chosen):
    found, score, measured = chosen({"change": 1.0}, {("change", "gru"): 0.5}, sequence__head="gru")
    assert (found, score) == (("change", "gru"), 0.5)
    assert len(measured) == 1


@pytest.mark.parametrize(("folds", "keys"), [("", {}), ("group", {"sequence__head": "auto"})])
def test_without_folds_nothing_is_measured_here(chosen, folds, keys):
    found, score, measured = chosen({"frame": 0.5, "change": 0.5}, {}, folds, **keys)
    assert found == ("change", keys.get("sequence__head", "lstm"))
    assert score is None
    assert measured == []
