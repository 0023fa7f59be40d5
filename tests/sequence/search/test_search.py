"""The search: what it may see, how it stops and goes on, and what it writes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from model_folder.config import read_config, write_config
from recipes.loader import load
from sequence import evaluator
from sequence.dataset import Dataset
from sequence.search import run, scoring, study
from sequence.search.run import search
from sequence.search.scoring import Score, Scorer
from sequence.search.space import Configuration
from sequence.search.study import Study, study_name
from sequence.training import STOPPED
from tests.sequence.test_evaluation import FlatModel
from tests.sequence.test_selection import SIZE, clips_of, experiment_of
from video.errors import LookbackError

optuna = pytest.importorskip("optuna", reason="it searches")

KEYS = {"sequence.look_back": 4, "evaluate.bootstrap": 50, "sequence.epochs": 2}


def settings_of(folder, trials: int, **keys):
    return load(flags={**KEYS, "model.folder": str(folder), "search.trials": trials, **keys})


@pytest.fixture
def experiment(tmp_path):
    made = experiment_of(tmp_path, clips_of(0), clips_of(3))
    backbone = made.config.backbone.model_copy(update={"feature_size": SIZE})
    both = [
        replace(each, config=each.config.model_copy(update={"backbone": backbone}))
        for each in (made, made.alternative)
    ]
    write_config(tmp_path, both[0].config)
    return replace(both[0], alternative=both[1])


@pytest.fixture
def seen(monkeypatch) -> list:
    """Predict without training; collect (training, validation, settings) of every fit."""
    fits = []

    def flat_fit(dataset, training, validation, chosen, seed, watch=None, log=None):
        fits.append((training, validation, chosen, log))
        return FlatModel(training, validation)

    monkeypatch.setattr(scoring, "fit", flat_fit)
    return fits


@pytest.fixture
def trained(monkeypatch) -> list:
    """Collect the arguments of the training and of the test report that follow a search."""
    calls = []
    monkeypatch.setattr(run, "train", lambda *given: calls.append(given) or "result")
    monkeypatch.setattr(run, "_report_once", lambda study, settings: calls.append(settings))
    return calls


def test_the_best_input_is_found_and_trained_and_the_test_clips_take_no_part(
    experiment, tmp_path, seen, trained
):
    assert search(experiment, settings_of(tmp_path, 4)) == "result"
    (chosen, settings, _, record, found), reported = trained
    assert chosen.input == found["input"] == "change"
    assert chosen.alternative is None
    assert settings.recipe.sequence.look_back == found["look_back"]
    assert settings is reported
    assert (record.trials, record.folds, record.clips) == (4, 5, 18)
    assert record.accuracy > 0.8
    for training, validation, *_ in seen:
        assert {segment.split for segment in (*training, *validation)} == {"train", "val"}


def test_every_clip_is_scored_once_by_a_model_without_its_group(experiment, tmp_path, seen):
    datasets = {each.input: each.dataset(4) for each in experiment.inputs}
    scorer = Scorer(datasets, None, 0)
    steps = []
    base = settings_of(tmp_path, 1).recipe.sequence
    score = scorer.score(Configuration("change", 4, base), lambda *step: steps.append(step))
    assert [step for step, _ in steps] == [0, 1, 2, 3, 4]
    assert steps[-1][1] == pytest.approx(score.log_loss)
    for training, validation, *_ in seen:
        groups = [{segment.group for segment in part} for part in (training, validation)]
        assert not groups[0] & groups[1]
    assert score.temperature == pytest.approx(_best_temperature(datasets["change"]), abs=1e-3)
    assert (scorer.folds, scorer.clips, scorer.groups) == (5, 18, 9)


def _best_temperature(dataset: Dataset) -> float:
    """Return the temperature of `FlatModel` with the lowest log loss over train and val."""
    clips = [segment for segment in dataset.segments if segment.split != "test"]
    windows = [dataset.full_windows([clip])[slice(None)].mean(1)[:, :2] for clip in clips]

    def loss(temperature: float) -> float:
        rows = [softmax(logits / temperature, axis=1).mean(0) for logits in windows]
        return -np.mean([np.log(row[clip.target]) for row, clip in zip(rows, clips, strict=True)])

    return minimize_scalar(loss, bounds=(0.5, 5), method="bounded", options={"xatol": 1e-6}).x


def test_many_clips_are_scored_on_the_val_split_by_epoch(experiment, tmp_path):
    datasets = {each.input: each.dataset(4) for each in experiment.inputs}
    scorer = Scorer(datasets, 0, 0)
    assert (scorer.folds, scorer.clips) == (0, 6)
    base = settings_of(tmp_path, 1, **{"sequence.head": "mean"}).recipe.sequence
    steps = []
    scorer.score(Configuration("frame", 4, base), lambda *step: steps.append(step))
    assert [step for step, _ in steps] == [0, 1]


def test_ctrl_c_ends_the_search_and_the_same_command_goes_on(
    experiment, tmp_path, monkeypatch, seen, trained, capsys
):
    flat_fit, count = scoring.fit, 0

    def interrupted(*given):
        nonlocal count
        count += 1
        if count == 12:  # in the third trial
            given[-1](STOPPED)  # what a training prints that keeps its best epoch
        return flat_fit(*given)

    monkeypatch.setattr(scoring, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(experiment, settings_of(tmp_path, 4))
    assert "Stopped after 2 trials" in capsys.readouterr().out
    assert trained == []
    done = len(seen)
    search(experiment, settings_of(tmp_path, 4))
    said = capsys.readouterr().out
    assert "2 trials are in" in said
    assert len(seen) - done <= 2 * 5
    assert trained[0][3].trials == 4
    # The values of the trial that was lost are tried again.
    rows = (tmp_path / "search" / "trials.csv").read_text().splitlines()
    tried = [row.rsplit('"', 2)[1] for row in rows[1:]]
    assert len(tried) == len(set(tried)) == 4
    assert sum("look-back 4" in text and "statistics" in text for text in tried) >= 2


def test_other_clips_or_settings_begin_another_study(experiment, tmp_path, seen, trained):
    search(experiment, settings_of(tmp_path, 2))
    first = len(seen)
    search(experiment, settings_of(tmp_path, 2))
    assert len(seen) == first  # nothing is left to try
    search(experiment, settings_of(tmp_path, 2, seed=1))
    assert len(seen) > first
    assert study_name({"seed": 0}) != study_name({"seed": 1})


def _scores(values: dict):
    """Return a scorer of made-up folds: the log loss depends on the head alone."""

    def score(configuration, progress) -> Score:
        value = values.get(configuration.sequence.head, 1.0)
        for fold in range(5):
            progress(fold, value)
        return Score(value, 0.5, 0.1, 1.0)

    return score


def test_trials_that_fall_behind_are_given_up(experiment, tmp_path):
    settings = settings_of(tmp_path, 20)
    datasets = {"frame": experiment.dataset(4)}
    space = run._space(replace(experiment, alternative=None), settings, datasets, 4)
    made = Study(tmp_path / "s.journal", "one", 0, by_folds=True)
    made.run(space, _scores({"statistics": 0.2, "mean": 0.3, "gru": 2.0}), 20)
    best, score = made.best(space)
    assert (best.sequence.head, score.log_loss) == ("statistics", 0.2)
    assert 0 < made.pruned < 20
    assert len(made.table()) == made.finished == 20


def test_a_damaged_study_is_named_in_one_line(tmp_path):
    path = tmp_path / "s.journal"
    path.write_text('{"op_code": 0}\nno json\n{}\n')
    with pytest.raises(LookbackError, match=r"s\.journal: the study is damaged; remove it"):
        Study(path, "one", 0, by_folds=True)


def test_without_optuna_one_line_names_the_remedy(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "find_spec", lambda name: None)
    with pytest.raises(LookbackError, match=r"--search needs Optuna: .*requirements-extras\.txt"):
        search(experiment, settings_of(tmp_path, 2))


def test_a_search_trains_records_and_reports_on_the_test_clips_once(
    experiment, tmp_path, monkeypatch, seen, capsys
):
    settings = settings_of(tmp_path, 2, **{"sequence.head": "mean"})
    evaluated = []

    def watched(*given):
        evaluated.append(evaluator.evaluate(*given, out=tmp_path / "report"))

    monkeypatch.setattr(run, "evaluate", watched)
    monkeypatch.setattr(run, "open_experiment", lambda chosen: _reopened(experiment, tmp_path))
    result = search(experiment, settings)
    assert [report["split"] for report in evaluated] == ["test"]
    config = read_config(tmp_path)
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert written["search"]["configuration"]["head"] == config.sequence.head == written["head"]
    assert written["search"]["trials"] == config.sequence.search.trials == 2
    assert config.sequence.look_back == written["search"]["configuration"]["look_back"]
    assert result.metrics == written
    assert "of this search" not in capsys.readouterr().out
    monkeypatch.setattr(run, "train", lambda *given: None)
    monkeypatch.setattr(run, "evaluate", lambda *given: None)
    search(_reopened(experiment, tmp_path, both=True), settings)
    assert "this is report 2 of this search on the test clips" in capsys.readouterr().out


def _reopened(experiment, folder, both: bool = False):
    """Return the experiment as `open_experiment` gives it after training."""
    config = read_config(folder)
    inputs = {each.input: each for each in experiment.inputs}
    found = replace(inputs[config.sampling.input], config=config, alternative=None)
    if not both:
        return replace(found, store=_Unclosed(found.store))
    other = next(each for name, each in inputs.items() if name != found.input)
    return replace(found, alternative=replace(other, alternative=None))


class _Unclosed:
    """A store that other parts of a test still read."""

    def __init__(self, store) -> None:
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def __contains__(self, video) -> bool:
        return video in self._store

    def close(self) -> None:
        pass


def test_a_look_back_shares_the_features(experiment):
    dataset = experiment.dataset(4)
    other: Dataset = dataset.with_look_back(8)
    assert (dataset.look_back, other.look_back) == (4, 8)
    assert dataset.store is other.store
    assert len(other.full_windows(other.segments)) < len(dataset.full_windows(dataset.segments))
