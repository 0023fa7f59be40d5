"""Latency of live prediction by section, and whether it keeps up with a video.

    python -m benchmarks.live --video FILE --weights weights
    python -m benchmarks.live --video FILE --backbone vgg16  # random weights, default LSTM

Two loops are interleaved over several rounds:

ours   the loop of run.py over a file, without outputs; every source frame is a step
usual  cv2.VideoCapture, cv2.resize, `model.predict` of the same network on a frame (on the last T
       frames for a clip network), and `model.predict` of the same sequence model on the window, for
       the first frames

Whether a step is late is computed from the video's timestamps: each frame arrives at its time, and
frames are decoded and processed in order, so that a late step delays the next one. A step is late
if it ends after the frame of the next step arrives. Its lag is the time since its own frame
arrived.
"""

import argparse
import tempfile
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measuring import run_interleaved, table
from benchmarks.record import write_result
from clips.preparation import load_manifest
from extract import quantization
from extract.backbones.heads import feature_network
from extract.extractor import Extractor
from extract.extractor.loading import load_extractor, load_network
from extract.extractor_setup import set_up_extractor
from live.decision import Decision
from live.loop import run_loop
from live.model import LiveModel
from live.sinks import Sink, StopRequested
from live.timing import STEP_SECTIONS
from model_folder.config import ModelConfig, require_config
from recipes.command_line import run_command
from recipes.loader import Settings, load
from sequence.model import build_sequence_model
from sequence.own_head import own_predictor
from sequence.prediction import Predictor, load_predictor
from sequence.windows import RollingWindow
from training.keras_backend import keras
from video.sources import FileSource

_PERCENTILES = (50, 95, 99)
# Default look-back of train_lstm.py for an image network and for a clip network.
_FRAME_STEPS, _CLIP_STEPS = 16, 4


@dataclass(frozen=True)
class Parts:
    """Models that the loops run.

    Attributes:
        extractor: Extractor of the first stage, for live use.
        predictor: Predictor of the second stage.
        network: Keras model of the first stage, from uint8 (B, T, H, W, 3) to features (B, D).
    """

    extractor: Extractor
    predictor: Predictor
    network: keras.Model


class StepRecorder(Sink):
    """Records time and duration of every step, and ends the loop after a number of steps.

    Attributes:
        arrivals: Time of each step in the video, in seconds.
        durations: Processing time of each step, in seconds.
    """

    def __init__(self, max_steps: int) -> None:
        self.arrivals: list[float] = []
        self.durations: list[float] = []
        self._max_steps = max_steps

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self.arrivals.append(decision.seconds)
        self.durations.append(step_seconds)

    def on_frame(self, frame, picture) -> None:
        if len(self.durations) >= self._max_steps:
            raise StopRequested


def lags(arrivals: list[float], durations: list[float]) -> np.ndarray:
    """Return the seconds from each step's arrival to its end, where steps wait for each other.

    Args:
        arrivals: Time at which each step's frame arrives, in seconds.
        durations: Processing time of each step, in seconds.

    >>> lags([0.0, 1.0, 2.0], [0.5, 2.0, 0.5]).tolist()
    [0.5, 2.0, 1.5]
    """
    ends, free = [], 0.0
    for arrival, duration in zip(arrivals, durations, strict=True):
        free = max(arrival, free) + duration
        ends.append(free)
    return np.array(ends) - np.array(arrivals)


def make_random_parts(settings: Settings, videos: int = 1) -> Parts:
    """Return a backbone with random weights and an untrained sequence model of the recipe.

    Args:
        settings: The recipe.
        videos: Number of videos at once.
    """
    folder, chosen = Path(settings.recipe.model.folder), settings.recipe.sequence
    if settings.recipe.extract.precision == "int8":
        quantization.MIN_COSINE = -1.0  # only the speed matters with random weights
        config = set_up_extractor(settings, load_manifest(settings)).config
    else:
        config = set_up_extractor(settings).config
    default = _CLIP_STEPS if config.backbone.clip_length > 1 else _FRAME_STEPS
    look_back = chosen.look_back or default
    model = build_sequence_model(
        chosen.head,
        look_back,
        config.backbone.feature_size,
        2,
        chosen.units,
        chosen.dropout,
        chosen.delta,
    )
    return _parts(
        folder,
        config.model_copy(update={"labels": ("one", "two")}),
        Predictor(model, look_back),
        videos,
    )


def load_parts(folder: Path) -> Parts:
    """Return the models of a model folder, with a step for every source frame."""
    config = require_config(folder)
    config = config.model_copy(update={"sampling": replace(config.sampling, fps=None, stride=1)})
    return _parts(folder, config, load_predictor(folder, config) if config.sequence else None)


def _parts(
    folder: Path, config: ModelConfig, predictor: Predictor | None, videos: int = 1
) -> Parts:
    extractor = load_extractor(folder, config, live=videos)
    predictor = predictor or own_predictor(extractor)
    predictor.use_engine("auto", folder, videos)
    return Parts(extractor, predictor, feature_network(load_network(folder, config)))


def run_ours(parts: Parts, video: Path, max_steps: int) -> dict:
    """Run the loop of run.py; return percentiles in milliseconds by section, and the lags."""
    labels = parts.extractor.config.labels or parts.extractor.config.backbone.labels
    model = LiveModel(parts.extractor, parts.predictor, labels, 0.5)
    model.warm_up()
    recorder = StepRecorder(max_steps)
    with FileSource(video) as source:
        watch = run_loop(source, model, [recorder])
    # Without the first step, which opens the decoder and starts the scaler.
    steps = list(watch._recent)[1:]
    sections = {
        name: 1000 * np.array([step.get(name, 0.0) for step in steps]) for name in STEP_SECTIONS
    }
    outside = sum(times for name, times in sections.items() if name != "decode")
    rows = {**sections, "outside decoding": outside, "step": outside + sections["decode"]}
    late = lags(recorder.arrivals, recorder.durations)
    return {
        "milliseconds": {name: np.percentile(v, _PERCENTILES).tolist() for name, v in rows.items()},
        "steps": len(late),
        "late_steps": int(np.sum(late[:-1] > np.diff(recorder.arrivals))),
        "largest_lag_seconds": float(late.max()),
        "interval_seconds": float(np.median(np.diff(recorder.arrivals))),
    }


def run_usual(parts: Parts, video: Path, max_frames: int) -> list[float]:
    """Run the loop that tutorials show; return percentiles in milliseconds per frame."""
    size, length = parts.extractor.config.preprocessing, parts.extractor.frames_per_clip
    recent: deque[np.ndarray] = deque(maxlen=length)
    window, rows = RollingWindow(parts.predictor.look_back), parts.predictor.model.input_shape[1:]
    capture, times = cv2.VideoCapture(str(video)), []
    for _ in range(1 + max_frames):
        started = time.perf_counter()
        success, image = capture.read()
        if not success:
            break
        small = cv2.resize(image, (size.width, size.height))
        recent.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        clip = np.stack([recent[0]] * (length - len(recent)) + [*recent])
        feature = parts.network.predict(clip[None], verbose=0)[0]
        parts.predictor.model.predict(window.push(feature).reshape(1, *rows), verbose=0)
        times.append(1000 * (time.perf_counter() - started))
    capture.release()
    return np.percentile(times[1:], _PERCENTILES).tolist()  # the first compiles


def print_medians(rounds: dict[str, list]) -> dict:
    """Print the medians over the rounds, and return them."""
    runs = rounds["ours"]
    milliseconds = {
        name: np.median([run["milliseconds"][name] for run in runs], axis=0).tolist()
        for name in runs[0]["milliseconds"]
    }
    milliseconds["usual loop"] = np.median(rounds["usual"], axis=0).tolist()
    rows = [[name, *values] for name, values in milliseconds.items()]
    print(table(["ms per step", *(f"p{value}" for value in _PERCENTILES)], rows))
    ratio = milliseconds["usual loop"][0] / milliseconds["step"][0]
    late, lag, interval, steps = (
        float(np.median([run[key] for run in runs]))
        for key in ("late_steps", "largest_lag_seconds", "interval_seconds", "steps")
    )
    print(f"usual / ours, medians  {ratio:.1f}")
    answer = "keeps up" if not late else f"does not keep up: {late:.0f} of {steps:.0f} steps late"
    print(f"{answer}; maximum lag {1000 * lag:.0f} ms, one step every {1000 * interval:.0f} ms")
    return {"milliseconds": milliseconds, "late_steps": late, "largest_lag_seconds": lag}


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--video", type=Path, required=True, help="video file")
    flags.add_argument("--weights", type=Path, help="model folder, instead of --backbone")
    flags.add_argument(
        "--backbone",
        default="efficientnet_b0",
        help="see python -m extract.backbones (%(default)s)",
    )
    flags.add_argument(
        "--precision", default="f32", help="precision, only with --backbone (%(default)s)"
    )
    flags.add_argument(
        "--input", default="frame", help="frame or change, only with --backbone (%(default)s)"
    )
    flags.add_argument("--manifest", help="manifest for the calibration of --precision int8")
    flags.add_argument(
        "--steps", type=int, default=300, help="maximum number of steps (%(default)s)"
    )
    flags.add_argument(
        "--usual-frames",
        type=int,
        default=30,
        help="maximum number of frames of the usual loop (%(default)s)",
    )
    flags.add_argument("--rounds", type=int, default=5, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        keys = {
            "model.folder": folder,
            "backbone.name": chosen.backbone,
            "backbone.weights": "none",
            "backbone.input": chosen.input,
            "sampling.fps": "source",
            "sampling.stride": 1,
            "extract.precision": chosen.precision,
            "data.manifest": chosen.manifest,
        }
        if chosen.weights:
            parts = load_parts(chosen.weights)
        else:
            parts = make_random_parts(load(flags=keys))
        rounds = run_interleaved(
            {
                "ours": lambda: run_ours(parts, chosen.video, chosen.steps),
                "usual": lambda: run_usual(parts, chosen.video, chosen.usual_frames),
            },
            chosen.rounds,
        )
    config = parts.extractor.config
    change = "_change" if config.sampling.is_change else ""
    title = f"{config.backbone.name}_{config.precision}{change}"
    print(f"{config.backbone.name}, {parts.extractor.engine.name} {config.precision}")
    result = print_medians(rounds)
    settings = {"steps": chosen.steps, "usual_frames": chosen.usual_frames}
    print(write_result(f"live_{title}", {"settings": settings, "rounds": rounds, **result}))
    return 0


if __name__ == "__main__":
    run_command(main)
