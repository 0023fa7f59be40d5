"""Extraction end to end against the usual loop and against the ceiling of the machine.

    python -m benchmarks.extraction --manifest data/manifest.csv --backbone efficientnet_b0

Three ways over the same frames (every frame of the first clips), by turns, several rounds:

usual    cv2.VideoCapture, cv2.resize, `model.predict` a frame, one video after another
ours     extract.py's own path: decoding threads, batches, engine, feature file
ceiling  1 / (seconds of decoding a frame + seconds of inference a frame), each alone on all cores

Weights are random: they cost what trained ones do. Networks are built and converted beforehand.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.record import write_result
from clips.manifest import Manifest, read
from extract.backbones import build
from extract.choosing import choose_extractor
from extract.extraction import extract_features
from extract.extractor import Extractor
from extract.reading import reading_stage
from extract.stages import Stage
from recipes.loader import load


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
    with reading_stage(videos, extractor.stepper, extractor.clip_length) as reading:
        return sum(len(batch.rows) for batch in reading)


def infer_alone(extractor: Extractor, ready: np.ndarray, frames: int) -> int:
    """Compute `frames` of ready clips by as many threads as the engine takes; return how many."""
    engine = extractor.engine
    each = -(-frames // (engine.parallel * len(ready)))

    def compute() -> Iterator[int]:
        for _ in range(each):
            yield len(engine(ready))

    with Stage("inference", compute, engine.parallel, ahead=1000) as stage:
        return sum(stage)


def rate(work, *arguments) -> float:
    """Return the frames a second of a job that returns how many frames it did."""
    started = time.perf_counter()
    frames = work(*arguments)
    return frames / (time.perf_counter() - started)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Return the frames a second of every way, a number a round."""
    whole = read(arguments.manifest)
    # Evenly over the manifest, so that all classes and sizes are there.
    step = max(1, len(whole.entries) // arguments.clips)
    manifest = whole.with_entries(list(whole.entries[::step][: arguments.clips]))
    keys = {
        "model.folder": str(folder / "weights"),
        "backbone.name": arguments.backbone,
        "backbone.weights": "none",
        "sampling.fps": "source",
        "extract.engine": arguments.engine,
        "extract.precision": arguments.precision,
        "extract.batch_size": arguments.batch_size,
    }
    extractor = choose_extractor(load(flags=keys))
    usual = build(arguments.backbone, "none")
    side = extractor.card.preprocessing.width
    size = extractor.engine.batch_size
    ready = np.random.default_rng(0).integers(0, 256, (size, 1, side, side, 3), np.uint8)
    paths = [manifest.place(video) for video in manifest.videos]
    frames = decode_alone(manifest, extractor)
    infer_alone(extractor, ready, size)  # compiles
    usual_loop(usual, paths[:1], side)
    rounds: dict[str, list[float]] = {"usual": [], "ours": [], "decode": [], "inference": []}
    for number in range(arguments.rounds):

        def ours(store: Path = folder / f"features{number}.h5") -> int:
            return extract_features(manifest, extractor, store, "float32").steps

        rounds["decode"].append(rate(decode_alone, manifest, extractor))
        rounds["ours"].append(rate(ours))
        rounds["inference"].append(rate(infer_alone, extractor, ready, frames))
        rounds["usual"].append(rate(usual_loop, usual, paths[: arguments.usual_clips], side))
    return rounds


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True)
    flags.add_argument("--backbone", default="efficientnet_b0")
    flags.add_argument("--engine", default="auto")
    flags.add_argument("--precision", default="f32")
    flags.add_argument("--batch-size", type=int)
    flags.add_argument("--clips", type=int, default=12)
    flags.add_argument("--usual-clips", type=int, default=2, help="of them, for the usual loop")
    flags.add_argument("--rounds", type=int, default=3)
    arguments = flags.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rounds = measure(arguments, Path(folder))
    medians = {name: statistics.median(values) for name, values in rounds.items()}
    ceiling = 1 / (1 / medians["decode"] + 1 / medians["inference"])
    for name, value in {**medians, "ceiling": ceiling}.items():
        print(f"{name:<10}{value:>9.1f} frames/s")
    print(f"ours / usual   {medians['ours'] / medians['usual']:.1f}")
    print(f"ours / ceiling {medians['ours'] / ceiling:.2f}")
    chosen = {key: str(value) for key, value in vars(arguments).items() if key != "manifest"}
    print(
        write_result(
            f"extraction_{arguments.backbone}_{arguments.precision}",
            {
                "settings": chosen,
                "rounds": rounds,
                "ceiling": ceiling,
            },
        )
    )


if __name__ == "__main__":
    main()
