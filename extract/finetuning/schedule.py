"""The schedule of fine-tuning: which stages train from which epoch, at which learning rates."""

from dataclasses import dataclass

from extract.architectures.spec import Trunk
from recipes.schema import Phase
from training.keras_backend import keras
from video.errors import UsageError


@dataclass(frozen=True)
class ActivePhase:
    """A phase as it runs.

    Attributes:
        first: its first epoch, from 0.
        length: epochs to the next phase or to the run's end.
        head_rate: learning rate of what stands on the backbone.
        rates: learning rate of each stage that trains, in the network's order.
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
        told = "; ".join(f"{', '.join(names)} at {rate:g}" for names, rate in parts)
        return f"From epoch {self.first + 1}: {told}."


class Phases:
    """All phases of a run.

    Raises:
        UsageError: a stage is none of the backbone's, or no phase begins at epoch 0.
    """

    def __init__(self, schedule: tuple[Phase, ...], stages: tuple[str, ...], epochs: int) -> None:
        ordered = sorted(schedule, key=lambda phase: phase.epoch)
        if ordered[0].epoch:
            raise UsageError("finetune.phases: its first phase must begin at epoch 0")
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
    """Return the names of the stages that a phase trains.

    Raises:
        UsageError: a name is not one of the backbone's.
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
    """Let the layers of `stages` train and freeze all others.

    A frozen batch normalisation also keeps its running statistics: Keras runs it for inference.
    """
    for stage, layers in trunk.stages.items():
        for layer in layers:
            is_norm = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = stage in stages and not (is_norm and freeze_batch_norm)
