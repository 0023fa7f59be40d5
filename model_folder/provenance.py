"""Provenance of a model: the videos that it has seen, and the model that it replaced.

`seen_clips.json` maps the hash of a network's weights to the videos that trained or validated them.
A video that is split in time stands there with the end of what was seen:
`{"video": "match.mp4", "until": 2410.5}`.
A split that changes after training can move such videos into the test split, where the model would
score too well.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clips.manifest import Manifest
from clips.manifest.time_blocks import time_blocks
from model_folder.config import (
    BACKBONE_WEIGHTS,
    BASELINES,
    CONFIG,
    MEAN_WEIGHTS,
    QUANTIZED,
    QUANTIZED_WEIGHTS,
    SEQUENCE_WEIGHTS,
    ModelConfig,
    require_config,
)
from video.atomic_write import atomic_write
from video.errors import LookbackError

SEEN = "seen_clips.json"
PREVIOUS = "previous"


def record_seen(folder: Path, sha256: str, manifest: Manifest) -> None:
    """Record the train and val videos of `manifest` under the hash of the trained weights."""
    until = _seen_until(manifest)
    whole = {e.video for e in manifest.entries if e.split in ("train", "val")}.difference(until)
    parts = [{"video": video, "until": until[video]} for video in sorted(until)]
    videos = [*sorted(whole), *parts]
    config = require_config(folder)
    # Weights whose hash the config no longer names have been replaced.
    named = {config.backbone.sha256, config.sequence.sha256 if config.sequence else ""}
    kept = {key: value for key, value in _read(folder).items() if key in named}
    text = json.dumps({**kept, sha256: videos}, indent=1) + "\n"
    with atomic_write(folder / SEEN) as temporary:
        temporary.write_text(text, encoding="utf-8")


def refuse_seen_clips(
    folder: Path,
    config: ModelConfig,
    manifest: Manifest,
    contents: Mapping[str, str] | None = None,
    split: str = "test",
) -> None:
    """Refuse to test a model on videos that trained or validated it.

    Args:
        folder: The model folder.
        config: Its config.
        manifest: Manifest with the test split.
        contents: Content hash of each video, as far as known: a video that was renamed after the
            training is recognized by it.
        split: Split that is tested, or `all`.

    Raises:
        LookbackError: A test video, or one of its group, trained or validated the model.
    """
    known = _read(folder)
    listed = [
        *known.get(config.backbone.sha256, []),
        *known.get(config.sequence.sha256 if config.sequence else "", []),
    ]
    seen = {each for each in listed if isinstance(each, str)}
    contents = contents or {}
    parts = [each for each in listed if isinstance(each, dict)]
    seen |= _reached_parts(manifest, parts, contents, split)
    seen_contents = {contents[video] for video in seen if video in contents}
    seen |= {video for video in manifest.videos if contents.get(video) in seen_contents}
    seen_groups = {entry.group for entry in manifest.entries if entry.video in seen}
    tested = {entry.video for entry in manifest.entries if split in (entry.split, "all")}
    leaking = sorted(
        {e.video for e in manifest.entries if e.video in tested and e.group in seen_groups}
    )
    if leaking:
        raise LookbackError(
            f"{manifest.path}: {len(leaking)} of {len(tested)} test clips, or clips of their "
            f"groups, trained or validated the model in {folder} (such as {leaking[0]}): "
            + (
                "--split all is for clips of another data set"
                if split == "all"
                else "the split has changed since; train again"
            )
        )


def _seen_until(manifest: Manifest) -> dict[str, float]:
    """Return the end of train and val of each video that is split in time, in seconds."""
    ends: dict[str, float] = {}
    for video, blocks in time_blocks(manifest.entries).items():
        end = max((block.end for block in blocks if block.split != "test"), default=0.0)
        if end < float("inf"):  # else the whole video was seen, to its end
            ends[video] = end
    return ends


def _reached_parts(
    manifest: Manifest, parts: list[dict[str, Any]], contents: Mapping[str, str], split: str
) -> set[str]:
    """Return the videos of which a tested row begins before the end of what was seen."""
    until: dict[str, float] = {}
    for part in parts:
        for name in {part["video"], contents.get(part["video"], part["video"])}:
            until[name] = max(part["until"], until.get(name, 0.0))
    return {
        entry.video
        for entry in manifest.entries
        if split in (entry.split, "all")
        for name in (entry.video, contents.get(entry.video, ""))
        if entry.span[0] < until.get(name, 0.0)
    }


def _read(folder: Path) -> dict[str, list[Any]]:
    try:
        return json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise LookbackError(f"{folder / SEEN}: is damaged; remove it and train again") from None


def keep_previous(folder: Path) -> None:
    """Copy the model in `folder` to `folder`/previous before another one replaces it."""
    weights = (BACKBONE_WEIGHTS, QUANTIZED, QUANTIZED_WEIGHTS, SEQUENCE_WEIGHTS, MEAN_WEIGHTS)
    names = (CONFIG, *weights, BASELINES, SEEN)
    there = [folder / name for name in names if (folder / name).is_file()]
    if not (folder / CONFIG).is_file():
        return
    previous = folder / PREVIOUS
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir()
    for path in there:
        shutil.copy2(path, previous / path.name)
