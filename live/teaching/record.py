"""The record of a learning beside its model, `teaching.json`: the score and the clips behind it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from video.atomic_write import atomic_write

FILE = "teaching.json"


@dataclass(frozen=True)
class LearningRecord:
    """What a learning ended with.

    Attributes:
        score: Share of the clips that were predicted correctly by models that had not seen them, 0
            to 1; None if no clip could be held back.
        method: What was held back: `groups`, `clips`, `validation`, or empty.
        hits: Whether each clip was predicted correctly, by video and start in seconds.
        labels: Classes of the model.
        warnings: What the user should know about the score, a sentence each.
        seconds: Duration of the learning.
    """

    score: float | None
    method: str
    hits: dict[str, bool]
    labels: tuple[str, ...]
    warnings: tuple[str, ...]
    seconds: float = 0.0

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "LearningRecord":
        """Return the record that `asdict` and JSON made."""
        return cls(**{**values, "labels": (*values["labels"],), "warnings": (*values["warnings"],)})


def write_record(folder: Path, record: LearningRecord) -> None:
    """Write the record of a model folder, replacing it in one step."""
    text = json.dumps(asdict(record), indent=1, ensure_ascii=False) + "\n"
    with atomic_write(folder / FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_record(folder: Path) -> LearningRecord | None:
    """Return the record of a model folder; None without one that can be read."""
    try:
        values = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return LearningRecord.from_json(values)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # of a model that another command trained
