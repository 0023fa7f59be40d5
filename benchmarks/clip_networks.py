"""Every clip network against its original in PyTorch: milliseconds a clip, batch 1.

    python -m benchmarks.clip_networks --backbones x3d_s r2plus1d_18

For each network, in one process, by turns, several rounds, with as many threads on every side as
the machine has cores:

pytorch  the original, evaluation and inference mode, over float pixels that are ready: scaling them
         costs it nothing, which favours it
f32      `make_engine`'s choice for a live video, over the same clip in uint8; scales inside
bf16     the same, where the processor has it
product  one large float32 matrix product by PyTorch: what the processor multiplies at most; `of
         product` is the rate of f32 (its spec's multiplications a second) in parts of that

The originals are those of the parity test (tests/parity/references.py), which holds that ours give
the same logits, so both sides do the same work: a second list of them could drift. Weights are
random on both sides, which changes no cost; all compute 400 logits.

TensorFlow builds and converts a network before its original is built, and computes nothing while
they are measured: OpenVINO does, so that only its threads and PyTorch's are there. These never work
at once, and each turn begins with a call that does not count, until the other's have gone to sleep.
The machine must have nothing else to do.
Where `auto` takes another engine than OpenVINO, the table tells.
"""

import argparse
import gc
import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.measuring import by_turns, call_milliseconds, medians, table
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
# PyTorch's threads wait for each other at every layer. Where other programs take their cores, a
# small network takes many times as long (EfficientX3D-XS, two cores: 39 ms by one thread, 2000 by
# two), while OpenVINO loses little.
_IDLE_LOAD = 0.5
_NETWORKS = (
    *("x3d_xs", "x3d_s", "x3d_m", "efficient_x3d_xs", "i3d", "r2plus1d_18"),
    *("slow_r50", "slowfast_r50", "videomae_base", "timesformer_base"),
)
_HEADER = (
    *("ms a clip", "input", "pytorch", "f32", "bf16", "/ f32", "/ bf16", "of product", "engine"),
)
_SIDE = 4096  # of the matrices
_NEEDED = ("torch", "torchvision", "pytorchvideo", "transformers")


def engines_of(name: str) -> dict[str, Engine]:
    """Return ours by precision, converted; Keras' own copy of the network is let go."""
    keras.utils.set_random_seed(0)
    model = build(name, "none", classes=_CLASSES)
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("f32", "bf16"):
            workload = Workload(precision, live=True)
            try:
                made[precision] = make_engine(
                    model, NetworkId(Path(folder), weights_sha256(model)), workload=workload
                )
            except UsageError as error:
                print(f"note: {name} {precision} is left out: {error}")
    del model
    keras.backend.clear_session()
    gc.collect()
    return made


def original_of(name: str, clip: np.ndarray) -> Callable[[], object]:
    """Return a call of the original on a clip, uint8 (1, T, H, W, 3), whose pixels are ready."""
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


def product() -> Callable[[], object]:
    """Return a call that multiplies two large matrices."""
    import torch

    left, right = torch.rand(2, _SIDE, _SIDE)
    return lambda: left @ right


def measure(name: str, chosen: argparse.Namespace) -> dict:
    """Return milliseconds a clip, the median of each turn, what computed ours, and the float32
    multiplications a second, in units of a large matrix product's."""
    spec = spec_of(name)
    shape = (1, spec.clip_length, spec.input_size, spec.input_size, 3)
    clip = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    engines = engines_of(name)
    calls = {"pytorch": original_of(name, clip)}
    calls |= {precision: lambda e=engine: e(clip) for precision, engine in engines.items()}
    calls["product"] = product()

    def turn(call: Callable[[], object]) -> float:
        return float(np.median(call_milliseconds(call, chosen.seconds)))

    jobs = {way: lambda call=call: turn(call) for way, call in calls.items()}
    rounds = by_turns(jobs, chosen.rounds)
    milliseconds = medians(rounds)
    of_product = spec.gflops * 1e9 / milliseconds["f32"] / (_SIDE**3 / milliseconds["product"])
    return {
        "input": list(shape[1:]),
        "engines": {precision: engine.name for precision, engine in engines.items()},
        "milliseconds": rounds,
        "medians": milliseconds,
        "of_product": of_product,
    }


def row(name: str, result: dict) -> list:
    """Return a line of the table."""
    frames, side, *_ = result["input"]
    taken = [result["medians"].get(way) for way in ("pytorch", "f32", "bf16")]
    ratios = [f"{taken[0] / value:.2f}" if value else None for value in taken[1:]]
    of_product = f"{result['of_product']:.2f}"
    return [name, f"{frames}x{side}", *taken, *ratios, of_product, result["engines"].get("f32")]


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument(
        "--backbones",
        nargs="+",
        choices=_NETWORKS,
        default=_NETWORKS,
        help="see python -m extract.backbones",
    )
    flags.add_argument("--seconds", type=float, default=5.0, help="a turn (%(default)s)")
    flags.add_argument("--rounds", type=int, default=5, help="turns of each (%(default)s)")
    chosen = flags.parse_args(arguments)
    if lacking := [package for package in _NEEDED if find_spec(package) is None]:
        print(
            f"skipped: {', '.join(lacking)} not installed; make test-parity installs the originals"
        )
        return 0
    if LOAD_AT_START > _IDLE_LOAD:
        print(f"note: the machine is busy (load {LOAD_AT_START:.1f}): this flatters ours")
    results = {}
    for name in chosen.backbones:
        results[name] = measure(name, chosen)
        gc.collect()
        print(table(_HEADER, [row(name, results[name])]), flush=True)
    print("\n" + table(_HEADER, [row(name, result) for name, result in results.items()]))
    settings = {key: str(value) for key, value in vars(chosen).items()}
    content = {"threads": os.cpu_count(), "settings": settings, "networks": results}
    print(write_result("clip_networks", content))
    return 0


if __name__ == "__main__":
    run_command(main)
