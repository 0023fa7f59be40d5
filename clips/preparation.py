"""From a folder of clips to a manifest that can be trusted; run by prepare.py and, where there is
no manifest yet, by every script that needs one."""

import csv
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from clips import manifest as manifests
from clips.finding import find_clips
from clips.grouping import group_entries
from clips.manifest import SPLITS, Entry, Manifest
from clips.probing import ClipFacts, probe
from clips.splitting import check_split, parse_shares, split_entries
from recipes.commands import command
from recipes.loader import Settings
from video.errors import LookbackError, VideoError


def manifest_path(settings: Settings) -> Path:
    data = settings.recipe.data
    return Path(data.manifest) if data.manifest else Path(data.folder) / "manifest.csv"


def load_manifest(settings: Settings) -> Manifest:
    """Return the checked manifest, preparing one first where there is none."""
    path = manifest_path(settings)
    if not path.is_file():
        if settings.recipe.data.manifest:
            raise LookbackError(f"{path}: there is no such manifest")
        print(f"No {path} yet: preparing one ({command('prepare')}).")
        return prepare(settings)
    manifest = _completed(manifests.read(path), settings)
    check_split(list(manifest.entries), str(path))
    _tell_new_clips(manifest)
    return manifest


def prepare(settings: Settings) -> Manifest:
    """Find, check, group and split the clips; write manifest.csv and rejected.csv.

    Rows of a manifest that is already there keep their split and group, unless the user asks for
    other ones (`--group-by`, `--split`, `--seed`); the file before becomes manifest.previous.csv.
    """
    path = manifest_path(settings)
    before = path.read_bytes() if path.is_file() else None
    entries = list(manifests.read(path).entries) if before else []
    if {"data.split", "data.group_by", "seed"} & settings.given:
        entries = [replace(entry, split="") for entry in entries]
    known = {entry.video for entry in entries}
    try:
        found = find_clips(path.parent)
    except LookbackError:
        if not entries:
            raise
        found = []
    entries += [Entry(video, label) for video, label in found if video not in known]
    facts, rejected = _probe_all(path.parent, list(dict.fromkeys(e.video for e in entries)))
    manifests.write_rows(path.with_name("rejected.csv"), ["video", "reason"], rejected)
    entries = [entry for entry in entries if entry.video in facts]
    if not entries:
        raise LookbackError(
            f"{path.parent}: no clip can be read; {path.with_name('rejected.csv')} tells why"
        )
    manifest = _completed(Manifest(path, tuple(entries)), settings)
    check_split(list(manifest.entries), str(path.parent))
    manifests.write(manifest)
    if before is not None and before != path.read_bytes():
        path.with_name("manifest.previous.csv").write_bytes(before)
    _summarise(manifest, facts, rejected)
    return manifest


def _completed(manifest: Manifest, settings: Settings) -> Manifest:
    """Fill in groups and splits where rows have none."""
    data = settings.recipe.data
    entries = list(manifest.entries)
    if "data.group_by" in settings.given:
        entries = group_entries(entries, data.group_by)
    else:
        automatic = group_entries(entries, "auto")
        entries = [
            entry if entry.group else replace(entry, group=other.group)
            for entry, other in zip(entries, automatic, strict=True)
        ]
    if any(not entry.split for entry in entries):
        entries = split_entries(entries, parse_shares(data.split), settings.recipe.seed)
    return manifest.with_entries(entries)


def _probe_all(
    folder: Path, videos: list[str]
) -> tuple[dict[str, ClipFacts], list[tuple[str, str]]]:
    def look(video: str) -> ClipFacts | str:
        try:
            return probe(folder / video)
        except VideoError as error:
            return str(error).removeprefix(f"{folder / video}: ")

    # Decoding threads its own work; two clips at once fill the gaps between them.
    with ThreadPoolExecutor(2) as pool:
        results = list(
            tqdm(pool.map(look, videos), "check", len(videos), unit="clip", disable=None)
        )
    answers = dict(zip(videos, results, strict=True))
    facts = {video: answer for video, answer in answers.items() if isinstance(answer, ClipFacts)}
    return facts, [(video, answer) for video, answer in answers.items() if video not in facts]


def _tell_new_clips(manifest: Manifest) -> None:
    try:
        found = {video for video, _ in find_clips(manifest.path.parent)}
    except LookbackError:
        return
    rejected = manifest.path.with_name("rejected.csv")
    if rejected.is_file():
        with rejected.open(newline="", encoding="utf-8") as file:
            found -= {row["video"] for row in csv.DictReader(file)}
    new = found - set(manifest.videos)
    if new:
        print(
            f"note: {len(new)} clips are not in {manifest.path} (such as {min(new)}); "
            f"{command('prepare')} adds them"
        )


def _summarise(manifest: Manifest, facts: dict[str, ClipFacts], rejected: list) -> None:
    for video, fact in facts.items():
        if fact.note:
            print(f"note: {video}: {fact.note}; what decodes is used")
    for video, reason in rejected:
        print(f"rejected: {video}: {reason}")
    counts = Counter((entry.label, entry.split) for entry in manifest.entries)
    width = max(5, *(len(label) for label in manifest.labels))
    print(f"\n{'class':<{width}}" + "".join(f"{split:>7}" for split in SPLITS))
    for label in manifest.labels:
        print(f"{label:<{width}}" + "".join(f"{counts[label, split]:>7}" for split in SPLITS))
    groups = len({entry.group for entry in manifest.entries})
    if groups == len(facts):
        print(
            "Every clip is a group of its own. If several come from one video, scene or person, "
            "say so with --group-by, or the test will flatter."
        )
    seconds = sum(fact.seconds for fact in facts.values())
    print(
        f"{len(facts)} clips, {seconds:.0f} s, {groups} groups, each on one side of the split; "
        f"{len(rejected)} rejected\n{manifest.path}"
    )
