"""Fine-tunes a backbone on labeled clips and writes the best epoch to the model folder."""

import hashlib
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from clips.manifest import Manifest
from extract.backbones.defaults import resolve_backbone
from extract.backbones.heads import feature_network, weights_sha256
from extract.backbones.model_config import make_config
from extract.backbones.reachable import with_reachable_backbone
from extract.extractor.converting import backbone_parts, convert_networks
from extract.extractor.loading import with_weights_file
from extract.finetuning.checkpoint import Checkpoint, require_same_run, run_identity
from extract.finetuning.dataset import ClipDataset
from extract.finetuning.mixed_precision import training_precision
from extract.finetuning.model import FineTunedModel
from extract.finetuning.out_of_memory import OutOfMemoryError, explained_out_of_memory
from extract.finetuning.run import FineTuningRun
from extract.finetuning.schedule import Phases
from extract.finetuning.validation import Scores
from model_folder.config import (
    BACKBONE_WEIGHTS,
    ModelConfig,
    read_config,
    require_config,
    save_weights,
    write_config,
)
from model_folder.provenance import keep_previous, record_seen
from recipes.commands import command
from recipes.loader import Settings
from storage.clips import CLIPS
from training.devices import all_devices
from training.history import History
from training.keras_backend import keras
from training.loop import RunState, run_epochs
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


class Trainer:
    """A fine-tuning run; `train` writes the best network to the model folder.

    Attributes:
        settings: Settings of the run.
        folder: The model folder.
        clips: Clips for training and validation.
        labels: Class names, in the order of the logits.
        network: The network, which every phase of the run changes.
        run: The epochs of the run.
        devices: Devices of the training; None for one.
    """

    def __init__(self, settings: Settings, manifest: Manifest, resume: bool = False) -> None:
        """Build the network.

        Args:
            settings: Settings of the run.
            manifest: The labeled clips with their splits.
            resume: Whether `train` will resume: an unfinished run of another recipe is then
                refused before a network is built.

        Raises:
            LookbackError: There is nothing to resume.
            UsageError: The recipe does not fit the backbone or the clips, or not the unfinished
                run.
        """
        settings = with_reachable_backbone(settings)
        recipe = settings.recipe
        self.settings, self.recipe, self.chosen = settings, recipe, recipe.finetune
        self.folder = Path(recipe.model.folder)
        self.manifest = manifest
        self.backbone = resolve_backbone(recipe)
        if self.backbone.input == "auto":
            raise UsageError(
                "backbone.input auto: chooses between features of a pretrained network; to "
                "fine-tune, write --input frame or --input change"
            )
        self.devices = all_devices()
        self.clips = ClipDataset(recipe, manifest, self.backbone, self.devices)
        self.labels = self.clips.labels
        self._require_classes()
        spec, weights = self.backbone.spec, self.backbone.weights_name
        self.phases = Phases(self.chosen.phases, spec.stages, self.chosen.epochs)
        self.checkpoint = Checkpoint(self.folder)
        if resume:
            self._unfinished()
        CLIPS.keep(manifest.place(each.video) for each in self.clips.segments)
        _LOG.info(f"Fine-tuning {spec.name} (weights: {weights}).")
        if weights == "none" and len(self.phases.at(0).rates) < len(spec.stages):
            _LOG.warning("note: the weights are random, and the first phase freezes some of them.")
        keras.utils.set_random_seed(recipe.seed)
        if self.devices:
            _LOG.info(self.devices)
        with self._explained_out_of_memory(), self._on_devices():
            self.network = FineTunedModel(recipe, self.clips, self.backbone, self.devices)
        self.run = FineTuningRun(
            recipe, self.clips, self.network, self.phases, self.checkpoint, self.devices
        )
        self._require_same_settings()

    def train(self, resume: bool = False) -> Scores:
        """Train, validate each epoch and save the best epoch; Ctrl-C saves the best so far.

        Args:
            resume: Whether to continue the unfinished run in the folder, to the same bits as if it
                had not been interrupted.

        Returns:
            Validation scores of the best epoch.

        Raises:
            LookbackError: No clip can be read, or there is nothing to resume.
            OutOfMemoryError: The memory does not suffice. The best of the finished epochs is saved.
            UsageError: The unfinished run had another recipe.
            KeyboardInterrupt: Ctrl-C was pressed before the end of the first epoch.
        """
        try:
            with self._explained_out_of_memory(), self._on_devices():
                best = self._train(resume)
        except OutOfMemoryError as error:
            raise OutOfMemoryError(f"{error}{self._keep_finished_epochs()}") from None
        if self.run.writes and not self.checkpoint.exists:  # not after Ctrl-C
            config = require_config(self.folder)
            engine = self.recipe.extract.engine
            convert_networks(lambda: backbone_parts(self.folder, config), engine)
        return best

    def _train(self, resume: bool) -> Scores:
        self._begin(resume)
        logs = self.folder / "logs" / "finetune"
        state = self.run.state
        if not self.run.writes:
            self._run_epochs(None)
            assert state.best is not None, "a recipe has at least one epoch"
            return state.best
        self.folder.mkdir(parents=True, exist_ok=True)
        with History(self.folder / "finetune_history.csv", logs, kept=state.epochs) as history:
            history.log.settings(
                {
                    "stage": "finetune",
                    "seed": self.recipe.seed,
                    "backbone": self.recipe.backbone.model_dump(),
                    "finetune": self.chosen.model_dump(),
                }
            )
            completed = self._run_epochs(history)
        if not completed:
            _LOG.info("\nStopped; the best epoch so far is kept, and --resume continues the run.")
        assert state.best is not None, "a recipe has at least one epoch"
        self._finish(state.best)
        if completed:
            self.checkpoint.remove()
        return state.best

    def _run_epochs(self, history: History | None) -> bool:
        chosen = self.chosen
        return run_epochs(
            self.run, self.run.state, chosen.epochs, chosen.patience, history, _LOG.info
        )

    def _on_devices(self) -> AbstractContextManager[None]:
        return self.devices.scope() if self.devices else nullcontext()

    def _require_same_settings(self) -> None:
        """Refuse processes with other settings or clips: they would wait for each other for ever.

        Raises:
            LookbackError: A process has other settings or clips than this one.
        """
        if self.clips.processes is None:
            return
        segments = [*self.clips.training, *self.clips.validation]
        course = [run_identity(self.recipe, segments), self.chosen.epochs, self.chosen.patience]
        digest = hashlib.sha256(json.dumps(course).encode()).digest()
        all_of_them = self.clips.processes.gathered(np.frombuffer(digest, np.uint8))
        others = [rank for rank, each in enumerate(all_of_them) if each.tobytes() != digest]
        if others:
            raise LookbackError(
                f"--distributed: process {others[0]} has another recipe or manifest than process "
                f"{self.clips.processes.rank}; start all with the same files and flags"
            )

    def _explained_out_of_memory(self) -> AbstractContextManager[None]:
        return explained_out_of_memory(
            self.clips.batch_size,
            self.chosen.gradient_accumulation_steps,
            training_precision(self.chosen.mixed_precision),
        )

    def _keep_finished_epochs(self) -> str:
        """Save the best epoch so far; return what the message says about it."""
        state = self.run.state
        if state.best is None:
            return ""
        self._finish(state.best)
        epochs = f"the {state.epochs} finished epochs" if state.epochs > 1 else "the finished epoch"
        return (
            f". The best of {epochs} is the model in {self.folder}; --resume continues after it "
            "with the same settings, if other programs freed memory"
        )

    def _require_classes(self) -> None:
        if self.chosen.head.one_logit and self.clips.task.several:
            raise UsageError(
                "finetune.head.one_logit: is for two classes that exclude each other, and clips "
                f"of {self.manifest.path} have several; leave the key out"
            )
        if self.chosen.head.one_logit and len(self.labels) != 2:
            raise UsageError(
                f"finetune.head.one_logit: is for two classes, and {self.manifest.path} has "
                f"{len(self.labels)} ({', '.join(self.labels[:5])})"
            )

    def _begin(self, resume: bool) -> None:
        if resume:
            state = self._unfinished()
            self.run.resume(state)
            _LOG.info(f"Resumed after epoch {state.epochs}.")
        elif self.checkpoint.exists and self.run.writes:
            _LOG.warning(f"note: the unfinished run in {self.checkpoint.folder} is discarded.")
            self.checkpoint.remove()

    def _unfinished(self) -> RunState[Scores]:
        """Return the progress of the unfinished run; refuse a run of another recipe."""
        saved = self.checkpoint.read()
        identity = run_identity(self.recipe, [*self.clips.training, *self.clips.validation])
        require_same_run(saved.identity, identity, self.checkpoint.folder)
        return saved.state

    def _finish(self, best: Scores) -> None:
        """Write the weights of the best epoch and model.yaml to the model folder."""
        if not self.run.writes:
            return
        self.run.load_best()
        config, path = self._config(best), self.folder / BACKBONE_WEIGHTS
        keep_previous(self.folder)
        save_weights(self.network.without_optimizer, path)
        config = with_weights_file(config, path)
        write_config(self.folder, config)
        record_seen(self.folder, config.backbone.sha256, self.manifest)

    def _config(self, best: Scores) -> ModelConfig:
        return make_config(
            self.settings,
            self.backbone,
            read_config(self.folder),
            sha256=weights_sha256(self.network.model),
            feature_size=feature_network(self.network.without_optimizer).output_shape[-1],
            labels=tuple(self.labels),
            network=self.chosen.head,
            temperature=best.temperature,
            task=best.task,
            thresholds=best.thresholds,
        )


def print_outcome(trainer: Trainer, best: Scores) -> None:
    """Log the best epoch's validation accuracy, the weights file and the next commands."""
    score = trainer.clips.task.score_title
    _LOG.info(
        f"{trainer.recipe.backbone.name}: validation {score} {best.accuracy:.3f}, of labeled "
        f"clips {best.clip_accuracy:.3f}\n{trainer.folder / BACKBONE_WEIGHTS}\n"
        f"Next: {command('extract')}, then {command('train')} for the second stage, or "
        f"{command('evaluate')} for this network alone; {command('run')} runs it at once; all with "
        "the same --weights."
    )
