"""The sequence model: standardise, append differences, a head, a classifier."""

from extract.extractor.choice import OWN_HEAD
from recipes.commands import command
from sequence.heads import HEADS
from sequence.layers import AppendDifference, Standardise
from training.keras_backend import keras
from video.errors import UsageError, hint

STANDARDISE = "standardise"
DIFFERENCE = "difference"


def require_head(head: str) -> None:
    """Raise `UsageError` where there is no head of that name."""
    if head == OWN_HEAD:
        raise UsageError(
            "sequence.head own: is the fine-tuned network's own classifier, with nothing to train: "
            f"{command('evaluate')} --head own, {command('run')} --head own"
        )
    if head not in HEADS:
        raise UsageError(f"sequence.head {head}: there is none of that name; {hint(head, HEADS)}")


def build_sequence_model(
    head: str,
    look_back: int,
    feature_size: int,
    classes: int,
    units: tuple[int, ...],
    dropout: float,
    delta: bool,
) -> keras.Model:
    """Return a model from windows, float32 (B, L, D), to logits, float32 (B, K).

    Logits and not probabilities, because the temperature fitted afterwards divides them.

    Raises:
        UsageError: there is no head of that name.
    """
    require_head(head)
    inputs = keras.Input((look_back, feature_size), name="window")
    rows = Standardise(name=STANDARDISE)(inputs)
    if delta:
        rows = AppendDifference(name=DIFFERENCE)(rows)
    outputs = HEADS[head](rows, units, dropout)
    outputs = keras.layers.Dense(classes, name="classifier")(outputs)
    return keras.Model(inputs, outputs, name=head)
