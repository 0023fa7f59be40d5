"""What a learning chooses by its clips: the input of the network, and the head."""

from collections.abc import Iterator
from dataclasses import replace

from live.teaching.request import with_keys
from live.teaching.scoring import Score, folds_score, linear_score
from recipes.loader import Settings
from sequence.experiment import Experiment

# Frames have to be better by this share of the clips: see docs/teaching.md.
FRAME_MARGIN = 0.2
_HEADS = ("lstm", "statistics")


def choose(
    experiment: Experiment, settings: Settings, folds: str
) -> tuple[Experiment, Settings, Score | None]:
    """Return the experiment of one input, the settings with a head, and their score.

    Change pictures come first, because they are better on fixed cameras, but they are blind to what
    only stands there; linear models see that at once, and then frames come first. An LSTM comes
    before the head `statistics`, because it knows the order of the steps. The first combination is
    taken that is as good as a linear model over the clips, of both inputs; without any, the best. A
    head that the user names is the only one.

    Args:
        experiment: Experiment of one input, with the other as its alternative or without one.
        settings: Settings of the learning.
        folds: What a fold keeps together: `group`, `clip`, or empty for no folds and no score.
    """
    linear = {each.input: _linear(each, settings, folds) for each in experiment.inputs}
    frames_first = linear.get("frame", 0.0) >= linear.get("change", 0.0) + FRAME_MARGIN
    first = "frame" if frames_first else "change"
    inputs = sorted(experiment.inputs, key=lambda each: each.input != first)
    best: tuple[Experiment, Settings, Score | None] | None = None
    for each, chosen in _candidates(inputs, settings):
        score = None
        if folds and chosen.recipe.sequence.head != "auto":
            dataset = each.dataset(each.look_back(chosen.recipe))
            score = folds_score(dataset, chosen.recipe, folds)
        if best is None or _accuracy(score) > _accuracy(best[2]):
            best = each, chosen, score
        if score is None or _accuracy(best[2]) >= max(linear.values()):
            break
    assert best is not None  # there is an input and a head
    for each in inputs:
        if each is not best[0]:
            each.store.close()
    return replace(best[0], alternative=None), *best[1:]


def _candidates(
    inputs: list[Experiment], settings: Settings
) -> Iterator[tuple[Experiment, Settings]]:
    named = "sequence.head" in settings.given and settings.recipe.sequence.head != "own"
    for each in inputs:
        for head in (settings.recipe.sequence.head,) if named else _HEADS:
            yield each, with_keys(settings, {"sequence.head": head})


def _accuracy(score: Score | None) -> float:
    return score.accuracy if score else 0.0


def _linear(experiment: Experiment, settings: Settings, folds: str) -> float:
    dataset = experiment.dataset(experiment.look_back(settings.recipe))
    return linear_score(dataset, folds or "group", settings.recipe.seed)
