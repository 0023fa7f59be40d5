"""Label map: evaluation on another data set, whose classes have other names.

    kick=fight,push=fight,other=-     as a flag
    {kick: fight, push: fight}        as a YAML file

`-` leaves the clips of a label out. Labels that the model knows need no entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from clips.manifest import BACKGROUND
from video.errors import LookbackError, UsageError, hint

LEFT_OUT = "-"


@dataclass(frozen=True)
class LabelMap:
    """Labels of a data set and those of a model.

    Attributes:
        labels: Labels of the model, in the order of its probabilities.
        names: Label of the model, or `-`, by the label of the data set.
    """

    labels: tuple[str, ...]
    names: Mapping[str, str]

    def of(self, label: str) -> str | None:
        """Return the model's label for a label of the data set; None if it is left out."""
        name = self.names.get(label, label)
        return None if name == LEFT_OUT else name

    def require(self, labels: Iterable[str], place: Path) -> None:
        """Check that every label of a data set has a label of the model.

        Args:
            labels: Labels of the data set.
            place: Manifest, for the message.

        Raises:
            LookbackError: A label has none, or all are left out.
        """
        labels = list(labels)
        unknown = [each for each in labels if self.of(each) not in (None, *self.labels)]
        if unknown:
            implied = " (the rest of partly labeled videos)" if BACKGROUND in unknown else ""
            raise LookbackError(
                f"{place}: the model does not know {', '.join(unknown)}{implied}; map each to one "
                f'of {", ".join(self.labels)}, or to - to leave it out: --label-map "'
                f'{",".join(f"{each}=-" for each in unknown)}"'
            )
        if all(self.of(each) is None for each in labels):
            raise LookbackError(
                f"{place}: --label-map leaves out all clips; map a label to one of "
                f"{', '.join(self.labels)}"
            )
        for each in self.names:
            if each not in labels:
                raise LookbackError(
                    f"--label-map: {place} has no label {each!r}; {hint(each, labels)}"
                )


def read_label_map(value: str | Mapping[str, str], labels: Iterable[str]) -> LabelMap:
    """Return the label map of a flag, a file or a recipe.

    Args:
        value: `name=label` pairs with commas between them, the path of a YAML file, or a mapping.
        labels: Labels of the model, in the order of its probabilities.

    Raises:
        UsageError: The value is none of these, or names a label that the model does not have.
        LookbackError: The file cannot be read.
    """
    labels = tuple(labels)
    names = _pairs(value) if isinstance(value, str) else dict(value)
    for name, label in names.items():
        if label not in (*labels, LEFT_OUT):
            raise UsageError(
                f"--label-map {name}={label}: the model has no label {label!r}; "
                f"{hint(label, labels)}, or - to leave {name} out"
            )
    return LabelMap(labels, names)


def _pairs(text: str) -> dict[str, str]:
    if "=" not in text:
        return _file(Path(text))
    names = {}
    for pair in text.split(","):
        name, equals, label = (part.strip() for part in pair.partition("="))
        if not (equals and name and label):
            raise UsageError(f"--label-map {text}: write it as kick=fight,other=-")
        names[name] = label
    return names


def _file(path: Path) -> dict[str, str]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LookbackError(
            f"--label-map {path}: cannot be read ({error.strerror}); name a YAML file, or write "
            "kick=fight,other=-"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict) or not all(
        isinstance(each, str) for pair in content.items() for each in pair
    ):
        raise LookbackError(f"{path}: should hold a line 'label: label of the model' per class")
    return content
