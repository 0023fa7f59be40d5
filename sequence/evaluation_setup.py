"""Model and clips of an evaluation: what `evaluate.py` and `sequence.compare` measure."""

from dataclasses import dataclass

from extract.extractor.choice import OWN_HEAD, choose_head, requested_head
from metrics.task import task_named
from model_folder.config import require_config
from model_folder.provenance import refuse_seen_clips
from recipes.commands import command
from recipes.loader import Settings
from sequence.dataset import ALL, Dataset, LabeledSegment
from sequence.experiment import Experiment
from sequence.label_map import LabelMap, read_label_map
from sequence.own_head import load_own_predictor
from sequence.prediction import Predictor, load_predictor, require_sequence, require_spec
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


@dataclass(frozen=True)
class Tested:
    """A trained model with the clips that it is measured on.

    Attributes:
        head: Name of the head.
        predictor: Predictor of the model.
        dataset: Dataset of the clips, with the labels of the model.
        segments: Clips of the split.
        mapping: Labels of the manifest and those of the model; None if they are the same.
    """

    head: str
    predictor: Predictor
    dataset: Dataset
    segments: list[LabeledSegment]
    mapping: LabelMap | None

    @property
    def is_own(self) -> bool:
        """Whether the model is the classifier of the fine-tuned backbone."""
        return self.head == OWN_HEAD


def open_tested(experiment: Experiment, settings: Settings) -> Tested:
    """Load a model and its clips.

    Args:
        experiment: Model folder with the manifest and features.
        settings: Settings of the recipe and the flags.

    Raises:
        UsageError: The settings name another input or a label that the model does not have.
        LookbackError: Model, features and manifest do not fit together, the split has no clip with
            features, or the model was trained on clips of the split.
    """
    folder, config, split = experiment.folder, experiment.config, settings.recipe.evaluate.split
    mapped = settings.recipe.evaluate.label_map
    if split in ("test", ALL):
        _refuse_seen(experiment, split, another_set=mapped is not None)
    own = choose_head(folder, config, requested_head(settings)) == OWN_HEAD
    labels = config.backbone.labels if own else config.labels
    task = task_named(config.backbone.task if own else require_sequence(folder, config).task)
    manifest = experiment.manifest
    if manifest.several and not task.several:
        raise LookbackError(
            f"{folder}: was trained on clips with one label each, but {manifest.path} has clips "
            f"with several; run {command('finetune' if own else 'train')}, or name another manifest"
        )
    manifest = manifest.with_task(task.several)
    mapping = read_label_map(mapped, labels) if mapped is not None else None
    if mapping:
        mapping.require(manifest.labels, manifest.path)
    elif list(labels) != manifest.labels:
        raise LookbackError(
            f"{folder}: was trained on the classes {', '.join(labels)}, but the manifest has "
            f"{', '.join(manifest.labels)}; run "
            + command("finetune" if own else "train")
            + ", or for another data set give --label-map"
        )
    if own:
        head, predictor = OWN_HEAD, load_own_predictor(folder, config)
    else:
        _require_input(experiment)
        require_spec(config, experiment.store.spec, str(folder))
        predictor = load_predictor(folder, config)
        head = config.sequence.head
    dataset = experiment.dataset(predictor.look_back, mapping, task)
    segments = dataset.split(split)
    if not segments:
        raise LookbackError(
            f"{experiment.store.path}: contains no features of any clip in split {split}; run "
            + command("extract")
        )
    return Tested(head, predictor, dataset, segments, mapping)


def _refuse_seen(experiment: Experiment, split: str, another_set: bool) -> None:
    """Refuse clips that trained the model; of another data set the names may be equal by chance."""
    contents = experiment.store.contents()
    try:
        refuse_seen_clips(
            experiment.folder, experiment.config, experiment.manifest, contents, split
        )
    except LookbackError as error:
        if not another_set:
            raise
        _LOG.warning(f"note: if these are the same videos, the report is too good: {error}")


def _require_input(experiment: Experiment) -> None:
    """Raise `UsageError` if a flag names the features that the model was not trained on."""
    trained = require_config(experiment.folder).sampling.input
    if trained != experiment.input:
        raise UsageError(
            f"--input {experiment.input}: the model in {experiment.folder} was trained on "
            f"{trained}; leave the flag out, or run {command('train')} --input {experiment.input}"
        )
