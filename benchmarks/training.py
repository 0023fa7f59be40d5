"""Training speed of the sequence model, compared with usual ways, and the kernel of its LSTM.

    python -m benchmarks.training --manifest data/manifest.csv --features data/features

Three ways train an epoch on all full windows of the training clips in batches of 16, and validate
on those of the validation clips. They are interleaved over several rounds. The first epoch of each
is not measured, since it compiles.

generator  `model.fit` on a PyDataset that reads each window from the HDF5 file
stacked    `model.fit` on one array of all overlapping windows, created beforehand
ours       `sequence.training.fit` with windows_per_video: all

Another measurement is 50 epochs of the default, one window per clip and epoch, with reading and
compiling. The names of the kernel come from the graph of a training step.
"""

import argparse
import math
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.record import write_result
from clips.manifest import Manifest, read
from extract.feature_store.reader import FeatureStore
from recipes.command_line import run_command
from recipes.loader import load
from recipes.schema import Sequence
from sequence.dataset import Dataset, LabeledSegment
from sequence.model import build_sequence_model
from sequence.training import fit
from training.keras_backend import device_line, keras
from training.optimizers import make_optimizer


class EpochEnds(keras.callbacks.Callback):
    """Callback that records when each epoch, with its validation, ended."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_epoch_end(self, epoch, logs=None) -> None:
        self.times.append(time.perf_counter())


class WindowFile(keras.utils.PyDataset):
    """Shuffled batches of windows, each of which is read from the feature store."""

    def __init__(self, dataset: Dataset, segments: list[LabeledSegment], size: int) -> None:
        super().__init__()
        self._store, self._look_back, self._size = dataset.store, dataset.look_back, size
        self._windows = [
            (segment, step) for segment in segments for step in dataset.full_steps(segment)
        ]
        self._random = np.random.default_rng(0)

    def __len__(self) -> int:
        return math.ceil(len(self._windows) / self._size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        batch = self._windows[number * self._size : (number + 1) * self._size]
        inputs = np.stack([self._window(segment.video, step) for segment, step in batch])
        return inputs, np.array([segment.target for segment, _ in batch])

    def _window(self, video: str, step: int) -> np.ndarray:
        rows = self._store.features(video, max(0, step - self._look_back + 1), step + 1)
        missing = self._look_back - len(rows)
        return np.concatenate([np.repeat(rows[:1], missing, axis=0), rows])

    def on_epoch_end(self) -> None:
        self._random.shuffle(self._windows)


def make_usual_model(dataset: Dataset, chosen: Sequence) -> keras.Model:
    """Return the same network, compiled as in a typical script."""
    model = build_sequence_model(
        chosen.head,
        dataset.look_back,
        dataset.store.feature_size,
        len(dataset.labels),
        chosen.units,
        chosen.dropout,
        chosen.delta,
    )
    model.compile(
        make_optimizer(chosen.optimizer, chosen.learning_rate, chosen.weight_decay),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def fit_generator(dataset: Dataset, chosen: Sequence) -> list[float]:
    """Train on a generator; return when each epoch ended."""
    ends = EpochEnds()
    training, validation = (
        WindowFile(dataset, dataset.split(split), chosen.batch_size) for split in ("train", "val")
    )
    make_usual_model(dataset, chosen).fit(
        training,
        validation_data=validation,
        epochs=chosen.epochs,
        callbacks=[ends],
        verbose=0,
    )
    return ends.times


def stacked_windows(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all full windows of a split, float32 (n, L, D), and their targets (n,)."""
    segments = dataset.split(split)
    found = dataset.full_windows(segments)
    return found[:], np.array([segment.target for segment in segments])[found.segment]


def fit_stacked(dataset: Dataset, chosen: Sequence) -> list[float]:
    """Train on stacked windows; return when each epoch ended. Stacking is before the first."""
    ends = EpochEnds()
    make_usual_model(dataset, chosen).fit(
        *stacked_windows(dataset, "train"),
        batch_size=chosen.batch_size,
        validation_data=stacked_windows(dataset, "val"),
        epochs=chosen.epochs,
        callbacks=[ends],
        verbose=0,
    )
    return ends.times


def fit_ours(dataset: Dataset, chosen: Sequence) -> list[float]:
    """Train with `sequence.training.fit`; return when each epoch ended."""
    ends: list[float] = []
    splits = dataset.split("train"), dataset.split("val")
    fit(dataset, *splits, chosen, 0, log=lambda _: ends.append(time.perf_counter()))
    return ends


WAYS: dict[str, Callable[[Dataset, Sequence], list[float]]] = {
    "generator": fit_generator,
    "stacked": fit_stacked,
    "ours": fit_ours,
}


def time_training(
    store: FeatureStore, manifest: Manifest, chosen: Sequence, look_back: int
) -> float:
    """Return the seconds from the open feature file to the trained model with its temperature."""
    started = time.perf_counter()
    fit_ours(Dataset(store, manifest, look_back), chosen)
    return time.perf_counter() - started


def recurrent_ops(model: keras.Model) -> list[str]:
    """Return the names of the TensorFlow operations for recurrent layers and their gradients.

    They are those of cuDNN if Keras uses them, and those of a loop otherwise.
    """
    import tensorflow as tf

    @tf.function
    def step(windows):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(windows, training=True))
        return tape.gradient(total, [weight.value for weight in model.trainable_weights])

    graph = step.get_concrete_function(tf.TensorSpec(model.input_shape)).graph.as_graph_def()
    # The text of the graph includes the nodes of its functions, such as the body of a loop.
    names = set(re.findall(r'\bop: "(\w+)"', str(graph)))
    return sorted(name for name in names if "RNN" in name or name.endswith("While"))


def kernel_line(model: keras.Model) -> str:
    """Return a line that names the kernel of the model's recurrent layers."""
    backend = keras.backend.backend()
    if backend != "tensorflow":
        return f"kernel: unknown ({backend}); known only with KERAS_BACKEND=tensorflow"
    names = recurrent_ops(model)
    fused = any(name.startswith("CudnnRNN") for name in names)
    kernel = "fused cuDNN kernel" if fused else "loop over the steps, no cuDNN"
    return f"kernel: {kernel} ({', '.join(names)})"


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument(
        "--features", type=Path, required=True, help="feature file of the same clips"
    )
    flags.add_argument("--look-back", type=int, default=16, help="steps per window (%(default)s)")
    flags.add_argument(
        "--epochs", type=int, default=3, help="epochs per round after the first (%(default)s)"
    )
    flags.add_argument("--rounds", type=int, default=3, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    store, manifest = FeatureStore(chosen.features), read(chosen.manifest)
    default = load(flags={"sequence.patience": 0, "sequence.epochs": 50}).recipe.sequence
    every = {"windows_per_video": "all", "epochs": 1 + chosen.epochs}
    settings = default.model_copy(update=every)
    dataset = Dataset(store, manifest, chosen.look_back)
    windows = dataset.full_windows(dataset.split("train"))
    matrix_size, stacked_size = (
        count * store.feature_size * 4 / 2**20
        for count in (
            sum(store.steps(each) for each in {part.video for part in dataset.segments}),
            len(windows) * dataset.look_back,
        )
    )
    print(device_line())
    print(kernel_line(make_usual_model(dataset, default)))
    print(
        f"{store.spec['backbone']}: {len(windows)} training windows of {dataset.look_back} x "
        f"{store.feature_size}; features {matrix_size:.0f} MiB, stacked windows "
        f"{stacked_size:.0f} MiB"
    )
    epochs: dict[str, list[float]] = {name: [] for name in WAYS}
    fifty: list[float] = []
    for _ in range(chosen.rounds):
        for name, way in WAYS.items():
            epochs[name].append(statistics.median(np.diff(way(dataset, settings)).tolist()))
        fifty.append(time_training(store, manifest, default, dataset.look_back))
    medians = {name: statistics.median(values) for name, values in epochs.items()}
    for name, value in medians.items():
        print(f"{name:<10}{value:>9.2f} s per epoch{value / medians['ours']:>8.2f} x ours")
    print(f"50 epochs of the default {default.head}: {statistics.median(fifty):.1f} s")
    path = write_result(
        f"training_{store.spec['backbone']}",
        {
            "feature_size": store.feature_size,
            "windows": len(windows),
            "look_back": dataset.look_back,
            "kernel": kernel_line(make_usual_model(dataset, default)),
            "epoch_seconds": epochs,
            "fifty_epochs_seconds": fifty,
            "mebibytes": {"features": matrix_size, "stacked": stacked_size},
        },
    )
    print(path)
    return 0


if __name__ == "__main__":
    run_command(main)
