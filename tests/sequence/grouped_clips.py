"""Clips of groups that look alike, with their manifest and what `prepare.py` proposes."""

import json

import numpy as np

from clips.inspection.report import CONTENT
from clips.manifest import Manifest
from tests.sequence.stores import Clip


def clips_of(groups: int = 12, named: bool = True) -> list[Clip]:
    """Return four clips of each group, which look alike and have one class, drawn at random.

    Every clip but the last of a group is in train; without `named` each is a group of its own.
    """
    random, clips = np.random.default_rng(3), []
    for group in range(groups):
        place = random.normal(0, 3, 48)
        for number in range(4):
            rows = (place + random.normal(0, 0.3, (6, 48))).astype(np.float32)
            split = "test" if number == 3 else "train"
            name = f"clips/{'ab'[group % 2]}/{group}_{number}.mp4"
            clips.append(Clip(name, rows, "ab"[group % 2], split, f"g{group}" if named else ""))
    return clips


def manifest_of(folder, clips: list[Clip]) -> Manifest:
    return Manifest(folder / "manifest.csv", tuple(clip.entry for clip in clips))


def write_proposal(folder, monkeypatch, manifest: Manifest, groups: dict[str, str]) -> None:
    """Write what `prepare.py` leaves in its default report folder."""
    monkeypatch.chdir(folder)
    out = folder / "reports" / folder.name
    out.mkdir(parents=True)
    content = {"manifest": str(manifest.path), "proposed_groups": groups}
    (out / CONTENT).write_text(json.dumps(content))
