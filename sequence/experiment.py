"""Experiment of the second stage: a model folder with the manifest and features it belongs to."""

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
    """

    folder: Path
    config: ModelConfig
    manifest: Manifest
    store: FeatureStore

    def look_back(self, recipe: Recipe) -> int:
        """Return the look-back L of the recipe, or the default for the kind of backbone."""
        is_clip_network = self.config.backbone.clip_length > 1
        return recipe.sequence.look_back or (_CLIP_STEPS if is_clip_network else _FRAME_STEPS)

    def dataset(self, look_back: int) -> Dataset:
        """Return the dataset of labeled segments; warn about videos without features.

        Args:
            look_back: Number of steps in a window, L.
        """
        dataset = Dataset(self.store, self.manifest, look_back)
        missing = dataset.without_features
        if missing:
            _LOG.warning(
                f"note: {len(missing)} clips of the manifest have no features and are left out "
                f"(such as {missing[0]}); run {command('extract')} to compute them"
            )
        return dataset


def open_experiment(settings: Settings) -> Experiment:
    """Open the model folder, the manifest and the feature store that the settings name.

    Raises:
        LookbackError: One of them is missing, or the features were computed with another backbone
            or sampling than the model folder's.
    """
    folder = Path(settings.recipe.model.folder)
    config = require_config(folder)
    manifest = load_manifest(settings, videos_needed=False)
    store = FeatureStore(features_path(settings))
    spec, backbone = store.spec, config.backbone
    if spec["weights_sha256"] != backbone.sha256:
        raise LookbackError(
            f"{store.path}: features of {spec['backbone']} (weights {spec['weights_sha256'][:8]}), "
            f"but {folder} contains {backbone.name} (weights {backbone.sha256[:8]}); run "
            f"{command('extract')} --weights {folder}, and add --features FILE to keep the "
            "existing features"
        )
    if spec["sampling"] != config.sampling.to_dict():
        raise LookbackError(
            f"{store.path}: features with another sampling than that of {folder}; run "
            + command("extract")
        )
    return Experiment(folder, config, manifest, store)
