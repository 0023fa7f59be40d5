"""Decoding of clips on S3 (moto on this machine, with a delay), staged ahead or when they are read.

    python -m benchmarks.clips_elsewhere --clips 200 --delay 0.05

It prints clips per second, interleaved over several rounds:

local    the same clips as files
waiting  each clip is fetched when a decoding thread opens it
ahead    extract.py: threads fetch the next clips while others are decoded

The delay is added to each request, as the way to a region would. The bandwidth is this machine's.
"""

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import s3fs
from moto.server import ThreadedMotoServer

from benchmarks.measuring import items_per_second, medians, run_interleaved
from benchmarks.record import write_result
from clips.synthetic import render
from extract.pipeline.ahead import ClipsAhead
from extract.pipeline.reader import decoding_stage
from recipes.command_line import run_command
from storage import remote, roles
from video.preprocessing import Preprocessing
from video.sampling import Sampling
from video.steps import Stepper

Videos = list[tuple[str, Path]]


def decoded(videos: Videos, make_stepper: Callable[[], Stepper]) -> int:
    """Decode all clips; return their number."""
    with decoding_stage(videos, make_stepper, 1) as stage:
        return sum(batch.last for batch in stage)


def decoded_ahead(videos: Videos, make_stepper: Callable[[], Stepper]) -> int:
    """Decode all clips, which are staged ahead; return their number."""
    with ClipsAhead(videos) as ahead, decoding_stage(videos, make_stepper, 1, ahead) as stage:
        return sum(batch.last for batch in stage)


def delay_requests(seconds: float) -> None:
    """Let each request for a file take longer."""
    get = remote.get

    def slow(url: str, path: Path) -> None:
        time.sleep(seconds)
        get(url, path)

    remote.get = slow


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--clips", type=int, default=200, help="number of clips (%(default)s)")
    flags.add_argument("--size", type=int, default=240, help="of their frames (%(default)s pixels)")
    flags.add_argument("--delay", type=float, default=0.05, help="seconds a request (%(default)s)")
    flags.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    chosen = flags.parse_args(arguments)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        os.environ["LOOKBACK_CACHE"] = str(place / "cache")
        render(place, -(-chosen.clips // 4), chosen.size)
        files = s3fs.S3FileSystem()
        files.mkdir("bucket")
        files.put(str(place / "clips"), "bucket/set/clips", recursive=True)
        mirror = roles.data_folder("s3://bucket/set") / "clips"
        delay_requests(chosen.delay)
        clips = sorted((place / "clips").rglob("*.mp4"))[: chosen.clips]
        names = [path.relative_to(place / "clips").as_posix() for path in clips]
        local = [(name, place / "clips" / name) for name in names]
        there = [(name, mirror / name) for name in names]

        def stepper() -> Stepper:
            return Stepper(Sampling(fps=10.0), Preprocessing(width=224, height=224), 1)

        jobs = {
            "local": lambda: items_per_second(decoded, local, stepper),
            "waiting": lambda: items_per_second(decoded, there, stepper),
            "ahead": lambda: items_per_second(decoded_ahead, there, stepper),
        }
        rounds = run_interleaved(jobs, chosen.rounds)
    server.stop()
    found = medians(rounds)
    for name, rate in found.items():
        print(f"{name:<8} {rate:7.1f} clips/s   {rate / found['local']:.2f} of local")
    result = {"settings": vars(chosen), "clips_per_second": found, "rounds": rounds}
    print(write_result("clips_elsewhere", result))
    return 0


if __name__ == "__main__":
    run_command(main)
