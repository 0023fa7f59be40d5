"""What the page and MQTT may set: rules, armed cameras, events to delete."""

from collections.abc import Sequence

from live.alarms.rule import Rule
from live.events.store import EventStore
from live.model import LiveModel
from live.watching.loop import Watched
from live.watching.rule_book import RuleBook


class LiveControls:
    """Settings that act at once and are stored; see `live.page.interfaces.Controls`."""

    def __init__(self, cameras: Sequence[Watched], book: RuleBook, store: EventStore) -> None:
        """Join the parts.

        Args:
            cameras: The cameras, by number.
            book: The rules.
            store: The database.
        """
        self._cameras, self._book, self._store = cameras, book, store

    def rules(self, camera: int) -> dict[str, tuple[float, float]]:
        """Return `on` and `off` of each alarm class of a camera; none before the first model."""
        watched = self._cameras[camera]
        if watched.model is None:
            return {}
        made: list[Rule] = self._book.rules(watched.reader.camera, watched.model)
        return {rule.label: (rule.on, rule.off) for rule in made}

    def alarm_classes(self) -> Sequence[str]:
        """Return the classes that raise alarms."""
        return self._book.classes(self._model())

    def set_rule(self, camera: int | None, label: str, on: float, off: float) -> None:
        """Set the thresholds of a class, for one camera or for all (None).

        Raises:
            LookupError: The model has no such class.
        """
        self._require(label)
        name = None if camera is None else self._cameras[camera].reader.name
        self._book.set_thresholds(name, label, on, off)

    def set_alarm_classes(self, labels: Sequence[str]) -> None:
        """Set the classes that raise alarms.

        Raises:
            LookupError: The model has no such class.
        """
        for label in labels:
            self._require(label)
        self._book.set_classes(labels)

    def set_armed(self, camera: int, armed: bool) -> None:
        """Set whether the events of a camera are reported."""
        self._book.set_armed(self._cameras[camera].reader.camera, armed)

    def delete_event(self, event: int) -> None:
        """Delete an event with its still and recordings.

        Raises:
            LookupError: There is none of this number.
        """
        if not self._store.delete_event(event):
            raise LookupError(event)

    def _require(self, label: str) -> None:
        model = self._model()
        if model is not None and label not in model.labels:  # before a model, classes are planned
            raise LookupError(label)

    def _model(self) -> LiveModel | None:
        return next((each.model for each in self._cameras if each.model is not None), None)
