"""Extraction end to end against the usual loop and against the ceiling of the machine.

    python -m benchmarks.extraction --manifest data/manifest.csv --backbone efficientnet_b0

Three ways over the same frames (every frame of the first clips), by turns, several rounds:

usual    cv2.VideoCapture, cv2.resize, `model.predict` a frame, one video after another
ours     extract.py's own path: decoding threads, batches, engine, feature file
ceiling  1 / (seconds of decoding a frame + seconds of inference a frame), each alone on all cores

Weights are random: they cost what trained ones do. Networks are built and converted beforehand.
"""

import argparse
import itertools
import tempfile
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measuring import by_turns, medians, rate, some_clips
from benchmarks.record import write_result
from clips.manifest import Manifest, read
from extract import quantization
from extract.backbones import build
from extract.extractor import Extractor
from extract.extractor_setup import set_up_extractor
from extract.pipeline.reader import decoding_stage
from extract.pipeline.runner import extract_features
from recipes.command_line import run_command
from recipes.loader import load
from video.pipeline_stage import PipelineStage


def usual_loop(model, paths: list[Path], side: int) -> int:
    """Run the loop that tutorials show; return the frames."""
    frames = 0
    for path in paths:
        capture = cv2.VideoCapture(str(path))
        while True:
            there, frame = capture.read()
            if not there:
                break
            rgb = cv2.cvtColor(cv2.resize(frame, (side, side)), cv2.COLOR_BGR2RGB)
            model.predict(rgb[None, None], verbose=0)
            frames += 1
        capture.release()
    return frames


def decode_alone(manifest: Manifest, extractor: Extractor) -> int:
    videos = [(video, manifest.place(video)) for video in manifest.videos]
    with decoding_stage(videos, extractor.stepper, extractor.clip_length) as reading:
        return sum(len(batch.rows) for batch in reading)


def infer_alone(extractor: Extractor, ready: np.ndarray, frames: int) -> int:
    """Compute `frames` of ready clips by as many threads as the engine takes; return how many."""
    engine = extractor.engine
    each = -(-frames // (engine.parallel * len(ready)))

    def compute(_: int) -> Generator[int, None, None]:
        for _ in range(each):
            yield len(engine(ready))

    threads = engine.parallel
    with PipelineStage("inference", compute, range(threads), threads, ahead=1000) as stage:
        return sum(stage)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Return the frames a second of every way, a number a round."""
    manifest = some_clips(chosen.manifest, chosen.clips)
    keys = {
        "model.folder": str(folder / "weights"),
        "backbone.name": chosen.backbone,
        "backbone.weights": "none",
        "sampling.fps": "source",
        "extract.engine": chosen.engine,
        "extract.precision": chosen.precision,
        "extract.batch_size": chosen.batch_size,
    }
    # Of random weights int8 may cost too much to be used; here only its speed counts.
    quantization.MIN_COSINE = -1.0
    extractor = set_up_extractor(load(flags=keys), read(chosen.manifest))
    usual = build(chosen.backbone, "none")
    side = extractor.config.preprocessing.width
    size = extractor.engine.batch_size
    ready = np.random.default_rng(0).integers(0, 256, (size, 1, side, side, 3), np.uint8)
    paths = [manifest.place(video) for video in manifest.videos]
    frames = decode_alone(manifest, extractor)
    infer_alone(extractor, ready, size)  # compiles
    usual_loop(usual, paths[:1], side)
    numbers = itertools.count()

    def ours() -> int:
        store = folder / f"features{next(numbers)}.h5"
        return extract_features(manifest, extractor, store, "float32").steps

    return by_turns(
        {
            "decode": lambda: rate(decode_alone, manifest, extractor),
            "ours": lambda: rate(ours),
            "inference": lambda: rate(infer_alone, extractor, ready, frames),
            "usual": lambda: rate(usual_loop, usual, paths[: chosen.usual_clips], side),
        },
        chosen.rounds,
    )


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument(
        "--backbone",
        default="efficientnet_b0",
        help="see python -m extract.backbones (%(default)s)",
    )
    flags.add_argument("--engine", default="auto", help="ours (%(default)s)")
    flags.add_argument("--precision", default="f32", help="ours (%(default)s)")
    flags.add_argument("--batch-size", type=int, help="by the engine, if not given")
    flags.add_argument(
        "--clips", type=int, default=12, help="evenly over the manifest (%(default)s)"
    )
    flags.add_argument("--usual-clips", type=int, help="fewer of them, for the usual loop")
    flags.add_argument("--rounds", type=int, default=3, help="turns of each (%(default)s)")
    chosen = flags.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(chosen, Path(folder))
    rates = medians(rounds)
    ceiling = 1 / (1 / rates["decode"] + 1 / rates["inference"])
    for name in ("usual", "ours", "decode", "inference"):
        print(f"{name:<10}{rates[name]:>9.1f} frames/s")
    print(f"{'ceiling':<10}{ceiling:>9.1f} frames/s")
    print(f"ours / usual   {rates['ours'] / rates['usual']:.1f}")
    print(f"ours / ceiling {rates['ours'] / ceiling:.2f}")
    settings = {key: str(value) for key, value in vars(chosen).items() if key != "manifest"}
    print(
        write_result(
            f"extraction_{chosen.backbone}_{chosen.precision}",
            {
                "settings": settings,
                "rounds": rounds,
                "ceiling": ceiling,
            },
        )
    )
    return 0


if __name__ == "__main__":
    run_command(main)
