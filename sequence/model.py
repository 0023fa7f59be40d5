"""Sequence model: standardization, feature differences, a head and a classifier; ensembles."""

from extract.extractor.choice import OWN_HEAD
from recipes.commands import command
from sequence.heads import HEADS
from sequence.layers import AppendDifference, Standardise
from training.keras_backend import keras
from video.errors import UsageError, hint

STANDARDISE = "standardise"
DIFFERENCE = "difference"
# The heads that the head `auto` chooses from; see `sequence.selection`.
AUTO_HEADS = ("lstm", "bilstm_attention", "statistics")
_MEMBER = "member"  # name of an ensemble's models, followed by their number


def require_head(head: str) -> None:
    """Check that a head can be trained.

    Raises:
        UsageError: There is no head of that name, or it is `own`.
    """
    if head == OWN_HEAD:
        raise UsageError(
            "sequence.head own: this is the classifier of the fine-tuned network, which needs no "
            f"training here; use it with {command('evaluate')} --head own or {command('run')} "
            "--head own"
        )
    if head not in HEADS:
        raise UsageError(f"sequence.head {head}: there is no such head; {hint(head, HEADS)}")


def build_sequence_model(
    head: str,
    look_back: int,
    feature_size: int,
    num_classes: int,
    units: tuple[int, ...],
    dropout: float,
    delta: bool,
    scored: bool = False,
) -> "keras.Model":
    """Return a model from windows, float32 (B, L, D), to logits, float32 (B, K).

    It returns logits because the temperature that is fitted after training divides them.

    Args:
        head: Name of the head, a key of `HEADS`.
        look_back: Number of steps in a window, L.
        feature_size: Number of features per step, D.
        num_classes: Number of classes, K.
        units: Width of each layer of the head.
        dropout: Dropout rate, 0..1.
        delta: Whether to append the differences between consecutive steps to the features.
        scored: Whether to append a column to the logits, (B, K + 1): the score of the window for
            the pooling `attention`.

    Raises:
        UsageError: There is no head of that name.
    """
    require_head(head)
    inputs = keras.Input((look_back, feature_size), name="window")
    rows = Standardise(name=STANDARDISE)(inputs)
    if delta:
        rows = AppendDifference(name=DIFFERENCE)(rows)
    vectors = HEADS[head](rows, units, dropout)
    l2 = HEADS[head].l2
    regularized = {"kernel_initializer": "zeros", "kernel_regularizer": keras.regularizers.L2(l2)}
    options = regularized if l2 else {}
    outputs = keras.layers.Dense(num_classes, name="classifier", **options)(vectors)
    if scored:
        # Zeros give all windows the same score: training starts with their mean.
        score = keras.layers.Dense(1, kernel_initializer="zeros", name="score")(vectors)
        outputs = keras.layers.Concatenate(name="outputs")([outputs, score])
    return keras.Model(inputs, outputs, name=head)


def join(members: "list[keras.Model]") -> "keras.Model":
    """Return one model whose logits are the mean of the members' logits; a single member itself.

    Prediction, engines and the weights file take it like any other sequence model.

    Args:
        members: Models of the same shapes, which become part of the joined model.
    """
    if len(members) == 1:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:], name="window")
    for number, member in enumerate(members, 1):
        member.name = f"{_MEMBER}{number}"  # weights files need distinct names
    logits = [member(inputs) for member in members]
    return keras.Model(inputs, keras.layers.Average(name="mean_logits")(logits), name="ensemble")


def members_of(model: "keras.Model") -> int:
    """Return the number of models that `join` joined."""
    return sum(isinstance(layer, keras.Model) for layer in model.layers) or 1
