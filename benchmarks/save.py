"""Speed of `run.py --save`: drawing on every frame and encoding it, beside the networks.

    python -m benchmarks.save
    python -m benchmarks.save --size 480x480 --backbone tiny

A clip with moving shapes and noise is written, and then run as `run.py --video FILE --save FILE
--no-window` runs it (10 steps per second, random weights, default LSTM). Three ways are interleaved
over several rounds:

none   without the annotated video
usual  every frame is converted to RGB, drawn on, converted back and encoded in the loop
ours   the panel is drawn once per step, in the planes of the decoder's frame; a thread encodes

A way keeps up if it takes less time than the clip, including the last frames and the index.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks.live import Parts, make_random_parts
from benchmarks.measuring import run_interleaved, table
from benchmarks.record import write_result
from live.loop import run_loop
from live.model import LiveModel
from live.overlay import AnnotatedFrame, annotate
from live.sinks import Sink, VideoSink
from recipes.command_line import run_command
from recipes.loader import load
from video.frame import Frame
from video.sources import FileSource
from video.writer import Mp4Writer

_RATE = 30.0


class UsualSink(Sink):
    """Draws on RGB and encodes in the loop, frame by frame."""

    draws = True

    def __init__(self, path: Path, size: tuple[int, int], rate: float, bars: int) -> None:
        self._writer, self._bars = Mp4Writer(path, size, rate), bars

    def on_frame(self, frame: Frame, image: AnnotatedFrame | None) -> None:
        assert image is not None
        self._writer.write(annotate(frame.rgb, image.panel.decision, self._bars), frame.seconds)

    def close(self) -> None:
        self._writer.close()


def moving_picture(size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """Yield uint8 RGB (H, W, 3): discs before a background that pans slowly, with noise."""
    width, height = size
    random = np.random.default_rng(0)
    wide, high = width + width // 8, height + height // 8
    background = np.full((high, wide, 3), 120, np.float32)
    for detail in (4, 16, 64, 256, 540):
        shape = (max(2, detail), max(2, wide * detail // high), 3)
        coarse = random.normal(0, 36 / detail**0.25, shape).astype(np.float32)
        background += cv2.resize(coarse, (wide, high), interpolation=cv2.INTER_CUBIC)
    still = np.clip(background, 0, 255).astype(np.uint8)
    noise = random.integers(0, 9, (7, height, width, 1), np.uint8)
    for index in range(count):
        left = int(width / 16 * (1 + np.sin(index / 40)))
        top = int(height / 16 * (1 + np.cos(index / 55)))
        image = still[top : top + height, left : left + width].copy()
        for disc in range(4):
            across = int(width * (0.5 + 0.35 * np.sin(index / (15 + 5 * disc) + disc)))
            down = int(height * (0.5 + 0.35 * np.cos(index / (18 + 4 * disc) + disc)))
            color = (40 + 50 * disc, 200 - 40 * disc, 90 + 30 * disc)
            cv2.circle(image, (across, down), height // (9 + 2 * disc), color, -1, cv2.LINE_AA)
        yield cv2.add(image, np.repeat(noise[index % 7], 3, 2))


def write_clip(path: Path, size: tuple[int, int], seconds: float) -> None:
    """Write the moving picture as a file of a camera: H.264, 30 frames per second."""
    with Mp4Writer(path, size, _RATE) as writer:
        for index, image in enumerate(moving_picture(size, round(seconds * _RATE))):
            writer.write(image, index / _RATE)


def run_once(
    parts: Parts, video: Path, make_sinks: Callable[[FileSource, int], list[Sink]]
) -> dict:
    """Run the loop over a file; return frames per second, and milliseconds of processor time and
    of the loop's output per frame."""
    model = LiveModel(parts.extractor, parts.predictor, parts.extractor.config.labels, 0.5)
    model.warm_up()
    started, used = time.perf_counter(), time.process_time()
    with FileSource(video) as source:
        sinks = make_sinks(source, model.best)
        watch = run_loop(source, model, sinks)
        for sink in sinks:
            sink.close()
    passed, used = time.perf_counter() - started, time.process_time() - used
    output = sum(step.get("output", 0.0) for step in watch._recent)
    return {
        "frames_per_second": watch.frames / passed,
        "processor_milliseconds": 1000 * used / watch.frames,
        "output_milliseconds": 1000 * output / watch.frames,
    }


def print_medians(rounds: dict[str, list[dict]], sizes: dict[str, int]) -> dict:
    """Print the medians over the rounds, and return them."""
    keys = ("frames_per_second", "processor_milliseconds", "output_milliseconds")
    medians = {
        name: {key: float(np.median([run[key] for run in runs])) for key in keys}
        for name, runs in rounds.items()
    }
    rows = [
        [name, *(values[key] for key in keys), sizes.get(name)] for name, values in medians.items()
    ]
    print(table(["a frame", "frames/s", "CPU ms", "output ms", "kB"], rows))
    ours, usual = medians["ours"]["frames_per_second"], medians["usual"]["frames_per_second"]
    print(f"ours / usual  {ours / usual:.2f}")
    print(f"{'keeps up' if ours >= _RATE else 'does not keep up'} with {_RATE:.0f} frames/s")
    return {"medians": medians, "ratio": ours / usual, "kilobytes": sizes}


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--size", default="1920x1080", help="width x height (%(default)s)")
    flags.add_argument("--seconds", type=float, default=10.0, help="of the clip (%(default)s)")
    flags.add_argument("--backbone", default="efficientnet_b0", help="name (%(default)s)")
    flags.add_argument("--rounds", type=int, default=5, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    width, height = (int(side) for side in chosen.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        keys = {
            "model.folder": folder,
            "backbone.name": chosen.backbone,
            "backbone.weights": "none",
            "sampling.fps": 10,
            "sampling.stride": 1,
        }
        parts = make_random_parts(load(flags=keys))
        video, usual, ours = (place / f"{name}.mp4" for name in ("clip", "usual", "ours"))
        write_clip(video, (width, height), chosen.seconds)
        ways: dict[str, Callable[[FileSource, int], list[Sink]]] = {
            "none": lambda source, bars: [],
            "usual": lambda source, bars: [UsualSink(usual, source.size, source.rate, bars)],
            "ours": lambda source, bars: [VideoSink(ours, source.size, source.rate)],
        }
        jobs = {name: (lambda way=way: run_once(parts, video, way)) for name, way in ways.items()}
        rounds = run_interleaved(jobs, chosen.rounds)
        sizes = {path.stem: path.stat().st_size // 1000 for path in (usual, ours)}
    print(f"{chosen.backbone}, {parts.extractor.engine.name}, {chosen.size}")
    result = print_medians(rounds, sizes)
    settings = {"size": chosen.size, "seconds": chosen.seconds, "backbone": chosen.backbone}
    name = f"save_{chosen.backbone}_{chosen.size}"
    print(write_result(name, {"settings": settings, "rounds": rounds, **result}))
    return 0


if __name__ == "__main__":
    run_command(main)
