"""What a recipe may say: names, types and limits of its keys. The values are in default.yaml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
ClassWeights = Literal["auto", "none"]


class Section(BaseModel):
    """A part of a recipe. Unknown keys are errors; values cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    folder: str
    manifest: str | None
    features: str | None
    group_by: str
    split: str


class ModelPlace(Section):
    folder: str


class SamplingKeys(Section):
    fps: Rate | Literal["source"]
    hop: Positive


class PreprocessingKeys(Section):
    resize: Literal["stretch", "crop"]
    input_size: Positive | None


class Backbone(Section):
    name: str
    weights: str


class Extract(Section):
    batch_size: Positive
    dtype: Literal["float32", "float16"]


class Network(Section):
    pooling: Literal["avg", "flatten"]
    features: Positive
    dropout: Share
    hidden: tuple[Positive, ...]


class Phase(Section):
    """From `epoch` on, the head and these stages of the backbone train at this rate.

    `stages` are names, or how many counted from the network's end, or all.
    """

    epoch: Whole
    stages: Whole | Literal["all"] | tuple[str, ...]
    learning_rate: Rate


class Augment(Section):
    flip: bool
    rotation_degrees: NotNegative
    shift: Share
    zoom: Share
    brightness: Share
    contrast: Share


class Finetune(Section):
    network: Network
    frames_per_clip: Positive | Literal["all"]
    batch_size: Positive
    epochs: Positive
    optimizer: Optimizer
    weight_decay: NotNegative
    label_smoothing: Share
    class_weights: ClassWeights
    patience: Whole
    freeze_batch_norm: bool
    schedule: Annotated[tuple[Phase, ...], Field(min_length=1)]
    augment: Augment


class Sequence(Section):
    head: str
    look_back: Positive
    units: Annotated[tuple[Positive, ...], Field(min_length=1)]
    dropout: Share
    delta: bool
    windows_per_clip: Positive | Literal["all"]
    batch_size: Positive
    epochs: Positive
    optimizer: Optimizer
    learning_rate: Rate
    weight_decay: NotNegative
    class_weights: ClassWeights
    patience: Whole
    threshold: Share


class Evaluate(Section):
    split: Literal["train", "val", "test"]
    folds: Whole
    repeats: Positive
    bootstrap: Positive


class Recipe(Section):
    """Everything that can be chosen, from the clips to the report."""

    seed: Whole
    data: Data
    model: ModelPlace
    sampling: SamplingKeys
    preprocessing: PreprocessingKeys
    backbone: Backbone
    extract: Extract
    finetune: Finetune
    sequence: Sequence
    evaluate: Evaluate
