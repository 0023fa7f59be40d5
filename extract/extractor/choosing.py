"""Which extractor extract.py uses: of what the model folder holds and what the recipe asks for."""

from dataclasses import replace
from pathlib import Path

from extract.architectures.registry import spec_of
from extract.backbones import build_trunk
from extract.backbones.defaults import (
    clip_length_of,
    make_config,
    preprocessing_of,
    sampling_of,
    weights_name,
)
from extract.backbones.heads import pooled_network, weights_sha256
from extract.engines import NetworkId, Workload
from extract.engines.registry import make_engine, require_able
from extract.extractor import Extractor
from extract.extractor.loading import NotQuantized, load_extractor, require_quantized
from model_folder.config import (
    BACKBONE_WEIGHTS,
    ModelConfig,
    read_config,
    save_weights,
    write_config,
)
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Recipe
from training.keras_backend import keras
from video.errors import UsageError

_PIXEL_KEYS = {
    "preprocessing.input_size": "width",
    "preprocessing.resize": "resize",
    "preprocessing.short_side": "short_side",
}


def choose_extractor(settings: Settings) -> Extractor:
    """Return the extractor that extract.py is to use: the model folder's fine-tuned backbone where
    there is one, else the pretrained one of the recipe, which then moves into the folder.

    Raises:
        UsageError: the folder's fine-tuned backbone and the flags name different ones.
        NotQuantized: int8 is asked for, and these weights were not quantised.
        LookbackError: weights cannot be had.
    """
    recipe, given = settings.recipe, settings.given
    folder = Path(recipe.model.folder)
    config = read_config(folder)
    asked = {key for key in given if key.startswith(("backbone.", "preprocessing."))}
    asked |= given & {"sampling.clip_length"}
    if config and config.backbone.fine_tuned:
        _refuse_other_backbone(folder, config, settings)
    if config and (config.backbone.fine_tuned or not asked):
        update = {}
        if changed := {key for key in ("fps", "stride") if f"sampling.{key}" in given}:
            wanted = sampling_of(_for_folder(recipe, config))
            asked_for = {key: getattr(wanted, key) for key in changed}
            update["sampling"] = replace(config.sampling, **asked_for)
        if "extract.precision" in given:
            update["precision"] = recipe.extract.precision
        if update:
            config = config.model_copy(update=update)
        extract = recipe.extract
        extractor = load_extractor(folder, config, extract.engine, extract.batch_size)
        if update:  # now that it is known to work: a model that is in use stays as it is otherwise
            write_config(folder, config)
        return extractor
    if config and "backbone.name" not in given:
        settings = replace(settings, recipe=_rebuilt(folder, config, settings))
    return _pretrained(settings, folder, config)


def _rebuilt(folder: Path, config: ModelConfig, settings: Settings) -> Recipe:
    """Return the recipe for other pixels or clips of the folder's pretrained backbone."""
    recipe = settings.recipe
    name, weights = config.backbone.name, recipe.backbone.weights
    if "backbone.weights" not in settings.given:
        weights = config.backbone.weights
        if weights not in ("none", spec_of(name).published):
            raise UsageError(
                f"{folder} holds a {name} made from {weights}: to use it otherwise, name both "
                f"again: --backbone {name} --backbone-weights FILE"
            )
    backbone = recipe.backbone.model_copy(update={"name": name, "weights": weights})
    return recipe.model_copy(update={"backbone": backbone})


def _refuse_other_backbone(folder: Path, config: ModelConfig, settings: Settings) -> None:
    given, recipe = settings.given, settings.recipe
    other_name = "backbone.name" in given and recipe.backbone.name != config.backbone.name
    # A recipe tells what it starts from; a flag to finetune.py may have made that something else.
    asked = "backbone.weights" in settings.flags
    other_start = asked and weights_name(recipe) != config.backbone.weights
    if other_name or other_start:
        raise UsageError(
            f"{folder} holds a {config.backbone.name} fine-tuned from {config.backbone.weights}: "
            "leave --backbone and --backbone-weights away to use it, or name another "
            "--weights folder"
        )
    wanted = preprocessing_of(_for_folder(recipe, config))
    others = {
        key: (getattr(wanted, name), getattr(config.preprocessing, name))
        for key, name in _PIXEL_KEYS.items()
        if key in given
    }
    if "sampling.clip_length" in given:
        asked_for = recipe.sampling.clip_length or spec_of(config.backbone.name).clip_length
        others["sampling.clip_length"] = (asked_for, config.backbone.clip_length)
    for key, (asked_for, there) in others.items():
        if asked_for != there:
            raise UsageError(
                f"{key}: {folder} holds a {config.backbone.name} fine-tuned with {there}, not "
                f"{asked_for}: run {command('finetune')} with this recipe, or leave the key away"
            )


def _for_folder(recipe: Recipe, config: ModelConfig) -> Recipe:
    """Return the recipe with the folder's backbone: one that leaves the name away means that."""
    there = recipe.backbone.model_copy(update={"name": config.backbone.name})
    keys = recipe.sampling
    if keys.clip_length is None:
        keys = keys.model_copy(update={"clip_length": config.backbone.clip_length})
    return recipe.model_copy(update={"backbone": there, "sampling": keys})


def _pretrained(settings: Settings, folder: Path, before: ModelConfig | None) -> Extractor:
    recipe = settings.recipe
    engine, precision = recipe.extract.engine, recipe.extract.precision
    require_able(engine, precision)
    preprocessing, clip_length = preprocessing_of(recipe), clip_length_of(recipe)
    keras.utils.set_random_seed(recipe.seed)
    weights = recipe.backbone.weights
    trunk = build_trunk(recipe.backbone.name, weights, preprocessing.width, clip_length)
    model, labels = pooled_network(trunk), before.labels if before else ()
    sha256 = weights_sha256(model)
    config = make_config(settings, before, sha256, model.output_shape[-1], labels)
    same = before and before.backbone.sha256 == sha256

    def move_in(config: ModelConfig) -> None:
        if not (same and (folder / BACKBONE_WEIGHTS).is_file()):
            save_weights(model, folder / BACKBONE_WEIGHTS)
        write_config(folder, config)

    if precision == "int8":
        try:
            require_quantized(folder, config)
        except NotQuantized:  # what quantises takes the network from the folder
            move_in(config.model_copy(update={"precision": before.precision if same else "f32"}))
            raise
    workload = Workload(precision, recipe.extract.batch_size)
    made = make_engine(model, NetworkId(folder, sha256), engine, workload)
    move_in(config)
    return Extractor(config, made, folder=folder)
