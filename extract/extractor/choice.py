"""Model choice: the network and the head that a command uses.

The choice depends only on model.yaml and the settings. It comes before any network is built or file
is written. Combinations that do not fit are rejected here.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from extract.architectures.registry import spec_of
from extract.backbones.defaults import ResolvedBackbone, resolve_backbone
from model_folder.config import ModelConfig, read_config, require_config
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Input, Recipe
from video.errors import LookbackError, UsageError

# Head name of a fine-tuned network's own classifier; `--head` accepts it like a trained head.
OWN_HEAD = "own"
# Head name for a choice by cross-validation, made in training.
AUTO_HEAD = "auto"
Precision = Literal["f32", "bf16", "int8"]

_PIXEL_KEYS = {
    "preprocessing.input_size": "width",
    "preprocessing.resize": "resize",
    "preprocessing.short_side": "short_side",
}


@dataclass(frozen=True)
class FolderModel:
    """The network that a model folder holds, fine-tuned or pretrained.

    Attributes:
        folder: Model folder.
        config: Its config, with what the settings change.
        is_changed: Whether `config` differs from model.yaml.
        head: Head to predict with: `own`, the trained head, or empty if there is none.
    """

    folder: Path
    config: ModelConfig
    is_changed: bool = False
    head: str = ""

    @property
    def precision(self) -> Precision:
        """Precision that the features are computed in."""
        return self.config.precision

    @property
    def input(self) -> Input:
        """What the network sees."""
        return self.config.backbone.input


@dataclass(frozen=True)
class PretrainedModel:
    """A pretrained backbone that the recipe names. Extraction moves it into the model folder.

    Attributes:
        folder: Model folder.
        settings: Settings that name the backbone.
        backbone: Backbone that they resolve to.
        before: Previous config of the folder; None if it is empty.
        head: `own` to predict with the published classifier, else empty.
    """

    folder: Path
    settings: Settings
    backbone: ResolvedBackbone
    before: ModelConfig | None = None
    head: str = ""

    @property
    def precision(self) -> Precision:
        """Precision that the features are computed in."""
        return self.settings.recipe.extract.precision

    @property
    def input(self) -> Input:
        """What the network sees."""
        return self.backbone.input


ModelChoice = FolderModel | PretrainedModel


def choose_for_extraction(settings: Settings) -> ModelChoice:
    """Return the model that extraction uses: the folder's fine-tuned backbone; or the folder's
    pretrained one, unless the settings name another; or the recipe's pretrained one.

    Raises:
        UsageError: The folder's fine-tuned backbone and the settings name different ones.
        LookbackError: model.yaml cannot be read.
    """
    recipe, given = settings.recipe, settings.given
    folder = Path(recipe.model.folder)
    config = read_config(folder)
    if config and config.backbone.fine_tuned:
        _refuse_other_backbone(folder, config, settings)
        return _folder_model(folder, config, settings)
    asked = {key for key in given if key.startswith(("backbone.", "preprocessing."))}
    asked |= given & {"sampling.clip_length", "sampling.change_seconds"}
    if config and recipe.backbone.input == config.backbone.input:
        asked -= {"backbone.input"}
    if config and not asked:
        return _folder_model(folder, config, settings)
    if config and "backbone.name" not in given:
        settings = replace(settings, recipe=_with_backbone_of(folder, config, settings))
    backbone = resolve_backbone(settings.recipe)
    if config and backbone.input == config.backbone.input == "auto":
        # Training has chosen one of the two inputs, which remains the folder's.
        seconds = config.sampling.change_seconds
        if seconds is not None and "sampling.change_seconds" in given:
            seconds = recipe.sampling.change_seconds
        sampling = replace(backbone.sampling, change_seconds=seconds)
        backbone = replace(backbone, sampling=sampling)
    return PretrainedModel(folder, settings, backbone, config)


def choose_for_inference(settings: Settings) -> ModelChoice:
    """Return the model that run.py uses: the published clip network that a flag names, or else the
    folder's model.

    Raises:
        UsageError: Flags contradict each other, or name a head that the folder lacks.
        LookbackError: The folder has no model, or not the requested head.
    """
    recipe, flags = settings.recipe, settings.flags
    folder = Path(recipe.model.folder)
    if "backbone.name" in flags:
        return PretrainedModel(folder, settings, resolve_backbone(recipe), head=OWN_HEAD)
    if flags & {"backbone.weights", "sampling.fps"}:
        raise UsageError(
            "--backbone-weights and --fps go with --backbone, which runs a published network "
            "without training; a model folder has its own"
        )
    if "extract.precision" in flags:
        raise UsageError(
            "extract.precision: a model runs in the precision that its features were made in; "
            f"{command('extract')} --precision and {command('train')} change it"
        )
    config = require_config(folder)
    return FolderModel(folder, config, head=choose_head(folder, config, requested_head(settings)))


def requested_head(settings: Settings) -> str:
    """Return the head that the user requests, or empty. A flag can request any head, the recipe
    only `own`."""
    head = settings.recipe.sequence.head
    if head == AUTO_HEAD:
        return ""
    asked = settings.given if head == OWN_HEAD else settings.flags
    return head if "sequence.head" in asked else ""


def choose_head(folder: Path, config: ModelConfig, requested: str = "") -> str:
    """Return the head to predict with: the requested one, else the trained second stage, else the
    fine-tuned network's own classifier, else empty.

    Args:
        folder: Model folder, for messages.
        config: Its config.
        requested: Head that the user requests; empty for none.

    Raises:
        UsageError: The folder's second stage is not the requested one.
        LookbackError: The network's own classifier is requested, and it has none.
    """
    has_own = config.backbone.network is not None
    trained = config.sequence.head if config.sequence else ""
    if requested == OWN_HEAD and not has_own:
        raise LookbackError(
            f"{folder}: the backbone has no classifier of its own, because it was not fine-tuned; "
            f"run {command('finetune')}, or train another head with {command('train')}"
        )
    if requested not in ("", OWN_HEAD, trained):
        content = f"a model with the head {trained}" if trained else "no sequence model yet"
        raise UsageError(
            f"--head {requested}: {folder} contains {content}; run {command('train')} --head "
            f"{requested} to train this head"
        )
    return requested or trained or (OWN_HEAD if has_own else "")


def _folder_model(folder: Path, config: ModelConfig, settings: Settings) -> FolderModel:
    """Return the folder's model with the sampling and the precision that the settings give."""
    recipe, given = settings.recipe, settings.given
    update: dict[str, Any] = {}
    if changed := {key for key in ("fps", "stride") if f"sampling.{key}" in given}:
        wanted = resolve_backbone(_for_folder(recipe, config)).sampling
        update["sampling"] = replace(
            config.sampling, **{key: getattr(wanted, key) for key in changed}
        )
    if "extract.precision" in given:
        update["precision"] = recipe.extract.precision
    return FolderModel(folder, config.model_copy(update=update), is_changed=bool(update))


def _with_backbone_of(folder: Path, config: ModelConfig, settings: Settings) -> Recipe:
    """Return the recipe with the folder's pretrained backbone, for other preprocessing or clips."""
    recipe, name = settings.recipe, config.backbone.name
    weights = recipe.backbone.weights
    if "backbone.weights" not in settings.given:
        weights = config.backbone.weights
        if weights not in ("none", spec_of(name).published):
            raise UsageError(
                f"{folder} holds a {name} made from {weights}: to use it with other settings, name "
                f"both again: --backbone {name} --backbone-weights FILE"
            )
    backbone: dict[str, Any] = {"name": name, "weights": weights}
    sampling = recipe.sampling
    if "backbone.input" not in settings.given:
        backbone["input"] = config.backbone.input
    if config.sampling.is_change and "sampling.change_seconds" not in settings.given:
        change = {"change_seconds": config.sampling.change_seconds}
        sampling = sampling.model_copy(update=change)
    return recipe.model_copy(
        update={"backbone": recipe.backbone.model_copy(update=backbone), "sampling": sampling}
    )


def _refuse_other_backbone(folder: Path, config: ModelConfig, settings: Settings) -> None:
    given, recipe = settings.given, settings.recipe
    backbone = config.backbone
    # The recipe names the initial weights, which a flag to finetune.py may have overridden: only a
    # flag to this command counts.
    other_weights = (
        "backbone.weights" in settings.flags
        and resolve_backbone(recipe).weights_name != backbone.weights
    )
    if ("backbone.name" in given and recipe.backbone.name != backbone.name) or other_weights:
        raise UsageError(
            f"{folder} holds a {backbone.name} fine-tuned from {backbone.weights}: leave out "
            "--backbone and --backbone-weights to use it, or name another --weights folder"
        )
    wanted = resolve_backbone(_for_folder(recipe, config))
    different = {
        key: (getattr(wanted.preprocessing, name), getattr(config.preprocessing, name))
        for key, name in _PIXEL_KEYS.items()
        if key in given
    }
    if "sampling.clip_length" in given:
        asked = recipe.sampling.clip_length or wanted.spec.clip_length
        different["sampling.clip_length"] = (asked, backbone.clip_length)
    change_seconds = config.sampling.change_seconds
    if "backbone.input" in given and recipe.backbone.input != "auto":
        different["backbone.input"] = (recipe.backbone.input, config.sampling.input)
    if "sampling.change_seconds" in given and change_seconds is not None:
        different["sampling.change_seconds"] = (recipe.sampling.change_seconds, change_seconds)
    for key, (asked, there) in different.items():
        if asked != there:
            raise UsageError(
                f"{key}: {folder} holds a {backbone.name} fine-tuned with {there}, not {asked}: "
                f"run {command('finetune')} with this recipe, or leave the key out"
            )


def _for_folder(recipe: Recipe, config: ModelConfig) -> Recipe:
    """Return the recipe with the folder's backbone and, by default, its clip length."""
    backbone = recipe.backbone.model_copy(update={"name": config.backbone.name, "weights": None})
    sampling = recipe.sampling
    if sampling.clip_length is None:
        sampling = sampling.model_copy(update={"clip_length": config.backbone.clip_length})
    return recipe.model_copy(update={"backbone": backbone, "sampling": sampling})
