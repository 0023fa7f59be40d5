"""Classes joined by patterns of their names: `Golf-*=Golf`."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from clips.manifest import Entry
from metrics.label_sets import joined
from video.errors import UsageError, hint


def merge_classes(entries: list[Entry], patterns: Sequence[str]) -> list[Entry]:
    """Return the rows with the labels that match a pattern replaced; equal rows become one.

    Of a row with several labels, each is replaced.

    Args:
        entries: The rows.
        patterns: `PATTERN=CLASS` each, with * and ? in the pattern; the first that matches counts.

    Raises:
        UsageError: A pattern has another form, or matches no class.

    >>> rows = [Entry("a.mp4", "Golf-Back"), Entry("b.mp4", "Walk")]
    >>> [row.label for row in merge_classes(rows, ["Golf-*=Golf"])]
    ['Golf', 'Walk']
    """
    rules = [_rule(text) for text in patterns]
    labels = sorted({label for entry in entries for label in entry.labels})
    new = {label: _merged(label, rules) for label in labels}
    for text, (pattern, target) in zip(patterns, rules, strict=True):
        # A manifest that is prepared again has the new names already.
        if target not in labels and not any(fnmatchcase(label, pattern) for label in labels):
            raise UsageError(f"--merge {text}: matches no class; {hint(pattern, labels)}")

    def renamed(entry: Entry) -> Entry:
        return replace(entry, label=joined(new[label] for label in entry.labels))

    return list(dict.fromkeys(map(renamed, entries)))


def _rule(text: str) -> tuple[str, str]:
    pattern, _, target = (part.strip() for part in text.rpartition("="))
    if not pattern or not target or "|" in target:
        raise UsageError(
            f'--merge {text}: write a pattern and the new class, such as --merge "Golf-*=Golf"'
        )
    return pattern, target


def _merged(label: str, rules: Sequence[tuple[str, str]]) -> str:
    return next((target for pattern, target in rules if fnmatchcase(label, pattern)), label)
