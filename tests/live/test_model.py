"""From a model folder to a live model: its labels, its threshold, its head, and mistakes."""

import numpy as np
import pytest

from extract.extractor.loading import load_network
from live.model import choose_live_model, load_live_model
from metrics.calibration import softmax
from model_folder.config import require_config, write_config
from recipes.loader import load
from video.errors import LookbackError, UsageError
from video.steps import Step


def test_a_model_has_the_folder_s_labels_and_threshold(project):
    model = load_live_model(project.weights)
    assert model.warm_up() > 0
    blank = np.zeros((1, 48, 48, 3), np.uint8)
    made = model.stream().decide(Step(0, 0.0, blank, False))
    assert made.labels == ("down", "lower", "raise", "up")
    assert made.threshold == 0.5
    assert made.probabilities.sum() == pytest.approx(1)


def test_warming_up_leaves_no_trace_in_the_first_window(project):
    step = Step(0, 0.0, np.full((1, 48, 48, 3), 200, np.uint8), False)
    cold, warm = load_live_model(project.weights), load_live_model(project.weights)
    warm.warm_up()
    first, second = (each.stream().decide(step).probabilities for each in (cold, warm))
    np.testing.assert_array_equal(first, second)


def test_a_folder_without_a_model_is_an_error_that_names_the_mend(tmp_path):
    with pytest.raises(LookbackError, match=r"model\.yaml is missing.*train_lstm\.py"):
        load_live_model(tmp_path)


def test_the_own_head_is_asked_for_by_name_and_its_labels_are_the_network_s(project):
    own = load_live_model(project.weights, head="own")
    assert (own.labels, own.shows_all, own.best) == (("down", "lower", "raise", "up"), True, 3)
    blank = Step(0, 0.0, np.zeros((1, 48, 48, 3), np.uint8), False)
    made = own.stream().decide(blank)
    assert made.full  # look-back 1
    assert made.threshold == 0.5
    network = load_network(project.weights, require_config(project.weights))
    temperature = require_config(project.weights).backbone.temperature
    logits = np.asarray(network(blank.clip[None]))
    np.testing.assert_allclose(made.probabilities, softmax(logits, temperature)[0], atol=1e-6)
    assert load_live_model(project.weights, 0.9, "own").threshold == 0.9


def test_a_backbone_that_was_not_fine_tuned_has_no_head_of_its_own(project, tmp_path):
    config = require_config(project.weights)
    backbone = config.backbone.model_copy(update={"network": None, "fine_tuned": False})
    write_config(tmp_path, config.model_copy(update={"backbone": backbone}))
    with pytest.raises(LookbackError, match=r"no classifier of its own.*finetune\.py"):
        load_live_model(tmp_path, head="own")


def test_another_precision_than_the_model_s_is_refused(project):
    asked = {"model.folder": str(project.weights), "extract.precision": "bf16"}
    with pytest.raises(UsageError, match=r"extract\.precision: a model runs in the precision"):
        choose_live_model(load(flags=asked))
