"""The second stage with several classes per clip: targets, folds, training, baselines, reports."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clips.manifest import Entry, Manifest
from metrics.label_sets import joined
from metrics.pooling import RULES, Pooling, pool
from metrics.task import MULTI_LABEL
from recipes.loader import load
from sequence.baselines import fit_baseline, load_baselines, save_baselines, summaries_of
from sequence.dataset import Dataset, LabeledSegment, targets_of
from sequence.evaluation import Predictions, joined_predictions, measure_all, predict_majority
from sequence.evaluation_events import measure_events, true_events
from sequence.evaluation_split import SplitCheck, check_split
from sequence.folds import make_folds, split_validation
from sequence.grouping import MANIFEST, Grouping
from sequence.label_map import LabelMap
from sequence.pooling import events_of, pooled
from sequence.report import summary, write_clip_predictions, write_plots, write_predictions
from sequence.training import fit, window_logits
from sequence.visual.mistakes import find_mistakes
from tests.sequence.stores import Clip, dataset_of, sequence_recipe

LABELS = ["run", "sing", "wave"]
SPLITS = ("train", "train", "val", "test")


def clips_with_signs(count: int = 96) -> list[Clip]:
    """Clips in which feature k is high if class k holds; three clips per group."""
    random, clips = np.random.default_rng(0), []
    for number in range(count):
        holds = random.random(3) < (0.5, 0.3, 0.4)
        rows = random.normal(0, 1, (6, 4)) + 2.5 * np.append(holds, 0)
        label = joined(np.array(LABELS)[holds])
        group = number // 3
        split = SPLITS[group % len(SPLITS)]
        clips.append(Clip(f"{number}.mp4", rows.astype("float32"), label, split, f"g{group}"))
    return clips


@pytest.fixture(scope="module")
def signs(tmp_path_factory) -> Dataset:
    return dataset_of(tmp_path_factory.mktemp("signs"), clips_with_signs(), look_back=3)


def splits(dataset: Dataset) -> tuple[list, list]:
    return dataset.split("train"), dataset.split("val")


def test_a_target_has_the_indices_of_all_labels(signs):
    assert (signs.task, signs.labels) == (MULTI_LABEL, LABELS)
    segments = {segment.video: segment for segment in signs.segments}
    for clip in clips_with_signs():
        assert signs.label_of(segments[clip.video]) == clip.label
    targets = signs.targets(signs.segments)
    assert targets.shape == (96, 3)
    np.testing.assert_array_equal(targets, targets_of(signs.segments, 3))
    some = next(segment for segment in signs.segments if segment.target == ())
    assert signs.label_of(some) == "background"  # no class, which is no class of its own


def test_a_label_map_maps_each_label_and_leaves_out_what_is_unknown(signs):
    mapping = LabelMap(("move", "sound"), {"run": "move", "wave": "move", "sing": "-"})
    rows = (Entry("0.mp4", "run|wave"), Entry("1.mp4", "run|sing"), Entry("2.mp4", "sing"))
    manifest = Manifest(Path("manifest.csv"), (*rows, Entry("3.mp4", "background")))
    mapped = Dataset(signs.store, manifest, 3, mapping)
    assert {each.video: each.target for each in mapped.segments} == {
        "0.mp4": (0,),
        "1.mp4": (0,),
        "3.mp4": (),
    }


def test_a_multi_label_model_takes_a_set_of_single_labels(signs):
    manifest = Manifest(Path("m.csv"), (Entry("0.mp4", "run"), Entry("1.mp4", "background")))
    assert Dataset(signs.store, manifest, 3).labels == ["background", "run"]
    read = Dataset(signs.store, manifest, 3, task=MULTI_LABEL)
    assert (read.labels, [each.target for each in read.segments]) == (["run"], [(0,), ()])


def test_folds_are_even_in_every_class_and_keep_groups_whole(signs):
    tested = []
    for rest, test in make_folds(signs.segments, 4, 0):
        assert {each.group for each in rest}.isdisjoint(each.group for each in test)
        shares = signs.targets(test).mean(0) - signs.targets(signs.segments).mean(0)
        assert np.abs(shares).max() < 0.15
        tested += [each.video for each in test]
    assert sorted(tested) == sorted(each.video for each in signs.segments)
    training, validation = split_validation(signs.segments, 0)
    assert len(validation) == pytest.approx(96 / 6, abs=4)
    assert len(training) + len(validation) == 96


def test_every_class_is_an_event_unless_the_recipe_names_them():
    assert events_of(sequence_recipe(), LABELS, MULTI_LABEL) == (0, 1, 2)
    assert events_of(sequence_recipe(events=("sing",)), LABELS, MULTI_LABEL) == (1,)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("windows", [1, 9])
def test_the_network_pools_as_the_report_does(rule, windows):
    pooling = Pooling(rule, (0, 2) if rule == "top" else (), MULTI_LABEL)
    random = np.random.default_rng(0)
    outputs = random.normal(0, 2, (5, windows, 3 + (rule == "attention"))).astype("float32")
    rows, clip = outputs.reshape(5 * windows, -1), np.repeat(np.arange(5), windows)
    wanted = pool(pooling.window_probabilities(rows), clip, pooling, pooling.split(rows)[1])
    np.testing.assert_allclose(np.asarray(pooled(outputs, pooling)), wanted, atol=1e-6)


@pytest.mark.parametrize("rule", ["mean", "top"])
def test_training_finds_every_class_by_itself(signs, rule):
    values = {"head": "mean", "learning_rate": 0.02, "epochs": 12, "pooling": rule}
    predictor = fit(signs, *splits(signs), sequence_recipe(**values), 0)
    assert predictor.task is MULTI_LABEL
    assert len(predictor.thresholds) == 3
    test = signs.split("test")
    answers = window_logits(predictor, signs, test).clip_probabilities(predictor.temperature)
    assert answers.sum(1).max() > 1.5  # the classes do not share a sum of 1
    targets = signs.targets(test)
    assert MULTI_LABEL.main_score(answers, targets) > 0.9
    assert MULTI_LABEL.hits(answers, targets, predictor.thresholds).mean() > 0.6


def test_a_baseline_is_a_classifier_of_each_class_against_the_rest(signs, tmp_path):
    training, validation = splits(signs)
    found = fit_baseline("moments", signs, training, validation)
    save_baselines([fit_baseline("ridge", signs, training, validation), found], tmp_path / "b.npz")
    ridge, again = load_baselines(tmp_path / "b.npz")
    assert (ridge.task, again.task) == (MULTI_LABEL, MULTI_LABEL)
    np.testing.assert_array_equal(again.thresholds, found.thresholds)
    inputs = summaries_of("moments", signs, training).astype(np.float64)
    std = np.maximum(inputs.std(0), 0.1 * inputs.std(0).mean())
    targets = signs.targets(training)
    candidates = []
    for strength in (1e-3, 1e-2, 1e-1, 1.0):
        fitted = [
            LogisticRegression(C=strength, max_iter=2000).fit((inputs - inputs.mean(0)) / std, y)
            for y in targets.T
        ]
        candidates.append(
            np.stack(
                [model.predict_proba((inputs - inputs.mean(0)) / std)[:, 1] for model in fitted],
                axis=1,
            )
        )
    mine = found.predict_segments(signs, training)
    assert min(np.abs(mine - wanted).max() for wanted in candidates) < 1e-3
    assert MULTI_LABEL.main_score(mine, targets) > 0.9


def test_majority_predicts_the_share_of_each_class(signs):
    training = signs.split("train")
    found = predict_majority(training, signs.split("test"), LABELS).clip
    np.testing.assert_allclose(found[0], signs.targets(training).mean(0))


@pytest.fixture(scope="module")
def predictions(signs) -> Predictions:
    test = signs.split("test")
    noise = np.random.default_rng(3).normal(0, 0.25, (len(test), 3))
    clip = np.clip(0.15 + 0.7 * signs.targets(test) + noise, 0.01, 0.99)
    return Predictions("lstm", clip, thresholds=(0.5, 0.4, 0.6))


def test_a_report_has_the_mean_average_precision_with_its_interval(signs, predictions):
    test = signs.split("test")
    other = predict_majority(signs.split("train"), test, LABELS)
    results = measure_all([predictions, other], test, LABELS, 100, 0)
    clip, targets = results["lstm"]["clip"], signs.targets(test)
    assert clip["mean_average_precision"] == MULTI_LABEL.main_score(predictions.clip, targets)
    low, high = clip["mean_average_precision_interval"]
    assert low < clip["mean_average_precision"] < high
    assert clip["mean_average_precision_interval_method"] == "t jackknife"
    difference = results["majority"]["difference_to_head"]
    wanted = results["majority"]["clip"]["mean_average_precision"] - clip["mean_average_precision"]
    assert difference["mean_average_precision"] == pytest.approx(wanted)
    assert difference["interval"][1] < 0
    json.dumps(results, allow_nan=False)

    text = summary("Test", results)
    assert "clip mAP" in text
    assert "accuracy" not in text.replace("subset accuracy", "")
    for name in ("macro_f1", "micro_recall", "subset_accuracy", "hamming_loss"):
        assert f"{clip[name]:.3f}" in text, name
    for label, row in clip["classes"].items():
        line = next(line for line in text.splitlines() if line.startswith(label))
        assert f"{row['threshold']:.3f}" in line
        assert f"{row['average_precision']:.3f}" in line


def test_parts_with_thresholds_of_their_own_are_joined(predictions):
    other = Predictions("lstm", predictions.clip, thresholds=(0.1, 0.2, 0.3))
    both, count = joined_predictions([predictions, other]), len(predictions.clip)
    assert both.thresholds.shape == both.clip.shape == (2 * count, 3)
    assert both.thresholds[0].tolist() == [0.5, 0.4, 0.6]
    assert both.thresholds[-1].tolist() == [0.1, 0.2, 0.3]


def test_the_files_of_a_report_name_all_labels(signs, predictions, tmp_path):
    test, found = signs.split("test"), (LABELS, predictions.thresholds)
    write_clip_predictions(tmp_path / "clips.csv", test, predictions.clip, *found)
    steps = [("0.mp4", np.array([0.0, 0.1]), predictions.clip[:2])]
    write_predictions(tmp_path / "predictions.csv", steps, *found)
    with (tmp_path / "clips.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    right = MULTI_LABEL.hits(predictions.clip, signs.targets(test), predictions.thresholds)
    assert [row["true"] == row["label"] for row in rows] == right.tolist()
    assert [row["true"] for row in rows] == [signs.label_of(segment) for segment in test]
    with (tmp_path / "predictions.csv").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == [row["label"] for row in rows[:2]]

    mistakes = find_mistakes(test, predictions.clip, LABELS, predictions.thresholds)
    assert len(mistakes) == (~right).sum()
    first, row = mistakes[0], predictions.clip[mistakes[0].index]
    wrong = (row >= predictions.thresholds) != (signs.targets([first.segment])[0] > 0)
    distance = np.abs(row - signs.targets([first.segment])[0])
    assert first.probability == pytest.approx(distance[wrong].max())
    assert first.most_wrong == LABELS[int(np.where(wrong, distance, -1).argmax())]


def test_the_caption_of_a_mistake_names_the_decision_that_is_most_wrong():
    segment = LabeledSegment("a.mp4", (0, 2), "test", "g", 0, 3)
    thresholds = (0.5, 0.5, 0.5)
    extra = find_mistakes([segment], np.array([[0.8, 0.9, 0.6]]), LABELS, thresholds)[0]
    assert extra.answer == "predicted run|sing|wave (most wrong: sing, 90%)"
    # run is missed by more than wave; sing, by which nothing is wrong, does not count.
    missed = find_mistakes([segment], np.array([[0.1, 0.3, 0.4]]), LABELS, thresholds)[0]
    assert missed.answer == "predicted background (most wrong: not run, 90%)"


def test_plots_of_several_classes_take_the_place_of_the_confusion_matrix(
    signs, predictions, tmp_path
):
    test = signs.split("test")
    results = measure_all([predictions], test, LABELS, 50, 0)["lstm"]
    write_plots(tmp_path, predictions, signs.targets(test), results)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("roc.png", "precision_recall.png", "reliability.png"),
        *("class_scores.png", "together.png"),
    }


def test_an_event_of_each_class_is_where_it_reaches_its_threshold():
    rows = (Entry("a", "run", "test", "g", 1, 4), Entry("a", "wave", "test", "g", 2, 6))
    truth = true_events(Manifest(Path("m.csv"), rows), "test")
    assert {
        label: [(each.start, each.end) for each in truth.spans[label]] for label in truth.spans
    } == {
        "run": [(1, 4)],
        "wave": [(2, 6)],
    }
    steps = np.zeros((10, 2))
    steps[1:4, 0], steps[3:6, 1] = 0.6, 0.5
    found = measure_events(
        [("a", np.arange(10.0), steps)], truth, ["run", "wave"], 0, MULTI_LABEL, (0.55, 0.45)
    )
    # `run` is found as it is; `wave` from 3 s on, a second late.
    assert [found["classes"][label]["recall"] for label in ("run", "wave")] == [1, 1]
    assert [found["classes"][each]["delay_median"] for each in ("run", "wave")] == [0, 1]


def test_a_split_is_checked_by_the_mean_average_precision(signs):
    recipe = load(flags={"evaluate.bootstrap": 50}).recipe
    found = check_split(signs, Grouping(MANIFEST), recipe)
    row = found["models"]["ridge"]
    low, high = row["by_group"]["mean_average_precision_interval"]
    assert low < row["by_group"]["mean_average_precision"] < high
    wanted = row["by_clip"]["mean_average_precision"] - row["by_group"]["mean_average_precision"]
    assert row["difference"]["mean_average_precision"] == pytest.approx(wanted)
    (text,) = SplitCheck(Grouping(MANIFEST), found).remarks()
    assert "mAP of " in text


def test_events_are_found_by_the_thresholds_of_the_model_of_each_video():
    rows = [Entry(name, "run|wave", "test", name, 1, 4) for name in ("a", "b")]
    truth = true_events(Manifest(Path("m.csv"), tuple(rows)), "test")
    steps = np.zeros((10, 2))
    steps[1:4] = 0.5
    found = measure_events(
        [(name, np.arange(10.0), steps) for name in ("a", "b")],
        truth,
        ["run", "wave"],
        0,
        MULTI_LABEL,
        {"a": (0.4, 0.4), "b": (0.6, 0.4)},
    )
    assert [found["classes"][label]["recall"] for label in ("run", "wave")] == [0.5, 1]
