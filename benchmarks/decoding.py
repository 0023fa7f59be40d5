"""Speed of decoding and preprocessing compared with OpenCV, and the gain from skipping frames.

    python -m benchmarks.decoding --manifest data/manifest.csv

It prints source frames per second over the same clips, interleaved over several rounds:

opencv           cv2.VideoCapture alone, which converts every frame to BGR
opencv 224       cv2.VideoCapture, cv2.resize to 224x224 and cv2.cvtColor
ours             FileSource alone, which does not convert frames that are not used
ours 224         FileSource and the Preprocessor on every frame
stage            reading stage of extract.py, several videos at once, every frame at 224
stage 10         reading stage at 10 ticks per second, which skips decoding of frames if possible
stage 10, whole  reading stage at 10 ticks per second, with every frame decoded

The last two output fewer frames. Their rates count all source frames, so that skipped frames
increase the rate.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2

from benchmarks.measuring import (
    evenly_spaced_clips,
    items_per_second,
    medians,
    run_interleaved,
    table,
)
from benchmarks.record import write_result
from extract.pipeline.reader import decoding_stage
from recipes.command_line import run_command
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampling
from video.sources import FileSource
from video.steps import Stepper

_SIZE, _TICKS_PER_SECOND = 224, 10.0
_INPUT = Preprocessing(_SIZE, _SIZE)


def decode_with_opencv(paths: list[Path], preprocess: bool) -> int:
    """Decode with OpenCV; return the number of frames."""
    frames = 0
    for path in paths:
        capture = cv2.VideoCapture(str(path))
        while True:
            success, image = capture.read()
            if not success:
                break
            if preprocess:
                cv2.cvtColor(cv2.resize(image, (_SIZE, _SIZE)), cv2.COLOR_BGR2RGB)
            frames += 1
        capture.release()
    return frames


def decode_with_file_source(paths: list[Path], preprocess: bool) -> int:
    """Decode with `FileSource`, one video after another; return the number of frames."""
    frames, preprocessor = 0, Preprocessor(_INPUT)
    for path in paths:
        with FileSource(path, threads=0) as source:
            for frame in source:
                if preprocess:
                    preprocessor(frame)
                frames += 1
    return frames


def make_frame_stepper() -> Stepper:
    """Return a stepper with a step for every frame."""
    return Stepper(Sampling(None), _INPUT, clip_length=1)


def make_tick_stepper() -> Stepper:
    """Return a stepper at 10 ticks per second."""
    return Stepper(Sampling(_TICKS_PER_SECOND), _INPUT, clip_length=1)


def make_unskipped_tick_stepper() -> Stepper:
    """Return a stepper at 10 ticks per second whose source decodes every frame."""
    stepper = make_tick_stepper()
    stepper.sampling = Sampling(None)  # the source does not know the ticks, so it skips no frames
    return stepper


def read_with_stage(paths: list[Path], make_stepper: Callable[[], Stepper]) -> int:
    """Read with the reading stage; return the number of steps."""
    videos = [(str(path), path) for path in paths]
    with decoding_stage(videos, make_stepper, frames_per_clip=1) as reading:
        return sum(len(batch.rows) for batch in reading)


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument(
        "--clips",
        type=int,
        default=12,
        help="number of clips, evenly spaced over the manifest (%(default)s)",
    )
    flags.add_argument("--rounds", type=int, default=5, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    manifest = evenly_spaced_clips(chosen.manifest, chosen.clips)
    paths = [manifest.place(video) for video in manifest.videos]
    frames = decode_with_file_source(paths, preprocess=False)  # also fills the file cache

    def read_source(make_stepper: Callable[[], Stepper]) -> int:
        """Read with the reading stage; return the number of source frames instead of steps."""
        read_with_stage(paths, make_stepper)
        return frames

    rounds = run_interleaved(
        {
            "opencv": lambda: items_per_second(decode_with_opencv, paths, False),
            "opencv 224": lambda: items_per_second(decode_with_opencv, paths, True),
            "ours": lambda: items_per_second(decode_with_file_source, paths, False),
            "ours 224": lambda: items_per_second(decode_with_file_source, paths, True),
            "stage": lambda: items_per_second(read_with_stage, paths, make_frame_stepper),
            "stage 10": lambda: items_per_second(read_source, make_tick_stepper),
            "stage 10, whole": lambda: items_per_second(read_source, make_unskipped_tick_stepper),
        },
        chosen.rounds,
    )
    rates = medians(rounds)
    print(f"{len(paths)} videos, {frames} frames")
    print(table(["frames/s", "median"], list(rates.items())))
    print(f"ours / opencv, decoding alone   {rates['ours'] / rates['opencv']:.2f}")
    print(f"ours 224 / opencv 224           {rates['ours 224'] / rates['opencv 224']:.2f}")
    print(f"stage / opencv 224              {rates['stage'] / rates['opencv 224']:.2f}")
    print(f"gain from skipping frames       {rates['stage 10'] / rates['stage 10, whole']:.2f}")
    content = {"videos": len(paths), "frames": frames, "rounds": rounds, "medians": rates}
    print(write_result("decoding", content))
    return 0


if __name__ == "__main__":
    run_command(main)
