"""A scripted recorder, event log and clock: what teaching needs, without cameras."""

from dataclasses import dataclass, field
from pathlib import Path

from clips import manifest as manifests
from clips.manifest import Entry
from live.teaching.collection import Collection
from live.teaching.interfaces import PastEvent
from recipes.loader import Settings, load
from tests.conftest import write_coded_video
from video.errors import LookbackError

RATE = 10.0
CAMERAS = ("Front door", "Gym/2")


class Clock:
    """A clock that the test sets, in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class ScriptedCutter:
    """Writes videos of the asked length that begin `early` seconds before, as at a keyframe.

    `calls` holds the camera, the start and the end of every cut. Nothing before `oldest` is left.
    """

    def __init__(self, early: float = 0.0, oldest: float = float("-inf")) -> None:
        self.early, self.oldest = early, oldest
        self.calls: list[tuple[int, float, float]] = []

    def cut(self, camera_id: int, since: float, until: float, path: Path) -> None:
        self.calls.append((camera_id, since, until))
        if since < self.oldest:
            raise LookbackError(f"camera {camera_id}: nothing of this time is in memory")
        count = round((until - since + self.early) * RATE) + 1
        # Every clip shows something else: equal files would be one clip for the split.
        offset = len(self.calls) * 0.001
        times = [number / RATE + (offset if number else 0) for number in range(count)]
        write_coded_video(path, count, RATE, size=(64 + 2 * len(self.calls), 48), times=times)


@dataclass
class ScriptedLog:
    """Events by number, and the corrections that were recorded."""

    events: dict[int, PastEvent] = field(default_factory=dict)
    corrections: list[tuple] = field(default_factory=list)

    def past_event(self, event_id: int) -> PastEvent | None:
        return self.events.get(event_id)

    def add_correction(self, *values) -> None:
        self.corrections.append(values)


def settings_of(data: Path, **keys) -> Settings:
    dotted = {key.replace("__", "."): value for key, value in keys.items()}
    return load(None, {"data.folder": str(data), **dotted})


def collection_of(data: Path, cutter: ScriptedCutter, clock: Clock) -> Collection:
    return Collection(settings_of(data), cutter, lambda: CAMERAS, clock, lambda: 1_800_000_000.0)


def rows_of(data: Path) -> list[Entry]:
    path = data / "manifest.csv"
    return list(manifests.read(path).entries) if path.is_file() else []


def files_of(data: Path) -> list[str]:
    return sorted(each.relative_to(data).as_posix() for each in data.glob("**/*.mp4"))
