"""Everything that acts on events, started together and ended in order."""

import threading
from collections.abc import Callable
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
        self.store = EventStore(Path(chosen.folder))
        self._open.callback(self.store.close)
        self.store.end_open_events()
        self._repair()
        self._disk = Disk(self.store.folder, chosen.recording.free_gigabytes)
        finisher = Finisher(self.store, self._recorded)
        self._open.callback(finisher.close, 0.7)
        retention = Retention(self.store, chosen.recording, self._disk)
        retention.start()
        self._open.callback(retention.close, 0.3)
        self.recorders = {
            camera.name: Recorder(
                camera.name,
                self.store,
                chosen.recording,
                self._disk,
                finisher,
                hold_seconds=_longest_hold(recipe),
                keep_seconds=_TEACHING_SECONDS if teaches else 0.0,
                copies=not camera.privacy,
            )
            for camera in cameras
        }
        self.messenger = None
        if targets:
            when, per_hour = messages.when, messages.per_hour
            self.messenger = Messenger(self.store, targets, when, per_hour, count=hub.count)
            self.messenger.start()
            self._open.callback(self.messenger.stop)
        self.mqtt = None
        if broker:
            self.mqtt = Mqtt(broker, on_armed)
            self.mqtt.start()
            self._open.callback(self.mqtt.stop)
        reports = Reports(self.store, self.recorders, self.messenger, self.mqtt)
        self.desk = EventDesk(reports, hub)
        self._open.callback(self._close_recorders)

    def _repair(self) -> None:
        try:
            repair(self.store)
        except (LookbackError, OSError) as error:
            _LOG.warning(f"note: {self.store.folder}: recordings could not be repaired ({error})")

    def _recorded(self, number: int, paths: object) -> None:
        self.desk.recorded(number)

    def _close_recorders(self) -> None:
        self.desk.close(0.5)
        threads = [
            threading.Thread(target=each.close, args=(0.7,)) for each in self.recorders.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def __enter__(self) -> "Reporting":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def _longest_hold(recipe: Recipe) -> float:
    """Return the longest time from an event's start to its confirmation, in seconds."""
    alarms, fps = recipe.alarms, recipe.sampling.fps
    rate = fps if isinstance(fps, float | int) else 10.0
    rules = [alarms, *alarms.per_class.values()]
    steps = max(rule.hold_steps or 0 for rule in rules) / rate
    return max(steps, *(rule.hold_seconds or 0.0 for rule in rules))
