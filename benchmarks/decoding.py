"""Decoding and preprocessing against OpenCV, and what leaving frames out gains.

    python -m benchmarks.decoding --manifest data/manifest.csv

Source frames passed a second, over the same clips, by turns, several rounds:

opencv           cv2.VideoCapture alone, which makes BGR of every frame
opencv 224       and cv2.resize to 224x224, cv2.cvtColor
ours             FileSource alone: a frame that nobody looks at is not converted
ours 224         and the Preprocessor, every frame
stage            extract.py's reading stage, several videos at once, every frame at 224
stage 10         the same at 10 ticks a second: frames between ticks are left out where they may be
stage 10, whole  the same with every frame decoded

The last two give fewer pictures; their rates count all frames of the source, so that what they
leave out shows as a gain.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2

from benchmarks.measuring import by_turns, medians, rate, some_clips, table
from benchmarks.record import write_result
from extract.pipeline.reader import decoding_stage
from recipes.command_line import run_command
from video.preprocessing import Preprocessing, Preprocessor
from video.sampling import Sampling
from video.sources import FileSource
from video.steps import Stepper

_SIDE, _TICKS_A_SECOND = 224, 10.0
_INPUT = Preprocessing(_SIDE, _SIDE)


def by_opencv(paths: list[Path], preprocess: bool) -> int:
    """Decode with OpenCV; return the frames."""
    frames = 0
    for path in paths:
        capture = cv2.VideoCapture(str(path))
        while True:
            there, picture = capture.read()
            if not there:
                break
            if preprocess:
                cv2.cvtColor(cv2.resize(picture, (_SIDE, _SIDE)), cv2.COLOR_BGR2RGB)
            frames += 1
        capture.release()
    return frames


def by_file_source(paths: list[Path], preprocess: bool) -> int:
    """Decode with `FileSource`, one video after another; return the frames."""
    frames, preprocessor = 0, Preprocessor(_INPUT)
    for path in paths:
        with FileSource(path, threads=0) as source:
            for frame in source:
                if preprocess:
                    preprocessor(frame)
                frames += 1
    return frames


def every_frame() -> Stepper:
    return Stepper(Sampling(None), _INPUT, clip_length=1)


def at_ticks() -> Stepper:
    return Stepper(Sampling(_TICKS_A_SECOND), _INPUT, clip_length=1)


def at_ticks_of_all() -> Stepper:
    """Return a stepper of the same ticks whose source is not told of them, so that it gives every
    frame."""
    stepper = at_ticks()
    stepper.fps = None
    return stepper


def by_stage(paths: list[Path], make_stepper: Callable[[], Stepper]) -> int:
    """Read with the reading stage; return the steps."""
    videos = [(str(path), path) for path in paths]
    with decoding_stage(videos, make_stepper, clip_length=1) as reading:
        return sum(len(batch.rows) for batch in reading)


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--manifest", type=Path, required=True, help="a manifest.csv")
    flags.add_argument(
        "--clips", type=int, default=12, help="evenly over the manifest (%(default)s)"
    )
    flags.add_argument("--rounds", type=int, default=5, help="turns of each (%(default)s)")
    chosen = flags.parse_args(arguments)
    manifest = some_clips(chosen.manifest, chosen.clips)
    paths = [manifest.place(video) for video in manifest.videos]
    frames = by_file_source(paths, preprocess=False)  # brings the files into memory, too

    def whole_source(make_stepper: Callable[[], Stepper]) -> int:
        by_stage(paths, make_stepper)
        return frames

    rounds = by_turns(
        {
            "opencv": lambda: rate(by_opencv, paths, False),
            "opencv 224": lambda: rate(by_opencv, paths, True),
            "ours": lambda: rate(by_file_source, paths, False),
            "ours 224": lambda: rate(by_file_source, paths, True),
            "stage": lambda: rate(by_stage, paths, every_frame),
            "stage 10": lambda: rate(whole_source, at_ticks),
            "stage 10, whole": lambda: rate(whole_source, at_ticks_of_all),
        },
        chosen.rounds,
    )
    rates = medians(rounds)
    print(f"{len(paths)} videos, {frames} frames")
    print(table(["frames/s", "median"], list(rates.items())))
    print(f"ours / opencv, decoding alone   {rates['ours'] / rates['opencv']:.2f}")
    print(f"ours 224 / opencv 224           {rates['ours 224'] / rates['opencv 224']:.2f}")
    print(f"stage / opencv 224              {rates['stage'] / rates['opencv 224']:.2f}")
    print(f"leaving frames out              {rates['stage 10'] / rates['stage 10, whole']:.2f}")
    content = {"videos": len(paths), "frames": frames, "rounds": rounds, "medians": rates}
    print(write_result("decoding", content))
    return 0


if __name__ == "__main__":
    run_command(main)
