"""What a recipe asks for, filled up with what its backbone was made for: clip, sampling, pixels,
batches, and the config that tells it all."""

from pathlib import Path

from extract.architectures.registry import spec_of
from extract.convert.weights_info import read_info
from model_folder.config import BackboneConfig, ModelConfig, made_with
from recipes.commands import command
from recipes.loader import Settings
from recipes.schema import Network, Recipe
from video.errors import UsageError
from video.preprocessing import Preprocessing
from video.sampling import Sampling

_FRAME_NETWORK_FPS = 10.0
_HOPS_A_CLIP = 2  # a feature for every half of a clip
_DRAWS_PER_CLIP, _PICTURES_A_BATCH, _CLIPS_A_BATCH = 5, 32, 4


def clip_length_of(recipe: Recipe) -> int:
    """Return T: what the recipe says, or what its backbone was made for."""
    spec, chosen = spec_of(recipe.backbone.name), recipe.sampling.clip_length
    if chosen not in (None, 1) and not spec.is_clip_network:
        raise UsageError(
            f"sampling.clip_length {chosen}: {spec.name} sees single frames; leave it away, or "
            f"name a clip network ({command('backbones')} lists them)"
        )
    return chosen or spec.clip_length


def sampling_of(recipe: Recipe) -> Sampling:
    """Return the sampling that a recipe asks for, for its backbone."""
    fps, stride = recipe.sampling.fps, recipe.sampling.stride
    if fps is None:
        fps = spec_of(recipe.backbone.name).frame_rate or _FRAME_NETWORK_FPS
    stride = stride or max(1, clip_length_of(recipe) // _HOPS_A_CLIP)
    return Sampling(None if fps == "source" else fps, stride)


def preprocessing_of(recipe: Recipe) -> Preprocessing:
    """Return the preprocessing that a recipe asks for, for its backbone."""
    chosen, spec = recipe.preprocessing, spec_of(recipe.backbone.name)
    side = chosen.input_size or spec.input_size
    resize = chosen.resize or ("crop" if spec.short_side else "stretch")
    if resize == "stretch":
        return Preprocessing(side, side)
    # Without one of the backbone's own, the usual margin of ImageNet evaluation: 256 for 224.
    margin = spec.short_side / spec.input_size if spec.short_side else 256 / 224
    short_side = chosen.short_side or round(side * margin)
    if short_side < side:
        raise UsageError(
            f"preprocessing.short_side {short_side}: the input of {side} pixels is cut out of it; "
            f"make it at least {side}"
        )
    return Preprocessing(side, side, resize, short_side)


def draws_per_clip_of(recipe: Recipe) -> int | str:
    """Return how many draws of a clip an epoch of fine-tuning takes."""
    chosen = recipe.finetune.draws_per_clip
    return chosen or (_DRAWS_PER_CLIP if clip_length_of(recipe) == 1 else 1)


def training_batch_size_of(recipe: Recipe) -> int:
    """Return how many draws one step of fine-tuning takes."""
    chosen = recipe.finetune.batch_size
    return chosen or (_PICTURES_A_BATCH if clip_length_of(recipe) == 1 else _CLIPS_A_BATCH)


def licence_of(recipe: Recipe) -> str:
    """Return the licence of the weights that a backbone starts from, as far as it is known."""
    spec = spec_of(recipe.backbone.name)
    source = spec.weights_meant(recipe.backbone.weights)
    if source == "none":
        return "none"
    if source == spec.published:
        return f"{spec.licence} ({source} weights)"
    info = read_info(Path(source))
    return info.licence if info and info.licence else "as of the weights file"


def make_config(
    settings: Settings,
    before: ModelConfig | None,
    sha256: str,
    feature_size: int,
    labels: tuple[str, ...] = (),
    network: Network | None = None,
    temperature: float = 1.0,
) -> ModelConfig:
    """Return the config of the recipe's backbone.

    Args:
        settings: the recipe.
        before: the folder's config, whose sequence model stays there.
        sha256, feature_size: of the network.
        labels: of the folder's model.
        network, temperature: of a fine-tuned backbone, which is a classifier for these labels.
    """
    recipe = settings.recipe
    return ModelConfig(
        seed=recipe.seed,
        recipe=settings.source,
        labels=labels,
        sampling=sampling_of(recipe),
        preprocessing=preprocessing_of(recipe),
        backbone=BackboneConfig(
            name=recipe.backbone.name,
            weights=weights_name(recipe),
            fine_tuned=network is not None,
            sha256=sha256,
            feature_size=feature_size,
            licence=licence_of(recipe),
            clip_length=clip_length_of(recipe),
            network=network,
            labels=labels if network else (),
            temperature=temperature,
        ),
        precision=recipe.extract.precision,
        quantised=before.quantised if before and before.backbone.sha256 == sha256 else None,
        sequence=before.sequence if before else None,
        made_with=made_with(),
    )


def weights_name(recipe: Recipe) -> str:
    """Return how the record calls the weights: a file by its name, without its user's folders."""
    return Path(spec_of(recipe.backbone.name).weights_meant(recipe.backbone.weights)).name
