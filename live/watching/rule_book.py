"""The rules in force: of the recipe, of each camera, and what was set since on the page."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from live.alarms.presets import event_classes, rules_of
from live.alarms.rule import Rule
from live.alarms.schedule import is_armed, parse_schedule
from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.model import LiveModel
from recipes.loader import Settings
from recipes.schema import AlarmRule, Alarms
from video.errors import LookbackError

_CLASSES, _THRESHOLDS, _ARMED = "alarm_classes", "alarm_thresholds", "armed"
_ANY = "any class"  # stands for the classes without keys of their own


class RuleBook:
    """Makes the rules of each camera, and stores what a person sets. Safe between threads.

    Attributes:
        changes: Number of changes so far; a new number means that the rules are to be read again.
    """

    def __init__(
        self,
        settings: Settings,
        store: EventStore | None,
        local_time: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        """Read what was set in an earlier run.

        Args:
            settings: The recipe.
            store: The database; None to keep settings for this run only.
            local_time: Returns the local time with its zone.
        """
        self._local_time = local_time
        self._recipe, self._store = settings.recipe, store
        self._lock = threading.Lock()
        self._set: dict[str, Any] = dict(store.settings()) if store else {}
        self.changes = 0

    def rules(self, camera: CameraConfig, model: LiveModel) -> list[Rule]:
        """Return the rules of a camera for the classes of a model.

        Classes that the model does not have are left out: a model that was taught meanwhile must
        not end the watching. `check` refuses them at the start.

        Raises:
            UsageError: A threshold to end an event is above the one to begin it.
        """
        classes, alarms = self._classes(model), self._alarms(camera)
        known = {label: rule for label, rule in alarms.per_class.items() if label in classes}
        alarms = alarms.model_copy(update={"classes": classes, "per_class": known})
        made = []
        for rule in rules_of(alarms, model.labels, ()):
            pair = self._thresholds(camera.name, rule.label)
            made.append(replace(rule, on=pair[0], off=pair[1]) if pair else rule)
        return made

    def check(self, camera: CameraConfig, model: LiveModel | None) -> None:
        """Refuse rules of the recipe and of a camera that cannot be followed.

        Args:
            camera: The camera.
            model: The model; None to check only what needs none.

        Raises:
            UsageError: A rule is for a class that the model does not have, or that raises no alarm,
                or its thresholds are in the wrong order.
        """
        alarms = self._alarms(camera)
        if model is None:
            names = (*alarms.per_class, _ANY)
            rules_of(alarms.model_copy(update={"classes": names}), names, ())
        elif self._set.get(_CLASSES) is None:  # else a person may have taken classes out
            classes = self._recipe.alarms.classes or self._events_of(model)
            wanted = {
                label: rule
                for label, rule in alarms.per_class.items()
                if label in classes or label in camera.alarms_per_class
            }
            rules_of(alarms.model_copy(update={"per_class": wanted}), model.labels, classes)

    def classes(self, model: LiveModel | None) -> tuple[str, ...]:
        """Return the classes that raise alarms."""
        if model is None:
            return tuple(self._wanted() or ())
        return self._classes(model)

    def set_classes(self, labels: Sequence[str]) -> None:
        """Set the classes that raise alarms."""
        with self._lock:
            self._store_setting(_CLASSES, list(dict.fromkeys(labels)))

    def set_thresholds(self, camera: str | None, label: str, on: float, off: float) -> None:
        """Set the thresholds of a class, for one camera or for all (None).

        Raises:
            LookbackError: `off` is above `on`, or one of them is not from 0 to 1.
        """
        try:
            Rule(label, on, off)
        except ValueError as error:
            raise LookbackError(f"{label}: {error}") from None
        with self._lock:
            before: dict[str, Any] = self._set.get(_THRESHOLDS, {})
            everywhere, own = dict(before.get("all", {})), dict(before.get("cameras", {}))
            if camera is None:  # for all: those of single cameras no longer hold
                everywhere[label] = [on, off]
                own = {
                    name: {each: pair for each, pair in pairs.items() if each != label}
                    for name, pairs in own.items()
                }
            else:
                own[camera] = {**own.get(camera, {}), label: [on, off]}
            self._store_setting(_THRESHOLDS, {"all": everywhere, "cameras": own})

    def armed(self, camera: str) -> bool | None:
        """Return whether a person armed or disarmed a camera; None for its armed hours."""
        return self._set.get(_ARMED, {}).get(camera)

    def set_armed(self, camera: CameraConfig, armed: bool) -> None:
        """Arm or disarm a camera.

        What the armed hours of the camera say now returns it to them: it is not armed for good by
        somebody who disarms it for an hour.
        """
        hours = is_armed(parse_schedule(camera.armed), self._local_time())
        with self._lock:
            now = None if armed == hours else armed
            self._store_setting(_ARMED, {**self._set.get(_ARMED, {}), camera.name: now})

    def _thresholds(self, camera: str, label: str) -> list[float] | None:
        """Return `on` and `off` that were set for a class; None without."""
        chosen: dict[str, Any] = self._set.get(_THRESHOLDS, {})
        own: list[float] | None = chosen.get("cameras", {}).get(camera, {}).get(label)
        return own or chosen.get("all", {}).get(label)

    def _alarms(self, camera: CameraConfig) -> Alarms:
        """Return the alarms of the recipe with the keys of a camera."""
        alarms = self._recipe.alarms.model_copy(update=camera.alarms)
        per_class = dict(alarms.per_class)
        for label, keys in camera.alarms_per_class.items():
            before = per_class.get(label)
            values = before.model_dump(exclude_none=True) if before else {}
            per_class[label] = AlarmRule.model_validate({**values, **keys})
        return alarms.model_copy(update={"per_class": per_class})

    def _chosen(self, model: LiveModel) -> tuple[str, ...] | None:
        """Return the classes that a person or the recipe chose; None without a choice."""
        chosen = self._wanted()
        return None if chosen is None else tuple(each for each in chosen if each in model.labels)

    def _wanted(self) -> Sequence[str] | None:
        chosen: Sequence[str] | None = self._set.get(_CLASSES)
        return self._recipe.alarms.classes if chosen is None else chosen

    def _classes(self, model: LiveModel) -> tuple[str, ...]:
        chosen = self._chosen(model)
        if chosen is not None:
            return chosen
        return tuple(label for label in self._events_of(model) if label in model.labels)

    def _events_of(self, model: LiveModel) -> tuple[str, ...]:
        sequence = model.extractor.config.sequence
        return event_classes(
            self._recipe.sequence.events,
            sequence.events if sequence else (),
            model.labels,
            bool(model.thresholds),
        )

    def _store_setting(self, key: str, value: Any) -> None:
        """Store a setting, with the lock held: of two that are set at once, none is lost.

        Raises:
            LookbackError: The database cannot be written; the setting before it still holds.
        """
        if self._store is not None:
            self._store.set_setting(key, value)
        self._set = {**self._set, key: value}  # others read without the lock
        self.changes += 1
