"""Costs of a model: parameters, multiply-adds and files of both stages, and their measured speed.

The speed is measured on request, stored in the model folder, and shown as long as the weights are
the same. It is the rate of both stages one step at a time, as in `run.py`, without decoding.
"""

import json
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from extract.architectures.costs import gflops
from extract.backbones import build_trunk
from extract.backbones.heads import pooled_network
from extract.extractor.loading import load_extractor
from extract.feature_store.spec import EXTERNAL
from model_folder.config import BACKBONE_WEIGHTS, MEAN_WEIGHTS, SEQUENCE_WEIGHTS, ModelConfig
from sequence.baselines import MOTION, LinearBaseline
from sequence.prediction import Predictor
from training.keras_backend import keras
from video.atomic_write import atomic_write

SPEED = "speed.json"
HEAD = "head"
_SECONDS = 1.0  # time to measure each stage
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Cost:
    """Cost of a model for one step, both stages together.

    Attributes:
        parameters: Number of all parameters.
        gflops: Billions of multiply-adds.
        megabytes: Size of the weights files, or of the arrays of a linear baseline, in 10^6 bytes.
        fps: Measured sampled frames per second; None if not measured.
    """

    parameters: int
    gflops: float
    megabytes: float
    fps: float | None = None

    def plus(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(
            self.parameters + other.parameters,
            self.gflops + other.gflops,
            self.megabytes + other.megabytes,
        )


def backbone_cost(folder: Path, config: ModelConfig) -> Cost | None:
    """Return the cost of the first stage; None for features of another program.

    The network is built without its weights.
    """
    backbone = config.backbone
    if backbone.name == EXTERNAL or config.preprocessing is None:
        return None
    trunk = build_trunk(
        backbone.name,
        side=config.preprocessing.width,
        clip_length=backbone.clip_length,
        change=config.sampling.is_change,
    )
    return _network_cost(pooled_network(trunk), folder / BACKBONE_WEIGHTS)


def model_costs(
    folder: Path,
    config: ModelConfig,
    head: Predictor,
    mean: Predictor | None,
    linear: list[LinearBaseline],
    own: bool = False,
    saved: bool = True,
) -> dict[str, dict]:
    """Return the costs of a model and its baselines by name, as in metrics.json.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.
        head: Predictor of the second stage.
        mean: Predictor of the baseline `mean`; None if there is none.
        linear: Linear baselines.
        own: Whether the head is the classifier of the fine-tuned backbone, in its file.
        saved: Whether the models are those of the folder, not of folds, which have no files.

    Returns:
        Fields of `Cost` by name; `HEAD` is that of the second stage. Features of another program
        cost nothing here.
    """
    first = backbone_cost(folder, config) or Cost(0, 0.0, 0.0)
    second = _network_cost(head.model, folder / SEQUENCE_WEIGHTS if saved else None)
    if own:
        second = replace(second, megabytes=0.0)
    speed = stored_speed(folder, config, own) if saved else None
    costs = {HEAD: replace(first.plus(second), fps=speed)}
    if mean is not None:
        costs["mean"] = first.plus(
            _network_cost(mean.model, folder / MEAN_WEIGHTS if saved else None)
        )
    for baseline in linear:
        arrays = (baseline.mean, baseline.std, baseline.weights, baseline.bias)
        size = sum(array.nbytes for array in arrays) / _MEGABYTE
        mine = Cost(baseline.weights.size + baseline.bias.size, baseline.weights.size / 1e9, size)
        costs[baseline.name] = mine if baseline.name == MOTION else first.plus(mine)
    return {name: asdict(cost) for name, cost in costs.items()}


def measure_speed(
    folder: Path, config: ModelConfig, predictor: Predictor, engine: str, own: bool
) -> dict:
    """Measure the speed of both stages for some seconds, and store it in the model folder.

    Args:
        folder: Model folder.
        config: Content of its model.yaml.
        predictor: Predictor of the second stage, which stays as it is.
        engine: Name of an engine, see `extract.engines.registry.make_engine`.
        own: Whether it is the classifier of the fine-tuned backbone.

    Returns:
        Content of speed.json.

    Raises:
        LookbackError: The backbone cannot be loaded.
    """
    extractor = load_extractor(folder, config, engine, live=True)
    size = config.preprocessing
    frames = 2 if config.sampling.is_change else config.backbone.clip_length
    random = np.random.default_rng(0)
    clip = random.integers(0, 256, (1, frames, size.height, size.width, 3), np.uint8)
    live = predictor
    if not own:  # as in `run.py`
        live = Predictor(predictor.model, predictor.look_back)
        live.use_engine(engine, folder)
    width = config.backbone.feature_size
    window = random.normal(size=(1, predictor.look_back, width)).astype(np.float32)
    first = _seconds_per_call(lambda: extractor.engine(clip))
    second = _seconds_per_call(lambda: live.logits(window))
    content = {
        **_identity(config, own),
        "engine": extractor.engine.name,
        "precision": config.precision,
        "machine": platform.processor() or platform.machine(),
        "backbone_ms": 1000 * first,
        "sequence_ms": 1000 * second,
        "fps": config.sampling.stride / (first + second),
    }
    with atomic_write(folder / SPEED) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return content


def stored_speed(folder: Path, config: ModelConfig, own: bool) -> float | None:
    """Return the frames per second that were measured for these weights; None without them."""
    try:
        content = json.loads((folder / SPEED).read_text(encoding="utf-8"))
        same = all(content[key] == value for key, value in _identity(config, own).items())
        return float(content["fps"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a measurement, which can be repeated


def _identity(config: ModelConfig, own: bool) -> dict[str, str]:
    sequence = config.sequence.sha256 if config.sequence and not own else ""
    return {"backbone_sha256": config.backbone.sha256, "sequence_sha256": sequence}


def _network_cost(model: keras.Model, path: Path | None) -> Cost:
    """Return the cost of a network; without a file its size is that of float32 weights."""
    if path is None:
        size = 4 * model.count_params() / _MEGABYTE
    else:
        size = path.stat().st_size / _MEGABYTE if path.is_file() else 0.0
    return Cost(int(model.count_params()), gflops(model), size)


def _seconds_per_call(job: Callable[[], object]) -> float:
    """Return the median time of a call after a first one, in seconds."""
    job()
    times: list[float] = []
    while not times or sum(times) < _SECONDS:
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return float(np.median(times))
