"""What the page can teach: classes and clips, corrections, and learning from them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from live.teaching.collection import Collection
from live.teaching.corrections import Corrections
from live.teaching.interfaces import Cutter, EventLog
from live.teaching.learning import Learner
from live.teaching.record import LearningRecord
from live.teaching.takeover import ModelSlot, install, load_warm
from recipes.loader import Settings
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


class Teacher:
    """Joins clips, corrections and learning; `live.page.interfaces.Teacher`.

    Methods may be called from any thread. They refuse with a `LookbackError`, and an id or a name
    that does not exist with one that is a `LookupError` as well.
    """

    def __init__(
        self,
        settings: Settings,
        slot: ModelSlot,
        cutter: Cutter,
        events: EventLog,
        cameras: Callable[[], Sequence[str]],
        clock: Callable[[], float] = time.monotonic,
        command: Sequence[str] | None = None,
    ) -> None:
        """Join the parts; nothing is started.

        Args:
            settings: Settings that name the data folder and the model folder.
            slot: The model that all cameras use.
            cutter: The recent past of the cameras.
            events: The database of events.
            cameras: Function that returns the names of the cameras, by number.
            clock: Clock of the cutter, in seconds.
            command: Command of the learning process; None for the usual one.
        """
        self._settings, self._slot, self._cameras = settings, slot, cameras
        self._collection = Collection(settings, cutter, cameras, clock)
        self._corrections = Corrections(self._collection, cutter, events, clock)
        self._learner = Learner(settings, self._take_over, command)

    def classes(self) -> list[dict[str, Any]]:
        """See `Collection.classes`."""
        return self._collection.classes()

    def add_class(self, name: str) -> None:
        """See `Collection.add_class`."""
        self._collection.add_class(name)

    def remove_class(self, name: str) -> None:
        """See `Collection.remove_class`."""
        self._collection.remove_class(name)

    def sessions(self) -> list[str]:
        """See `Collection.sessions`."""
        return self._collection.sessions()

    def begin_clip(self, camera_id: int, label: str, session: str) -> str:
        """See `Collection.begin_clip`."""
        return self._collection.begin_clip(camera_id, label, session)

    def end_clip(self, token: str) -> int:
        """See `Collection.end_clip`."""
        return self._collection.end_clip(token)

    def record(self, camera_id: int, label: str, session: str) -> int:
        """See `Collection.record`."""
        return self._collection.record(camera_id, label, session)

    def delete_clip(self, clip: int) -> None:
        """See `Collection.delete_clip`."""
        self._collection.delete_clip(clip)

    def clip_path(self, clip: int) -> Path:
        """See `Collection.clip_path`."""
        return self._collection.clip_path(clip)

    def correct(self, event_id: int, verdict: str, label: str | None = None) -> None:
        """See `Corrections.correct`."""
        self._corrections.correct(event_id, verdict, label)

    def missed(self, camera_id: int, label: str, seconds: float) -> None:
        """See `Corrections.missed`."""
        self._corrections.missed(camera_id, label, seconds)

    def learn(self) -> None:
        """See `Learner.learn`."""
        self._learner.learn()

    def cancel(self) -> None:
        """See `Learner.cancel`."""
        self._learner.cancel()

    def progress(self) -> dict[str, Any]:
        """See `Learner.progress`."""
        return self._learner.progress()

    def close(self) -> None:
        """End a learning that runs."""
        self._learner.cancel()

    def _take_over(self, folder: Path, record: LearningRecord) -> str:
        """Load and warm a new model, offer it, and install it; return why it is not used."""
        try:
            videos = len(self._cameras())
            new = load_warm(folder, self._settings.recipe.extract.engine, videos=videos)
        except LookbackError as error:
            return f"the new model cannot be loaded: {error}"
        if reason := self._slot.offer(new):
            return reason
        place = Path(self._settings.recipe.model.folder)
        try:
            install(folder, place)
        except (OSError, LookbackError) as error:
            _LOG.warning(f"note: {place}: the new model is used, but could not be saved ({error})")
        return ""
