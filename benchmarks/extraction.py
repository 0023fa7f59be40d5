"""End-to-end speed of extraction, compared with the usual loop and the machine's upper bound.

    python -m benchmarks.extraction --manifest data/manifest.csv --backbone efficientnet_b0

It prints frames per second over every frame of the same clips, interleaved over several rounds:

usual    cv2.VideoCapture, cv2.resize and `model.predict` per frame, one video after another
ours     extract.py: decoding threads, batches, engine and feature file
ceiling  1 / (decoding seconds per frame + inference seconds per frame), each measured alone on all
         cores

Weights are random, which does not change the speed. Networks are built and converted beforehand.
"""

import argparse
import itertools
import tempfile
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.measuring import (
    evenly_spaced_clips,
    items_per_second,
    medians,
    run_interleaved,
)
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


def run_usual_loop(model, paths: list[Path], size: int) -> int:
    """Run the loop that tutorials show; return the number of frames."""
    frames = 0
    for path in paths:
        capture = cv2.VideoCapture(str(path))
        while True:
            success, frame = capture.read()
            if not success:
                break
            rgb = cv2.cvtColor(cv2.resize(frame, (size, size)), cv2.COLOR_BGR2RGB)
            model.predict(rgb[None, None], verbose=0)
            frames += 1
        capture.release()
    return frames


def decode_only(manifest: Manifest, extractor: Extractor) -> int:
    """Decode and preprocess without inference; return the number of frames."""
    videos = [(video, manifest.place(video)) for video in manifest.videos]
    with decoding_stage(videos, extractor.stepper, extractor.frames_per_clip) as reading:
        return sum(len(batch.rows) for batch in reading)


def infer_only(extractor: Extractor, batch: np.ndarray, frames: int) -> int:
    """Run inference with the engine's number of threads; return the number of frames.

    Args:
        extractor: Extractor with the engine.
        batch: Clips, uint8 (B, 1, H, W, 3), which are computed repeatedly.
        frames: Minimum number of frames to compute.
    """
    engine = extractor.engine
    batches_per_thread = -(-frames // (engine.parallel * len(batch)))

    def compute(_: int) -> Generator[int, None, None]:
        for _ in range(batches_per_thread):
            yield len(engine(batch))

    threads = engine.parallel
    with PipelineStage("inference", compute, range(threads), threads, ahead=1000) as stage:
        return sum(stage)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Return the frames per second of each way, one number per round."""
    manifest = evenly_spaced_clips(chosen.manifest, chosen.clips)
    keys = {
        "model.folder": str(folder / "weights"),
        "backbone.name": chosen.backbone,
        "backbone.weights": "none",
        "sampling.fps": "source",
        "extract.engine": chosen.engine,
        "extract.precision": chosen.precision,
        "extract.batch_size": chosen.batch_size,
    }
    # With random weights int8 may fail the accuracy check; only its speed matters here.
    quantization.MIN_COSINE = -1.0
    extractor = set_up_extractor(load(flags=keys), read(chosen.manifest))
    usual = build(chosen.backbone, "none")
    size = extractor.config.preprocessing.width
    batch_size = extractor.engine.batch_size
    batch = np.random.default_rng(0).integers(0, 256, (batch_size, 1, size, size, 3), np.uint8)
    paths = [manifest.place(video) for video in manifest.videos]
    frames = decode_only(manifest, extractor)
    infer_only(extractor, batch, batch_size)  # compiles
    run_usual_loop(usual, paths[:1], size)
    numbers = itertools.count()

    def ours() -> int:
        store = folder / f"features{next(numbers)}.h5"
        return extract_features(manifest, extractor, store, "float32").steps

    return run_interleaved(
        {
            "decode": lambda: items_per_second(decode_only, manifest, extractor),
            "ours": lambda: items_per_second(ours),
            "inference": lambda: items_per_second(infer_only, extractor, batch, frames),
            "usual": lambda: items_per_second(
                run_usual_loop, usual, paths[: chosen.usual_clips], size
            ),
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
    flags.add_argument("--engine", default="auto", help="engine of extract.py (%(default)s)")
    flags.add_argument("--precision", default="f32", help="precision of extract.py (%(default)s)")
    flags.add_argument("--batch-size", type=int, help="clips per batch (chosen by the engine)")
    flags.add_argument(
        "--clips",
        type=int,
        default=12,
        help="number of clips, evenly spaced over the manifest (%(default)s)",
    )
    flags.add_argument("--usual-clips", type=int, help="number of clips for the usual loop (all)")
    flags.add_argument("--rounds", type=int, default=3, help="number of rounds (%(default)s)")
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
