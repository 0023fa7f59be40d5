"""The model folder: model.yaml says what the weights beside it are. Text and weights, no code."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import ValidationError, field_validator

from recipes.commands import command
from recipes.schema import Network, Section
from video.atomic_write import atomic_write
from video.errors import LookbackError
from video.preprocessing import Preprocessing
from video.sampling import Sampling

if TYPE_CHECKING:
    import keras

CONFIG = "model.yaml"
BACKBONE_WEIGHTS = "backbone.weights.h5"
QUANTISED, QUANTISED_WEIGHTS = "backbone.int8.xml", "backbone.int8.bin"
SEQUENCE_WEIGHTS = "sequence.weights.h5"
MEAN_WEIGHTS = "mean.weights.h5"


class BackboneConfig(Section):
    """Which network makes the features.

    `weights` says where they came from, `sha256` what they are (of the values, see
    `network.weights_sha256`). `clip_length` is T. `network`, `labels` and `temperature` belong to a
    fine-tuned one, which is a classifier too.
    """

    name: str
    weights: str
    fine_tuned: bool
    sha256: str
    feature_size: int
    licence: str
    clip_length: int = 1
    network: Network | None = None
    labels: tuple[str, ...] = ()
    temperature: float = 1.0


class SequenceConfig(Section):
    """Which second stage was trained, on which features.

    `sha256` is of the weights' values, `features_spec` of the feature file's spec: other features
    would mean other numbers.
    `temperature` divides the logits before the softmax, as fitted on the validation split;
    `mean_temperature` is that of the `mean` baseline beside it.
    """

    head: str
    look_back: int
    units: tuple[int, ...]
    dropout: float
    delta: bool
    sha256: str
    features_spec: str
    dtype: Literal["float32", "float16"]
    threshold: float
    temperature: float
    mean_temperature: float


class QuantizationReport(Section):
    """What int8 costs these weights, measured on `clips` validation clips.

    `sha256` is of the int8 network's two files; empty where it cost too much and was not kept.
    `cosine` to the float32 features is the mean over the clips, `least_cosine` that of the worst.
    `classifier`, with float32 features, gets the share `accuracy_f32` of the clips right, with the
    95 % interval `accuracy_interval`, and with int8 features `accuracy`.
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
    """The content of model.yaml. `labels` are in the order of the probabilities; `precision` is
    what the features are computed in, in extraction and live; `quantised` tells of the network for
    int8 where there is one."""

    format: Literal["lookback-model"] = "lookback-model"
    version: Literal[1] = 1
    seed: int
    recipe: str
    labels: tuple[str, ...] = ()
    sampling: Sampling
    preprocessing: Preprocessing
    backbone: BackboneConfig
    precision: Literal["f32", "bf16", "int8"] = "f32"
    quantised: QuantizationReport | None = None
    sequence: SequenceConfig | None = None
    made_with: dict[str, str]

    @field_validator("sampling", mode="before")
    @classmethod
    def _stride_was_hop(cls, sampling: Any) -> Any:
        """Read a file that was written when the stride was called hop."""
        if isinstance(sampling, dict):
            return {"stride" if key == "hop" else key: sampling[key] for key in sampling}
        return sampling


def read_config(folder: Path) -> ModelConfig | None:
    """Return the config of a model folder, or None where it has none.

    Raises:
        LookbackError: model.yaml is not one that this program wrote.
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
    """Return the config of a model folder; raise `LookbackError` where it has none."""
    config = read_config(folder)
    if config is None:
        raise LookbackError(
            f"{folder}: no model is there ({CONFIG} is missing); {command('finetune')}, or "
            f"{command('extract')} and {command('train')}, make one; --weights names another folder"
        )
    return config


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write model.yaml, replacing it in one step."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    with atomic_write(folder / CONFIG) as temporary:
        temporary.write_text(text, encoding="utf-8")


def save_weights(model: "keras.Model", path: Path) -> None:
    """Write a weights file, replacing it in one step."""
    with atomic_write(path) as temporary:
        model.save_weights(temporary)


def quantized_sha256(folder: Path) -> str:
    """Return the hash of a folder's int8 network, both its files; empty where one is missing."""
    digest = hashlib.sha256()
    try:
        for name in (QUANTISED, QUANTISED_WEIGHTS):
            digest.update((folder / name).read_bytes())
    except OSError:
        return ""
    return digest.hexdigest()


def made_with() -> dict[str, str]:
    """Return the versions that the outputs depend on."""
    import platform

    import av
    import numpy

    from training.keras_backend import keras

    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        backend: __import__(backend).__version__,
        "numpy": numpy.__version__,
        "av": av.__version__,
    }
