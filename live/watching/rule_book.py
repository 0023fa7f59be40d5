"""The rules in force: of the recipe, of each camera, and what was set since on the page."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from live.alarms.presets import event_classes, rules_of
from live.alarms.rule import Rule
from live.cameras.config import CameraConfig
from live.events.store import EventStore
from live.model import LiveModel
from recipes.loader import Settings
from recipes.schema import AlarmRule, Alarms
from video.errors import LookbackError

_CLASSES, _THRESHOLDS, _ARMED = "alarm_classes", "thresholds", "armed"


class RuleBook:
    """Makes the rules of each camera, and stores what a person sets. Safe between threads.

    Attributes:
        changes: Number of changes so far; a new number means that the rules are to be read again.
    """

    def __init__(self, settings: Settings, store: EventStore | None) -> None:
        """Read what was set in an earlier run.

        Args:
            settings: The recipe.
            store: The database; None to keep settings for this run only.
        """
        self._recipe, self._store = settings.recipe, store
        self._lock = threading.Lock()
        self._set: dict[str, Any] = dict(store.settings()) if store else {}
        self.changes = 0

    def rules(self, camera: CameraConfig, model: LiveModel) -> list[Rule]:
        """Return the rules of a camera for the classes of a model.

        Raises:
            UsageError: A rule is for a class that the model does not have.
        """
        thresholds = self._set.get(_THRESHOLDS, {})
        made = []
        for rule in rules_of(self._alarms(camera, model), model.labels, self._classes(model)):
            pair = thresholds.get(f"{camera.name}/{rule.label}") or thresholds.get(f"/{rule.label}")
            made.append(replace(rule, on=pair[0], off=pair[1]) if pair else rule)
        return made

    def classes(self, model: LiveModel | None) -> tuple[str, ...]:
        """Return the classes that raise alarms."""
        if model is None:
            return tuple(self._set.get(_CLASSES) or self._recipe.alarms.classes or ())
        chosen = self._chosen(model)
        return self._classes(model) if chosen is None else chosen

    def set_classes(self, labels: Sequence[str]) -> None:
        """Set the classes that raise alarms."""
        self._store_setting(_CLASSES, list(labels))

    def set_thresholds(self, camera: str | None, label: str, on: float, off: float) -> None:
        """Set the thresholds of a class, for one camera or for all (None).

        Raises:
            LookbackError: `off` is above `on`, or one of them is not from 0 to 1.
        """
        try:
            Rule(label, on, off)
        except ValueError as error:
            raise LookbackError(f"{label}: {error}") from None
        thresholds = dict(self._set.get(_THRESHOLDS, {}))
        if camera is None:  # for all: those of single cameras no longer hold
            thresholds = {
                key: pair for key, pair in thresholds.items() if not key.endswith(f"/{label}")
            }
        thresholds[f"{camera or ''}/{label}"] = [on, off]
        self._store_setting(_THRESHOLDS, thresholds)

    def armed(self, camera: str) -> bool | None:
        """Return whether a person armed or disarmed a camera; None for its armed hours."""
        return self._set.get(_ARMED, {}).get(camera)

    def set_armed(self, camera: str, armed: bool | None) -> None:
        """Arm or disarm a camera; None returns to its armed hours."""
        self._store_setting(_ARMED, {**self._set.get(_ARMED, {}), camera: armed})

    def _alarms(self, camera: CameraConfig, model: LiveModel) -> Alarms:
        alarms = self._recipe.alarms.model_copy(update=camera.alarms)
        per_class = {
            label: rule for label, rule in alarms.per_class.items() if label in self._classes(model)
        }
        for label, keys in camera.alarms_per_class.items():
            before = per_class.get(label)
            values = before.model_dump(exclude_none=True) if before else {}
            per_class[label] = AlarmRule.model_validate({**values, **keys})
        classes = self._chosen(model)
        return alarms.model_copy(update={"classes": classes, "per_class": per_class})

    def _chosen(self, model: LiveModel) -> tuple[str, ...] | None:
        """Return the classes that a person or the recipe chose; None without a choice."""
        chosen = self._set.get(_CLASSES)
        if chosen is not None:  # a class that the model no longer has is forgotten
            return tuple(label for label in chosen if label in model.labels)
        return self._recipe.alarms.classes

    def _classes(self, model: LiveModel) -> tuple[str, ...]:
        chosen = self._chosen(model)
        if chosen is not None:
            return chosen
        sequence = model.extractor.config.sequence
        return event_classes(
            self._recipe.sequence.events, sequence.events if sequence else (), model.labels
        )

    def _store_setting(self, key: str, value: Any) -> None:
        with self._lock:
            self._set[key] = value
            if self._store is not None:
                self._store.set_setting(key, value)
            self.changes += 1
