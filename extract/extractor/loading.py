"""From the model folder, or from published weights, to an extractor."""

from pathlib import Path

from extract.architectures.registry import spec_of
from extract.backbones import build_trunk, load_weights
from extract.backbones.defaults import (
    clip_length_of,
    make_config,
    preprocessing_of,
    weights_name,
)
from extract.backbones.heads import (
    classifier_network,
    feature_network,
    own_classifier,
    pooled_network,
    weights_sha256,
)
from extract.backbones.pretrained import load_classifier, require_weights_file, weights_file
from extract.convert.weights_info import is_non_commercial, read_info
from extract.engines import NetworkId, Workload
from extract.engines.framewise import make_live_engine
from extract.engines.registry import make_engine, require_able
from extract.extractor import Extractor
from model_folder.config import (
    BACKBONE_WEIGHTS,
    CONFIG,
    QUANTISED,
    ModelConfig,
    quantized_sha256,
)
from recipes.commands import command
from recipes.loader import Settings
from training.keras_backend import keras
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)


def load_extractor(
    folder: Path,
    config: ModelConfig,
    engine: str = "auto",
    batch_size: int | None = None,
    live: bool = False,
) -> Extractor:
    """Return the extractor of a model folder.

    Args:
        folder: the model folder.
        config: what is to be made of it.
        engine: of `extract.engines.registry.make_engine`.
        batch_size, live: of `extract.engines.Workload`.

    Raises:
        NotQuantized: the config asks for int8, and these weights were not quantised.
        UsageError: the engine cannot be used here, or not in the config's precision.
        LookbackError: the weights are missing, of another network, or not those of model.yaml.
    """
    require_able(engine, config.precision)
    network = load_network(folder, config)
    backbone = config.backbone
    if is_non_commercial(backbone.licence):
        _LOG.info(f"{backbone.name}: its weights are under {backbone.licence}: no commercial use.")
    if config.precision == "int8":
        require_quantized(folder, config)
    classifier = own_classifier(network) if backbone.network else None
    features, known_as = feature_network(network), NetworkId(folder, backbone.sha256)
    if live:
        spec, stride = spec_of(backbone.name), config.sampling.stride
        made = make_live_engine(features, spec, stride, known_as, engine, config.precision)
    else:
        made = make_engine(features, known_as, engine, Workload(config.precision, batch_size))
    return Extractor(config, made, classifier, folder)


class NotQuantized(LookbackError):
    """A model folder has no int8 network for its weights."""


def require_quantized(folder: Path, config: ModelConfig) -> None:
    """Raise `NotQuantized` where the folder lacks the int8 network of its weights."""
    mend = f"{command('quantize')} --weights {folder} makes it from your training clips"
    if config.quantised is None:
        raise NotQuantized(f"{folder}: there is no int8 network of these weights; {mend}")
    if not config.quantised.sha256:
        raise NotQuantized(f"{folder}: {config.quantised}: too much; take bf16 or f32")
    if quantized_sha256(folder) != config.quantised.sha256:
        raise NotQuantized(
            f"{folder / QUANTISED}: is missing, or not the one that {CONFIG} tells of; {mend}"
        )


def load_network(folder: Path, config: ModelConfig) -> keras.Model:
    """Return the backbone as the folder holds it: with its classifier where it was fine-tuned."""
    backbone = config.backbone
    side, clip_length = config.preprocessing.width, backbone.clip_length
    trunk = build_trunk(backbone.name, side=side, clip_length=clip_length)
    if backbone.network:
        model = classifier_network(trunk, backbone.network, len(backbone.labels))
    else:
        model = pooled_network(trunk)
    path = folder / BACKBONE_WEIGHTS
    if not path.is_file():
        raise LookbackError(
            f"{path}: is missing; restore it, or remove {folder / CONFIG} and run "
            f"{command('finetune')} or {command('extract')}"
        )
    load_weights(model, path, backbone.name)
    if weights_sha256(model) != backbone.sha256:
        raise LookbackError(
            f"{path}: these are not the weights that {folder / CONFIG} names; restore the pair, "
            f"or remove both and run {command('extract')}"
        )
    return model


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
            f"{command('convert')} {spec.name} CHECKPOINT --out {path.name}"
        )
    preprocessing, clip_length = preprocessing_of(recipe), clip_length_of(recipe)
    trunk, dense = load_classifier(spec, path, info.classes, preprocessing.width, clip_length)
    pooled = pooled_network(trunk)
    network = keras.Model(pooled.input, dense(pooled.output))
    labels = tuple(info.labels or (f"class {number}" for number in range(info.classes)))
    config = make_config(settings, None, weights_sha256(network), spec.feature_size, labels)
    # A place of its own: beside this file may lie those of other networks.
    place = path.parent / path.name.removesuffix(".weights.h5")
    known_as, engine = NetworkId(place, config.backbone.sha256), recipe.extract.engine
    made = make_live_engine(
        pooled, spec, config.sampling.stride, known_as, engine, config.precision
    )
    return Extractor(config, made, own_classifier(network), place)
