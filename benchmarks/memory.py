"""Peak memory of extraction and training for a small and a large data set.

    python -m benchmarks.memory

It runs extract.py and train_lstm.py on a set of synthetic clips and on four times as many, each in
a separate process, and prints their peak resident memory. The peak of extract.py must not grow by
more than the features of a part. The peak of train_lstm.py may grow little with `features`, the
size of all features in float32: it maps them, and holds a summary of each clip for the baselines.
Needs Linux or macOS (`os.wait4`).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.record import write_result
from clips.manifest import read
from clips.synthetic import render
from extract.feature_store.reader import FeatureStore
from recipes.command_line import run_command

_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kibibytes here


def peak_mebibytes(command: list[str]) -> float:
    """Run a command until it exits, and return its peak resident memory in MiB."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_maxrss * _UNIT / 2**20


def measure(folder: Path, scenes: int) -> dict[str, float]:
    """Return the peaks for a set of `scenes` times four clips, and the size of its features."""
    render(folder, scenes)
    folders = ["--data", str(folder), "--weights", str(folder / "weights")]
    recipe = ["--recipe", "recipes/demo.yaml", *folders]
    subprocess.run([sys.executable, "prepare.py", *recipe], check=True, capture_output=True)
    return {
        "extract.py": peak_mebibytes([sys.executable, "extract.py", *recipe]),
        "train_lstm.py": peak_mebibytes(
            [sys.executable, "train_lstm.py", *recipe, "--epochs", "3"]
        ),
        "features": features_mebibytes(folder / "features", folder / "manifest.csv"),
    }


def features_mebibytes(path: Path, manifest: Path) -> float:
    """Return the size of all features in float32, in MiB."""
    with FeatureStore(path) as store:
        steps = sum(store.steps(video) for video in read(manifest).videos)
        return steps * store.feature_size * 4 / 2**20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--scenes", type=int, default=60, help="scenes in the small set (%(default)s)"
    )
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        small = measure(Path(folder) / "small", chosen.scenes)
        large = measure(Path(folder) / "large", 4 * chosen.scenes)
    print(
        f"\n{'peak MiB':<16}{4 * chosen.scenes:>8} clips{16 * chosen.scenes:>8} clips{'growth':>9}"
    )
    for name in small:
        growth = large[name] - small[name]
        print(f"{name:<16}{small[name]:>14.0f}{large[name]:>14.0f}{growth:>9.0f}")
    print(write_result("memory", {"scenes": chosen.scenes, "small": small, "large": large}))
    return 0


if __name__ == "__main__":
    run_command(main)
