"""Clips that somebody records from a camera: classes, clips, and their files.

    data/clips/<class>/<camera>_<session>_<date-time>.mp4

All clips of a camera and a session are one group, so that a session is never divided between
training and validation.
"""

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clips.manifest import BACKGROUND, Entry
from live.teaching.clip_rows import (
    CAMERA,
    EVENT,
    SESSION,
    ClipRows,
    clip_id,
    extra_value,
    is_recorded,
)
from live.teaching.interfaces import Cutter, UnknownError
from live.teaching.names import class_name, file_part
from live.teaching.trimming import header_seconds, measured, trimmed
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

CLIP_SECONDS = 3.0
MIN_SECONDS = 1.0
CUTTING = "cutting"  # folder of unfinished files; next to clips/, where each file is a clip
_LISTED = 200  # newest clips of a class that are listed
_TOKEN_SECONDS = 60.0


@dataclass(frozen=True)
class _Holding:
    """A clip whose button is held: camera, class and session, and the time of the press."""

    camera_id: int
    label: str
    session: str
    since: float


class Collection:
    """The classes and clips of a data folder. Methods may be called from any thread."""

    def __init__(
        self,
        settings: Settings,
        cutter: Cutter,
        cameras: Callable[[], Sequence[str]],
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Use the data folder of a recipe; it may be missing or empty.

        Args:
            settings: Settings that name the data folder.
            cutter: The recent past of the cameras.
            cameras: Function that returns the names of the cameras, by number.
            clock: Clock of the cutter, in seconds.
            wall_clock: Clock for the names of files, in seconds since the epoch.
        """
        self._cutter, self._cameras = cutter, cameras
        self._clock, self._wall_clock = clock, wall_clock
        self._rows = ClipRows(settings)
        self._lock = threading.RLock()
        self._held: dict[str, _Holding] = {}
        self._durations: dict[tuple[str, int, int], float] = {}
        for leftover in self._unfinished().glob("*.mp4"):
            leftover.unlink(missing_ok=True)  # of a program that was killed

    @property
    def folder(self) -> Path:
        """The folder that contains clips/ and the manifest."""
        return self._rows.folder

    def classes(self) -> list[dict[str, Any]]:
        """Return the classes in alphabetical order, each with its clips, the newest first.

        Returns:
            Dictionaries with `name`, `count` and `clips`, the newest 200: dictionaries with `id`,
            `seconds`, `session`, `camera` and `created` (seconds since the epoch).
        """
        with self._lock:
            entries = self._rows.entries()
            of_class: dict[str, dict[str, Entry]] = {name: {} for name in self._folders()}
            for entry in entries:
                if self._rows.place(entry.video).is_file():
                    of_class.setdefault(entry.label, {})[entry.video] = entry
            return [
                {"name": name, "count": len(clips), "clips": self._listed(clips.values())}
                for name, clips in sorted(of_class.items(), key=lambda item: item[0].casefold())
            ]

    def add_class(self, name: str) -> str:
        """Make an empty class, and return its name as it is written.

        Raises:
            LookbackError: The name cannot be a folder, or there is such a class.
        """
        name = class_name(name)
        with self._lock:
            if self._known(name):
                raise LookbackError(f"class {name}: exists already")
            self._rows.place(f"clips/{name}").mkdir(parents=True, exist_ok=True)
        return name

    def remove_class(self, name: str) -> None:
        """Delete a class with its recorded clips.

        Raises:
            LookbackError: There is no such class, or it has clips that were not recorded here.
        """
        name = class_name(name)
        with self._lock:
            if self._known(name) != name:
                raise UnknownError(f"class {name}: there is no such class")
            clips = [entry for entry in self._rows.entries() if entry.label == name]
            foreign = {entry.video for entry in clips if not is_recorded(entry)}
            if foreign:
                raise LookbackError(
                    f"class {name}: has {len(foreign)} clips that were not recorded here; delete "
                    "the folder by hand"
                )
            self.delete_videos({entry.video for entry in clips})
            folder = self._rows.place(f"clips/{name}")
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def begin_clip(self, camera_id: int, label: str, session: str) -> str:
        """Begin a clip, as the button is pressed, and return the token for its end.

        Args:
            camera_id: Number of the camera.
            label: Class of the clip; a new one is made.
            session: Name of the session; empty for the date.

        Raises:
            LookbackError: There is no such camera, or the class cannot be a folder.
        """
        self.camera(camera_id)
        with self._lock:
            name = self._known(class_name(label)) or self.add_class(label)
            now = self._clock()
            self._held = {
                token: held
                for token, held in self._held.items()
                if now - held.since < _TOKEN_SECONDS
            }
            token = secrets.token_hex(8)
            self._held[token] = _Holding(camera_id, name, session.strip(), now)
        return token

    def end_clip(self, token: str) -> int:
        """End a clip, as the button is released, and return its number.

        A clip is 3 seconds long; what is held longer than that is left out.

        Raises:
            LookbackError: The button was held too briefly, or the camera gave no picture.
        """
        with self._lock:
            held = self._held.pop(token, None)
        if held is None:
            raise UnknownError("this clip was ended already, or was begun too long ago")
        until = min(self._clock(), held.since + CLIP_SECONDS)
        if until - held.since < MIN_SECONDS:
            raise LookbackError(
                f"held for {until - held.since:.1f} s: hold the button until {CLIP_SECONDS:g} s"
            )
        return self._keep(held, until)

    def record(self, camera_id: int, label: str, session: str) -> int:
        """Keep a clip of the last 3 seconds, and return its number; arguments as `begin_clip`."""
        now = self._clock()
        token = self.begin_clip(camera_id, label, session)
        with self._lock:
            held = self._held.pop(token)
        return self._keep(replace(held, since=now - CLIP_SECONDS), now)

    def sessions(self) -> list[str]:
        """Return the names of the sessions of the recorded clips, the newest last."""
        with self._lock:
            entries = [each for each in self._rows.entries() if extra_value(each, SESSION)]
        # Rows are in the order of recording.
        newest = {extra_value(each, SESSION): number for number, each in enumerate(entries)}
        return sorted(newest, key=newest.__getitem__)

    def _keep(self, held: _Holding, until: float) -> int:
        session = held.session or self._date("%Y-%m-%d")
        camera = self.camera(held.camera_id)
        temporary = self.temporary()
        try:
            self._cutter.cut(held.camera_id, held.since, until, temporary)
            cut = measured(temporary, until - held.since)
            with self._lock:
                video = self.free_name(held.label, camera, session)
                trimmed(cut, self._rows.place(video))
                group = f"{camera} {session}"
                extra = ((CAMERA, camera), (SESSION, session), (EVENT, ""))
                self.add_rows([Entry(video, held.label, group=group, extra=extra)])
        finally:
            temporary.unlink(missing_ok=True)
        return clip_id(video)

    def delete_clip(self, number: int) -> None:
        """Delete a clip.

        Raises:
            LookbackError: There is no such clip, or its file is outside of the clips folder.
        """
        with self._lock:
            self.delete_videos({self._video(number)})

    def clip_path(self, number: int) -> Path:
        """Return the file of a clip; raise `LookbackError` if there is none."""
        with self._lock:
            return self._rows.place(self._video(number))

    # For corrections, which are clips as well.

    def camera(self, camera_id: int) -> str:
        """Return the name of a camera; raise `LookbackError` if there is none."""
        names = self._cameras()
        if not 0 <= camera_id < len(names):
            raise UnknownError(f"camera {camera_id}: there is no such camera")
        return names[camera_id]

    def temporary(self) -> Path:
        """Return a path for an unfinished file, on the disk of the clips."""
        self._unfinished().mkdir(parents=True, exist_ok=True)
        return self._unfinished() / f"{secrets.token_hex(8)}.mp4"

    def free_name(self, label: str, camera: str, session: str) -> str:
        """Return the path of a new clip in the manifest, and make its folder."""
        stamp = self._date("%Y%m%d-%H%M%S")
        self._rows.place(f"clips/{label}").mkdir(parents=True, exist_ok=True)
        start = f"clips/{label}/{file_part(camera)}_{file_part(session)}_{stamp}"
        video, number = f"{start}.mp4", 1
        while self._rows.place(video).exists():
            number += 1
            video = f"{start}-{number}.mp4"
        return video

    def add_rows(self, rows: list[Entry]) -> None:
        """Add the rows of a new clip to the manifest; without them, its file is deleted."""
        try:
            with self._lock:
                self._rows.add(rows)
        except BaseException:
            self._rows.place(rows[0].video).unlink(missing_ok=True)
            raise

    def videos_of_event(self, event_id: int) -> set[str]:
        """Return the clips that earlier corrections of an event made."""
        with self._lock:
            entries = self._rows.entries()
        return {each.video for each in entries if extra_value(each, EVENT) == str(event_id)}

    def delete_videos(self, videos: set[str]) -> None:
        """Delete clips: their rows, then their files."""
        outside = [video for video in videos if not self._rows.inside(video)]
        if outside:
            raise LookbackError(f"{outside[0]}: is not in the clips folder; delete it by hand")
        with self._lock:
            self._rows.remove(videos)
            for video in videos:
                try:
                    self._rows.place(video).unlink(missing_ok=True)
                except OSError as error:  # Windows: the page is playing it
                    raise LookbackError(
                        f"{video}: cannot be deleted ({error.strerror}); is it being played?"
                    ) from None

    def lock(self) -> threading.RLock:
        """Return the lock that serializes changes of clips and manifest."""
        return self._lock

    def place(self, video: str) -> Path:
        """Return the path of a video of the manifest."""
        return self._rows.place(video)

    def labels(self) -> list[str]:
        """Return the names of all classes, with `background` if parts of clips are."""
        with self._lock:
            entries = self._rows.entries()
        rest = {BACKGROUND} if any(entry.is_part for entry in entries) else set()
        return sorted({*self._folders(), *(entry.label for entry in entries), *rest})

    def existing(self, label: str) -> str:
        """Return a class as it is written, which may differ in upper and lower case."""
        name = class_name(label)
        with self._lock:
            return self._known(name) or name

    def _known(self, name: str) -> str:
        """Return an existing class of this name; empty if there is none.

        Windows and macOS take `Wave` and `wave` for one folder.
        """
        folded = name.casefold()
        return next((each for each in self.labels() if each.casefold() == folded), "")

    def _folders(self) -> list[str]:
        clips = self._rows.place("clips")
        if not clips.is_dir():
            return []
        # A folder that holds folders only is a split of its own layout, not a class.
        return [
            each.name
            for each in clips.iterdir()
            if each.is_dir() and not each.name.startswith(".") and not _holds_folders(each)
        ]

    def _listed(self, clips: Any) -> list[dict[str, Any]]:
        rows = [(self._rows.place(entry.video), entry) for entry in clips]
        dated = sorted(((path.stat(), path, entry) for path, entry in rows), key=_newest_first)
        return [
            {
                "id": clip_id(entry.video),
                "seconds": self._seconds(path, stat.st_size, stat.st_mtime_ns),
                "session": extra_value(entry, SESSION),
                "camera": extra_value(entry, CAMERA),
                "created": stat.st_mtime,
            }
            for stat, path, entry in dated[:_LISTED]
        ]

    def _seconds(self, path: Path, size: int, changed: int) -> float:
        key = (str(path), size, changed)
        if key not in self._durations:
            try:
                self._durations[key] = round(header_seconds(path), 2)
            except LookbackError:
                self._durations[key] = 0.0
        return self._durations[key]

    def _video(self, number: int) -> str:
        for entry in self._rows.entries():
            if clip_id(entry.video) == number and self._rows.place(entry.video).is_file():
                return entry.video
        raise UnknownError(f"clip {number}: there is no such clip")

    def _unfinished(self) -> Path:
        return self._rows.folder / CUTTING

    def _date(self, form: str) -> str:
        return datetime.fromtimestamp(self._wall_clock(), UTC).strftime(form)


def _newest_first(dated: tuple) -> tuple:
    stat, path, _ = dated
    return -stat.st_mtime, path.name


def _holds_folders(folder: Path) -> bool:
    inside = list(folder.iterdir())
    return bool(inside) and all(each.is_dir() for each in inside)
