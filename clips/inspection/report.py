"""The report of a preparation: preparation.txt, preparation.json and pictures."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clips.finding.probing import ClipFacts
from clips.inspection.correlates import Correlate, correlates_of, properties_of
from clips.inspection.leaks import Leaks
from clips.inspection.likeness import Likeness, Pair
from clips.inspection.media import Media
from clips.inspection.pictures import write_contact_sheets, write_distribution
from clips.inspection.proposals import propose
from clips.manifest import SPLITS, Manifest
from clips.manifest.entries import one_label_each
from clips.manifest.segments import Segment, segments_within
from video.atomic_write import atomic_write

_UNEVEN = 3.0  # clips of the largest class by those of the smallest
_FEW_GROUPS = 5  # of a class in the test split
CONTENT = "preparation.json"  # name of the file for programs
_LISTED = 20  # of pairs and files in the text; the JSON file has all


@dataclass(frozen=True)
class Inspection:
    """What was found out about the clips.

    Attributes:
        facts: Properties of each decoded video.
        media: Properties of each file.
        brightness: Mean gray level of each video.
        likeness: Pairs of clips that look alike.
        rejected: Videos that are not used, each with the reason.
        missing: Videos whose file is missing.
        equal: Groups of videos with the same content.
        contents: SHA-256 of each video, as far as it is known.
    """

    facts: Mapping[str, ClipFacts]
    media: Mapping[str, Media]
    brightness: Mapping[str, float]
    likeness: Likeness
    rejected: Sequence[tuple[str, str]]
    missing: Sequence[str]
    equal: Sequence[list[str]]
    contents: Mapping[str, str]


def report_folder(out: Path | None, data: Path) -> Path:
    """Return the folder of the report.

    Args:
        out: Folder; None for `reports/<name of the data folder>`.
        data: Data folder.
    """
    return out or Path("reports") / data.resolve().name


def warnings_of(manifest: Manifest, leaks: Leaks, correlates: Sequence[Correlate]) -> list[str]:
    """Return a line for each thing that makes a score of this data set doubtful."""
    labels = set(manifest.labels)  # looked up here, because finding them takes a pass over the rows
    entries = [each for each in one_label_each(manifest.entries) if each.label in labels]
    counts = Counter(entry.label for entry in entries)
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    warnings = leaks.notes()
    warnings += [
        f"{each}: a model can learn this instead" for each in correlates if each.tells_class
    ]
    if counts[most] >= _UNEVEN * counts[least]:
        right = "the balanced accuracy, not at the accuracy"
        if manifest.several:
            right = "the scores of each class, not at their mean alone"
        warnings.append(
            f"uneven classes: {counts[most]} clips of {most}, {counts[least]} of {least}; look at "
            f"{right}"
        )
    groups: dict[str, set[str]] = {label: set() for label in counts}
    for entry in entries:
        if entry.split == "test":
            groups[entry.label].add(entry.group)
    few = [f"{label} {len(names)}" for label, names in groups.items() if len(names) < _FEW_GROUPS]
    if few:
        more = f", and {len(few) - 5} more" if len(few) > 5 else ""
        folds = len({entry.group for entry in manifest.entries}) > 1
        warnings.append(
            f"few groups in test ({', '.join(few[:5])}{more}): the test score has a wide interval"
            + ("; a cross-validation uses all groups" if folds else "")
        )
    return warnings


def correlates_in(manifest: Manifest, found: Inspection) -> list[Correlate]:
    """Return how well each property of the files predicts the class."""
    rows = [entry for entry in manifest.entries if entry.video in found.facts]
    properties = properties_of(rows, found.facts, found.media, found.brightness)
    return correlates_of(properties, [row.label for row in rows], [row.group for row in rows])


def write_report(out: Path, manifest: Manifest, found: Inspection, leaks: Leaks) -> dict[str, Any]:
    """Write preparation.json, preparation.txt, a contact sheet for each class and classes.png.

    Args:
        out: Folder; it is created if it is missing.
        manifest: The usable rows with their splits.
        found: What was found out about the clips.
        leaks: Clips of two splits that show the same.

    Returns:
        The content of preparation.json.

    Raises:
        OSError: A file cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = [entry for entry in manifest.entries if entry.video in found.facts]
    correlates = correlates_in(manifest, found)
    content = _content(manifest, found, leaks, correlates)
    seconds = {label: each["seconds"] for label, each in content["classes"].items()}
    distribution = write_distribution(out, rows, seconds)
    sheets = write_contact_sheets(
        manifest.path.parent, out, rows, found.facts, found.contents, _sheets_in(out)
    )
    content["pictures"] = [distribution.name, *sheets]
    content["sheets"] = sheets
    with atomic_write(out / CONTENT) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    with atomic_write(out / "preparation.txt") as temporary:
        temporary.write_text(_text(content), encoding="utf-8")
    return content


def _sheets_in(out: Path) -> dict[str, str]:
    """Return what an earlier report in a folder says about its contact sheets."""
    try:
        return dict(json.loads((out / CONTENT).read_text(encoding="utf-8"))["sheets"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _content(
    manifest: Manifest, found: Inspection, leaks: Leaks, correlates: Sequence[Correlate]
) -> dict[str, Any]:
    facts = found.facts.values()
    lengths = np.array([fact.seconds for fact in facts])
    files = [found.media.get(video, Media()) for video in found.facts]
    group_of = {entry.video: entry.group for entry in manifest.entries}
    return {
        "manifest": str(manifest.path),
        "clips": len(manifest.entries),
        "videos": len(found.facts),
        "seconds": round(float(lengths.sum()), 1),
        "groups": len(set(group_of.values())),
        "classes": _classes(manifest, found),
        "sizes": _counts(f"{width}x{height}" for width, height in (fact.size for fact in facts)),
        "frame_rates": _counts(f"{_rate(fact):g}" for fact in facts),
        "codecs": _counts(file.codec or "unknown" for file in files),
        "sound": _counts("with" if file.sound else "without" for file in files),
        "devices": _counts(file.device for file in files if file.device),
        "lengths": {
            "shortest": round(float(lengths.min()), 2),
            "median": round(float(np.median(lengths)), 2),
            "longest": round(float(lengths.max()), 2),
        },
        "rejected": [{"video": video, "reason": reason} for video, reason in found.rejected],
        "missing": list(found.missing),
        "equal": [list(videos) for videos in found.equal],
        "copies": [
            _pair(pair) | {"same_group": group_of.get(pair.one) == group_of.get(pair.other)}
            for pair in found.likeness.copies
        ],
        "leaks": {
            "clips": leaks.clips,
            "of": {split: leaks.totals[split] for split in leaks.clips},
            "pairs": [_pair(pair) for pair in leaks.pairs],
        },
        "proposed_groups": propose(
            manifest.entries, found.likeness, found.media, found.equal
        ).groups,
        "not_compared": {
            "short_or_dark": list(found.likeness.too_short),
            "pairs": found.likeness.left_out,
        },
        "correlates": [asdict(each) | {"tells_class": each.tells_class} for each in correlates],
        "warnings": warnings_of(manifest, leaks, correlates),
    }


def _classes(manifest: Manifest, found: Inspection) -> dict[str, dict[str, Any]]:
    lengths = {video: fact.seconds for video, fact in found.facts.items()}
    of_label: dict[str, list[Segment]] = {label: [] for label in manifest.listed_labels}
    for each in segments_within(manifest, lengths):
        if each.label in of_label:
            of_label[each.label].append(each)
    return {label: _class(rows, lengths) for label, rows in of_label.items()}


def _class(rows: Sequence[Segment], lengths: Mapping[str, float]) -> dict[str, Any]:
    splits = Counter(row.split for row in rows)
    seconds = sum(row.end - row.start for row in rows if row.video in lengths)
    counts = {split: splits[split] for split in SPLITS}
    groups = len({row.group for row in rows})
    return {"clips": len(rows), **counts, "groups": groups, "seconds": round(seconds, 1)}


def _rate(fact: ClipFacts) -> float:
    return round((fact.frames - 1) / fact.seconds, 2) if fact.seconds > 0 else 0.0


def _counts(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _pair(pair: Pair) -> dict[str, Any]:
    rounded = {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in asdict(pair).items()
    }
    return rounded | {"copy": pair.is_copy}


def _text(content: Mapping[str, Any]) -> str:
    lines = [
        f"{content['clips']} clips of {content['videos']} videos, {content['seconds']:.0f} s, "
        f"{content['groups']} groups",
        content["manifest"],
        *_section("Warnings", content["warnings"] or ["none"]),
        *_section("Classes", _class_table(content["classes"])),
        *_section("Files", _file_lines(content)),
    ]
    correlates = [
        f"{each['name']:<12}{each['score']:.2f} (chance {each['chance']:.2f})"
        + ("  <- tells the class" if each["tells_class"] else "")
        for each in content["correlates"]
    ]
    lines += _section("Class predicted from one property of the files", correlates)
    lines += _section(
        "Copies, encoded again or cut",
        [
            f"{pair['one']} = {pair['other']}"
            + ("" if pair["same_group"] else "  <- in two groups, because their splits are given")
            for pair in content["copies"]
        ],
    )
    lines += _section(
        "Views shared by training and another split",
        [f"{pair['one']} ~ {pair['other']}" for pair in content["leaks"]["pairs"]],
    )
    lines += _section("Equal content", [" = ".join(videos) for videos in content["equal"]])
    lines += _section(
        "Rejected", [f"{each['video']}: {each['reason']}" for each in content["rejected"]]
    )
    lines += _section("Missing", content["missing"])
    return "\n".join([*lines, ""])


def _section(title: str, found: Sequence[str]) -> list[str]:
    if not found:
        return []
    more = [f"  and {len(found) - _LISTED} more"] if len(found) > _LISTED + 1 else []
    shown = found if not more or title in ("Classes", "Warnings") else found[:_LISTED]
    return ["", title, *(f"  {line}" for line in shown), *(more if shown is not found else [])]


def _class_table(classes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    width = max(5, *map(len, classes))
    columns = ("clips", *SPLITS, "groups", "seconds")
    rows = [f"{'class':<{width}}" + "".join(f"{name:>9}" for name in columns)]
    return rows + [
        f"{label:<{width}}" + "".join(f"{each[name]:>9}" for name in columns)
        for label, each in classes.items()
    ]


def _file_lines(content: Mapping[str, Any]) -> list[str]:
    lengths = content["lengths"]
    lines = [
        f"{title:<12}"
        + ", ".join(f"{name} ({count})" for name, count in list(found.items())[:8])
        + (f", and {len(found) - 8} more" if len(found) > 8 else "")
        for title, found in (
            ("sizes", content["sizes"]),
            ("frame rates", content["frame_rates"]),
            ("codecs", content["codecs"]),
            ("sound", content["sound"]),
            ("devices", content["devices"]),
        )
        if found
    ]
    return [
        *lines,
        f"{'seconds':<12}{lengths['shortest']} to {lengths['longest']}, median {lengths['median']}",
    ]
