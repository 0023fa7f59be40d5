"""A fine-tuning that follows a script: its updates train nothing, and its losses are given.

The script takes the place of the public `TrainingStep`: what it is fed with, and all that the run
decides by its answers, are the program's own.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from extract.extractor.loading import load_network
from extract.finetuning.train_step import TrainingStep
from extract.finetuning.trainer import Trainer
from model_folder.config import require_config

Scripted = float | np.ndarray | BaseException


def logits_of(losses: float | np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Return logits (n, K) with which each of the n rows has its loss, one or (n,) of them."""
    right = np.exp(-np.broadcast_to(losses, len(truth)))
    probabilities = np.repeat((1 - right)[:, None] / (classes - 1), classes, axis=1)
    probabilities[np.arange(len(truth)), truth] = right
    return np.log(probabilities)


def follow(
    tuning: Trainer,
    monkeypatch: pytest.MonkeyPatch,
    script: Sequence[Scripted],
    watch: Callable[[TrainingStep], None] = lambda step: None,
) -> Trainer:
    """Let a fine-tuning follow a script; return it.

    Args:
        tuning: The run. All of its clips must be readable.
        monkeypatch: The fixture, which gives the real training back.
        script: A validation loss above 0 for every epoch, or logits (n, K) of all n validation
            clips, or an exception that validation raises.
        watch: A function that is called with the step of every update.
    """
    bias = tuning.network.model.get_layer("classifier").bias
    count = tuning.clips.max_validation_clips()
    truth = np.repeat(tuning.clips.validation_classes, count // len(tuning.clips.validation))
    epochs, answers = iter(enumerate(script)), np.empty((0, len(tuning.labels)))
    epoch = 0

    def update(step: TrainingStep, inputs, classes, weights) -> float:
        bias.assign(np.full(bias.shape, epoch, np.float32))  # so that weights tell their epoch
        watch(step)
        return 1.0

    def logits(step: TrainingStep, inputs) -> np.ndarray:
        nonlocal answers, epoch
        if not len(answers):
            number, entry = next(epochs)
            if isinstance(entry, BaseException):
                raise entry
            epoch = number + 1
            whole = entry if isinstance(entry, np.ndarray) else None
            answers = logits_of(entry, truth, len(tuning.labels)) if whole is None else whole
        given, answers = answers[: len(inputs)], answers[len(inputs) :]
        return given

    monkeypatch.setattr(TrainingStep, "__call__", update)
    monkeypatch.setattr(TrainingStep, "logits", logits)
    return tuning


def saved_epoch(tuning: Trainer) -> int:
    """Return the epoch whose weights stand in the model folder, by their scripted bias."""
    network = load_network(tuning.folder, require_config(tuning.folder))
    return int(network.get_layer("classifier").get_weights()[1][0])
