"""The settings that a search varies, and the values that it tries."""

from collections.abc import Sequence as Names
from dataclasses import dataclass
from typing import Any, Protocol

from metrics.task import SINGLE_LABEL, Task
from recipes.schema import Sequence
from sequence.heads import HEADS
from sequence.pooling import events_of

# Steps of a window: of networks that see single frames, and of clip networks.
_FRAME_LOOK_BACKS = (4, 8, 12, 16, 24, 32)
_CLIP_LOOK_BACKS = (1, 2, 4, 8)
_UNITS = ((16,), (32,), (64,), (64, 16), (128, 32))
_DROPOUT = (0.0, 0.7)
_LEARNING_RATE = (3e-4, 1e-2)
_WEIGHT_DECAY = (1e-3, 1.0)
# Heads for which `sequence.units` has a meaning.
_WITH_UNITS = ("lstm", "gru", "bilstm_attention", "mean")
# Head that is always tried: linear, with few weights, and hard to beat on a few hundred clips.
_SIMPLE_HEAD = "statistics"


class Suggestions(Protocol):
    """The part of `optuna.Trial` that names values."""

    def suggest_categorical(self, name: str, choices: Names) -> Any: ...

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...


@dataclass(frozen=True)
class Configuration:
    """One point of the search.

    Attributes:
        input: Input of the backbone: `frame` or `change`.
        look_back: Number of steps in a window, L.
        sequence: All other settings.
    """

    input: str
    look_back: int
    sequence: Sequence

    def to_dict(self) -> dict[str, Any]:
        """Return the searched values by name, as in metrics.json."""
        values = self.sequence.model_dump(
            mode="json",
            include={"head", "dropout", "learning_rate", "weight_decay", "delta", "pooling"},
        )
        units = {"units": list(self.sequence.units)} if has_units(self.sequence.head) else {}
        return {"input": self.input, "look_back": self.look_back, **values, **units}

    def __str__(self) -> str:
        sequence = self.sequence
        units = "-".join(map(str, sequence.units)) if has_units(sequence.head) else ""
        return ", ".join(
            [
                self.input,
                f"{sequence.head} {units}".strip(),
                f"look-back {self.look_back}",
                f"dropout {sequence.dropout:.2f}",
                f"rate {sequence.learning_rate:.2g}",
                f"decay {sequence.weight_decay:.2g}",
                *(["delta"] if sequence.delta else []),
                f"pooling {sequence.pooling}",
            ]
        )


def has_units(head: str) -> bool:
    """Return whether `sequence.units` has a meaning for a head."""
    return head in _WITH_UNITS


class SearchSpace:
    """The values to try. A key that the user fixed on the command line keeps its value.

    Attributes:
        first: Values by name of the points that are tried before any others: the recipe's own
            settings, and the simplest head, each with every input.
    """

    def __init__(
        self,
        base: Sequence,
        inputs: list[str],
        look_back: int,
        longest: int,
        labels: Names[str],
        is_clip_network: bool,
        fixed: frozenset[str] = frozenset(),
        task: Task = SINGLE_LABEL,
    ) -> None:
        """Collect the values.

        Args:
            base: Settings of the recipe.
            inputs: Inputs of the backbone that have features.
            look_back: Look-back of the recipe.
            longest: Maximum look-back that is worth trying: steps of a typical clip.
            labels: Names of the classes.
            is_clip_network: Whether a step of the backbone sees a whole clip.
            fixed: Names of keys of `sequence` that keep the recipe's value.
            task: Whether a clip has one class or several.
        """
        self._base, self._fixed = base, fixed
        events = bool(events_of(base, labels, task))
        rules = ("mean", "attention", *(["top"] if events else []))
        steps = _CLIP_LOOK_BACKS if is_clip_network else _FRAME_LOOK_BACKS
        pooling = "mean" if base.pooling == "auto" else base.pooling
        head = base.head if base.head in HEADS else "lstm"
        self._own = {
            "head": head,
            "look_back": look_back,
            "pooling": pooling,
            "units": _text(base.units),
            "delta": base.delta,
        }
        self._choices: dict[str, tuple] = {
            "input": tuple(inputs),
            "head": tuple(HEADS),
            "look_back": _with(look_back, [each for each in steps if each <= longest]),
            "pooling": _with(pooling, rules),
            "units": _with(_text(base.units), [_text(units) for units in _UNITS]),
            "delta": (False, True),
        }
        # A value of `auto` leaves the choice open, so it fixes nothing.
        for name in fixed & self._own.keys():
            if getattr(base, name) != "auto":
                self._choices[name] = (self._own[name],)
        self._ranges = {
            "dropout": self._range("dropout", *_DROPOUT),
            "learning_rate": self._range("learning_rate", *_LEARNING_RATE),
            "weight_decay": self._range("weight_decay", *_WEIGHT_DECAY),
        }
        self.first = self._first()

    def _range(self, name: str, low: float, high: float) -> tuple[float, float]:
        value = float(getattr(self._base, name))
        if name in self._fixed:
            return value, value
        # A weight decay of 0 is outside of a logarithmic range.
        return min(low, value or low), max(high, value)

    def _first(self) -> list[dict[str, Any]]:
        heads = dict.fromkeys([self._own["head"], _SIMPLE_HEAD])
        points = []
        for head in heads:
            for name in self._choices["input"]:
                if head in self._choices["head"]:
                    own = {**self._own, "head": head, "input": name}
                    numbers = {
                        key: min(max(float(getattr(self._base, key)), low), high)
                        for key, (low, high) in self._ranges.items()
                    }
                    points.append({**own, **numbers})
        return points

    def suggest(self, trial: Suggestions) -> Configuration:
        """Return the configuration that a trial names."""
        chosen = {
            name: trial.suggest_categorical(name, choices)
            for name, choices in self._choices.items()
            if name != "units"
        }
        head = chosen["head"]
        units = self._base.units
        if has_units(head):
            units = _units(trial.suggest_categorical("units", self._choices["units"]))
        numbers: dict[str, float] = {}
        for name, (low, high) in self._ranges.items():
            fixed = low == high
            numbers[name] = (
                low if fixed else trial.suggest_float(name, low, high, log=name != "dropout")
            )
        values = {"head": head, "pooling": chosen["pooling"], "delta": chosen["delta"]}
        sequence = self._base.model_copy(
            update={**values, **numbers, "units": units, "look_back": chosen["look_back"]}
        )
        return Configuration(chosen["input"], chosen["look_back"], sequence)


def _with(value: Any, choices: Names) -> tuple:
    """Return the choices with a value among them, in order."""
    return tuple(choices) if value in choices else (value, *choices)


def _text(units: tuple[int, ...]) -> str:
    """Return layer widths as text: values of a study are plain.

    >>> _text((64, 16)), _units("64-16")
    ('64-16', (64, 16))
    """
    return "-".join(map(str, units))


def _units(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("-"))
