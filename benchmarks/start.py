"""Start of run.py on a file: seconds until the first decision, processor time and peak memory.

    python -m benchmarks.start                                  # EfficientNetB0 and an LSTM
    python -m benchmarks.start --weights weights --video FILE

Each start is a process that ends with its first decision. Two kinds of starts are interleaved:

converted  the networks are converted, as every training leaves them: Keras is not loaded
Keras      `--set extract.engine=keras`: Keras is loaded and builds both networks

Without --weights a model of synthetic clips is made first: EfficientNetB0 with random weights and
an LSTM of one epoch. Needs Linux or macOS (`os.wait4`).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.record import write_result
from clips.synthetic import render
from recipes.command_line import run_command

_UNIT = 1 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, kibibytes here
_KINDS = {"converted": [], "Keras": ["--set", "extract.engine=keras"]}
_BACKBONE = ["--backbone", "efficientnet_b0", "--backbone-weights", "none"]


@dataclass(frozen=True)
class Start:
    """What one start took until its first decision.

    Attributes:
        seconds: Wall-clock time.
        processor_seconds: Processor time of all threads.
        peak_mebibytes: Peak resident memory.
    """

    seconds: float
    processor_seconds: float
    peak_mebibytes: float


def measure(command: list[str]) -> Start:
    """Run a command until it prints its first decision, and end it then.

    Args:
        command: Command of run.py with --verbose.

    Raises:
        SystemExit: It ended without a decision.
    """
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    printed = []
    for line in process.stdout:
        printed.append(line)
        if line.startswith("[INFO] Frame acc. predictions"):
            break
    else:
        raise SystemExit(f"{' '.join(command)}: no decision\n{''.join(printed)}")
    seconds = time.perf_counter() - begin
    process.kill()
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    processor = usage.ru_utime + usage.ru_stime
    return Start(seconds, processor, usage.ru_maxrss * _UNIT / 2**20)


def make_model(folder: Path) -> tuple[Path, Path]:
    """Return the model folder of a model that is made here, and one of its videos."""
    render(folder, 12, 96)
    places = ["--data", str(folder), "--weights", str(folder / "weights")]
    for command in (
        ["prepare.py", *places],
        ["extract.py", *places, *_BACKBONE],
        ["train_lstm.py", *places, "--head", "lstm", "--epochs", "1"],
    ):
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return folder / "weights", min((folder / "clips").rglob("*.mp4"))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--weights", type=Path, help="model folder; made here by default")
    parser.add_argument("--video", type=Path, help="video file; goes with --weights")
    parser.add_argument("--starts", type=int, default=10, help="of each kind (%(default)s)")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        weights, video = chosen.weights, chosen.video
        if weights is None or video is None:
            weights, video = make_model(Path(folder))
        command = [sys.executable, "run.py", "--no-window", "--verbose"]
        command += ["--weights", str(weights), "--video", str(video)]
        starts: dict[str, list[Start]] = {kind: [] for kind in _KINDS}
        for number in range(chosen.starts + 1):
            for kind, flags in _KINDS.items():
                made = measure([*command, *flags])
                if number:  # the first start reads the files of the packages
                    starts[kind].append(made)
    medians = {
        kind: {name: float(np.median([getattr(each, name) for each in made])) for name in names}
        for kind, made in starts.items()
        for names in [asdict(made[0])]
    }
    print(f"\n{'median of ' + str(chosen.starts):<14}{'first decision':>16}{'CPU':>10}{'peak':>12}")
    for kind, row in medians.items():
        seconds, processor, peak = row.values()
        print(f"{kind:<14}{seconds:>14.2f} s{processor:>8.2f} s{peak:>8.0f} MiB")
    content = {kind: [asdict(each) for each in made] for kind, made in starts.items()}
    print(write_result("start", {"medians": medians, "starts": content}))
    return 0


if __name__ == "__main__":
    run_command(main)
