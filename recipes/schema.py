"""Schema of recipes: names, types and limits of the keys. The defaults are in default.yaml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Optimizer = Literal["adam", "adamw", "rmsprop", "sgd"]
ClassWeights = Literal["auto", "none"]
Input = Literal["frame", "change", "auto"]
ChangeSeconds = Annotated[float, Field(gt=0, le=1)]


class Section(BaseModel):
    """A section of a recipe. Unknown keys are errors, and values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    folder: str
    manifest: str | None
    features: str | None
    dataset: str
    lists: str | None
    official_split: Positive
    frame_rate: Rate | None
    merge: tuple[str, ...]
    several_labels: bool
    corrections: str | None
    min_seconds: NotNegative
    compared_clips: Whole
    group_by: str
    split: str
    fold: str | int | None


class ModelPlace(Section):
    folder: str


class SamplingKeys(Section):
    fps: Rate | Literal["source"] | None
    stride: Positive | None
    clip_length: Positive | None
    change_seconds: ChangeSeconds


class PreprocessingKeys(Section):
    resize: Literal["stretch", "crop"] | None
    input_size: Positive | None
    short_side: Positive | None


class Backbone(Section):
    name: str
    weights: str | None
    input: Input


class Extract(Section):
    engine: Literal["auto", "openvino", "onnx", "keras"]
    precision: Literal["f32", "bf16", "int8"]
    batch_size: Positive | None
    dtype: Literal["float32", "float16"]


class Network(Section):
    pooling: Literal["avg", "flatten"]
    features: Positive | None
    dropout: Share
    hidden: tuple[Positive, ...]
    one_logit: bool


class Phase(Section):
    """A phase of fine-tuning: from `epoch` on, the head and `stages` of the backbone are trained.

    `stages` is a number, counted from the output; a list of names; names with a learning rate each;
    or `all`. `learning_rate` is that of the head and, without `backbone_learning_rate`, of stages
    without a learning rate of their own.
    """

    epoch: Whole
    stages: Whole | Literal["all"] | tuple[str, ...] | dict[str, Rate]
    learning_rate: Rate
    backbone_learning_rate: Rate | None = None


class LearningRateSchedule(Section):
    """The course of learning rates within a run; see `extract.finetuning.learning_rates`."""

    kind: Literal["constant", "cosine", "step", "plateau"]
    warmup_epochs: NotNegative
    min_learning_rate: NotNegative
    cosine_epochs: Positive | None
    step_epochs: Positive
    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: Whole
    per_phase: bool


class Cache(Section):
    """Cache of the frozen part's outputs; see `extract.finetuning.activation_cache`."""

    epochs: Whole
    megabytes: Positive


class Augment(Section):
    flip: bool
    rotation_degrees: NotNegative
    shift: Share
    zoom: Share
    random_crop: bool
    short_side: tuple[Positive, Positive] | None
    brightness: Share
    contrast: Share
    saturation: Share
    hue: Annotated[float, Field(ge=0, le=0.5)]
    erasing: Share
    elastic: Share
    clahe: Share
    blur: Share
    pixel_dropout: Share
    time_reversal: Share
    speed: Annotated[float, Field(ge=0, lt=1)]
    frame_drop: Annotated[float, Field(ge=0, lt=1)]
    mixup: Share
    cutmix: Share


class Finetune(Section):
    head: Network
    clip_sampling: Literal["random", "uniform", "dense"]
    clips_per_video: Positive | Literal["all"] | None
    limit: Whole
    batch_size: Positive | None
    gradient_accumulation_steps: Positive
    epochs: Positive
    optimizer: Optimizer
    weight_decay: NotNegative
    gradient_clip_norm: NotNegative
    label_smoothing: Share
    class_weights: ClassWeights
    monitor: Literal["loss", "accuracy", "clip_accuracy", "roc_auc"]
    patience: Whole
    ema_momentum: Annotated[float, Field(ge=0, lt=1)]
    mixed_precision: Literal["auto", "float32", "mixed_float16", "mixed_bfloat16"]
    freeze_batch_norm: bool | None
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]
    learning_rate_schedule: LearningRateSchedule
    cache: Cache
    augment: Augment


class Sequence(Section):
    head: str
    look_back: Positive | None
    units: Annotated[tuple[Positive, ...], Field(min_length=1)]
    dropout: Share
    delta: bool
    pooling: Literal["mean", "top", "attention", "auto"]
    events: tuple[str, ...] | None
    ensemble: Positive
    windows_per_video: Positive | Literal["all"]
    batch_size: Positive
    epochs: Positive
    optimizer: Optimizer
    learning_rate: Rate
    weight_decay: NotNegative
    class_weights: ClassWeights
    patience: Whole
    validation_windows: Whole
    threshold: Share


class Search(Section):
    """Search of settings of the second stage; see `sequence.search`."""

    trials: Whole
    folds: Whole | None


class Evaluate(Section):
    split: Literal["train", "val", "test", "all"]
    label_map: str | dict[str, str] | None
    groups: str | None
    views: Positive | Literal["all"]
    folds: Whole
    repeats: Positive
    by_clip: bool
    bootstrap: Positive
    shuffles: Whole
    speed: bool
    explain: Whole


class AlarmRule(Section):
    """Keys of `alarms` that differ for one class."""

    threshold_on: Share | None = None
    threshold_off: Share | None = None
    smoothing: Literal["none", "median", "ema"] | None = None
    smoothing_seconds: NotNegative | None = None
    hold_seconds: NotNegative | None = None
    hold_steps: Positive | None = None
    release_seconds: NotNegative | None = None
    cool_down_seconds: NotNegative | None = None


class Alarms(Section):
    """Rules of alarms; see `live.alarms.rule.Rule`."""

    classes: tuple[str, ...] | None
    preset: Literal["none", "positive_frames"]
    threshold_on: Share
    threshold_off: Share
    smoothing: Literal["none", "median", "ema"]
    smoothing_seconds: NotNegative
    hold_seconds: NotNegative
    hold_steps: Positive
    release_seconds: NotNegative
    cool_down_seconds: NotNegative
    per_class: dict[str, AlarmRule]


class Recording(Section):
    """Recordings of events; see `live.recording`."""

    preroll_seconds: NotNegative
    postroll_seconds: NotNegative
    part_seconds: Rate
    ring_megabytes: Positive
    keep_days: Rate
    keep_gigabytes: Rate
    free_gigabytes: NotNegative


class Messages(Section):
    """Messages about events; see `live.messages`."""

    targets: str | None
    when: Literal["start", "end", "both"]
    per_hour: Positive
    lost_seconds: NotNegative
    mqtt: str | None


class Live(Section):
    """Watching cameras; see `live.watching`."""

    folder: str
    gap_seconds: Rate
    bridge_seconds: NotNegative
    recording: Recording
    messages: Messages


class Timeline(Section):
    """Segments of a video file; see `metrics.timeline`."""

    smoothing_seconds: NotNegative
    min_seconds: NotNegative


class Recipe(Section):
    """All settings, from the labeled clips to the report."""

    seed: Whole
    data: Data
    model: ModelPlace
    sampling: SamplingKeys
    preprocessing: PreprocessingKeys
    backbone: Backbone
    extract: Extract
    finetune: Finetune
    sequence: Sequence
    search: Search
    evaluate: Evaluate
    timeline: Timeline
    alarms: Alarms
    live: Live
