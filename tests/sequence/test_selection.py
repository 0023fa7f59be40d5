"""The choice of input and head by cross-validation: which clips it sees, and what it takes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clips.manifest import Manifest
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from model_folder.config import ModelConfig
from recipes.loader import load
from sequence import selection
from sequence.dataset import Dataset
from sequence.evaluator import _selection
from sequence.experiment import Experiment
from sequence.selection import select, selection_summary
from tests.extract.projecting import card_of, full_config
from tests.sequence.stores import Clip, spec_of, store_of
from tests.sequence.test_evaluation import FlatModel
from video.errors import LookbackError

STEPS, SIZE = 12, 6


def clips_of(signal: float, groups: int = 12, drop: str = "") -> list[Clip]:
    """Return two clips, one per class, of each group; `signal` is added to the class's feature."""
    clips = []
    for group in range(groups):
        split = ("train", "train", "val", "test")[group % 4]
        for target, label in enumerate("ab"):
            random = np.random.default_rng([group, target])
            rows = random.normal(0.0, 1.0, (STEPS, SIZE)).astype(np.float32)
            rows[:, target] += signal
            clips.append(Clip(f"{label}{group}.mp4", rows, label, split, f"g{group}"))
    return [clip for clip in clips if clip.video != drop]


def experiment_of(folder: Path, frame: list[Clip], change: list[Clip]) -> Experiment:
    """Return an experiment with features of both inputs."""
    made = {}
    for name, clips, seconds in (("frame", frame, None), ("change", change, 0.1)):
        store = store_of(
            folder / f"{name}.h5",
            {clip.video: clip.rows for clip in clips},
            sampling={"fps": 10.0, "hop": 1, **({"change_seconds": 0.1} if seconds else {})},
        )
        manifest = Manifest(folder / "manifest.csv", tuple(clip.entry for clip in frame))
        config: ModelConfig = card_of("tiny")
        sampling = replace(config.sampling, change_seconds=seconds)
        config = config.model_copy(update={"sampling": sampling})
        made[name] = Experiment(folder, config, manifest, store)
    return replace(made["frame"], alternative=made["change"])


def recipe_of(head: str = "mean"):
    keys = {"sequence.look_back": 4, "sequence.head": head, "evaluate.bootstrap": 100}
    return load(flags=keys).recipe


@pytest.fixture(autouse=True)
def flat_models(monkeypatch) -> list:
    """Predict the class of the larger of the first two features; return what the models saw."""
    seen = []

    def flat_fit(dataset, training, validation, chosen, seed):
        seen.extend([*training, *validation])
        return FlatModel(training, validation)

    monkeypatch.setattr(selection, "fit", flat_fit)
    return seen


@pytest.mark.parametrize(("frame", "change", "wanted"), [(0, 3, "change"), (3, 0, "frame")])
def test_the_better_input_is_taken(tmp_path, frame, change, wanted):
    chosen = select(experiment_of(tmp_path, clips_of(frame), clips_of(change)), recipe_of())
    assert chosen.experiment.input == wanted
    assert chosen.experiment.alternative is None
    first, second = chosen.report["candidates"]
    assert (first["input"], second["input"]) == ("frame", "change")
    gain = second["accuracy"] - first["accuracy"]
    assert second["difference_to_first"]["accuracy"] == pytest.approx(gain)
    assert (gain > 0.2) == (wanted == "change")
    low, high = second["difference_to_first"]["interval"]
    assert low <= gain <= high


def test_a_tie_takes_frames(tmp_path):
    both = clips_of(5)
    chosen = select(experiment_of(tmp_path, both, both), recipe_of())
    assert [row["accuracy"] for row in chosen.report["candidates"]] == [1.0, 1.0]
    assert chosen.report["chosen"] == {"input": "frame", "head": "mean"}
    assert "frame with mean is used: no other is better." in selection_summary(chosen.report)


def test_the_test_split_is_not_used(tmp_path, flat_models):
    chosen = select(experiment_of(tmp_path, clips_of(3), clips_of(3)), recipe_of())
    assert {segment.split for segment in flat_models} == {"train", "val"}
    assert chosen.report["clips"] == 18
    assert chosen.report["groups"] == 9


def test_clips_without_a_change_picture_are_left_out_of_both(tmp_path):
    experiment = experiment_of(tmp_path, clips_of(3), clips_of(3, drop="a1.mp4"))
    assert select(experiment, recipe_of()).report["clips"] == 17


def test_all_heads_are_compared_on_the_same_folds(tmp_path, capsys):
    experiment = replace(experiment_of(tmp_path, clips_of(3), clips_of(3)), alternative=None)
    chosen = select(experiment, recipe_of("auto"))
    heads = [row["head"] for row in chosen.report["candidates"]]
    assert heads == ["lstm", "bilstm_attention", "statistics"]
    best = max(row["accuracy"] for row in chosen.report["candidates"])
    first = next(r for r in chosen.report["candidates"] if r["accuracy"] == best)
    assert chosen.sequence.head == first["head"]
    assert "Comparison by 5 folds over the 9 groups of train and val (18 clips)" in (
        capsys.readouterr().out
    )


def test_without_auto_nothing_is_compared(tmp_path, flat_models):
    experiment = replace(experiment_of(tmp_path, clips_of(3), clips_of(3)), alternative=None)
    chosen = select(experiment, recipe_of())
    assert (chosen.experiment, chosen.report, flat_models) == (experiment, None, [])


def test_segments_are_matched_by_their_time(tmp_path):
    """The change pictures of the first of two segments with one label are missing."""
    rows = np.random.default_rng(0).normal(size=(STEPS, SIZE)).astype(np.float32)
    parts = [Clip("v.mp4", rows, "a", "train", "g", *times) for times in ((0.0, 0.4), (0.8, 1.2))]
    manifest = Manifest(tmp_path / "manifest.csv", tuple(part.entry for part in parts))
    datasets = []
    for name, first in (("frame", 0), ("change", 6)):
        with FeatureWriter(tmp_path / f"{name}.h5", spec_of(SIZE)) as writer:
            writer.begin("v.mp4", {})
            writer.append("v.mp4", rows[first:], np.arange(first, STEPS) / 10)
            writer.finish("v.mp4")
        datasets.append(Dataset(FeatureStore(tmp_path / f"{name}.h5"), manifest, 2))
    frame, change = selection.common_segments(datasets)
    of_a = [[each.start for each in part if each.target == 0] for part in (frame, change)]
    assert of_a == [[0.8], [0.8]]


@pytest.mark.parametrize("groups", [1, 2])
def test_too_few_groups_are_named(tmp_path, groups):
    clips = clips_of(3, groups)
    experiment = experiment_of(tmp_path, clips, clips)
    with pytest.raises(LookbackError, match="name --input and --head instead of auto"):
        select(experiment, recipe_of())


@pytest.mark.parametrize(("head", "repeated"), [("lstm", True), ("mean", False)])
def test_a_report_repeats_only_the_comparison_that_chose_the_model(tmp_path, head, repeated):
    experiment = experiment_of(tmp_path, clips_of(3), clips_of(3))
    experiment = replace(experiment, config=full_config())
    assert experiment.config.sequence.head == "lstm"
    comparison = {"chosen": {"input": "frame", "head": head}}
    (tmp_path / "metrics.json").write_text(json.dumps({"selection": comparison}))
    assert _selection(experiment) == (comparison if repeated else None)
    (tmp_path / "metrics.json").write_text("[]")
    assert _selection(experiment) is None
