"""The values that a search tries."""

from recipes.loader import load
from sequence.heads import HEADS
from sequence.search.space import SearchSpace, has_units


class Chosen:
    """Stand-in for a trial: takes given values, and the first choice or lower end otherwise."""

    def __init__(self, **values) -> None:
        self.values, self.choices = values, {}

    def suggest_categorical(self, name, choices):
        self.choices[name] = choices
        return self.values.get(name, choices[0])

    def suggest_float(self, name, low, high, *, log=False):
        self.choices[name] = (low, high)
        return self.values.get(name, low)


def space_of(labels=("a", "b"), inputs=("frame",), longest=20, clips=False, fixed=(), **keys):
    base = load(flags={f"sequence.{key}": value for key, value in keys.items()}).recipe.sequence
    return SearchSpace(base, list(inputs), 16, longest, labels, clips, frozenset(fixed))


def test_all_heads_are_tried_and_units_only_where_they_mean_something():
    for head in HEADS:
        trial = Chosen(head=head, units="64")
        chosen = space_of().suggest(trial)
        assert chosen.sequence.head == head
        assert ("units" in trial.choices) == has_units(head) == ("units" in chosen.to_dict())
        assert (chosen.sequence.units == (64,)) == has_units(head)


def test_look_backs_fit_the_clips_and_the_network():
    trial = Chosen()
    space_of(longest=13).suggest(trial)
    assert trial.choices["look_back"] == (16, 4, 8, 12)  # the recipe's own is always there
    space_of(longest=6, clips=True).suggest(trial)
    assert trial.choices["look_back"] == (16, 1, 2, 4)


def test_top_pooling_is_tried_only_with_events():
    trial = Chosen()
    space_of().suggest(trial)
    assert trial.choices["pooling"] == ("mean", "attention")
    space_of(labels=("background", "fall")).suggest(trial)
    assert trial.choices["pooling"] == ("mean", "attention", "top")


def test_keys_of_the_command_line_are_not_varied_but_auto_is():
    trial = Chosen()
    fixed = ("head", "units", "learning_rate", "pooling")
    space = space_of(fixed=fixed, head="gru", units=(5, 3), learning_rate=0.5, pooling="auto")
    chosen = space.suggest(trial)
    assert (chosen.sequence.head, chosen.sequence.units) == ("gru", (5, 3))
    assert chosen.sequence.learning_rate == 0.5
    assert "learning_rate" not in trial.choices
    assert len(trial.choices["pooling"]) == 2
    assert [point["head"] for point in space.first] == ["gru"]


def test_the_recipe_and_the_simplest_head_come_first_with_every_input():
    space = space_of(inputs=("frame", "change"), dropout=0.9)
    points = [(point["head"], point["input"]) for point in space.first]
    assert points == [
        ("lstm", "frame"),
        ("lstm", "change"),
        ("statistics", "frame"),
        ("statistics", "change"),
    ]
    chosen = space.suggest(Chosen(**space.first[1]))
    base = load(flags={"sequence.dropout": 0.9}).recipe.sequence
    assert chosen.input == "change"
    assert chosen.sequence == base.model_copy(update={"look_back": 16})
