"""Inference speed of the clip networks compared with their PyTorch originals, at batch size 1.

    python -m benchmarks.clip_networks --backbones x3d_s r2plus1d_18

For each network it prints milliseconds per clip, interleaved over several rounds in one process.
Both frameworks use as many threads as the machine has cores:

pytorch  the original in evaluation and inference mode, on float pixels; the time for scaling the
         pixels is not included, which favors PyTorch
f32      the engine that `make_engine` selects for live video, on the same clip in uint8; the time
         for scaling is included
bf16     the same in bfloat16, if the processor supports it
product  one large float32 matrix product in PyTorch, which approximates the processor's peak. The
         column `of product` is the rate of f32 (multiplications of its spec per second) as a share
         of this peak

The originals come from the parity test (tests/parity/references.py), which checks that both give
the same logits. Weights are random, which does not change the speed. All compute 400 logits.

TensorFlow builds and converts a network before its original is built, and is idle during the
measurement. PyTorch and the engine never compute at the same time. Each measurement starts with an
unmeasured call, so that the threads of the other framework are asleep. No other program should run
on the machine. The last column names the engine, which may be another than OpenVINO.
"""

import argparse
import gc
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.measuring import call_milliseconds, medians, run_interleaved, table
from benchmarks.record import LOAD_AT_START, write_result
from extract.architectures.registry import spec_of
from extract.backbones import build
from extract.backbones.heads import weights_sha256
from extract.engines import Engine, NetworkId, Workload
from extract.engines.registry import make_engine
from recipes.command_line import run_command
from training.keras_backend import keras
from video.errors import UsageError

_CLASSES = 400
# PyTorch's threads synchronize at every layer. If other programs use the cores, a small network
# takes many times as long (EfficientX3D-XS on two busy cores: 39 ms with one thread, 2000 ms with
# two), while OpenVINO slows down little.
_IDLE_LOAD = 0.5
_NETWORKS = (
    *("x3d_xs", "x3d_s", "x3d_m", "efficient_x3d_xs", "i3d", "r2plus1d_18"),
    *("slow_r50", "slowfast_r50", "videomae_base", "timesformer_base"),
)
_HEADER = (
    *("ms per clip", "input", "pytorch", "f32", "bf16", "/ f32", "/ bf16", "of product", "engine"),
)
_MATRIX_SIZE = 4096
_REQUIRED = ("torch", "torchvision", "pytorchvideo", "transformers")


def make_engines(name: str) -> dict[str, Engine]:
    """Return engines with the converted network by precision, and free the Keras model."""
    keras.utils.set_random_seed(0)
    model = build(name, "none", classes=_CLASSES)
    engines = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("f32", "bf16"):
            workload = Workload(precision, live=True)
            try:
                engines[precision] = make_engine(
                    model, NetworkId(Path(folder), weights_sha256(model)), workload=workload
                )
            except UsageError as error:
                print(f"note: {name} {precision} is skipped: {error}")
    del model
    keras.backend.clear_session()
    gc.collect()
    return engines


def make_original(name: str, clip: np.ndarray) -> Callable[[], object]:
    """Return a function that runs the original on a clip, with the pixels already scaled.

    Args:
        name: Name of the backbone.
        clip: Clip in uint8: (1, T, H, W, 3).
    """
    import torch

    from tests.parity.references import REFERENCES

    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    reference = REFERENCES[name]
    module = reference.make(clip.shape[1:4], _CLASSES).eval()
    pixels = torch.from_numpy(clip).float() / 255
    pixels = (pixels - torch.tensor(reference.mean)) / torch.tensor(reference.deviation)
    pixels = pixels.permute(0, 4, 1, 2, 3).contiguous()

    def call() -> None:
        with torch.inference_mode():
            reference.run(module, pixels)

    return call


def make_product() -> Callable[[], object]:
    """Return a function that multiplies two large matrices."""
    import torch

    left, right = torch.rand(2, _MATRIX_SIZE, _MATRIX_SIZE)
    return lambda: left @ right


def measure(name: str, chosen: argparse.Namespace) -> dict:
    """Measure one network.

    Returns:
        Input shape, engines, milliseconds per clip of each round, their medians, and the rate of
        f32 as a share of that of a large matrix product.
    """
    spec = spec_of(name)
    shape = (1, spec.clip_length, spec.input_size, spec.input_size, 3)
    clip = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    engines = make_engines(name)
    calls = {"pytorch": make_original(name, clip)}
    calls |= {precision: lambda e=engine: e(clip) for precision, engine in engines.items()}
    calls["product"] = make_product()

    def median(call: Callable[[], object]) -> float:
        return float(np.median(call_milliseconds(call, chosen.seconds)))

    jobs = {way: lambda call=call: median(call) for way, call in calls.items()}
    rounds = run_interleaved(jobs, chosen.rounds)
    milliseconds = medians(rounds)
    peak = _MATRIX_SIZE**3 / milliseconds["product"]
    of_product = spec.gflops * 1e9 / milliseconds["f32"] / peak
    return {
        "input": list(shape[1:]),
        "engines": {precision: engine.name for precision, engine in engines.items()},
        "milliseconds": rounds,
        "medians": milliseconds,
        "of_product": of_product,
    }


def make_row(name: str, result: dict) -> list:
    """Return a row of the table."""
    frames, size, *_ = result["input"]
    times = [result["medians"].get(way) for way in ("pytorch", "f32", "bf16")]
    ratios = [f"{times[0] / value:.2f}" if value else None for value in times[1:]]
    of_product = f"{result['of_product']:.2f}"
    return [name, f"{frames}x{size}", *times, *ratios, of_product, result["engines"].get("f32")]


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument(
        "--backbones",
        nargs="+",
        choices=_NETWORKS,
        default=_NETWORKS,
        help="see python -m extract.backbones",
    )
    flags.add_argument("--seconds", type=float, default=5.0, help="per measurement (%(default)s)")
    flags.add_argument("--rounds", type=int, default=5, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    if missing := [package for package in _REQUIRED if find_spec(package) is None]:
        print(f"skipped: {', '.join(missing)} not installed; run make test-parity to install them")
        return 0
    if LOAD_AT_START > _IDLE_LOAD:
        print(
            f"note: the machine is busy (load {LOAD_AT_START:.1f}), which slows down PyTorch more "
            "than the engines"
        )
    results = {}
    for name in chosen.backbones:
        results[name] = measure(name, chosen)
        gc.collect()
        print(table(_HEADER, [make_row(name, results[name])]), flush=True)
    print("\n" + table(_HEADER, [make_row(name, result) for name, result in results.items()]))
    settings = {key: str(value) for key, value in vars(chosen).items()}
    content = {"threads": os.cpu_count(), "settings": settings, "networks": results}
    print(write_result("clip_networks", content))
    return 0


if __name__ == "__main__":
    run_command(main)
