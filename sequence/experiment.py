"""Experiment of the second stage: a model folder with the manifest and features it belongs to."""

from dataclasses import dataclass, replace
from pathlib import Path

from clips.manifest import Manifest
from clips.preparation import load_manifest
from extract.feature_store.folder import part_paths
from extract.feature_store.reader import FeatureStore, change_path, features_path
from extract.feature_store.spec import EXTERNAL
from extract.pipeline.store_elsewhere import fetch_features
from metrics.task import Task
from model_folder.config import (
    BackboneConfig,
    ModelConfig,
    made_with,
    read_config,
    require_config,
)
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Recipe
from sequence.dataset import Dataset
from sequence.label_map import LabelMap
from video.console import logger
from video.errors import LookbackError, UsageError
from video.sampling import Sampling

_LOG = logger(__name__)

# Default look-back. 16 frames are 1.6 s at 10 fps; each step of a clip network sees a whole clip.
_FRAME_STEPS, _CLIP_STEPS = 16, 4


@dataclass(frozen=True)
class Experiment:
    """Data and model of the second stage.

    Attributes:
        folder: Model folder.
        config: Content of the folder's model.yaml.
        manifest: Manifest of the labeled videos.
        store: Feature store of the videos.
        alternative: The same with the other input of the backbone, to choose from; None if there is
            no choice.
    """

    folder: Path
    config: ModelConfig
    manifest: Manifest
    store: FeatureStore
    alternative: "Experiment | None" = None

    @property
    def input(self) -> str:
        """The backbone's input: `frame` or `change`."""
        return self.config.sampling.input

    @property
    def inputs(self) -> "list[Experiment]":
        """The experiments to choose from, that of frames first."""
        if self.alternative is None:
            return [self]
        return sorted([self, self.alternative], key=lambda each: each.input == "change")

    def close(self) -> None:
        """Close the feature stores: an open one could not be extended."""
        for each in self.inputs:
            each.store.close()

    def look_back(self, recipe: Recipe) -> int:
        """Return the look-back L of the recipe, or the default for the kind of backbone."""
        is_clip_network = self.config.backbone.clip_length > 1
        return recipe.sequence.look_back or (_CLIP_STEPS if is_clip_network else _FRAME_STEPS)

    def dataset(
        self, look_back: int, mapping: LabelMap | None = None, task: Task | None = None
    ) -> Dataset:
        """Return the dataset of labeled segments; warn about videos without features.

        Args:
            look_back: Number of steps in a window, L.
            mapping: Labels of the manifest and those of the model; None if they are the same.
            task: Task of the model; None for that of the manifest.
        """
        dataset = Dataset(self.store, self.manifest, look_back, mapping, task)
        missing = dataset.without_features
        if missing:
            _LOG.warning(
                f"note: {len(missing)} clips of the manifest have no features and are left out "
                f"(such as {missing[0]}); run {command('extract')} to compute them"
            )
        return dataset


def open_experiment(settings: Settings) -> Experiment:
    """Open the model folder, the manifest and the feature store that the settings name.

    If extraction was run with `backbone.input: auto`, there are two feature stores. The settings
    choose one, or else model.yaml does; the other one is the experiment's `alternative`.

    Raises:
        UsageError: The settings name an input that was not extracted.
        LookbackError: A part is missing, or the features were computed with another backbone or
            sampling than the model folder's.
    """
    return open_features(settings, None)


def open_features(settings: Settings, manifest: Manifest | None) -> Experiment:
    """Open the model folder and the feature store that the settings name.

    Args:
        settings: Settings that name them.
        manifest: Manifest in memory, which need not be that of the data folder; None for that.

    Raises:
        UsageError, LookbackError: As for `open_experiment`.
    """
    path = features_path(settings)
    for place in (path, change_path(path)):
        fetch_features(place)
    config = _config(Path(settings.recipe.model.folder), path, settings)
    if manifest is None:
        manifest = load_manifest(settings, videos_needed=False)
    return _opened(settings, config, path, manifest)


def _opened(settings: Settings, config: ModelConfig, path: Path, manifest: Manifest) -> Experiment:
    folder = Path(settings.recipe.model.folder)
    asked = settings.recipe.backbone.input if "backbone.input" in settings.given else None
    if config.backbone.input == "auto":
        experiments = {}
        for name, place in (("frame", path), ("change", change_path(path))):
            store = FeatureStore(place)
            seconds = store.spec["sampling"].get("change_seconds")
            one = config.with_input(seconds)
            if (seconds is None) != (name == "frame"):
                raise _other_sampling(store.path, folder)
            experiments[name] = Experiment(folder, one, manifest, _checked(store, folder, one))
        chosen = asked if asked in experiments else config.sampling.input
        other = experiments["frame" if chosen == "change" else "change"]
        if asked in experiments:
            other.store.close()
            return experiments[chosen]
        return replace(experiments[chosen], alternative=other)
    there = config.sampling.input
    # A fine-tuned network has one input, so there is nothing to choose.
    if asked not in (None, there) and not (asked == "auto" and config.backbone.fine_tuned):
        if config.backbone.name == EXTERNAL:
            raise UsageError(
                f"backbone.input {asked}: {path} has features of another program, which have one "
                "input; leave the key out"
            )
        raise UsageError(
            f"backbone.input {asked}: {folder} has features of the input {there}; run "
            f"{command('extract')} --input {asked}, or leave the key out"
        )
    return Experiment(folder, config, manifest, _checked(FeatureStore(path), folder, config))


def _config(folder: Path, path: Path, settings: Settings) -> ModelConfig:
    """Return the content of model.yaml, or a new one for features of another program."""
    config = read_config(folder)
    if config is not None and config.backbone.name != EXTERNAL:
        return config
    try:
        with FeatureStore(path) as store:
            spec = store.spec
    except LookbackError:
        if config is None and not part_paths(path):
            return require_config(folder)  # raises
        raise
    if spec["backbone"] != EXTERNAL:
        return require_config(folder)
    new = _external_config(path, spec, settings)
    if config is None or config.backbone.sha256 != new.backbone.sha256:
        return new
    return config


def _external_config(path: Path, spec: dict, settings: Settings) -> ModelConfig:
    sampling = spec["sampling"]
    try:
        return ModelConfig(
            seed=settings.recipe.seed,
            recipe=settings.source,
            sampling=Sampling(sampling["fps"], sampling["hop"]),
            preprocessing=None,
            backbone=BackboneConfig(
                name=EXTERNAL,
                weights=EXTERNAL,
                fine_tuned=False,
                sha256=spec["weights_sha256"],
                feature_size=spec["feature_size"],
                licence="unknown",
                clip_length=spec["clip_length"],
            ),
            made_with=made_with(),
        )
    except (TypeError, ValueError):  # a rate that is no number, or a size that is none
        raise LookbackError(
            f"{path}: its spec has a value of the wrong type in weights_sha256, feature_size, "
            "clip_length or sampling; docs/files.md describes the keys"
        ) from None


def _checked(store: FeatureStore, folder: Path, config: ModelConfig) -> FeatureStore:
    """Return the store; raise `LookbackError` if it does not belong to the model folder."""
    spec, backbone = store.spec, config.backbone
    if spec["weights_sha256"] != backbone.sha256:
        raise LookbackError(
            f"{store.path}: features of {spec['backbone']} (weights {spec['weights_sha256'][:8]}), "
            f"but {folder} contains {backbone.name} (weights {backbone.sha256[:8]}); run "
            f"{command('extract')} --weights {folder}, and add --features FILE to keep the "
            "existing features"
        )
    if spec["sampling"] != config.sampling.to_dict():
        raise _other_sampling(store.path, folder)
    return store


def _other_sampling(path: Path, folder: Path) -> LookbackError:
    return LookbackError(
        f"{path}: features with another sampling than that of {folder}; run " + command("extract")
    )
