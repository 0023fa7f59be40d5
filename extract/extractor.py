"""From the model folder to something that turns clips into features, for extraction and live."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from extract.backbones import build_trunk, load_weights, spec_of
from extract.engines import KerasEngine
from extract.model_folder import (
    BACKBONE_WEIGHTS,
    CARD,
    BackboneCard,
    ModelCard,
    made_with,
    read_card,
    save_weights,
    write_card,
)
from extract.network import classifier_network, feature_network, pooled_network, weights_sha256
from recipes.loader import Settings
from recipes.schema import Recipe
from video.errors import LookbackError, UsageError
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.scaling import PIXELS
from video.steps import Stepper

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Extractor:
    """A backbone ready to run, with everything that decides what its features are."""

    card: ModelCard
    engine: KerasEngine

    @property
    def clip_length(self) -> int:
        return spec_of(self.card.backbone.name).clip_length

    def stepper(self) -> Stepper:
        """Return what turns one video's frames into steps."""
        return Stepper(self.card.sampling, self.card.preprocessing, self.clip_length)

    def spec(self, dtype: str) -> dict:
        """Return what a feature file records: features under equal specs are interchangeable."""
        backbone = self.card.backbone
        return {
            "backbone": backbone.name,
            "weights_sha256": backbone.sha256,
            "feature_size": backbone.feature_size,
            "clip_length": self.clip_length,
            "sampling": self.card.sampling.to_dict(),
            "preprocessing": self.card.preprocessing.to_dict(),
            "pixels": PIXELS,
            "precision": self.engine.precision,
            "dtype": dtype,
        }

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        """Return float32 features (B, D) of uint8 clips (B, T, H, W, 3)."""
        return self.engine(clips)


def sampling_of(recipe: Recipe) -> Sampling:
    fps = recipe.sampling.fps
    return Sampling(None if fps == "source" else fps, recipe.sampling.hop)


def preprocessing_of(recipe: Recipe) -> Preprocessing:
    """Return the preprocessing that a recipe asks for, for its backbone."""
    chosen = recipe.preprocessing
    side = chosen.input_size or spec_of(recipe.backbone.name).input_size
    # The usual margin of ImageNet evaluation: 256 for 224.
    short_side = round(side * 256 / 224) if chosen.resize == "crop" else 0
    return Preprocessing(side, side, chosen.resize, short_side)


def load_extractor(folder: Path, card: ModelCard, batch_size: int) -> Extractor:
    """Return the extractor of a model folder.

    Raises:
        LookbackError: the weights are missing, of another network, or not those of model.yaml.
    """
    network = load_network(folder, card)
    model = feature_network(network)
    return Extractor(card, KerasEngine(model, batch_size))


def load_network(folder: Path, card: ModelCard) -> "keras.Model":
    """Return the backbone as the folder holds it: with its classifier where it was fine-tuned."""
    backbone = card.backbone
    trunk = build_trunk(backbone.name, side=card.preprocessing.width)
    if backbone.network:
        model = classifier_network(trunk, backbone.network, len(backbone.labels))
    else:
        model = pooled_network(trunk)
    path = folder / BACKBONE_WEIGHTS
    if not path.is_file():
        raise LookbackError(
            f"{path}: is missing; restore it, or remove {folder / CARD} and run python finetune.py "
            "or python extract.py"
        )
    load_weights(model, path, backbone.name)
    if weights_sha256(model) != backbone.sha256:
        raise LookbackError(
            f"{path}: these are other weights than {folder / CARD} tells of; restore the pair, or "
            "remove both and run python extract.py"
        )
    return model


def choose_extractor(settings: Settings) -> Extractor:
    """Return the extractor that extract.py is to use: the model folder's fine-tuned backbone where
    there is one, else the pretrained one of the recipe, which then moves into the folder.

    Raises:
        UsageError: the folder's fine-tuned backbone and the flags name different ones.
        LookbackError: weights cannot be had.
    """
    recipe, given = settings.recipe, settings.given
    folder = Path(recipe.model.folder)
    card = read_card(folder)
    asked = {key for key in given if key.startswith(("backbone.", "preprocessing."))}
    if card and card.backbone.fine_tuned:
        _refuse_other_backbone(folder, card, settings)
    if card and (card.backbone.fine_tuned or not asked):
        if changed := {key for key in ("fps", "hop") if f"sampling.{key}" in given}:
            asked_for = {key: getattr(sampling_of(recipe), key) for key in changed}
            card = card.model_copy(update={"sampling": replace(card.sampling, **asked_for)})
            write_card(folder, card)
        return load_extractor(folder, card, recipe.extract.batch_size)
    return _pretrained(settings, folder, card)


def _refuse_other_backbone(folder: Path, card: ModelCard, settings: Settings) -> None:
    given, recipe = settings.given, settings.recipe
    other_name = "backbone.name" in given and recipe.backbone.name != card.backbone.name
    # Naming what it was fine-tuned from, as a recipe does, means the fine-tuned one.
    other_start = "backbone.weights" in given and weights_name(recipe) != card.backbone.weights
    if other_name or other_start:
        raise UsageError(
            f"{folder} holds a {card.backbone.name} fine-tuned from {card.backbone.weights}: leave "
            "--backbone and --backbone-weights away to use it, or name another --weights folder"
        )
    chosen = recipe.preprocessing
    side = chosen.input_size or spec_of(card.backbone.name).input_size
    other_side = "preprocessing.input_size" in given and side != card.preprocessing.width
    other_resize = "preprocessing.resize" in given and chosen.resize != card.preprocessing.resize
    if other_side or other_resize:
        raise UsageError(
            f"{folder} holds a {card.backbone.name} fine-tuned on other pixels than the recipe's "
            "preprocessing asks for: run python finetune.py with this recipe"
        )


def _pretrained(settings: Settings, folder: Path, before: ModelCard | None) -> Extractor:
    from extract.framework import keras

    recipe = settings.recipe
    preprocessing = preprocessing_of(recipe)
    keras.utils.set_random_seed(recipe.seed)
    spec = spec_of(recipe.backbone.name)
    trunk = build_trunk(recipe.backbone.name, recipe.backbone.weights, preprocessing.width)
    model = pooled_network(trunk)
    card = ModelCard(
        seed=recipe.seed,
        recipe=settings.source,
        labels=before.labels if before else (),
        sampling=sampling_of(recipe),
        preprocessing=preprocessing,
        backbone=BackboneCard(
            name=spec.name,
            weights=weights_name(recipe),
            fine_tuned=False,
            sha256=weights_sha256(model),
            feature_size=model.output_shape[-1],
            licence=licence_of(recipe),
        ),
        sequence=before.sequence if before else None,
        made_with=made_with(),
    )
    same = before and before.backbone.sha256 == card.backbone.sha256
    if not (same and (folder / BACKBONE_WEIGHTS).is_file()):
        save_weights(model, folder / BACKBONE_WEIGHTS)
    write_card(folder, card)
    return Extractor(card, KerasEngine(model, recipe.extract.batch_size))


def weights_name(recipe: Recipe) -> str:
    """Return how the record calls the weights: a file by its name, without its user's folders."""
    return Path(recipe.backbone.weights).name


def licence_of(recipe: Recipe) -> str:
    """Return the licence of the weights that training starts from, as far as it is known."""
    source = recipe.backbone.weights
    if source == "imagenet":
        return f"{spec_of(recipe.backbone.name).licence} (ImageNet weights)"
    return "none" if source == "none" else "as of the weights file"
