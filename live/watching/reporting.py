"""Everything that acts on events, started together and ended in order."""

import threading
from collections.abc import Callable
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
from live.recording.repair import leftovers_of, repair
from live.recording.retention import Retention
from live.watching.ending import AtOnce, Ending
from live.watching.event_desk import EventDesk, Reports
from recipes.schema import Recipe
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)

# Missed events can be marked up to a minute back.
_TEACHING_SECONDS = 65.0
_USUAL_RATE = 10.0  # steps per second of a model that takes every frame
_PRESET_STEPS = 6  # of the preset positive_frames


class Reporting:
    """Database, recorders, messages and MQTT of a run, until `end`.

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
        chosen = recipe.live
        targets = load_targets(Path(chosen.messages.targets)) if chosen.messages.targets else []
        broker = load_mqtt_settings(Path(chosen.messages.mqtt)) if chosen.messages.mqtt else None
        self.store = EventStore(Path(chosen.folder))
        try:
            self.store.claim()
            self._recovered = set(self.store.end_open_events())
            self._leftovers = leftovers_of(self.store)
            self.messenger = None
            if targets:
                when, per_hour = chosen.messages.when, chosen.messages.per_hour
                self.messenger = Messenger(self.store, targets, when, per_hour, count=hub.count)
            self.mqtt = Mqtt(broker, on_armed) if broker else None
            self._start(recipe, cameras, hub, teaches)
        except BaseException:
            self.store.close()
            raise

    def _start(self, recipe: Recipe, cameras: list[CameraConfig], hub: Hub, teaches: bool) -> None:
        chosen, store = recipe.live, self.store
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
                hold_seconds=_longest_hold(recipe, camera),
                keep_seconds=_TEACHING_SECONDS if teaches else 0.0,
                copies=not camera.privacy,
            )
            for camera in cameras
        }
        self.desk = EventDesk(Reports(store, self.recorders, self.messenger, self.mqtt), hub)
        if self.mqtt is not None:  # before the first states
            self.mqtt.set_cameras({camera.name: () for camera in cameras})
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
            repaired = repair(self.store, lambda: not self._ending.is_set(), self._leftovers)
            self._recovered |= repaired.keys()
            if self.messenger is None:
                return
            never_told = {event.id for event in self.store.unreported("start")}
            for event in self.store.unreported("end"):
                is_told = event.id in self._recovered or event.id not in never_told
                if event.id in self._before and is_told:
                    self.desk.recorded(event.id)
        except (LookbackError, OSError) as error:
            _LOG.warning(f"note: {self.store.folder}: recordings could not be repaired ({error})")
        except Exception:  # a damaged file must not end the watching
            _LOG.exception(f"{self.store.folder}: recordings could not be repaired")

    def end(self, ending: Ending) -> None:
        """End in the order of the data: events, recordings, database.

        Messages end meanwhile: what is not sent is sent by the next run.

        Args:
            ending: The time limit.
        """
        self._ending.set()
        stops = [part.stop for part in (self.messenger, self.mqtt) if part is not None]
        with AtOnce([*stops, self._retention.close], ending):
            self._repairing.join(ending.left(0.3))
            self.desk.wait(ending.left(0.5))
            with AtOnce([each.close for each in self.recorders.values()], ending):
                pass
            self._finisher.close(ending.left(0.3))
            self.desk.close(ending.left(0.5))
        with AtOnce([self.store.close], ending):  # it waits for a thread that uses the database
            pass


def _longest_hold(recipe: Recipe, camera: CameraConfig) -> float:
    """Return the longest time from an event's start on a camera to its confirmation, in seconds."""
    alarms, fps = recipe.alarms, recipe.sampling.fps
    rate = fps if isinstance(fps, float | int) else _USUAL_RATE
    rate = min(rate, camera.fps or rate)
    keys = [alarms.model_dump(), *(each.model_dump() for each in alarms.per_class.values())]
    keys += [camera.alarms, *camera.alarms_per_class.values()]
    steps = max(each.get("hold_steps") or 0 for each in keys)
    if alarms.preset == "positive_frames":
        steps = max(steps, _PRESET_STEPS)
    return max(steps / rate, *(each.get("hold_seconds") or 0.0 for each in keys))
