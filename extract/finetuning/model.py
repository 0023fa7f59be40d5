"""The network of a fine-tuning: built once, then cut and compiled anew for every phase."""

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
from training.keras_backend import keras
from video.console import logger

_LOG = logger(__name__)

# Converting for a faster engine takes some ten seconds, which fewer frames do not pay back.
_FRAMES_WORTH_CONVERTING = 2000


class FineTunedModel:
    """A backbone with the head that fine-tuning trains.

    Attributes:
        trunk: the backbone.
        model: all of it, uint8 clips (B, T, H, W, 3) to logits.
        without_optimizer: the same layers; a weights file of `model` would hold its optimizer too.
        step: the training step of the phase; None before the first.
        inputs: what the step is fed with: the clips, or what a frozen trunk makes of them.
    """

    def __init__(self, recipe: Recipe, clips: ClipDataset, backbone: ResolvedBackbone) -> None:
        """Build the network that a recipe asks for, with a class a label of the clips."""
        self._recipe, self._clips, self._backbone = recipe, clips, backbone
        self._spec, side = backbone.spec, backbone.preprocessing.width
        self._precision = training_precision(recipe.finetune.mixed_precision)
        with layers_in(self._precision):
            self.trunk = build_trunk(
                backbone.spec.name, backbone.weights, side, backbone.clip_length
            )
            self.model = classifier_network(self.trunk, recipe.finetune.head, len(clips.labels))
        self.without_optimizer = keras.Model(self.model.input, self.model.output)
        if self._precision != "float32":
            _LOG.info(f"Training in {self._precision}; the weights stay float32.")
        self.step: TrainingStep | None = None
        self.inputs: ClipDataset | ActivationCache = clips

    def enter(self, phase: ActivePhase) -> None:
        """Let the stages of a phase train, with an optimizer of its own, and lay the rest aside."""
        set_trainable(self.trunk, set(phase.rates), self.freezes_batch_norm)
        cut = cut_of(self.model, self.trunk)
        if cut is None:
            self.inputs, trained = self._clips, self.model
            if len(phase.rates) < len(self._spec.stages):
                _LOG.warning(
                    "note: the frozen stages are computed in every epoch; trained ones lie below "
                    "them, or several pathways lead on from them."
                )
        else:
            self._feed_from(cut)
            with layers_in(self._precision):
                trained = trained_part(self.model, self.trunk, cut)
        self.step = TrainingStep(trained, self.trunk, phase, self._recipe.finetune)

    @property
    def freezes_batch_norm(self) -> bool:
        """Whether batch normalisation keeps its statistics in stages that train too."""
        # Published statistics are better than those of small batches; random weights have none.
        chosen = self._recipe.finetune.freeze_batch_norm
        return self._backbone.weights != "none" if chosen is None else chosen

    def _feed_from(self, cut: "keras.KerasTensor") -> None:
        """Let the step see what the network gives at a cut; what is kept of the same cut stays."""
        if isinstance(self.inputs, ActivationCache) and self.inputs.trunk.cut is cut:
            return
        self.inputs = self._clips  # before more is kept, the memory of the other cut goes
        chosen = self._recipe.finetune.cache
        part = frozen_part(self.model, self.trunk, self._spec, cut)
        trunk = FrozenTrunk(part, cut, self._engine(max(chosen.epochs, 1)))
        self.inputs = ActivationCache(self._clips, trunk, chosen)
        _LOG.info(self.inputs)

    def _engine(self, draws: int) -> str:
        """Return which engine is to compute so many draws and the validation clips; say so where
        Keras does although a faster one may be there."""
        chosen, clips = self._recipe.extract.engine, self._clips
        if self._precision != "float32":  # other engines compute in float32
            return "keras"
        count = draws * clips.most_training() + clips.most_validation()
        frames = count * self._backbone.clip_length
        if chosen != "auto" or frames >= _FRAMES_WORTH_CONVERTING:
            return chosen
        _LOG.warning(
            f"note: the frozen part sees {frames} frames in all; converting it for a faster engine "
            f"pays from about {_FRAMES_WORTH_CONVERTING}."
        )
        return "keras"
