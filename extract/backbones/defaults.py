"""Resolution of a recipe's backbone: fills in every key that the recipe leaves null."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from extract.architectures.registry import spec_of
from extract.architectures.spec import BackboneSpec
from extract.convert.weights_info import read_info
from recipes.commands import command
from recipes.schema import Input, PreprocessingKeys, Recipe
from video.errors import UsageError
from video.preprocessing import Preprocessing
from video.sampling import Sampling

_FRAME_NETWORK_FPS = 10.0
_STEPS_PER_CLIP = 2  # a clip network has a step for every half of a clip
_FRAMES_PER_VIDEO, _CLIPS_PER_VIDEO = 5, 1
_FRAMES_PER_BATCH, _CLIPS_PER_BATCH = 32, 4


@dataclass(frozen=True)
class ResolvedBackbone:
    """A recipe's backbone, with its open keys filled in from the architecture.

    Attributes:
        spec: Architecture.
        weights: `imagenet`, `kinetics400`, `pypi`, `none` (random), or the path of a weights file.
        input: What an image network sees: `frame`, `change`, or `auto`, which means that both are
            extracted and training chooses.
        sampling: Sampling rate and stride.
        preprocessing: Conversion of a frame to the network's input.
        clip_length: T, frames per clip; 1 for frame networks.
        clips_per_video: Clips of a video that an epoch of fine-tuning takes, or `all`.
        batch_size: Clips per training step of fine-tuning.
    """

    spec: BackboneSpec
    weights: str
    input: Input
    sampling: Sampling
    preprocessing: Preprocessing
    clip_length: int
    clips_per_video: int | Literal["all"]
    batch_size: int

    @property
    def weights_name(self) -> str:
        """The weights as model.yaml records them: a file by its name, without its folders."""
        return Path(self.weights).name

    @property
    def licence(self) -> str:
        """The license of the weights, if it is known."""
        if self.weights == "none":
            return "none"
        if self.weights == self.spec.published:
            return f"{self.spec.licence} ({self.weights} weights)"
        info = read_info(Path(self.weights))
        return info.licence if info and info.licence else "as of the weights file"


def resolve_backbone(recipe: Recipe) -> ResolvedBackbone:
    """Return the backbone that a recipe specifies.

    Raises:
        UsageError: There is no such backbone, or it cannot take the clip length or the input size.
    """
    spec = spec_of(recipe.backbone.name)
    clip_length = _clip_length(spec, recipe.sampling.clip_length)
    frames_alone = clip_length == 1
    fps = recipe.sampling.fps or spec.frame_rate or _FRAME_NETWORK_FPS
    stride = recipe.sampling.stride or max(1, clip_length // _STEPS_PER_CLIP)
    change = recipe.sampling.change_seconds if recipe.backbone.input == "change" else None
    if spec.is_clip_network and recipe.backbone.input != "frame":
        raise UsageError(
            f"backbone.input {recipe.backbone.input}: is for image networks, and {spec.name} sees "
            "clips; set --input frame"
        )
    chosen = recipe.finetune
    return ResolvedBackbone(
        spec=spec,
        weights=spec.weights_meant(recipe.backbone.weights),
        input=recipe.backbone.input,
        sampling=Sampling(None if fps == "source" else fps, stride, change),
        preprocessing=_preprocessing(spec, recipe.preprocessing),
        clip_length=clip_length,
        clips_per_video=chosen.clips_per_video
        or (_FRAMES_PER_VIDEO if frames_alone else _CLIPS_PER_VIDEO),
        batch_size=chosen.batch_size or (_FRAMES_PER_BATCH if frames_alone else _CLIPS_PER_BATCH),
    )


def _clip_length(spec: BackboneSpec, chosen: int | None) -> int:
    if chosen not in (None, 1) and not spec.is_clip_network:
        raise UsageError(
            f"sampling.clip_length {chosen}: {spec.name} sees single frames; leave the key out, or "
            f"name a clip network ({command('backbones')} lists them)"
        )
    return chosen or spec.clip_length


def _preprocessing(spec: BackboneSpec, chosen: PreprocessingKeys) -> Preprocessing:
    side = chosen.input_size or spec.input_size
    resize = chosen.resize or ("crop" if spec.short_side else "stretch")
    if resize == "stretch":
        return Preprocessing(side, side)
    # Without a margin of the backbone's own, the usual one of ImageNet evaluation: 256 for 224.
    margin = spec.short_side / spec.input_size if spec.short_side else 256 / 224
    short_side = chosen.short_side or round(side * margin)
    if short_side < side:
        raise UsageError(
            f"preprocessing.short_side {short_side}: the input of {side} pixels is cut out of it; "
            f"make it at least {side}"
        )
    return Preprocessing(side, side, resize, short_side)
