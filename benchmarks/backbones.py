"""Speed of backbones by engine, precision and batch size, for extraction and live use.

    python -m benchmarks.backbones --backbones efficientnet_b0 x3d_s --batches 1 16
    python -m benchmarks.backbones --weights weights      # a model folder, int8 if it is quantized

For each backbone and batch size, the candidates are interleaved over several rounds:

<engine> <precision>   clips per second, with as many threads as the engine supports; live: median
                       and 95th percentile in milliseconds for one clip at a time
predict                `model.predict` on single clips, as in typical scripts

Clips and weights are random, which does not change the speed. Each network is converted once.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measuring import call_milliseconds, medians, run_interleaved, table
from benchmarks.record import write_result
from extract.backbones import build
from extract.backbones.heads import feature_network, weights_sha256
from extract.engines import Engine, NetworkId, Workload
from extract.engines.registry import ENGINES, make_engine
from extract.extractor.loading import int8_state, load_network
from model_folder.config import require_config
from recipes.command_line import run_command
from training.keras_backend import keras
from video.errors import LookbackError
from video.pipeline_stage import PipelineStage


@dataclass(frozen=True)
class Candidate:
    """A network to measure.

    Attributes:
        name: Name of the backbone.
        model: Network from uint8 (B, T, H, W, 3) to features (B, D).
        usual: Copy of the network for `predict`, since an engine may change options of `model`.
        folder: Folder of the converted networks.
        precisions: Precisions to measure.
    """

    name: str
    model: keras.Model
    usual: keras.Model
    folder: Path
    precisions: tuple[str, ...]

    def clips(self, count: int) -> np.ndarray:
        """Return random clips, uint8 (count, T, H, W, 3)."""
        shape = (count, *self.model.input_shape[1:])
        return np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    def engines(self, names: list[str], workload: dict) -> dict[str, Engine]:
        """Return the available engines for a workload; print why others are skipped.

        Args:
            names: Names of the engines to try.
            workload: Fields of `Workload`, except the precision.
        """
        engines = {}
        for name, precision in itertools.product(names, self.precisions):
            if precision not in ENGINES[name].PRECISIONS:
                continue
            network_id = NetworkId(self.folder, weights_sha256(self.model))
            try:
                engines[f"{name} {precision}"] = make_engine(
                    self.model, network_id, name, Workload(precision, **workload)
                )
            except LookbackError as error:
                print(f"note: {self.name}, {name} {precision} is skipped: {error}")
        return engines


def clips_per_second(engine: Engine, clips: np.ndarray, seconds: float) -> float:
    """Return the rate with as many threads as the engine supports.

    Args:
        engine: Engine to measure.
        clips: Batch that every thread computes repeatedly.
        seconds: Time to measure.
    """
    end = time.perf_counter() + seconds

    def compute(_: int) -> Generator[int, None, None]:
        yield len(engine(clips))
        while time.perf_counter() < end:
            yield len(engine(clips))

    started = time.perf_counter()
    threads = engine.parallel
    with PipelineStage("inference", compute, range(threads), threads, ahead=1000) as stage:
        count = sum(stage)
    return count / (time.perf_counter() - started)


def measure_extraction(candidate: Candidate, batch_size: int, chosen: argparse.Namespace) -> dict:
    """Return the clips per second of each candidate, one number per round."""
    engines = candidate.engines(chosen.engines, {"batch_size": batch_size})
    clips, clip = candidate.clips(batch_size), candidate.clips(1)

    def predict() -> float:
        times = call_milliseconds(lambda: candidate.usual.predict(clip, verbose=0), chosen.seconds)
        return 1000 / float(times.mean())

    for engine in engines.values():
        engine(clips)  # compiles
    jobs = {
        name: lambda engine=engine: clips_per_second(engine, clips, chosen.seconds)
        for name, engine in engines.items()
    }
    return run_interleaved({**jobs, "predict": predict}, chosen.rounds)


def measure_live(candidate: Candidate, chosen: argparse.Namespace) -> dict:
    """Return median and 95th percentile of each candidate in milliseconds, one pair per round."""
    clip = candidate.clips(1)
    calls = dict(candidate.engines(chosen.engines, {"live": True}))
    calls["predict"] = lambda clip: candidate.usual.predict(clip, verbose=0)

    def percentiles(call) -> list[float]:
        return np.percentile(
            call_milliseconds(lambda: call(clip), chosen.seconds), [50, 95]
        ).tolist()

    jobs = {name: lambda call=call: percentiles(call) for name, call in calls.items()}
    return run_interleaved(jobs, chosen.rounds)


def measure(candidate: Candidate, chosen: argparse.Namespace) -> dict:
    """Measure a network with all engines and batch sizes, print the table and return it."""
    cells = {
        f"batch {size}": measure_extraction(candidate, size, chosen) for size in chosen.batches
    }
    live = measure_live(candidate, chosen)
    rates = {column: medians(rounds) for column, rounds in cells.items()}
    milliseconds = {name: np.median(pairs, axis=0).tolist() for name, pairs in live.items()}
    names = list(milliseconds)
    rows = [[name, *(rates[c].get(name) for c in rates), *milliseconds[name]] for name in names]
    units = [f"clips/s {column}" for column in rates]
    print(table([candidate.name, *units, "live ms", "p95"], rows), end="\n\n", flush=True)
    return {
        "input": list(candidate.model.input_shape[1:]),
        "clips_a_second": cells,
        "live_milliseconds_median_p95": live,
        "medians": {"clips_a_second": rates, "live_milliseconds_median_p95": milliseconds},
    }


def make_candidate(name: str, folder: Path, precisions: list[str]) -> Candidate:
    """Return a backbone with random weights."""
    keras.utils.set_random_seed(0)
    model, usual = build(name, "none"), build(name, "none")
    return Candidate(name, model, usual, folder, tuple(precisions))


def load_candidate(folder: Path, precisions: list[str]) -> Candidate:
    """Return the network of a model folder, with int8 if it is quantized."""
    config = require_config(folder)
    model, usual = (feature_network(load_network(folder, config)) for _ in range(2))
    if int8_state(folder, config) == "ready":
        precisions = [*precisions, "int8"]
    return Candidate(config.backbone.name, model, usual, folder, tuple(precisions))


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument(
        "--backbones",
        nargs="+",
        default=["efficientnet_b0"],
        help="see python -m extract.backbones",
    )
    flags.add_argument("--weights", type=Path, help="model folder, instead of --backbones")
    flags.add_argument(
        "--engines",
        nargs="+",
        choices=list(ENGINES),
        default=list(ENGINES),
        help="engines to measure",
    )
    flags.add_argument(
        "--precisions",
        nargs="+",
        choices=["f32", "bf16"],
        default=["f32", "bf16"],
        help="precisions to measure",
    )
    flags.add_argument(
        "--batches", nargs="+", type=int, default=[1, 16], help="batch sizes (%(default)s)"
    )
    flags.add_argument("--seconds", type=float, default=5.0, help="per measurement (%(default)s)")
    flags.add_argument("--rounds", type=int, default=3, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    results = {}
    for name in [""] if chosen.weights else chosen.backbones:
        with ExitStack() as stack:
            if chosen.weights:
                candidate = load_candidate(chosen.weights, chosen.precisions)
            else:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                candidate = make_candidate(name, folder, chosen.precisions)
            results[candidate.name] = measure(candidate, chosen)
        del candidate
        keras.backend.clear_session()  # one network in memory at a time
    settings = {key: str(value) for key, value in vars(chosen).items() if key != "weights"}
    kind = "model_folder_" if chosen.weights else ""
    name = f"backbones_{kind}{'_'.join(results)}" if len(results) == 1 else "backbones"
    print(write_result(name, {"settings": settings, "backbones": results}))
    return 0


if __name__ == "__main__":
    run_command(main)
