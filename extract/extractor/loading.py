"""Loading of extractors: a network with its config in memory, then an engine that computes it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from extract.architectures.registry import spec_of
from extract.backbones import build_trunk, load_weights
from extract.backbones.heads import (
    classifier_network,
    feature_network,
    own_classifier,
    pooled_network,
    weights_sha256,
)
from extract.backbones.model_config import make_config
from extract.backbones.pretrained import load_classifier, require_weights_file, weights_file
from extract.convert.weights_info import is_non_commercial, read_info
from extract.engines import NetworkId, UnbuiltModel, Workload, built
from extract.engines.framewise import make_live_engine
from extract.engines.registry import make_engine, require_able
from extract.extractor.choice import FolderModel, ModelChoice, PretrainedModel
from extract.extractor.extractor import Extractor
from extract.feature_store.spec import EXTERNAL
from model_folder.config import (
    BACKBONE_WEIGHTS,
    CONFIG,
    QUANTIZED,
    ModelConfig,
    made_without_keras,
    quantized_sha256,
    save_weights,
    write_config,
)
from model_folder.weights_files import file_sha256, is_known, remember, remembered
from recipes.commands import command
from training.keras_backend import keras
from video.console import logger
from video.errors import LookbackError, UsageError

_LOG = logger(__name__)

Int8State = Literal["ready", "missing", "changed", "too costly"]


@dataclass(frozen=True)
class LoadedNetwork:
    """A network with the config that describes it. It is built where it must be: an engine that
    finds its converted form needs no Keras.

    Attributes:
        whole: Network, with its classifier if it was fine-tuned; it may be unbuilt.
        config: Its config, which model.yaml may not hold yet.
        folder: Model folder.
        weights_are_new: Whether the folder does not hold these weights yet.
        config_is_new: Whether model.yaml differs from `config`.
        is_published: Whether its classifier is that of published weights.
    """

    whole: "keras.Model | UnbuiltModel"
    config: ModelConfig
    folder: Path
    weights_are_new: bool = False
    config_is_new: bool = False
    is_published: bool = False

    @property
    def model(self) -> "keras.Model":
        """The network in Keras."""
        return built(self.whole)

    @property
    def identity(self) -> NetworkId:
        """The key under which engines cache the converted network, up to its features."""
        return _identity(self.folder, self.config)

    @property
    def features(self) -> UnbuiltModel:
        """The network up to its features: uint8 clips to float32 (B, D)."""
        shape = self.whole.input_shape[1:]
        return UnbuiltModel(self.identity, shape, lambda: feature_network(self.model))

    @property
    def classifier(self) -> UnbuiltModel | None:
        """The part after the features, float32 (B, D) to logits; None without a classifier."""
        backbone = self.config.backbone
        if backbone.network is None and not self.is_published:
            return None
        known_as = replace(self.identity, part="classifier")
        shape = (backbone.feature_size,)
        return UnbuiltModel(known_as, shape, lambda: own_classifier(self.model))

    def save(self) -> ModelConfig:
        """Save new weights and a new config to the model folder, the config last; return it."""
        config, path = self.config, self.folder / BACKBONE_WEIGHTS
        if self.weights_are_new:
            save_weights(self.model, path)
            config = with_weights_file(config, path)
        if self.config_is_new:
            write_config(self.folder, config)
        return config


def with_weights_file(config: ModelConfig, path: Path) -> ModelConfig:
    """Return a config that names the hash of the backbone's weights file, just written."""
    backbone = config.backbone.model_copy(update={"file_sha256": file_sha256(path)})
    return config.model_copy(update={"backbone": backbone})


def _identity(folder: Path, config: ModelConfig) -> NetworkId:
    """Return the identity of a network: its weights, and what of model.yaml decides its graph."""
    backbone = config.backbone
    settings = {
        "backbone": backbone.name,
        "change": config.sampling.is_change,
        "clip_length": backbone.clip_length,
        "feature_size": backbone.feature_size,
        "network": backbone.network and backbone.network.model_dump(mode="json"),
        "labels": len(backbone.labels),
    }
    return NetworkId(folder, backbone.sha256, settings=settings)


def _input_shape(config: ModelConfig) -> tuple[int, ...]:
    """Return the shape (T, H, W, 3) of a network's input."""
    size = config.preprocessing
    frames = config.sampling.frames_per_clip(config.backbone.clip_length)
    return (frames, size.height, size.width, 3)


def open_network(choice: ModelChoice) -> LoadedNetwork:
    """Return the network of a choice; nothing is written.

    Raises:
        LookbackError: The weights are missing, cannot be downloaded, belong to another network, or
            do not match model.yaml.
    """
    if isinstance(choice, FolderModel):
        whole = open_whole(choice.folder, choice.config)
        return LoadedNetwork(whole, choice.config, choice.folder, config_is_new=choice.is_changed)
    return _already_there(choice) or _build_pretrained(choice)


def open_whole(folder: Path, config: ModelConfig) -> "keras.Model | UnbuiltModel":
    """Return the folder's backbone as `load_network` does, unbuilt if its weights file is known.

    Args:
        folder: Model folder.
        config: Its config.

    Raises:
        LookbackError: As for `load_network`, whose checks do not need the network here.
    """
    backbone = config.backbone
    _require_computable(folder, config)
    if is_known(folder / BACKBONE_WEIGHTS, backbone.sha256, backbone.file_sha256):
        shape = _input_shape(config)
        return UnbuiltModel(_identity(folder, config), shape, lambda: load_network(folder, config))
    model = load_network(folder, config)
    if not backbone.file_sha256:
        _LOG.warning(
            f"note: {folder} is of an earlier version: Keras loads and checks its weights; "
            "later starts need Keras only where a network is not converted."
        )
    return model


def _already_there(choice: PretrainedModel) -> LoadedNetwork | None:
    """Return the folder's network if the choice names the published weights that it has."""
    backbone, before = choice.backbone, choice.before
    if before is None or before.backbone.fine_tuned or backbone.weights != backbone.spec.published:
        return None
    there = before.backbone
    if (there.name, there.weights) != (backbone.spec.name, backbone.weights_name):
        return None
    path = choice.folder / BACKBONE_WEIGHTS
    if not is_known(path, there.sha256, there.file_sha256):
        return None
    config = make_config(
        choice.settings,
        backbone,
        before,
        there.sha256,
        there.feature_size,
        before.labels,
        versions={**before.made_with, **made_without_keras()},
    )
    whole = open_whole(choice.folder, config)
    return LoadedNetwork(whole, config, choice.folder, config_is_new=True)


def _build_pretrained(choice: PretrainedModel) -> LoadedNetwork:
    backbone, before = choice.backbone, choice.before
    keras.utils.set_random_seed(choice.settings.recipe.seed)
    trunk = build_trunk(
        backbone.spec.name,
        backbone.weights,
        backbone.preprocessing.width,
        backbone.clip_length,
        backbone.sampling.is_change,
    )
    model = pooled_network(trunk)
    sha256, labels = weights_sha256(model), before.labels if before else ()
    config = make_config(choice.settings, backbone, before, sha256, model.output_shape[-1], labels)
    same_weights = before is not None and before.backbone.sha256 == sha256
    there = same_weights and (choice.folder / BACKBONE_WEIGHTS).is_file()
    return LoadedNetwork(model, config, choice.folder, not there, config_is_new=True)


def load_network(folder: Path, config: ModelConfig) -> "keras.Model":
    """Return the folder's backbone, with its classifier if it was fine-tuned.

    Args:
        folder: Model folder.
        config: Its config.

    Returns:
        A model from uint8 (B, T, H, W, 3) to float32 logits of a fine-tuned backbone, or to float32
        features (B, D) of a pretrained one.

    Raises:
        LookbackError: Weights are missing, belong to another network, or differ from model.yaml.
    """
    _require_computable(folder, config)
    backbone = config.backbone
    side, clip_length = config.preprocessing.width, backbone.clip_length
    change = config.sampling.is_change
    trunk = build_trunk(backbone.name, side=side, clip_length=clip_length, change=change)
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
    if not is_known(path, backbone.sha256, backbone.file_sha256):
        remember(path, backbone.sha256)
    return model


def _require_computable(folder: Path, config: ModelConfig) -> None:
    """Raise `LookbackError` if a folder's features were computed by another program."""
    if config.backbone.name == EXTERNAL:
        raise LookbackError(
            f"{folder}: its features were computed by another program (backbone: {EXTERNAL}), so "
            f"they cannot be computed from videos here; {command('train')} and "
            f"{command('evaluate')} work, and {command('extract')} --backbone NAME makes features "
            "that also work live (name another --weights and --features for them)"
        )


def with_input(folder: Path, config: ModelConfig, change_seconds: float | None) -> LoadedNetwork:
    """Return the network of a model folder with another input.

    Args:
        folder: Model folder.
        config: Its config.
        change_seconds: Time between the two frames of a change picture; None for frames.

    Raises:
        LookbackError: The weights are missing or do not match model.yaml.
    """
    other = config.with_input(change_seconds)
    return LoadedNetwork(open_whole(folder, other), other, folder)


def make_extractor(
    network: LoadedNetwork, engine: str = "auto", batch_size: int | None = None, live: int = 0
) -> Extractor:
    """Return the extractor of a network, in the precision of its config.

    Args:
        network: Network in memory.
        engine: Name of an engine; see `extract.engines.registry.make_engine`.
        batch_size: Clips per batch; None for the engine's own.
        live: Number of live videos at once, for a short time per clip; 0 for the highest
            throughput.

    Raises:
        UsageError: The engine is unavailable or does not support the precision.
        LookbackError: int8 is requested, and the folder has no int8 network of these weights.
    """
    config, backbone = network.config, network.config.backbone
    require_able(engine, config.precision)
    if is_non_commercial(backbone.licence):
        _LOG.info(f"{backbone.name}: its weights are under {backbone.licence}: no commercial use.")
    if config.precision == "int8":
        _require_int8(network.folder, config)
    features = network.features
    if live:
        spec, stride = spec_of(backbone.name), config.sampling.stride
        made = make_live_engine(
            features, spec, stride, network.identity, engine, config.precision, live
        )
    else:
        made = make_engine(
            features, network.identity, engine, Workload(config.precision, batch_size)
        )
    folder = network.folder
    return Extractor(
        config,
        made,
        network.classifier,
        folder,
        lambda: feature_network(load_network(folder, config)),
    )


def load_extractor(
    folder: Path,
    config: ModelConfig,
    engine: str = "auto",
    batch_size: int | None = None,
    live: int = 0,
) -> Extractor:
    """Return the extractor of a model folder.

    Args:
        folder: Model folder.
        config: Its config, or one that differs in sampling or precision.
        engine: Name of an engine; see `make_extractor`.
        batch_size: Clips per batch; see `make_extractor`.
        live: Number of live videos at once; see `make_extractor`.

    Raises:
        UsageError: The engine is unavailable or does not support the precision.
        LookbackError: Weights or the int8 network are missing, or do not match model.yaml.
    """
    require_able(engine, config.precision)  # fails before the network is built
    network = LoadedNetwork(open_whole(folder, config), config, folder)
    return make_extractor(network, engine, batch_size, live)


def int8_state(folder: Path, config: ModelConfig) -> Int8State:
    """Return whether a folder has an int8 network of the config's weights.

    Returns:
        `ready`; `missing`: never quantized; `changed`: its files are not those of model.yaml;
        `too costly`: it was measured, and lost too much accuracy to be kept.
    """
    if config.quantised is None:
        return "missing"
    if not config.quantised.sha256:
        return "too costly"
    if quantized_sha256(folder) != config.quantised.sha256:
        return "changed"
    return "ready"


def _require_int8(folder: Path, config: ModelConfig) -> None:
    remedy = f"{command('quantize')} --weights {folder} makes it from your training clips"
    match int8_state(folder, config):
        case "missing":
            raise LookbackError(f"{folder}: there is no int8 network of these weights; {remedy}")
        case "too costly":
            raise LookbackError(f"{folder}: {config.quantised}: too much; take bf16 or f32")
        case "changed":
            raise LookbackError(
                f"{folder / QUANTIZED}: is missing, or not the one that {CONFIG} names; {remedy}"
            )


def open_published(choice: PretrainedModel) -> LoadedNetwork:
    """Return a clip network with the classifier of its published weights: nothing is trained, and
    no model folder is needed. Its folder has the name of the weights file, for the caches.

    Args:
        choice: Choice whose backbone is a clip network.

    Raises:
        UsageError: The backbone has no classifier.
        LookbackError: The weights cannot be downloaded, or hold no classifier.
    """
    backbone = choice.backbone
    spec = backbone.spec
    path = weights_file(spec, backbone.weights) if spec.is_clip_network else None
    if path is None:
        raise UsageError(
            f"--backbone {spec.name} (weights: {backbone.weights_name}): without training, only a "
            "clip network with weights that include its classifier knows labels (kinetics400, or a "
            "file); to use a model of yours, leave --backbone out"
        )
    require_weights_file(path, spec.name)
    info = read_info(path)
    if not (info and info.classes):
        raise LookbackError(
            f"{path}: holds no classifier; convert the checkpoint without --without-head: "
            f"{command('convert')} {spec.name} CHECKPOINT --out {path.name}"
        )
    # One cache per weights file: its folder may contain weights of other networks.
    folder = path.parent / path.name.removesuffix(".weights.h5")
    labels = tuple(info.labels or (f"class {number}" for number in range(info.classes)))

    def build() -> "keras.Model":
        trunk, dense = load_classifier(
            spec, path, info.classes, backbone.preprocessing.width, backbone.clip_length
        )
        pooled = pooled_network(trunk)
        return keras.Model(pooled.input, dense(pooled.output))

    def config_of(sha256: str, versions: dict[str, str] | None = None) -> ModelConfig:
        settings, size = choice.settings, spec.feature_size
        return make_config(settings, backbone, None, sha256, size, labels, versions=versions)

    if sha256 := remembered(path):
        config = config_of(sha256, made_without_keras())
        whole = UnbuiltModel(_identity(folder, config), _input_shape(config), build)
        return LoadedNetwork(whole, config, folder, is_published=True)
    network = build()
    sha256 = weights_sha256(network)
    remember(path, sha256)
    return LoadedNetwork(network, config_of(sha256), folder, is_published=True)


def load_published(choice: PretrainedModel, videos: int = 1) -> Extractor:
    """Return the extractor of `open_published`.

    Args:
        choice: Choice whose backbone is a clip network.
        videos: Number of live videos at once.

    Raises:
        UsageError, LookbackError: As for `open_published`.
    """
    network, engine = open_published(choice), choice.settings.recipe.extract.engine
    config = network.config
    made = make_live_engine(
        network.features,
        choice.backbone.spec,
        config.sampling.stride,
        network.identity,
        engine,
        config.precision,
        videos,
    )
    return Extractor(
        config,
        made,
        network.classifier,
        network.folder,
        lambda: feature_network(open_published(choice).model),
    )
