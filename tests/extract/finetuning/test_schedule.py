"""Phases: stages that are trained from an epoch on, and their learning rates."""

import pytest

from extract.finetuning.schedule import Phases, stages_of_phase
from recipes.schema import Phase
from video.errors import UsageError

NAMES = ("stem", "block1", "block2", "top")


def phase(epoch: int, stages, rate: float = 1e-3, **keys) -> Phase:
    return Phase(epoch=epoch, stages=stages, learning_rate=rate, **keys)


def phases(*schedule: Phase, epochs: int = 10) -> Phases:
    return Phases(schedule, NAMES, epochs)


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        (0, set()),
        (1, {"top"}),
        (3, {"block1", "block2", "top"}),
        (99, set(NAMES)),
        ("all", set(NAMES)),
        (("block1", "stem"), {"stem", "block1"}),
        ((), set()),
        ({"top": 0.1, "stem": 0.2}, {"stem", "top"}),
    ],
)
def test_stages_are_counted_from_the_end_or_named(stages, wanted):
    assert stages_of_phase(phase(0, stages), NAMES) == wanted
    assert set(phases(phase(0, stages)).at(0).rates) == wanted


def test_stages_take_the_head_s_rate_or_the_backbone_s_or_their_own():
    assert phases(phase(0, 2, 0.1)).at(0).rates == {"block2": 0.1, "top": 0.1}
    common = phase(0, 2, 0.1, backbone_learning_rate=0.01)
    assert phases(common).at(0).rates == {"block2": 0.01, "top": 0.01}
    own = phase(0, {"top": 0.5, "stem": 0.25}, 0.1, backbone_learning_rate=0.01)
    assert phases(own).at(0).rates == {"stem": 0.25, "top": 0.5}
    assert phases(own).at(0).head_rate == 0.1


def test_rates_stand_in_the_network_s_order_however_the_recipe_names_them():
    assert list(phases(phase(0, ("top", "stem", "block2"))).at(0).rates) == [
        "stem",
        "block2",
        "top",
    ]


def test_phases_begin_at_their_epochs_and_end_where_the_next_begins():
    made = phases(phase(7, "all"), phase(0, 0), phase(2, 1), epochs=9)
    assert [(made.at(n).first, made.at(n).length) for n in range(9)] == (
        [(0, 2)] * 2 + [(2, 5)] * 5 + [(7, 2)] * 2
    )
    assert [len(made.at(n).rates) for n in (0, 1, 2, 6, 7, 8)] == [0, 0, 1, 1, 4, 4]


def test_a_phase_behind_the_last_epoch_does_no_harm():
    made = phases(phase(0, 0), phase(20, "all"), epochs=5)
    assert made.at(4).first == 0


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (phase(0, 0), "From epoch 1: head at 0.001."),
        (phase(2, ("block2", "top"), 1e-4), "From epoch 3: head, block2, top at 0.0001."),
        (
            phase(0, 2, 0.01, backbone_learning_rate=0.001),
            "From epoch 1: head at 0.01; block2, top at 0.001.",
        ),
        (
            phase(0, {"block1": 1e-5, "top": 0.01}, 0.01),
            "From epoch 1: head at 0.01; block1 at 1e-05; top at 0.01.",
        ),
    ],
)
def test_the_text_of_a_phase_lists_stages_with_learning_rates(one, text):
    first = one if one.epoch == 0 else phase(0, 0)
    assert str(phases(first, one).at(one.epoch)) == text


@pytest.mark.parametrize("stages", [("block9",), {"top": 0.1, "block9": 0.1}])
def test_an_unknown_stage_is_named_beside_those_that_there_are(stages):
    with pytest.raises(UsageError) as error:
        phases(phase(0, 0), phase(5, stages))
    assert str(error.value) == (
        "finetune.phases: there is no stage block9; this backbone's are stem, block1, block2, top"
    )


def test_phases_that_begin_late_are_refused():
    with pytest.raises(UsageError, match="first phase must begin at epoch 0"):
        phases(phase(1, 0), phase(4, "all"))
