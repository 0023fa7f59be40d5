"""The feature store with many videos: python -m benchmarks.many_videos --folder /tmp/many

Writes generated features of 50 steps x 64 for sets of several sizes. For each it prints the bytes
and the CPU time per video; the CPU and wall time of an extraction that finds nothing to do (reading
the manifest, looking at every file, reading which videos the store has), first and again; and the
CPU time of reading a random video. `--keep` leaves the folder of the last set, for train_lstm.py.
"""

import argparse
import hashlib
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from clips.manifest import read
from extract.feature_store.reader import FeatureStore
from extract.feature_store.spec import EXTERNAL
from extract.feature_store.writer import FeatureWriter
from extract.pipeline.runner import extract_features

STEPS, SIZE, FPS, CLASSES = 50, 64, 10.0, 10
SPEC = {
    "backbone": "generated",
    "weights_sha256": "generated",
    "feature_size": SIZE,
    "clip_length": 1,
    "sampling": {"fps": FPS, "hop": 1},
    "precision": "f32",
    "dtype": "float32",
}


def make_clips(folder: Path, count: int) -> dict[str, dict]:
    """Write `count` files and their manifest; return the size and hash of each."""
    sources, rows = {}, ["video,label,split,group"]
    for number in range(count):
        video = f"clips/{number // 1000:04d}/a clip with a name of usual length {number:07d}.mp4"
        content = b"clip %d" % number
        path = folder / video
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(content)
        sources[video] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        split = ("train", "train", "train", "val", "test")[number // CLASSES % 5]
        rows.append(f"{video},class {number % CLASSES},{split},{number}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return sources


def write_features(path: Path, sources: dict[str, dict], spec: dict) -> tuple[float, float]:
    """Write features of all videos; return the bytes and the CPU seconds per video."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(STEPS + CLASSES, SIZE)).astype(np.float32)
    bytes_before, started = written_bytes(), time.process_time()
    with FeatureWriter(path, spec) as writer:
        for number, (video, source) in enumerate(sources.items()):
            writer.begin(video, source)
            start = number % CLASSES
            writer.append(video, rows[start : start + STEPS] + start, np.arange(STEPS) / FPS)
            writer.finish(video)
    seconds = time.process_time() - started
    return (written_bytes() - bytes_before) / len(sources), seconds / len(sources)


def written_bytes() -> int:
    """Return how many bytes this process has given to the disk (Linux)."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["write_bytes"])


def nothing_to_do(folder: Path, path: Path) -> tuple[float, float]:
    """Return the wall and CPU seconds of an extraction that has every video."""
    extractor = SimpleNamespace(
        spec=lambda dtype: SPEC,
        stepper=None,
        frames_per_clip=1,
        engine=SimpleNamespace(batch_size=1, parallel=1),
    )
    started, cpu = time.perf_counter(), time.process_time()
    manifest = read(folder / "manifest.csv")
    report = extract_features(manifest, cast(Any, extractor), path, "float32")
    seconds = time.perf_counter() - started, time.process_time() - cpu
    assert (report.done, report.cached) == (0, len(manifest.entries))
    return seconds


def random_read(path: Path, videos: list[str]) -> float:
    """Return the microseconds of reading the features of a random video."""
    order = np.random.default_rng(0).permutation(len(videos))[:5000]
    with FeatureStore(path) as store:
        started = time.process_time()
        for number in order:
            store.features(videos[number])
        return (time.process_time() - started) / len(order) * 1e6


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--folder", type=Path, required=True, help="new folder for generated files")
    flags.add_argument("--videos", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    flags.add_argument("--keep", action="store_true", help="leave the largest set")
    chosen = flags.parse_args()
    print("videos | bytes, CPU ms / video | first start, start: s (CPU s) | random video us")
    for count in chosen.videos:
        folder = chosen.folder / "data"
        shutil.rmtree(folder, ignore_errors=True)
        sources, path = make_clips(folder, count), folder / "features"
        size, seconds = write_features(path, sources, SPEC)
        first, again = nothing_to_do(folder, path), nothing_to_do(folder, path)
        reading = random_read(path, list(sources))
        print(
            f"{count} | {size:.0f}, {seconds * 1e3:.2f} | {first[0]:.1f} ({first[1]:.1f}), "
            f"{again[0]:.1f} ({again[1]:.1f}) | {reading:.0f}"
        )
        if chosen.keep:  # as features of another program, which need no model folder
            shutil.rmtree(path)
            write_features(path, sources, {**SPEC, "backbone": EXTERNAL})
    if not chosen.keep:
        shutil.rmtree(chosen.folder)


if __name__ == "__main__":
    main()
