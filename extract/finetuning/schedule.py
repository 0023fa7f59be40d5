"""Phases of fine-tuning: the stages that are trained from an epoch on, and their learning rates."""

from dataclasses import dataclass

from extract.architectures.spec import Trunk
from recipes.schema import Phase
from training.keras_backend import keras
from video.errors import UsageError


@dataclass(frozen=True)
class ActivePhase:
    """A phase of a run.

    Attributes:
        first: First epoch, from 0.
        length: Epochs until the next phase or the end of the run.
        head_rate: Learning rate of the head.
        rates: Learning rate of each trained stage, in the network's order.
    """

    first: int
    length: int
    head_rate: float
    rates: dict[str, float]

    def __str__(self) -> str:
        parts: list[tuple[list[str], float]] = [(["head"], self.head_rate)]
        for stage, rate in self.rates.items():
            if rate == parts[-1][1]:
                parts[-1][0].append(stage)
            else:
                parts.append(([stage], rate))
        groups = "; ".join(f"{', '.join(names)} at {rate:g}" for names, rate in parts)
        return f"From epoch {self.first + 1}: {groups}."


class Phases:
    """All phases of a run."""

    def __init__(self, phases: tuple[Phase, ...], stages: tuple[str, ...], epochs: int) -> None:
        """Order the phases.

        Args:
            phases: Phases of the recipe, in any order.
            stages: Stage names of the backbone, in the network's order.
            epochs: Epochs of the run.

        Raises:
            UsageError: A stage name is unknown, or no phase begins at epoch 0.
        """
        ordered = sorted(phases, key=lambda phase: phase.epoch)
        if ordered[0].epoch:
            raise UsageError("finetune.phases: the first phase must begin at epoch 0")
        ends = [phase.epoch for phase in ordered[1:]] + [max(epochs, ordered[-1].epoch + 1)]
        self._phases = [
            ActivePhase(phase.epoch, end - phase.epoch, phase.learning_rate, _rates(phase, stages))
            for phase, end in zip(ordered, ends, strict=True)
        ]

    def at(self, epoch: int) -> ActivePhase:
        """Return the phase that an epoch belongs to."""
        return [phase for phase in self._phases if phase.first <= epoch][-1]


def _rates(phase: Phase, names: tuple[str, ...]) -> dict[str, float]:
    trained = stages_of_phase(phase, names)
    common = phase.backbone_learning_rate or phase.learning_rate
    own = phase.stages if isinstance(phase.stages, dict) else {}
    return {name: own.get(name, common) for name in names if name in trained}


def stages_of_phase(phase: Phase, names: tuple[str, ...]) -> set[str]:
    """Return the names of the stages that are trained in a phase.

    Raises:
        UsageError: A stage name is unknown.
    """
    if phase.stages == "all":
        return set(names)
    if isinstance(phase.stages, int):
        return set(names[max(0, len(names) - phase.stages) :]) if phase.stages else set()
    unknown = [name for name in phase.stages if name not in names]
    if unknown:
        raise UsageError(
            f"finetune.phases: there is no stage {unknown[0]}; this backbone's are "
            f"{', '.join(names)}"
        )
    return set(phase.stages)


def set_trainable(trunk: Trunk, stages: set[str], freeze_batch_norm: bool) -> None:
    """Make the layers of some stages trainable and freeze all others.

    Args:
        trunk: The backbone.
        stages: Names of the stages to train.
        freeze_batch_norm: Whether to freeze batch normalization in these stages too. Keras runs
            frozen batch normalization in inference mode, so its statistics stay fixed.
    """
    for stage, layers in trunk.stages.items():
        for layer in layers:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = stage in stages and not (is_norm and freeze_batch_norm)
