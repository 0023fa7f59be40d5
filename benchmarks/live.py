"""A live step's milliseconds by stage, and whether a video is kept up with, against the usual loop.

    python -m benchmarks.live --video FILE --weights weights
    python -m benchmarks.live --video FILE --backbone vgg16  # random weights, default LSTM

By turns, several rounds:

ours   the loop of run.py over a file, without outputs; every frame of the source is a step
usual  cv2.VideoCapture, cv2.resize, `model.predict` of a frame (of the last T for a clip network)
       through the same network, `model.predict` of the look-back through the same sequence model,
       on the first frames

Keeping up is told by the clip's clock: each frame arrives at its time and is then decoded and
worked on in order, so a step that is late makes the next one later. A step keeps up that ends
before the next step's frame arrives; its lag counts from its own frame's arrival.
"""

import argparse
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measuring import by_turns, table
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
from live.timing import STEP_STAGES
from model_folder.config import ModelConfig, require_config
from recipes.command_line import run_command
from recipes.loader import Settings, load
from sequence.model import build_sequence_model
from sequence.own_head import own_predictor
from sequence.prediction import Predictor, load_predictor
from sequence.windows import RollingWindow
from training.keras_backend import keras
from video.sampling import Sampling
from video.sources import FileSource

_PERCENTILES = (50, 95, 99)
# Where the recipe leaves them to the program, as train_lstm.py has them.
_LOOK_BACK, _LOOK_BACK_OF_CLIPS = 16, 4


@dataclass(frozen=True)
class Parts:
    """What both loops run.

    Attributes:
        extractor: the first stage, for live.
        predictor: the second stage.
        network: the first stage's network as a script has it, uint8 (B, T, H, W, 3) to (B, D).
    """

    extractor: Extractor
    predictor: Predictor
    network: keras.Model


class Clock(Sink):
    """Notes every step's time on the clip's clock and what it took; ends the loop after some."""

    def __init__(self, most_steps: int) -> None:
        self.arrivals: list[float] = []
        self.works: list[float] = []
        self._most_steps = most_steps

    def on_step(self, decision: Decision, step_seconds: float) -> None:
        self.arrivals.append(decision.seconds)
        self.works.append(step_seconds)

    def on_frame(self, frame, picture) -> None:
        if len(self.works) >= self._most_steps:
            raise StopRequested


def lags(arrivals: list[float], works: list[float]) -> np.ndarray:
    """Return the seconds from each step's arrival to its end, where steps wait for each other.

    >>> lags([0.0, 1.0, 2.0], [0.5, 2.0, 0.5]).tolist()
    [0.5, 2.0, 1.5]
    """
    ends, free = [], 0.0
    for arrival, work in zip(arrivals, works, strict=True):
        free = max(arrival, free) + work
        ends.append(free)
    return np.array(ends) - np.array(arrivals)


def random_parts(settings: Settings) -> Parts:
    """Return a backbone with random weights and an untrained sequence model of the recipe."""
    folder, chosen = Path(settings.recipe.model.folder), settings.recipe.sequence
    if settings.recipe.extract.precision == "int8":
        quantization.MIN_COSINE = -1.0  # of random weights only the speed counts
        config = set_up_extractor(settings, load_manifest(settings)).config
    else:
        config = set_up_extractor(settings).config
    by_default = _LOOK_BACK_OF_CLIPS if config.backbone.clip_length > 1 else _LOOK_BACK
    look_back = chosen.look_back or by_default
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
        folder, config.model_copy(update={"labels": ("one", "two")}), Predictor(model, look_back)
    )


def folder_parts(folder: Path) -> Parts:
    """Return a model folder's, with a step for every frame of the source."""
    config = require_config(folder)
    config = config.model_copy(update={"sampling": Sampling(fps=None)})
    return _parts(folder, config, load_predictor(folder, config) if config.sequence else None)


def _parts(folder: Path, config: ModelConfig, predictor: Predictor | None) -> Parts:
    extractor = load_extractor(folder, config, live=True)
    predictor = predictor or own_predictor(extractor)
    predictor.use_engine("auto", folder)
    return Parts(extractor, predictor, feature_network(load_network(folder, config)))


def ours(parts: Parts, video: Path, most_steps: int) -> dict:
    """Return percentiles in milliseconds by stage, and how the clip's pace was kept up with."""
    labels = parts.extractor.config.labels or parts.extractor.config.backbone.labels
    model = LiveModel(parts.extractor, parts.predictor, labels, 0.5)
    model.warm_up()
    clock = Clock(most_steps)
    with FileSource(video) as source:
        watch = run_loop(source, model, [clock])
    # The first opens the file's decoder and starts the scaler; in a live run it was long ago.
    steps = list(watch._recent)[1:]
    stages = {
        name: 1000 * np.array([step.get(name, 0.0) for step in steps]) for name in STEP_STAGES
    }
    outside = sum(times for name, times in stages.items() if name != "decode")
    told = {**stages, "outside decoding": outside, "step": outside + stages["decode"]}
    late = lags(clock.arrivals, clock.works)
    return {
        "milliseconds": {name: np.percentile(v, _PERCENTILES).tolist() for name, v in told.items()},
        "steps": len(late),
        "late_steps": int(np.sum(late[:-1] > np.diff(clock.arrivals))),
        "largest_lag_seconds": float(late.max()),
        "interval_seconds": float(np.median(np.diff(clock.arrivals))),
    }


def usual(parts: Parts, video: Path, most_frames: int) -> list[float]:
    """Return percentiles in milliseconds of a frame in the loop that tutorials show."""
    wanted, length = parts.extractor.config.preprocessing, parts.extractor.clip_length
    recent: deque[np.ndarray] = deque(maxlen=length)
    window, rows = RollingWindow(parts.predictor.look_back), parts.predictor.model.input_shape[1:]
    capture, times = cv2.VideoCapture(str(video)), []
    for _ in range(1 + most_frames):
        started = time.perf_counter()
        there, picture = capture.read()
        if not there:
            break
        small = cv2.resize(picture, (wanted.width, wanted.height))
        recent.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        clip = np.stack([recent[0]] * (length - len(recent)) + [*recent])
        feature = parts.network.predict(clip[None], verbose=0)[0]
        parts.predictor.model.predict(window.push(feature).reshape(1, *rows), verbose=0)
        times.append(1000 * (time.perf_counter() - started))
    capture.release()
    return np.percentile(times[1:], _PERCENTILES).tolist()  # the first compiles


def tell(rounds: dict[str, list]) -> dict:
    """Print the medians over the rounds and return them."""
    runs = rounds["ours"]
    milliseconds = {
        name: np.median([run["milliseconds"][name] for run in runs], axis=0).tolist()
        for name in runs[0]["milliseconds"]
    }
    milliseconds["usual loop"] = np.median(rounds["usual"], axis=0).tolist()
    rows = [[name, *values] for name, values in milliseconds.items()]
    print(table(["ms a step", *(f"p{value}" for value in _PERCENTILES)], rows))
    ratio = milliseconds["usual loop"][0] / milliseconds["step"][0]
    late, lag, interval, steps = (
        float(np.median([run[key] for run in runs]))
        for key in ("late_steps", "largest_lag_seconds", "interval_seconds", "steps")
    )
    print(f"usual / ours, medians  {ratio:.1f}")
    answer = "keeps up" if not late else f"does not keep up: {late:.0f} of {steps:.0f} steps late"
    print(
        f"{answer}; the largest lag is {1000 * lag:.0f} ms, a step comes every "
        f"{1000 * interval:.0f} ms"
    )
    return {"milliseconds": milliseconds, "late_steps": late, "largest_lag_seconds": lag}


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--video", type=Path, required=True, help="a file")
    flags.add_argument("--weights", type=Path, help="a model folder, instead of --backbone")
    flags.add_argument(
        "--backbone",
        default="efficientnet_b0",
        help="see python -m extract.backbones (%(default)s)",
    )
    flags.add_argument(
        "--precision", default="f32", help="of --backbone; a folder has its own (%(default)s)"
    )
    flags.add_argument("--manifest", help="of --precision int8, for its calibration")
    flags.add_argument("--steps", type=int, default=300, help="of the video, at most (%(default)s)")
    flags.add_argument(
        "--usual-frames", type=int, default=30, help="of the usual loop (%(default)s)"
    )
    flags.add_argument("--rounds", type=int, default=5, help="turns of each (%(default)s)")
    chosen = flags.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        keys = {
            "model.folder": folder,
            "backbone.name": chosen.backbone,
            "backbone.weights": "none",
            "sampling.fps": "source",
            "sampling.stride": 1,
            "extract.precision": chosen.precision,
            "data.manifest": chosen.manifest,
        }
        parts = folder_parts(chosen.weights) if chosen.weights else random_parts(load(flags=keys))
        rounds = by_turns(
            {
                "ours": lambda: ours(parts, chosen.video, chosen.steps),
                "usual": lambda: usual(parts, chosen.video, chosen.usual_frames),
            },
            chosen.rounds,
        )
    config = parts.extractor.config
    title = f"{config.backbone.name}_{config.precision}"
    print(f"{config.backbone.name}, {parts.extractor.engine.name} {config.precision}")
    result = tell(rounds)
    settings = {"steps": chosen.steps, "usual_frames": chosen.usual_frames}
    print(write_result(f"live_{title}", {"settings": settings, "rounds": rounds, **result}))
    return 0


if __name__ == "__main__":
    run_command(main)
