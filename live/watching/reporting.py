"""Everything that acts on events, started together and ended in order."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.hub import Hub
from live.messages.messenger import Messenger
from live.messages.mqtt import Mqtt
from live.messages.mqtt_settings import load_mqtt_settings
from live.messages.targets import load_targets
from live.recording.disk import Disk
from live.recording.finisher import Finisher
from live.recording.recorder import Recorder
from live.recording.repair import repair
from live.recording.retention import Retention
from live.watching.event_desk import EventDesk, Reports
from recipes.schema import Recipe
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

# Missed events can be marked up to a minute back.
_TEACHING_SECONDS = 65.0


class Reporting:
    """Database, recorders, messages and MQTT of a run; a context manager that ends them.

    Attributes:
        store: The database.
        recorders: The recorder of each camera, by name.
        desk: Takes the events.
        mqtt: The connection to a broker; None without one.
    """

    def __init__(
        self,
        recipe: Recipe,
        cameras: list[CameraConfig],
        hub: Hub,
        teaches: bool,
        on_armed: Callable[[str, bool], None],
    ) -> None:
        """Open and start everything.

        Args:
            recipe: The recipe.
            cameras: The cameras.
            hub: The hub that counts events and messages.
            teaches: Whether the last minute of each camera is kept in memory.
            on_armed: Called when a camera is armed or disarmed over MQTT.

        Raises:
            LookbackError: A file or folder cannot be used.
        """
        chosen, self._open = recipe.live, ExitStack()
        messages = chosen.messages
        targets = load_targets(Path(messages.targets)) if messages.targets else []
        broker = load_mqtt_settings(Path(messages.mqtt)) if messages.mqtt else None
        self.store = store = EventStore(Path(chosen.folder))
        self._open.callback(store.close)
        store.claim()
        self._recovered = set(store.end_open_events())
        disk = Disk(store.folder, chosen.recording.free_gigabytes)
        self._finisher = Finisher(store, lambda number, _: self.desk.recorded(number))
        self._retention = Retention(store, chosen.recording, disk)
        self.recorders = {
            camera.name: Recorder(
                camera.name,
                store,
                chosen.recording,
                disk,
                self._finisher,
                hold_seconds=_longest_hold(recipe),
                keep_seconds=_TEACHING_SECONDS if teaches else 0.0,
                copies=not camera.privacy,
            )
            for camera in cameras
        }
        self.messenger = None
        if targets:
            when, per_hour = messages.when, messages.per_hour
            self.messenger = Messenger(store, targets, when, per_hour, count=hub.count)
        self.mqtt = Mqtt(broker, on_armed) if broker else None
        self.desk = EventDesk(Reports(store, self.recorders, self.messenger, self.mqtt), hub)
        self._open.callback(self._end)
        for part in (self._retention, self.messenger, self.mqtt):
            if part is not None:
                part.start()
        # Events of this run are told when their recordings exist, however long the repair takes.
        self._before = frozenset(event.id for event in self.store.unreported("end"))
        self._ending = threading.Event()
        self._repairing = threading.Thread(target=self._repair, name="repair", daemon=True)
        self._repairing.start()

    def _repair(self) -> None:
        """Finish what a kill has left: recordings, and messages about the ends of events."""
        try:
            self._recovered |= repair(self.store, lambda: not self._ending.is_set()).keys()
            if self.messenger is None:
                return
            never_told = {event.id for event in self.store.unreported("start")}
            for event in self.store.unreported("end"):
                is_told = event.id in self._recovered or event.id not in never_told
                if event.id in self._before and is_told:
                    self.desk.recorded(event.id)
        except (LookbackError, OSError) as error:
            _LOG.warning(f"note: {self.store.folder}: recordings could not be repaired ({error})")

    def _end(self) -> None:
        """End in the order of the data: events, recordings, messages."""
        self._ending.set()
        self._repairing.join(0.5)
        self.desk.wait(0.5)
        _all_at_once([each.close for each in self.recorders.values()])
        self._finisher.close(0.5)
        self.desk.close(0.5)
        ends = [part.stop for part in (self.messenger, self.mqtt) if part is not None]
        _all_at_once([*ends, self._retention.close])

    def __enter__(self) -> "Reporting":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _all_at_once(ends: Sequence[Callable[[], None]]) -> None:
    """Call functions that may wait, in threads, and wait for all."""
    threads = [threading.Thread(target=end) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _longest_hold(recipe: Recipe) -> float:
    """Return the longest time from an event's start to its confirmation, in seconds."""
    alarms, fps = recipe.alarms, recipe.sampling.fps
    rate = fps if isinstance(fps, float | int) else 10.0
    rules = [alarms, *alarms.per_class.values()]
    steps = max(rule.hold_steps or 0 for rule in rules) / rate
    return max(steps, *(rule.hold_seconds or 0.0 for rule in rules))
