"""From the model folder to something that turns clips into features, for extraction and live."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from extract.backbones import build_trunk, load_weights, spec_of
from extract.backbones.building import load_classifier, require_weights_file, weights_file
from extract.engines import Engine, make_engine
from extract.framework import keras
from extract.model_folder import (
    BACKBONE_WEIGHTS,
    CARD,
    ModelCard,
    read_card,
    save_weights,
    write_card,
)
from extract.network import (
    classifier_network,
    feature_network,
    own_classifier,
    pooled_network,
    weights_sha256,
)
from extract.resolving import (
    batch_size_of,
    clip_length_of,
    make_card,
    preprocessing_of,
    sampling_of,
    weights_name,
)
from extract.weights_info import is_non_commercial, read_info
from recipes.loader import Settings
from recipes.schema import Recipe
from video.errors import LookbackError, UsageError
from video.scaling import PIXELS
from video.steps import Stepper

_PIXEL_KEYS = {
    "preprocessing.input_size": "width",
    "preprocessing.resize": "resize",
    "preprocessing.short_side": "short_side",
}


@dataclass(frozen=True)
class Extractor:
    """A backbone ready to run, with everything that decides what its features are.

    Attributes:
        card: what the model folder says of it.
        engine: computes the features.
        classifier: of a network that is a classifier too, what follows its features: float32
            (B, D) to logits (B, K) or (B, 1).
    """

    card: ModelCard
    engine: Engine
    classifier: keras.Model | None = None

    @property
    def clip_length(self) -> int:
        return self.card.backbone.clip_length

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


def load_extractor(
    folder: Path, card: ModelCard, batch_size: int, engine: str = "auto"
) -> Extractor:
    """Return the extractor of a model folder, on an engine of `extract.engines.make_engine`.

    Raises:
        LookbackError: the weights are missing, of another network, or not those of model.yaml.
    """
    network = load_network(folder, card)
    backbone = card.backbone
    if is_non_commercial(backbone.licence):
        print(f"{backbone.name}: its weights are under {backbone.licence}: no commercial use.")
    classifier = own_classifier(network) if backbone.network else None
    made = make_engine(
        feature_network(network), batch_size, engine, card.precision, folder, backbone.sha256
    )
    return Extractor(card, made, classifier)


def load_network(folder: Path, card: ModelCard) -> keras.Model:
    """Return the backbone as the folder holds it: with its classifier where it was fine-tuned."""
    backbone = card.backbone
    side, clip_length = card.preprocessing.width, backbone.clip_length
    trunk = build_trunk(backbone.name, side=side, clip_length=clip_length)
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
    asked |= given & {"sampling.clip_length"}
    if card and card.backbone.fine_tuned:
        _refuse_other_backbone(folder, card, settings)
    if card and (card.backbone.fine_tuned or not asked):
        update = {}
        if changed := {key for key in ("fps", "hop") if f"sampling.{key}" in given}:
            wanted = sampling_of(_for_folder(recipe, card))
            asked_for = {key: getattr(wanted, key) for key in changed}
            update["sampling"] = replace(card.sampling, **asked_for)
        if "extract.precision" in given:
            update["precision"] = recipe.extract.precision
        if update:
            card = card.model_copy(update=update)
            write_card(folder, card)
        batch_size = batch_size_of(recipe, card.backbone.clip_length)
        return load_extractor(folder, card, batch_size, recipe.extract.engine)
    if card and "backbone.name" not in given:
        settings = replace(settings, recipe=_rebuilt(folder, card, settings))
    return _pretrained(settings, folder, card)


def _rebuilt(folder: Path, card: ModelCard, settings: Settings) -> Recipe:
    """Return the recipe for other pixels or clips of the folder's pretrained backbone."""
    recipe = settings.recipe
    name, weights = card.backbone.name, recipe.backbone.weights
    if "backbone.weights" not in settings.given:
        weights = card.backbone.weights
        if weights not in ("none", spec_of(name).published):
            raise UsageError(
                f"{folder} holds a {name} made from {weights}: to use it otherwise, name both "
                f"again: --backbone {name} --backbone-weights FILE"
            )
    backbone = recipe.backbone.model_copy(update={"name": name, "weights": weights})
    return recipe.model_copy(update={"backbone": backbone})


def _refuse_other_backbone(folder: Path, card: ModelCard, settings: Settings) -> None:
    given, recipe = settings.given, settings.recipe
    other_name = "backbone.name" in given and recipe.backbone.name != card.backbone.name
    # A recipe tells what it starts from; a flag to finetune.py may have made that something else.
    asked = "backbone.weights" in settings.flags
    other_start = asked and weights_name(recipe) != card.backbone.weights
    if other_name or other_start:
        raise UsageError(
            f"{folder} holds a {card.backbone.name} fine-tuned from {card.backbone.weights}: leave "
            "--backbone and --backbone-weights away to use it, or name another --weights folder"
        )
    wanted = preprocessing_of(_for_folder(recipe, card))
    others = {
        key: (getattr(wanted, name), getattr(card.preprocessing, name))
        for key, name in _PIXEL_KEYS.items()
        if key in given
    }
    if "sampling.clip_length" in given:
        asked_for = recipe.sampling.clip_length or spec_of(card.backbone.name).clip_length
        others["sampling.clip_length"] = (asked_for, card.backbone.clip_length)
    for key, (asked_for, there) in others.items():
        if asked_for != there:
            raise UsageError(
                f"{key}: {folder} holds a {card.backbone.name} fine-tuned with {there}, not "
                f"{asked_for}: run python finetune.py with this recipe, or leave the key away"
            )


def _for_folder(recipe: Recipe, card: ModelCard) -> Recipe:
    """Return the recipe with the folder's backbone: one that leaves the name away means that."""
    there = recipe.backbone.model_copy(update={"name": card.backbone.name})
    keys = recipe.sampling
    if keys.clip_length is None:
        keys = keys.model_copy(update={"clip_length": card.backbone.clip_length})
    return recipe.model_copy(update={"backbone": there, "sampling": keys})


def _pretrained(settings: Settings, folder: Path, before: ModelCard | None) -> Extractor:
    recipe = settings.recipe
    preprocessing, clip_length = preprocessing_of(recipe), clip_length_of(recipe)
    keras.utils.set_random_seed(recipe.seed)
    weights = recipe.backbone.weights
    trunk = build_trunk(recipe.backbone.name, weights, preprocessing.width, clip_length)
    model, labels = pooled_network(trunk), before.labels if before else ()
    sha256 = weights_sha256(model)
    card = make_card(settings, before, sha256, model.output_shape[-1], labels)
    same = before and before.backbone.sha256 == sha256
    if not (same and (folder / BACKBONE_WEIGHTS).is_file()):
        save_weights(model, folder / BACKBONE_WEIGHTS)
    write_card(folder, card)
    batch_size, engine = batch_size_of(recipe, clip_length), recipe.extract.engine
    return Extractor(card, make_engine(model, batch_size, engine, card.precision, folder, sha256))


def pretrained_classifier(settings: Settings) -> Extractor:
    """Return a clip network with the classifier of its published weights: nothing is trained, and
    no model folder is needed.

    Raises:
        UsageError: the backbone has no classifier.
        LookbackError: the weights cannot be had, or hold no classifier.
    """
    recipe = settings.recipe
    spec = spec_of(recipe.backbone.name)
    path = weights_file(spec, recipe.backbone.weights) if spec.is_clip_network else None
    if path is None:
        raise UsageError(
            f"--backbone {spec.name} (weights: {weights_name(recipe)}): without training, only a "
            "clip network with weights that include its classifier knows labels (kinetics400, or a "
            "file); to use a model of yours, leave --backbone away"
        )
    require_weights_file(path, spec.name)
    info = read_info(path)
    if not (info and info.classes):
        raise LookbackError(
            f"{path}: holds no classifier; convert the checkpoint without --without-head: "
            f"python -m extract.convert {spec.name} CHECKPOINT --out {path.name}"
        )
    preprocessing, clip_length = preprocessing_of(recipe), clip_length_of(recipe)
    trunk, dense = load_classifier(spec, path, info.classes, preprocessing.width, clip_length)
    pooled = pooled_network(trunk)
    network = keras.Model(pooled.input, dense(pooled.output))
    labels = tuple(info.labels or (f"class {number}" for number in range(info.classes)))
    card = make_card(settings, None, weights_sha256(network), spec.feature_size, labels)
    engine, sha256 = recipe.extract.engine, card.backbone.sha256
    made = make_engine(pooled, 1, engine, card.precision, path.parent, sha256)
    return Extractor(card, made, own_classifier(network))
