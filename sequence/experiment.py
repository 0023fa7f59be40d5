"""Opening what the second stage works on: manifest, features and model folder that fit together."""

from dataclasses import dataclass
from pathlib import Path

from clips.manifest import Manifest
from clips.preparation import load_manifest
from extract.feature_store.reader import FeatureStore, features_path
from model_folder.config import ModelConfig, require_config
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Recipe
from sequence.dataset import Dataset
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

# Of single frames 1.6 s at ten a second; a clip network's step has seen a whole clip by itself.
_FRAME_STEPS, _CLIP_STEPS = 16, 4


@dataclass(frozen=True)
class Experiment:
    """The model folder with its config, and the store with its manifest."""

    folder: Path
    config: ModelConfig
    manifest: Manifest
    store: FeatureStore

    def look_back(self, recipe: Recipe) -> int:
        """Return L: what the recipe says, or what suits the backbone."""
        clips = self.config.backbone.clip_length > 1
        return recipe.sequence.look_back or (_CLIP_STEPS if clips else _FRAME_STEPS)

    def dataset(self, look_back: int) -> Dataset:
        """Return the labelled pieces; says which clips have no features."""
        dataset = Dataset(self.store, self.manifest, look_back)
        missing = dataset.without_features
        if missing:
            _LOG.warning(
                f"note: {len(missing)} clips of the manifest have no features and are left out "
                f"(such as {missing[0]}); {command('extract')} computes what can be read"
            )
        return dataset


def open_experiment(settings: Settings) -> Experiment:
    """Return model folder, manifest and store.

    Raises:
        LookbackError: one is missing, or the features are of another backbone than the folder's.
    """
    folder = Path(settings.recipe.model.folder)
    config = require_config(folder)
    manifest = load_manifest(settings, videos_needed=False)
    store = FeatureStore(features_path(settings))
    held, wanted = store.spec, config.backbone
    if held["weights_sha256"] != wanted.sha256:
        raise LookbackError(
            f"{store.path}: features of {held['backbone']} (weights {held['weights_sha256'][:8]}), "
            f"but {folder} holds {wanted.name} (weights {wanted.sha256[:8]}); run "
            f"{command('extract')} --weights {folder}, with --features FILE where another model "
            "needs these"
        )
    if held["sampling"] != config.sampling.to_dict():
        raise LookbackError(
            f"{store.path}: features at another sampling than {folder} tells of; run "
            + command("extract")
        )
    return Experiment(folder, config, manifest, store)
