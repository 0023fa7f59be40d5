"""Pooling in training: the events of a recipe, and the network that pools a clip's windows.

`metrics.pooling` has the rules, and computes them from given outputs.
"""

from collections.abc import Sequence as Names

from clips.manifest import BACKGROUND
from metrics.pooling import Pooling, quarter
from metrics.task import SINGLE_LABEL, Task, task_named
from recipes.schema import Sequence
from training.keras_backend import keras
from video.errors import UsageError, hint

ops = keras.ops

# float32 probabilities below this have no finite logarithm after a sum.
_LEAST = 1e-7


def events_of(chosen: Sequence, labels: Names[str], task: Task = SINGLE_LABEL) -> tuple[int, ...]:
    """Return the indices of the labels that are events.

    Args:
        chosen: Settings of the model.
        labels: Names of the K classes.
        task: Whether a clip has one class or several.

    Returns:
        The labels of `sequence.events`. Without this key, all labels but `background`; none if
        there is no such label in a single-label set. In a multi-label set background is no label.

    Raises:
        UsageError: `sequence.events` is empty, or names a label that does not exist.
    """
    if chosen.events is None:
        if BACKGROUND not in labels and not task.several:
            return ()
        return tuple(index for index, label in enumerate(labels) if label != BACKGROUND)
    if not chosen.events:
        raise UsageError("sequence.events: names no label; name the labels that are events")
    for event in chosen.events:
        if event not in labels:
            raise UsageError(f"sequence.events {event}: no such label; {hint(event, labels)}")
    return tuple(index for index, label in enumerate(labels) if label in chosen.events)


def pooling_of(chosen: Sequence, labels: Names[str], task: Task = SINGLE_LABEL) -> Pooling:
    """Return the pooling of a recipe that does not leave the choice open.

    Args:
        chosen: Settings of the model.
        labels: Names of the K classes.
        task: Whether a clip has one class or several.

    Raises:
        UsageError: `sequence.events` does not fit to the labels, or `top` needs it; or the pooling
            is `auto`, which `sequence.pooling_choice` replaces.
    """
    events = events_of(chosen, labels, task)
    if chosen.pooling == "auto":
        raise UsageError("sequence.pooling auto: has to be chosen; set mean, top or attention")
    if chosen.pooling != "top":
        return Pooling(chosen.pooling, task=task)
    if not events:
        raise UsageError(
            f"sequence.pooling top: no label is named {BACKGROUND}, so name those that are events, "
            f"such as --set sequence.events=[{labels[0]}]"
        )
    return Pooling("top", events, task)


def pooled(outputs, pooling: Pooling):
    """Return the probabilities of clips as tensors, float32 (B, K); see `metrics.pooling.pool`.

    Args:
        outputs: Outputs of the windows of each clip: (B, W, K), or (B, W, K + 1) with `attention`.
        pooling: Rule.
    """
    activated = ops.sigmoid if pooling.task.several else ops.softmax  # over the last axis
    if outputs.shape[1] == 1 and pooling.rule == "attention":
        return activated(outputs[:, 0, :-1])  # Keras warns about a softmax over one
    if pooling.rule == "attention":
        weights = ops.softmax(outputs[..., -1:], axis=1)
        return ops.sum(weights * activated(outputs[..., :-1]), axis=1)
    windows = activated(outputs)
    means = ops.mean(windows, axis=1)
    if pooling.rule == "mean":
        return means
    count, classes = quarter(outputs.shape[1]), range(outputs.shape[2])
    happens = ops.convert_to_tensor([float(k in pooling.events) for k in classes])
    if pooling.task.several:
        return _highest(windows, count) * happens + means * (1 - happens)
    nothing = -_highest(-ops.sum(windows * (1 - happens), axis=2, keepdims=True), count)  # (B, 1)
    highest = _highest(windows, count) * happens
    others = means * (1 - happens)
    return (1 - nothing) * _shares(highest) + nothing * _shares(others)


def _highest(values, count: int):
    """Return the means (B, K) of the `count` highest of values (B, W, K) over W."""
    return ops.mean(ops.top_k(ops.transpose(values, (0, 2, 1)), count)[0], axis=-1)


def _shares(values):
    return values / ops.maximum(ops.sum(values, axis=-1, keepdims=True), _LEAST)


def bag_model(model: keras.Model, size: int, pooling: Pooling) -> keras.Model:
    """Return a network from bags of windows, float32 (B, W, L, D), to logits of clips (B, K).

    They are logarithms of the pooled probabilities, or of their odds with several classes per clip.

    It shares its weights with the sequence model, which keeps its own input: one window.

    Args:
        model: Sequence model from windows (B, L, D) to its outputs.
        size: Number of windows per bag, W.
        pooling: Rule.
    """
    window = model.input_shape[1:]
    bags = keras.Input((size, *window), name="bag")
    outputs = model(ops.reshape(bags, (-1, *window)))
    outputs = ops.reshape(outputs, (-1, size, outputs.shape[-1]))
    return keras.Model(bags, PooledClips(pooling, name="clips")(outputs))


@keras.saving.register_keras_serializable(package="lookback")
class PooledClips(keras.layers.Layer):
    """Pools the windows of clips, and returns logits of the clips.

    A layer, because single operations would get names that heads have, such as `mean`.
    """

    def __init__(self, pooling: Pooling, **options) -> None:
        """Set the rule.

        Args:
            pooling: Rule.
            options: Options of `keras.layers.Layer`.
        """
        super().__init__(**options)
        self.pooling = pooling

    def call(self, outputs):
        """Return logits of clips (B, K), from the outputs of their windows (B, W, K or K + 1)."""
        clips = ops.maximum(pooled(outputs, self.pooling), _LEAST)
        logits = ops.log(clips)
        if self.pooling.task.several:
            logits = logits - ops.log(ops.maximum(1 - clips, _LEAST))
        return logits

    def get_config(self) -> dict:
        """Return the fields of the rule."""
        rule = {"rule": self.pooling.rule, "events": list(self.pooling.events)}
        return {**super().get_config(), **rule, "task": self.pooling.task.name}

    @classmethod
    def from_config(cls, config: dict) -> "PooledClips":
        """Return the layer of a config."""
        rule, events, task = (config.pop(name) for name in ("rule", "events", "task"))
        return cls(Pooling(rule, tuple(events), task_named(task)), **config)
