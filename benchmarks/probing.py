"""What prepare.py spends on a clip: python -m benchmarks.probing

Generates H.264 clips of 5 s (640x360, 30 frames per second, B-frames) and prints the CPU time of a
clip, interleaved over several rounds, and its ratio to a whole decoding:

decoded     every frame decoded, with the pictures for the comparison of clips
compared    packets, and the frames that these pictures need
packets     packets and the first frame: sets of more than `data.compared_clips` clips
hash        the SHA-256 of the file, which all but `decoded` include

With `--files N` it then prepares N small files with different content twice, and prints the CPU and
wall time of both runs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.measuring import medians, run_interleaved, table
from benchmarks.record import write_result
from clips.finding.probing import decode
from clips.inspection.media import media_of
from clips.inspection.sketches import Sketcher
from clips.looking import outcome_of
from clips.manifest.duplicates import content_sha256
from clips.preparation import prepare
from recipes.command_line import run_command
from recipes.loader import load

_SIZE, _RATE, _SECONDS = (640, 360), 30, 5


def make_clip(path: Path, number: int, size: tuple[int, int] = _SIZE, frames: int = 150) -> Path:
    """Write a clip: a camera that pans over a picture, with noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(number)
    width, height = size
    coarse = random.integers(0, 256, (12, 24, 3)).astype(np.uint8)
    wide = cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            left = round(index * width / frames)
            shown = wide[:, left : left + width].astype(np.int16)
            shown = shown + random.integers(-6, 7, (height, width, 1), np.int16)
            pixels = np.ascontiguousarray(shown.clip(0, 255).astype(np.uint8))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def look_by_decoding(path: Path) -> None:
    """Decode a whole clip for its properties and its sketch, and open it for its header."""
    sketcher = Sketcher()
    decode(path, sketcher)
    sketcher.sketch()
    media_of(path)


def cpu_milliseconds(job: Callable[[Path], object], paths: list[Path]) -> float:
    """Return the CPU time of a job per clip, over all threads."""
    started = time.process_time()
    for path in paths:
        job(path)
    return (time.process_time() - started) / len(paths) * 1e3


def prepare_twice(folder: Path, count: int) -> list[list]:
    """Prepare small files twice; return name, CPU seconds and wall seconds of each run."""
    content = make_clip(folder / "one.mp4", 0, (96, 72), 30).read_bytes()
    for number in range(count):
        unread = b"%012d" % number
        place = folder / "data" / "clips" / f"class{number % 10}" / f"{number:07}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content + (8 + len(unread)).to_bytes(4, "big") + b"free" + unread)
    settings = load(None, {"data.folder": str(folder / "data"), "data.compared_clips": 0})
    rows = []
    for name in ("first", "second"):
        started, cpu = time.perf_counter(), time.process_time()
        prepare(settings)
        rows.append([name, time.process_time() - cpu, time.perf_counter() - started])
    return rows


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--clips", type=int, default=8, help="number of clips (%(default)s)")
    flags.add_argument("--rounds", type=int, default=5, help="number of rounds (%(default)s)")
    flags.add_argument("--files", type=int, default=0, help="small files (%(default)s: none)")
    chosen = flags.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = [make_clip(folder / f"{number}.mp4", number) for number in range(chosen.clips)]
        jobs = {
            "decoded": look_by_decoding,
            "compared": lambda path: outcome_of(path, sketched=True),
            "packets": lambda path: outcome_of(path, sketched=False),
            "hash": content_sha256,
        }
        rounds = run_interleaved(
            {name: lambda job=job: cpu_milliseconds(job, paths) for name, job in jobs.items()},
            chosen.rounds,
        )
        ratios = medians(
            {
                name: [each / whole for each, whole in zip(times, rounds["decoded"], strict=True)]
                for name, times in rounds.items()
            }
        )
        found = medians(rounds)
        rows = [[name, found[name], f"{ratios[name]:.3f}"] for name in jobs]
        print(table(["CPU ms per clip", "median", "ratio"], rows))
        twice = prepare_twice(folder, chosen.files) if chosen.files else []
        if twice:
            print(table([f"prepare {chosen.files} files", "CPU s", "wall s"], twice))
    write_result("probing", {"milliseconds": found, "ratios": ratios, "prepare": twice})
    return 0


if __name__ == "__main__":
    run_command(main)
