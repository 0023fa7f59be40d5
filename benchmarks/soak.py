"""Whether run.py can run for weeks: memory, threads and open handles while cameras fail.

    python -m benchmarks.soak
    python -m benchmarks.soak --minutes 2

It runs run.py in a process of its own, on two cameras of 25 frames per second that show a figure
raising its arm, with alarms on all classes, recordings in a temporary folder, and the page. Each
camera has an RTSP server, which is killed for 5 s, frozen for 8 s (SIGSTOP) or silent for 4 s in
turn. Where the server cannot run, the cameras are files that are played, and do not fail. A viewer
looks at the page (WebSocket, pictures, metrics, recordings) and leaves, again and again.

Resident memory, threads and open handles are read from /proc (Linux only). Two quiet times without
faults and viewers are compared: one after the warm-up (five minutes, or a quarter of a shorter
run), and the end. Memory is compared by medians, and threads and handles by the fewest, as some
come and go. Recordings that are being written are counted apart. Exit code 1 if memory has grown by
5 % or more, if there are more threads or handles, or always more recordings, than before, if a
camera is not live at the end, if no event was recorded, or if the program does not end in order.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from benchmarks.measuring import table
from benchmarks.record import write_result
from benchmarks.rtsp_cameras import RtspServer, free_port, missing_server, write_h264
from clips.synthetic import CLASSES, render, render_frame, sample_scene
from recipes.command_line import run_command

_ROOT = Path(__file__).resolve().parents[1]
_RATE, _CAMERAS = 25, 2
_CLIP_SECONDS, _BITS = 20, 1_000_000
_MOST_GROWTH = 0.05
_THREADS_LAST = 12  # seconds
_COUNTS = ("threads", "handles", "recordings")
_START_SECONDS, _END_SECONDS = 120.0, 20.0
_ALARMS = {
    "threshold_on": 0.27,  # a hardly trained model gives every class about a quarter
    "threshold_off": 0.25,
    "hold_seconds": 0.3,
    "release_seconds": 0.5,
    "cool_down_seconds": 0.0,
}


@dataclass(frozen=True)
class Sample:
    """What the program holds at a moment.

    Attributes:
        seconds: Time since its first decision.
        megabytes: Resident memory.
        threads: Number of threads.
        handles: Number of open files and sockets, without `recordings`.
        recordings: Number of recordings that are being written.
    """

    seconds: float
    megabytes: float
    threads: int
    handles: int
    recordings: int

    @classmethod
    def of(cls, process: int, seconds: float) -> "Sample":
        """Read the sample of a process.

        Args:
            process: Its number.
            seconds: Time since its first decision.
        """
        place = Path("/proc") / str(process)
        lines = (place / "status").read_text().splitlines()
        values = dict(line.split(":", 1) for line in lines)
        targets = []
        for handle in (place / "fd").iterdir():
            with suppress(OSError):  # it has just been closed
                targets.append(os.readlink(handle))
        recordings = sum("/recordings/" in target for target in targets)
        megabytes = int(values["VmRSS"].split()[0]) / 1024
        others = len(targets) - recordings
        return cls(seconds, megabytes, int(values["Threads"]), others, recordings)


@dataclass(frozen=True)
class Plan:
    """The times of a run, in seconds since the first decision.

    Attributes:
        length: Length of the run.
        warm_up: Begin of the first quiet time.
        quiet: Length of a quiet time.
        every: Time between two samples.
        fault_every: Time from one fault to the next.
    """

    length: float
    warm_up: float
    quiet: float
    every: float
    fault_every: float

    @classmethod
    def of(cls, minutes: float) -> "Plan":
        """Return the plan of a run of so many minutes.

        >>> Plan.of(30)
        Plan(length=1800.0, warm_up=300.0, quiet=120.0, every=10.0, fault_every=90.0)
        >>> Plan.of(2)
        Plan(length=120.0, warm_up=30.0, quiet=8.0, every=1.0, fault_every=12.0)
        """
        length = 60.0 * minutes
        return cls(
            length,
            min(300.0, length / 4),
            length / 15,
            min(10.0, length / 120),
            max(12.0, length / 20),
        )

    def is_quiet(self, seconds: float) -> bool:
        """Return whether a time belongs to a quiet time."""
        first = self.warm_up <= seconds < self.warm_up + self.quiet
        return first or seconds >= self.length - self.quiet

    def lets_look(self, seconds: float) -> bool:
        """Return whether a viewer may look: not in a quiet time, nor shortly before.

        The page's threads end about ten seconds after the last look.
        """
        return not any(self.is_quiet(seconds + later) for later in range(_THREADS_LAST + 1))

    def faults(self) -> list[float]:
        """Return the times of faults, each long enough before a quiet time to be over by then."""
        times = np.arange(1, self.length / self.fault_every) * self.fault_every
        # The longest fault, and the back-off of a camera that fails for the first time.
        needed = np.linspace(0, 8 + 5, 14)
        return [
            float(each)
            for each in times
            if not any(self.is_quiet(each + later) for later in needed)
        ]


@dataclass
class Program:
    """run.py in a process of its own.

    Attributes:
        process: The process.
        page: Address of its page.
    """

    process: subprocess.Popen
    page: str

    def get(self, path: str) -> bytes:
        """Return what the page answers."""
        with urllib.request.urlopen(self.page + path, timeout=10) as answer:
            return answer.read()

    def metric(self, name: str) -> list[float]:
        """Return the values of a metric, of each camera if it has several."""
        lines = self.get("/metrics").decode().splitlines()
        rows = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
        return [float(value) for key, value in rows if key.split("{")[0] == name]

    def wait_for_decisions(self) -> None:
        """Wait until there was a decision on every camera."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"run.py has ended with {self.process.returncode}")
            with suppress(OSError):
                steps = self.metric("lookback_camera_steps_total")
                if len(steps) == _CAMERAS and min(steps) > 0:
                    return
            time.sleep(0.2)
        raise SystemExit(f"run.py has decided nothing within {_START_SECONDS:.0f} s")

    def end(self) -> int:
        """End it as a service manager does; return its exit code, -9 if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Visitor:
    """Looks at the page and leaves, again and again, in a thread.

    Attributes:
        pictures: Number of pictures that it has got.
        failures: What went wrong, each once.
    """

    def __init__(self, program: Program, looks: Callable[[], bool]) -> None:
        """Prepare the visitor.

        Args:
            program: The program.
            looks: Returns whether it may look now.
        """
        self.pictures = 0
        self.failures: set[str] = set()
        self._program, self._looks = program, looks
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visitor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let it leave for good."""
        self._ending.set()
        self._thread.join(15)

    def _run(self) -> None:
        while not self._ending.wait(1.0):
            try:
                self._program.get("/healthz")
                if self._looks():
                    self._visit()
            except Exception as error:
                if not self._ending.is_set():
                    self.failures.add(f"{type(error).__name__}: {error}")

    def _visit(self) -> None:
        from websockets.sync.client import connect

        for path in ("/", "/metrics", "/snapshot/0.jpg", "/snapshot/1.jpg"):
            with suppress(urllib.error.HTTPError):  # a camera that is lost has no snapshot
                self._program.get(path)
        place = self._program.page.replace("http", "ws") + "/ws"
        until = time.monotonic() + 5
        with connect(place, origin=self._program.page) as socket:
            while time.monotonic() < until and self._looks() and not self._ending.is_set():
                message = socket.recv(timeout=10)
                if isinstance(message, bytes):
                    self.pictures += 1
                elif (told := json.loads(message))["type"] == "round":
                    socket.send(json.dumps({"round": told["number"]}))


class Faults:
    """Lets the cameras fail in turn.

    Attributes:
        done: Time and kind of each fault.
    """

    _KINDS = (("killed", 5.0), ("frozen", 8.0), ("silent", 4.0))

    def __init__(self, servers: list[RtspServer], times: list[float]) -> None:
        """Plan the faults.

        Args:
            servers: The cameras; none for no faults.
            times: When to fail, in seconds.
        """
        self.done: list[tuple[float, str]] = []
        self._servers, self._times = servers, times if servers else []
        self._over: tuple[float, Callable[[], None]] | None = None

    def check(self, seconds: float) -> None:
        """Begin or end a fault, if it is time."""
        if self._over is not None and seconds >= self._over[0]:
            self._over[1]()
            self._over = None
        if self._over is None and self._times and seconds >= self._times[0]:
            self._times = self._times[1:]
            self._begin(seconds)

    def _begin(self, seconds: float) -> None:
        number = len(self.done)
        kind, length = self._KINDS[number % len(self._KINDS)]
        place = number % len(self._servers)
        server = self._servers[place]
        if kind == "killed":
            server.kill()
            over = server.start
        elif kind == "frozen":
            server.freeze()
            over = server.thaw
        else:
            server.say("pause")
            over = lambda: server.say("play")  # noqa: E731 (the others are methods)
        self._over = (seconds + length, over)
        self.done.append((round(seconds, 1), f"camera {place} {kind}"))


@dataclass(frozen=True)
class Growth:
    """What has changed from the first quiet time to the second.

    Attributes:
        before, after: Megabytes, threads, handles, and recordings.
        failures: What has grown.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    failures: list[str]

    @classmethod
    def of(cls, samples: list[Sample], plan: Plan) -> "Growth":
        """Compare the two quiet times of a run."""
        quiet = [each for each in samples if plan.is_quiet(each.seconds)]
        first = [each for each in quiet if each.seconds < plan.length / 2]
        second = [each for each in quiet if each.seconds >= plan.length / 2]
        before, after = _typical(first), _typical(second)
        failures = []
        if (growth := after[0] / before[0] - 1) >= _MOST_GROWTH:
            failures.append(f"memory has grown by {growth:.1%}")
        for name, old, new in zip(("threads", "handles"), before[1:], after[1:], strict=False):
            if new > old:
                failures.append(f"{name}: {old:g} before, {new:g} after")
        if after[3] > max(each.recordings for each in first):
            failures.append(f"{after[3]:g} recordings stay open")
        return cls(before, after, failures)


def _typical(samples: list[Sample]) -> tuple[float, ...]:
    least = (min(getattr(each, name) for each in samples) for name in _COUNTS)
    return statistics.median(each.megabytes for each in samples), *least


def figure(size: tuple[int, int], seed: int) -> Iterator[np.ndarray]:
    """Yield uint8 RGB (H, W, 3): a figure that raises and lowers its arm in 20 s."""
    random = np.random.default_rng([seed, 7])
    scene = sample_scene(random, 240)
    moves = ((0, 0), (3, 0), (4, 1), (10, 1), (11, 0), (20, 0))
    seconds, heights = zip(*moves, strict=True)
    for number in range(_CLIP_SECONDS * _RATE):
        height = float(np.interp(number / _RATE, seconds, heights))
        yield cv2.resize(render_frame(scene, height, 240, random), size)


def make_model(folder: Path) -> Path:
    """Train a small model on synthetic clips; return its folder."""
    data, weights = folder / "data", folder / "weights"
    render(data, 12, 48)
    keys = ["--recipe", "recipes/demo.yaml", "--data", str(data), "--weights", str(weights)]
    for script, more in (
        ("prepare.py", []),
        ("finetune.py", ["--epochs", "4", "--set", "preprocessing.input_size=48"]),
        ("extract.py", []),
        ("train_lstm.py", ["--epochs", "4", "--look-back", "6"]),
    ):
        subprocess.run(
            [sys.executable, script, *keys, *more], check=True, cwd=_ROOT, stdout=subprocess.DEVNULL
        )
    return weights


def start(folder: Path, weights: Path, addresses: list[str]) -> Program:
    """Start run.py on cameras, with its messages in `folder`/run.log."""
    rows = {f"camera-{number}": {"address": each} for number, each in enumerate(addresses)}
    cameras = folder / "cameras.yaml"
    cameras.write_text(yaml.safe_dump(rows), encoding="utf-8")
    cameras.chmod(0o600)
    page = f"127.0.0.1:{free_port()}"
    settings = [f"alarms.{key}={value}" for key, value in _ALARMS.items()]
    settings += ["live.bridge_seconds=2", "live.recording.part_seconds=30"]
    settings += ["live.recording.keep_gigabytes=0.05"]  # so that old recordings are deleted
    command = [
        *(sys.executable, "run.py", "--no-window", "--cameras", str(cameras)),
        *("--weights", str(weights), "--events", str(folder / "events"), "--serve", page),
        *(f"--alarm={label}" for label in CLASSES),
        *(word for setting in settings for word in ("--set", setting)),
    ]
    log = (folder / "run.log").open("w", encoding="utf-8")
    with log:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=subprocess.STDOUT)
    return Program(process, f"http://{page}")


def watch(program: Program, plan: Plan, faults: Faults) -> tuple[list[Sample], list[str]]:
    """Let the program run for the planned time; return the samples, and what went wrong."""
    began = time.monotonic()
    visitor = Visitor(program, lambda: plan.lets_look(time.monotonic() - began))
    samples: list[Sample] = []
    while (now := time.monotonic() - began) < plan.length:
        if program.process.poll() is not None:
            raise SystemExit(
                f"run.py has ended with {program.process.returncode} after {now:.0f} s"
            )
        faults.check(now)
        if now >= len(samples) * plan.every:
            samples.append(Sample.of(program.process.pid, now))
            if len(samples) % 6 == 1:
                newest = samples[-1]
                print(
                    f"{now:6.0f} s  {newest.megabytes:7.1f} MB  {newest.threads:3} threads  "
                    f"{newest.handles:3} handles  {newest.recordings} recordings",
                    flush=True,
                )
        time.sleep(0.1)
    visitor.close()
    failures = [f"the page: {each}" for each in sorted(visitor.failures)]
    if not visitor.pictures:
        failures.append("the viewer has got no picture")
    return samples, failures


def run_soak(folder: Path, plan: Plan, chosen: argparse.Namespace) -> dict:
    """Run a soak test in a folder, print its figures and return them."""
    size = tuple(int(side) for side in chosen.size.split("x"))
    with ExitStack() as stack:
        weights = chosen.weights or make_model(folder)
        clips = [folder / f"clip{number}.h264" for number in range(_CAMERAS)]
        for number, clip in enumerate(clips):
            if not clip.is_file():
                write_h264(clip, figure(size, number), size, _RATE, _RATE, _BITS)
        servers: list[RtspServer] = []
        if missing := missing_server():
            print(f"The cameras are played files without faults: the RTSP server {missing}.")
            addresses = [str(clip) for clip in clips]
        else:
            servers = [RtspServer(clip, 0, "--fps", str(_RATE)) for clip in clips]
            for server in servers:
                stack.enter_context(server)
            addresses = [server.address for server in servers]
        program = start(folder, weights, addresses)
        stack.callback(program.process.kill)
        program.wait_for_decisions()
        faults = Faults(servers, plan.faults())
        samples, failures = watch(program, plan, faults)
        states = program.metric("lookback_camera_picture_age_seconds")
        if max(states) > 2:
            failures.append(f"a camera shows nothing new at the end: ages {states}")
        counts = {
            "events": sum(program.metric("lookback_events_total")),
            "sessions": sum(program.metric("lookback_camera_connections_total")),
            "steps": sum(program.metric("lookback_camera_steps_total")),
            "skipped": sum(program.metric("lookback_camera_skipped_total")),
        }
        recordings = list((folder / "events").rglob("*.mp4"))
        if not counts["events"] or not recordings:
            failures.append("no event was recorded")
        if servers and counts["sessions"] <= _CAMERAS:
            failures.append("no camera has connected again")
        code = program.end()
        if code:
            failures.append(f"run.py has ended with {code}")
    growth = Growth.of(samples, plan)
    rows = [
        [name, before, after, after - before]
        for name, before, after in zip(("MB", *_COUNTS), growth.before, growth.after, strict=True)
    ]
    share = growth.after[0] / growth.before[0] - 1
    print(table(["", "warm", "end", "growth"], rows))
    print(f"memory {share:+.1%}")
    print(
        f"{counts['events']:.0f} events, {len(recordings)} recordings at the end, "
        f"{len(faults.done)} faults, {counts['sessions']:.0f} connections, "
        f"{counts['steps']:.0f} steps, {counts['skipped']:.0f} skipped"
    )
    return {
        "samples": [vars(each) for each in samples],
        "before": growth.before,
        "after": growth.after,
        "faults": faults.done,
        "counts": counts,
        "failures": growth.failures + failures,
    }


def main(arguments: list[str] | None = None) -> int:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--minutes", type=float, default=30.0, help="length (%(default)s)")
    flags.add_argument("--size", default="1280x720", help="width x height (%(default)s)")
    flags.add_argument(
        "--weights", type=Path, help="model folder with the demo's classes (a new one)"
    )
    flags.add_argument("--folder", type=Path, help="folder for all files (a temporary one)")
    chosen = flags.parse_args(arguments)
    if not Path("/proc/self/status").is_file():
        raise SystemExit("benchmarks.soak reads /proc, which only Linux has")
    with ExitStack() as stack:
        folder = chosen.folder or stack.enter_context(tempfile.TemporaryDirectory())
        Path(folder).mkdir(parents=True, exist_ok=True)
        result = run_soak(Path(folder), Plan.of(chosen.minutes), chosen)
    for failure in result["failures"]:
        print(f"failed: {failure}")
    settings = {"minutes": chosen.minutes, "size": chosen.size}
    print(write_result("soak", {"settings": settings, **result}))
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    run_command(main)
