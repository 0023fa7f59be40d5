"""How many cameras one computer can watch: processor time, and the age of frames at decisions.

    python -m benchmarks.cameras
    python -m benchmarks.cameras --precision int8 --manifest data/manifest.csv
    python -m benchmarks.cameras --backbone x3d_s --counts 1 2 --rates 5

Cameras of 1280x720 at 25 frames per second go the whole way of run.py: H.264 over RTSP, the reading
thread, steps, and the watching loop with a backbone of random weights and an untrained LSTM. The
RTSP server is a process of its own (`benchmarks/rtsp_cameras.py`). Where it cannot run, the cameras
are files that are played at their own pace.

wanted   steps per second asked for; the loop computes fewer if all do not fit
made     decisions per second, of the camera with the fewest
CPU      processor time of this process, as a share of all cores
others   processor time of all other processes, the RTSP server's too (only on Linux)
age      time from the arrival of a frame to the decision on its step, over all cameras
skipped  steps that were not computed, as a newer one came first

Cameras fit if CPU is at most 60 %, every step is made, and the 95th percentile of the age is under
two steps. Then, with the first rate, a few cameras are watched in turns without and with one more,
which is frozen (SIGSTOP) at the beginning of the measurement: the ages must not differ.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.live import Parts, make_random_parts
from benchmarks.measuring import run_interleaved, table
from benchmarks.record import write_result
from benchmarks.rtsp_cameras import RtspServer, missing_server, write_h264
from benchmarks.save import moving_picture
from live.cameras.config import CameraConfig
from live.cameras.reader import CameraReader
from live.hub import Hub
from live.model import LiveModel
from live.watching.camera_stream import CameraStream
from live.watching.loop import Watched, WatchLoop, close_readers
from live.watching.rate import spread_steps
from recipes.command_line import run_command
from recipes.loader import load

_SIZE, _RATE, _BITS = (1280, 720), 25, 3_000_000
_CLIP_SECONDS = 10
_MOST_CPU, _MOST_AGE_STEPS = 0.6, 2.0
_LEAST_MADE = 0.98  # of the wanted steps: the measured time is no whole number of steps
_START_SECONDS = 60.0
_CLIP_NETWORK_FPS = 10


def used_by_all() -> float | None:
    """Return the processor seconds that all processes have used; None where this is not known."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, *_ = (float(each) for each in fields)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


@dataclass
class _Reading:
    """Counters at one moment."""

    seconds: float
    own: float
    all: float | None
    steps: list[int]
    skipped: int

    @classmethod
    def now(cls, hub: Hub, loop: WatchLoop) -> "_Reading":
        steps = [status.steps for status in hub.statuses()]
        skipped = sum(camera.stream.skipped for camera in loop.cameras)
        return cls(time.perf_counter(), time.process_time(), used_by_all(), steps, skipped)


class Meter:
    """Measures a watching loop from within: it is called in every round.

    Attributes:
        row: The measurements, once they are complete.
    """

    def __init__(
        self,
        hub: Hub,
        warm_up: float,
        seconds: float,
        begin: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        """Prepare.

        Args:
            hub: The hub of the loop.
            warm_up: Seconds from the first decision on every camera to the measurement.
            seconds: Seconds to measure.
            begin: Called when the measurement begins.
            stop: Set when it is complete.
        """
        self.row: dict[str, float | None] = {}
        self._hub, self._stop, self._begin = hub, stop, begin
        self._warm_up, self._seconds = warm_up, seconds
        self._due = 0.0
        self._first: _Reading | None = None
        self._give_up = time.perf_counter() + _START_SECONDS

    def check(self, loop: WatchLoop) -> None:
        """Begin or end the measurement, if it is time."""
        now = time.perf_counter()
        if not self._due:
            if all(status.steps for status in self._hub.statuses()):
                self._due = now + self._warm_up
            elif now > self._give_up:
                states = ", ".join(f"{each.name} {each.state}" for each in self._hub.statuses())
                raise SystemExit(f"not all cameras are live after {_START_SECONDS:.0f} s: {states}")
        elif now >= self._due and self._first is None:
            loop.ages.clear()
            self._first, self._due = _Reading.now(self._hub, loop), now + self._seconds
            self._begin()
        elif now >= self._due and self._first is not None:
            self.row = _row(self._first, _Reading.now(self._hub, loop), list(loop.ages))
            self._stop.set()


def _row(first: _Reading, last: _Reading, ages: list[float]) -> dict[str, float | None]:
    passed, cores = last.seconds - first.seconds, os.cpu_count() or 1
    own, others = last.own - first.own, None
    if first.all is not None and last.all is not None:
        others = (last.all - first.all - own) / passed / cores
    made = [after - before for before, after in zip(first.steps, last.steps, strict=True)]
    median, high = np.percentile(1000 * np.array(ages), [50, 95]).tolist()
    return {
        "made": min(made) / passed,
        "made_by_all": sum(made) / passed,
        "cpu": own / passed / cores,
        "others": others,
        "age_median": median,
        "age_p95": high,
        "skipped": (last.skipped - first.skipped) / passed,
    }


def watch(
    model: LiveModel,
    addresses: Sequence[str],
    warm_up: float,
    seconds: float,
    begin: Callable[[], None] = lambda: None,
) -> dict[str, float | None]:
    """Watch cameras as run.py does, and return what was measured.

    Args:
        model: The model, compiled.
        addresses: Address or file of each camera.
        warm_up: Seconds before the measurement.
        seconds: Seconds to measure.
        begin: Called when the measurement begins.
    """
    hub, stop = Hub(), threading.Event()
    meter = Meter(hub, warm_up, seconds, begin, stop)
    loop = WatchLoop(hub, each_round=lambda: meter.check(loop))
    for number, address in enumerate(addresses):
        kind = "url" if "://" in address else "video"
        camera = CameraConfig(f"camera {number}", kind, address)
        stream = CameraStream(hub.add_camera(camera.name), camera.name, hub, loop.wake, [])
        loop.cameras.append(Watched(CameraReader(camera, stream, 1.0), stream))
    loop.use(model, spread_steps(model, len(addresses), _RATE, model.warm_up()))
    try:
        for camera in loop.cameras:
            camera.reader.start()
        loop.run(stop)
    finally:
        close_readers(loop.cameras, 15.0)
    if not meter.row:
        raise KeyboardInterrupt
    return meter.row


def model_of(parts: Parts, steps_per_second: float) -> LiveModel:
    """Return the model of the parts with so many steps per second."""
    config = parts.extractor.config
    sampling = replace(config.sampling, fps=steps_per_second, stride=1)
    if config.backbone.clip_length > 1:
        stride = round(_CLIP_NETWORK_FPS / steps_per_second)
        sampling = replace(sampling, fps=_CLIP_NETWORK_FPS, stride=stride)
    extractor = replace(parts.extractor, config=config.model_copy(update={"sampling": sampling}))
    return LiveModel(extractor, parts.predictor, config.labels, 0.5)


def fits(row: dict, wanted: float) -> bool:
    """Return whether the cameras of a row fit."""
    return (
        row["cpu"] <= _MOST_CPU
        and row["made"] >= _LEAST_MADE * wanted
        and row["age_p95"] < 1000 * _MOST_AGE_STEPS / wanted
    )


def _medians(rows: list[dict]) -> dict:
    return {
        key: None if rows[0][key] is None else float(np.median([row[key] for row in rows]))
        for key in rows[0]
    }


def _cells(row: dict) -> list:
    others = None if row["others"] is None else f"{100 * row['others']:.0f} %"
    ages = [f"{row['age_median']:.0f}", f"{row['age_p95']:.0f}"]
    return [row["made"], f"{100 * row['cpu']:.0f} %", others, *ages, row["skipped"]]


_COLUMNS = ["made/s", "CPU", "others", "age p50", "p95 ms", "skipped/s"]


def measure_counts(
    parts: Parts, addresses: list[str], chosen: argparse.Namespace
) -> dict[str, dict]:
    """Print and return the rows of all numbers of cameras and rates."""
    jobs = {
        (rate, count): lambda rate=rate, count=count: watch(
            model_of(parts, rate), addresses[:count], chosen.warm_up, chosen.seconds
        )
        for rate in chosen.rates
        for count in chosen.counts
    }
    rounds = run_interleaved(jobs, chosen.rounds)
    rows, lines = {}, []
    for (rate, count), measured in rounds.items():
        row = _medians(measured)
        row["fits"] = fits(row, rate)
        rows[f"{count} cameras, {rate:g} steps/s"] = {**row, "rounds": measured}
        lines.append([f"{count}", f"{rate:g}", *_cells(row), "yes" if row["fits"] else "no"])
    print(table(["cameras", "wanted/s", *_COLUMNS, "fits"], lines))
    return rows


def measure_hanging(
    parts: Parts, addresses: list[str], clip: Path, chosen: argparse.Namespace
) -> dict[str, dict]:
    """Print and return the rows without and with one more camera that hangs."""
    model = model_of(parts, chosen.rates[0])

    def with_hanging() -> dict:
        with RtspServer(clip, 0, "--fps", str(_RATE)) as server:
            shown = [*addresses, server.address]
            row = watch(model, shown, chosen.warm_up, chosen.seconds, server.freeze)
        # Of the others: the one that hangs makes none.
        return {**row, "made": row["made_by_all"] / len(addresses)}

    count = len(addresses)
    names = f"{count} cameras", f"{count} and one that hangs"
    jobs = {
        names[0]: lambda: watch(model, addresses, chosen.warm_up, chosen.seconds),
        names[1]: with_hanging,
    }
    rounds = run_interleaved(jobs, chosen.rounds)
    rows = {name: {**_medians(measured), "rounds": measured} for name, measured in rounds.items()}
    print(table(["a camera that hangs", *_COLUMNS], [[n, *_cells(r)] for n, r in rows.items()]))
    return rows


def _parts(chosen: argparse.Namespace, folder: str, videos: int) -> Parts:
    keys = {
        "model.folder": folder,
        "backbone.name": chosen.backbone,
        "backbone.weights": "none",
        "sampling.fps": _CLIP_NETWORK_FPS,
        "sampling.stride": 1,
        "extract.precision": chosen.precision,
        "data.manifest": chosen.manifest,
    }
    return make_random_parts(load(flags=keys), videos)


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--backbone", default="efficientnet_b0", help="name (%(default)s)")
    flags.add_argument("--precision", default="f32", help="precision (%(default)s)")
    flags.add_argument("--manifest", help="manifest for the calibration of --precision int8")
    flags.add_argument(
        "--counts", type=int, nargs="*", default=[1, 2, 4, 6, 8], help="numbers of cameras"
    )
    flags.add_argument("--rates", type=float, nargs="+", default=[10, 5], help="steps per second")
    flags.add_argument(
        "--hanging", type=int, default=2, help="cameras beside one that hangs (%(default)s)"
    )
    flags.add_argument(
        "--together", action="store_true", help="let all cores compute one clip, as for one camera"
    )
    flags.add_argument("--seconds", type=float, default=10.0, help="per measurement (%(default)s)")
    flags.add_argument("--warm-up", type=float, default=3.0, help="seconds before (%(default)s)")
    flags.add_argument("--rounds", type=int, default=3, help="number of rounds (%(default)s)")
    chosen = flags.parse_args(arguments)
    missing = missing_server()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images = moving_picture(_SIZE, _RATE * _CLIP_SECONDS)
        clip = write_h264(folder / "clip.h264", images, _SIZE, _RATE, _RATE, _BITS)
        videos = 1 if chosen.together else max([*chosen.counts, chosen.hanging])
        parts = _parts(chosen, str(folder / "weights"), videos)
        most = max([*chosen.counts, chosen.hanging])
        addresses = [str(clip)] * most
        if missing:
            print(f"The cameras are played files: the RTSP server {missing}.")
        else:
            options = ["--fps", str(_RATE), "--cameras", str(most)]
            server = stack.enter_context(RtspServer(clip, 0, *options))
            addresses = [server.address_of(number) for number in range(most)]
        engine = parts.extractor.engine
        print(f"{chosen.backbone}, {engine.name} {engine.precision}, {os.cpu_count()} cores")
        result = {"counts": measure_counts(parts, addresses, chosen) if chosen.counts else {}}
        if chosen.hanging and not missing:
            result["hanging"] = measure_hanging(parts, addresses[: chosen.hanging], clip, chosen)
    title = f"cameras_{chosen.backbone}_{chosen.precision}"
    settings = {"seconds": chosen.seconds, "rounds": chosen.rounds, "cameras": missing or "RTSP"}
    print(write_result(title, {"settings": settings, **result}))
    return 0


if __name__ == "__main__":
    run_command(main)
