"""Silent correlates: properties of the files that tell the class without a look at the pictures.

If all clips of one class come from one camera, a model can learn the camera. Each property alone
predicts the class by a small decision tree, cross-validated with groups kept whole, and is compared
with chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clips.finding.probing import ClipFacts
from clips.inspection.media import Media
from clips.manifest import Entry

_FOLDS = 5
_DEPTH = 4
# A property is named if its score is this far above chance: a share of the way to 1, and three
# standard errors of guessing, with groups as the independent observations. In 952 drawn cases
# without any relation, two were named.
_SHARE, _ERRORS = 0.3, 3.0


@dataclass(frozen=True)
class Correlate:
    """How well a property predicts the class.

    Attributes:
        name: The property.
        score: Balanced accuracy of the cross-validation.
        chance: Balanced accuracy of guessing.
        groups: Number of groups.
    """

    name: str
    score: float
    chance: float
    groups: int

    @property
    def tells_class(self) -> bool:
        error = (self.chance * (1 - self.chance) / max(self.groups, 1)) ** 0.5
        return bool(self.score - self.chance > max(_SHARE * (1 - self.chance), _ERRORS * error))

    def __str__(self) -> str:
        return (
            f"{self.name} alone predicts the class with {self.score:.2f} (chance {self.chance:.2f})"
        )


def properties_of(
    entries: Sequence[Entry],
    facts: Mapping[str, ClipFacts],
    media: Mapping[str, Media],
    brightness: Mapping[str, float],
) -> dict[str, np.ndarray]:
    """Return the values of each property for each row, float64 (n, d).

    Args:
        entries: The rows; a row with times has the length of its part.
        facts: Properties of each decoded video.
        media: Properties of each file.
        brightness: Mean gray level of each video.
    """
    known = [facts[entry.video] for entry in entries]
    files = [media.get(entry.video, Media()) for entry in entries]
    codecs = sorted({file.codec for file in files})
    seconds = [max(fact.seconds, 1e-3) for fact in known]
    lengths = [
        (entry.end if entry.end is not None else fact.seconds) - (entry.start or 0.0)
        for entry, fact in zip(entries, known, strict=True)
    ]
    rates = [
        (fact.frames - 1) / span if fact.frames > 1 else file.rate
        for fact, file, span in zip(known, files, seconds, strict=True)
    ]
    return {
        "resolution": np.array([fact.size for fact in known], float),
        # Two decimals: the time stamps of one rate differ by rounding.
        "frame rate": np.round(np.array(rates, float), 2)[:, None],
        "codec": np.array([[file.codec == name for name in codecs] for file in files], float),
        "length": np.array(lengths, float)[:, None],
        "bit rate": np.array(
            [file.bytes * 8 / span for file, span in zip(files, seconds, strict=True)], float
        )[:, None],
        "sound": np.array([file.sound for file in files], float)[:, None],
        "brightness": np.array([brightness.get(e.video, 0.0) for e in entries], float)[:, None],
    }


def correlates_of(
    properties: Mapping[str, np.ndarray], labels: Sequence[str], groups: Sequence[str]
) -> list[Correlate]:
    """Return how well each property predicts the class, the best first.

    Classes of fewer than two groups are left out, because no fold could test them.

    Args:
        properties: Values of each property, (n, d).
        labels: Class of each row, (n,).
        groups: Group of each row, (n,).
    """
    names, group_names = np.asarray(labels), np.asarray(groups)
    groups_of = {name: len(set(group_names[names == name])) for name in np.unique(names)}
    kept = np.array([groups_of[name] > 1 for name in names], bool)
    classes, targets = np.unique(names[kept], return_inverse=True)
    if len(classes) < 2:
        return []
    folds = min(_FOLDS, *(groups_of[name] for name in classes))
    count = len(set(group_names[kept]))
    found = [
        Correlate(
            name, _score(values[kept], targets, group_names[kept], folds), 1 / len(classes), count
        )
        for name, values in properties.items()
        if len(np.unique(values[kept], axis=0)) > 1
    ]
    return sorted(found, key=lambda each: -each.score)


def _score(values: np.ndarray, targets: np.ndarray, groups: np.ndarray, folds: int) -> float:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    leaf = max(2, len(targets) // 100)
    tree = DecisionTreeClassifier(
        max_depth=_DEPTH + int(np.log2(targets.max() + 1)),
        min_samples_leaf=leaf,
        class_weight="balanced",
        random_state=0,
    )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    predicted = cross_val_predict(tree, values, targets, groups=groups, cv=splitter)
    return float(balanced_accuracy_score(targets, predicted))
