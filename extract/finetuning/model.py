"""The network of a fine-tuning run: built once, cut and compiled for every phase."""

from extract.backbones import build_trunk
from extract.backbones.defaults import ResolvedBackbone
from extract.backbones.heads import classifier_network
from extract.finetuning.activation_cache import ActivationCache
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.frozen_trunk import FrozenTrunk, cut_of, frozen_part, trained_part
from extract.finetuning.mixed_precision import layers_in, training_precision
from extract.finetuning.schedule import ActivePhase, set_trainable
from extract.finetuning.train_step import TrainingStep
from recipes.schema import Recipe
from training.devices import Devices
from training.keras_backend import keras
from video.console import logger

_LOG = logger(__name__)

# Converting to a faster engine takes about ten seconds, which does not pay off for fewer frames.
_FRAMES_WORTH_CONVERTING = 2000


class FineTunedModel:
    """A backbone with a classification head.

    Attributes:
        trunk: The backbone.
        model: The whole network, uint8 clips (B, T, H, W, 3) to logits.
        without_optimizer: A model of the same layers, to save: the weights file of `model` would
            contain its optimizer too.
        step: The training step of the phase; None before the first.
        inputs: Source of the step's inputs: the clips, or the outputs of the frozen part.
    """

    def __init__(
        self,
        recipe: Recipe,
        clips: ClipDataset,
        backbone: ResolvedBackbone,
        devices: Devices | None = None,
    ) -> None:
        """Build the network of a recipe with one class per label of the clips."""
        self._recipe, self._clips, self._backbone = recipe, clips, backbone
        self._devices = devices
        self._spec, side = backbone.spec, backbone.preprocessing.width
        self._precision = training_precision(recipe.finetune.mixed_precision)
        with layers_in(self._precision):
            self.trunk = build_trunk(
                backbone.spec.name,
                backbone.weights,
                side,
                backbone.clip_length,
                backbone.sampling.is_change,
            )
            self.model = classifier_network(self.trunk, recipe.finetune.head, len(clips.labels))
        self.without_optimizer = keras.Model(self.model.input, self.model.output)
        if self._precision != "float32":
            _LOG.info(f"Training in {self._precision}; the weights stay float32.")
        self.step: TrainingStep | None = None
        self.inputs: ClipDataset | ActivationCache = clips

    def enter(self, phase: ActivePhase) -> None:
        """Make the phase's stages trainable, with a new optimizer, and freeze the others.

        An engine computes the frozen part, if there is one; its outputs feed the trained part.
        """
        set_trainable(self.trunk, set(phase.rates), self.freezes_batch_norm)
        cut = cut_of(self.model, self.trunk)
        if cut is None:
            self.inputs, trained = self._clips, self.model
            if len(phase.rates) < len(self._spec.stages):
                _LOG.warning(
                    "note: the frozen stages are computed in every epoch: a trained stage is below "
                    "them, or parallel pathways leave no single cut point."
                )
        else:
            self._feed_from(cut)
            with layers_in(self._precision):
                trained = trained_part(self.model, self.trunk, cut)
        objective = self._clips.objective if self._clips.task.several else None
        chosen = self._recipe.finetune
        self.step = TrainingStep(trained, self.trunk, phase, chosen, objective, self._devices)

    @property
    def freezes_batch_norm(self) -> bool:
        """Whether batch normalization keeps its statistics in trained stages too."""
        # Published statistics are better than those of small batches; random weights have none.
        chosen = self._recipe.finetune.freeze_batch_norm
        return self._backbone.weights != "none" if chosen is None else chosen

    def _feed_from(self, cut: "keras.KerasTensor") -> None:
        """Feed the step with the outputs at a cut point; an existing cache of it is kept."""
        if isinstance(self.inputs, ActivationCache) and self.inputs.trunk.cut is cut:
            return
        self.inputs = self._clips  # frees the previous cache before the next one is filled
        chosen = self._recipe.finetune.cache
        part = frozen_part(self.model, self.trunk, self._spec, cut)
        engine = self._recipe.extract.engine
        if self._devices is None:
            engine = self._engine(max(chosen.epochs, 1))
        trunk = FrozenTrunk(part, cut, engine, self._devices)
        self.inputs = ActivationCache(self._clips, trunk, chosen)
        _LOG.info(self.inputs)

    def _engine(self, epochs: int) -> str:
        """Return the name of the engine for the clips of some epochs and of validation.

        Converting to a faster engine does not pay off for few frames: a warning says so.
        """
        chosen, clips = self._recipe.extract.engine, self._clips
        if self._precision != "float32":  # other engines compute in float32
            return "keras"
        count = epochs * clips.max_training_clips() + clips.max_validation_clips()
        frames = count * self._backbone.clip_length
        if chosen != "auto" or frames >= _FRAMES_WORTH_CONVERTING:
            return chosen
        _LOG.warning(
            f"note: Keras computes the frozen part: converting it to a faster engine pays off from "
            f"about {_FRAMES_WORTH_CONVERTING} frames, and there are {frames}."
        )
        return "keras"
