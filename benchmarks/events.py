"""Pooling on clips with one event in noise: accuracy of the clips, and delay of the alarms.

    python -m benchmarks.events

A clip of 6 s at 10 steps a second shows a height that drifts. One to three times it sinks slowly
and rises fast, within 0.5 to 1 s. In a clip of class `fall` one of these times is reversed: the
height falls fast and rises slowly. So both classes have the same values at single steps, and only a
moment of a `fall` differs. A feature is a random nonlinear function of the height and of two other
drifting values, with an offset per scene and noise. A scene is a group of two clips, one of each
class. This is a stand-in for the first stage, so that the second stage alone is measured.

Every repeat has other clips and seeds. `auto` chooses by the validation clips. The row `mean x 16`
is `mean` with as many windows per clip and batch as the other rules have.

accuracy   share of test clips with the right label
found      share of the `fall` clips with an alarm during the event or later: a full window whose
           probability of `fall` is at least 0.5
delay      median time from the begin of the event to that alarm, in seconds, not found = never
early      share of the `fall` clips with an alarm before the event
false      share of the `background` clips with an alarm
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.record import write_result
from clips.manifest import BACKGROUND, Entry, Manifest
from extract.feature_store.reader import FeatureStore
from extract.feature_store.writer import FeatureWriter
from metrics.pooling import RULES
from recipes.command_line import run_command
from recipes.loader import load
from recipes.schema import Sequence
from sequence.dataset import Dataset
from sequence.evaluation import predict
from sequence.pooling_choice import choose_pooling
from sequence.prediction import Predictor
from sequence.training import MAX_BAG, fit
from training.keras_backend import device_line
from video.console import console

EVENT = "fall"
FPS = 10
STEPS = 60
FEATURES = 32
THRESHOLD = 0.5
SCENES = {"train": 150, "val": 40, "test": 100}


@dataclass(frozen=True)
class EventClip:
    """A generated clip.

    Attributes:
        name: Name of the video.
        split: train, val or test.
        scene: Group.
        features: Features, float32 (N, D).
        begin: First step of the event; None for a clip without one.
    """

    name: str
    split: str
    scene: str
    features: np.ndarray
    begin: int | None

    @property
    def label(self) -> str:
        """Name of the class."""
        return BACKGROUND if self.begin is None else EVENT


def drift(random: np.random.Generator) -> np.ndarray:
    """Return values that wander around 0 with a standard deviation of 1: (STEPS,)."""
    values = random.normal(size=STEPS)
    for step in range(1, STEPS):
        values[step] = 0.9 * values[step - 1] + np.sqrt(1 - 0.9**2) * values[step]
    return values


def dip(length: int) -> np.ndarray:
    """Return a fast fall from 0 to -1 and a slow rise back, (length,)."""
    fall = max(2, round(0.3 * length))
    return -np.concatenate([np.linspace(0, 1, fall), np.linspace(1, 0, length - fall + 1)[1:]])


def heights(event: bool, random: np.random.Generator) -> tuple[np.ndarray, int | None]:
    """Return the height at every step, (STEPS,), and the first step of the event if there is one.

    Dips and the event do not overlap.
    """
    values, free, begin = 0.3 * drift(random), np.ones(STEPS, bool), None
    for number in range(random.integers(1, 4)):
        length = int(random.integers(5, 11))
        places = [
            start for start in range(5, STEPS - length - 4) if free[start : start + length].all()
        ]
        if not places:
            break
        start = int(random.choice(places))
        is_event = event and number == 0
        begin = start if is_event else begin
        shape = dip(length)
        values[start : start + length] += 2 * (shape if is_event else shape[::-1])
        free[max(0, start - 2) : start + length + 2] = False
    return values, begin


def make_clips(seed: int, noise: float, scenes: dict[str, int] = SCENES) -> list[EventClip]:
    """Return the clips of a data set.

    Args:
        seed: Seed of all random values.
        noise: Standard deviation of the noise of a feature; the height's part has about 1.
        scenes: Number of scenes of each split.
    """
    random = np.random.default_rng([seed, 1])
    mixing = random.normal(size=(5, FEATURES))
    clips = []
    for split, count in scenes.items():
        for number in range(count):
            offset = random.normal(size=FEATURES)
            for event in (False, True):
                height, begin = heights(event, random)
                parts = [height, height**2, np.sin(3 * height), drift(random), drift(random)]
                features = np.stack(parts, 1) @ mixing / np.sqrt(5) + offset
                features = np.tanh(features / 2) + random.normal(0, noise, features.shape)
                scene = f"{split}{number}"
                name = f"{scene}_{int(event)}"
                clips.append(EventClip(name, split, scene, features.astype(np.float32), begin))
    return clips


def dataset_of(folder: Path, clips: list[EventClip], look_back: int) -> Dataset:
    """Write the feature file of clips and return their dataset."""
    spec = {
        "backbone": "generated",
        "weights_sha256": "0" * 64,
        "feature_size": FEATURES,
        "clip_length": 1,
        "sampling": {"fps": float(FPS), "hop": 1},
        "preprocessing": {},
        "precision": "f32",
        "dtype": "float32",
    }
    path = folder / "features"
    with FeatureWriter(path, spec) as writer:
        for clip in clips:
            writer.begin(clip.name, {"size": 0, "sha256": ""})
            writer.append(clip.name, clip.features, np.arange(STEPS) / FPS)
            writer.finish(clip.name)
    entries = tuple(Entry(clip.name, clip.label, clip.split, clip.scene) for clip in clips)
    return Dataset(FeatureStore(path), Manifest(folder / "manifest.csv", entries), look_back)


@dataclass(frozen=True)
class Alarms:
    """Alarms of a model on test clips.

    Attributes:
        delays: Seconds from the begin of each event to the first alarm from then on, inf for none.
        early: Whether each clip with an event has an alarm before it.
        false: Whether each clip without an event has an alarm.
    """

    delays: list[float]
    early: list[bool]
    false: list[bool]


def alarms_of(predictor: Predictor, clips: list[EventClip], event: int) -> Alarms:
    """Return the alarms of clips.

    Args:
        predictor: Model.
        clips: Test clips.
        event: Index of the event's class.
    """
    alarms = Alarms([], [], [])
    for clip in clips:
        reached = predictor.predict_steps(clip.features)[:, event] >= THRESHOLD
        reached[: predictor.look_back - 1] = False  # windows that are not full
        if clip.begin is None:
            alarms.false.append(bool(reached.any()))
            continue
        alarms.early.append(bool(reached[: clip.begin].any()))
        later = np.flatnonzero(reached[clip.begin :])
        alarms.delays.append(float(later[0]) / FPS if len(later) else float("inf"))
    return alarms


def measure(predictor: Predictor, dataset: Dataset, clips: list[EventClip]) -> dict:
    """Return the row of a model: its pooling, clip accuracy and alarms on the test clips."""
    segments = dataset.split("test")
    predicted = predict("model", predictor, dataset, segments).clip.argmax(1)
    tested = [clip for clip in clips if clip.split == "test"]
    alarms = alarms_of(predictor, tested, dataset.labels.index(EVENT))
    return {
        "pooling": predictor.pooling.rule,
        "accuracy": float(np.mean(predicted == [segment.target for segment in segments])),
        "delays": alarms.delays,
        "found": float(np.isfinite(alarms.delays).mean()),
        "early": float(np.mean(alarms.early)),
        "false": float(np.mean(alarms.false)),
    }


def run_repeat(chosen: Sequence, look_back: int, noise: float, seed: int) -> dict[str, dict]:
    """Return the row of every rule and of `auto` on a new data set."""
    clips = make_clips(seed, noise)
    with tempfile.TemporaryDirectory() as folder:
        dataset = dataset_of(Path(folder), clips, look_back)
        splits = dataset.split("train"), dataset.split("val")
        rows = {}
        for rule in RULES:
            fixed = chosen.model_copy(update={"pooling": rule})
            rows[rule] = measure(fit(dataset, *splits, fixed, seed), dataset, clips)
        more = {"windows_per_video": MAX_BAG, "batch_size": MAX_BAG * chosen.batch_size}
        many = fit(dataset, *splits, chosen.model_copy(update=more), seed)
        rows[f"mean x {MAX_BAG}"] = measure(many, dataset, clips)
        auto = chosen.model_copy(update={"pooling": "auto"})
        rule = choose_pooling(dataset, *splits, auto, seed, print).pooling
        dataset.store.close()
    return {**rows, "auto": rows[rule]}


def table(repeats: list[dict[str, dict]]) -> str:
    """Return the lines of the table, averaged over the repeats."""
    columns = ("accuracy", "found", "early", "false")
    lines = [
        f"{'pooling':<12}{'accuracy':>10}{'found':>9}{'early':>9}{'false':>9}{'delay':>9}"
        "   accuracy per repeat"
    ]
    for name in repeats[0]:
        rows = [repeat[name] for repeat in repeats]
        mean = {key: np.mean([row[key] for row in rows]) for key in columns}
        delay = np.median(np.concatenate([row["delays"] for row in rows]))
        each = "  ".join(f"{row['accuracy']:.3f}" for row in rows)
        each += f"   ({', '.join(row['pooling'] for row in rows)})" if name == "auto" else ""
        lines.append(
            f"{name:<12}{mean['accuracy']:>10.3f}{mean['found']:>9.2f}{mean['early']:>9.2f}"
            f"{mean['false']:>9.2f}{delay:>7.1f} s   {each}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--repeats", type=int, default=3, help="number of data sets (%(default)s)")
    flags.add_argument("--noise", type=float, default=0.1, help="noise of a feature (%(default)s)")
    flags.add_argument("--head", default="lstm", help="head of the model (%(default)s)")
    flags.add_argument("--look-back", type=int, default=16, help="steps per window (%(default)s)")
    flags.add_argument("--epochs", type=int, default=30, help="maximum of epochs (%(default)s)")
    flags.add_argument("--seed", type=int, default=0, help="first seed (%(default)s)")
    given = flags.parse_args(arguments)
    recipe = load(flags={"sequence.head": given.head, "sequence.epochs": given.epochs}).recipe
    print(device_line())
    repeats = []
    for number in range(given.repeats):
        with console():
            seed = given.seed + number
            repeats.append(run_repeat(recipe.sequence, given.look_back, given.noise, seed))
        print(f"\n{number + 1} of {given.repeats}\n{table(repeats)}\n", flush=True)
    settings = {key.replace("_", " "): value for key, value in vars(given).items()}
    print(write_result("events", {**settings, "scenes": SCENES, "repeats": repeats}))
    return 0


if __name__ == "__main__":
    run_command(main)
