"""Which clips a model has seen, and the model that stood in a folder before.

`seen_clips.json` maps the hash of a network's weights to the videos that trained or chose them. A
split that is drawn anew after training can put such videos into the test: the report would flatter.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from clips.manifest import Manifest
from model_folder.config import (
    BACKBONE_WEIGHTS,
    CONFIG,
    MEAN_WEIGHTS,
    QUANTISED,
    QUANTISED_WEIGHTS,
    SEQUENCE_WEIGHTS,
    ModelConfig,
    require_config,
)
from video.atomic_write import atomic_write
from video.errors import LookbackError

SEEN = "seen_clips.json"
PREVIOUS = "previous"


def record_seen(folder: Path, sha256: str, manifest: Manifest) -> None:
    """Note that the train and val videos of `manifest` made the weights of this hash."""
    videos = sorted({e.video for e in manifest.entries if e.split in ("train", "val")})
    config = require_config(folder)
    # Hashes that the config no longer names are of weights that are gone.
    named = {config.backbone.sha256, config.sequence.sha256 if config.sequence else ""}
    kept = {key: value for key, value in _read(folder).items() if key in named}
    text = json.dumps({**kept, sha256: videos}, indent=1) + "\n"
    with atomic_write(folder / SEEN) as temporary:
        temporary.write_text(text, encoding="utf-8")


def refuse_seen_clips(
    folder: Path, config: ModelConfig, manifest: Manifest, contents: Mapping[str, str] | None = None
) -> None:
    """Refuse a test of clips that made the model.

    Args:
        folder: The model folder.
        config: Its config.
        manifest: The clips, of which those of the test are looked at.
        contents: The hash of a video's content, by name, as far as it is known: a clip that was
            renamed after the training is the same clip.

    Raises:
        LookbackError: test clips, or clips of their groups, made the model.
    """
    known = _read(folder)
    seen = set(known.get(config.backbone.sha256, []))
    seen |= set(known.get(config.sequence.sha256 if config.sequence else "", []))
    contents = contents or {}
    seen_contents = {contents[video] for video in seen if video in contents}
    seen |= {video for video in manifest.videos if contents.get(video) in seen_contents}
    seen_groups = {entry.group for entry in manifest.entries if entry.video in seen}
    tested = {entry.video for entry in manifest.entries if entry.split == "test"}
    leaking = sorted(
        {e.video for e in manifest.entries if e.video in tested and e.group in seen_groups}
    )
    if leaking:
        raise LookbackError(
            f"{manifest.path}: {len(leaking)} of {len(tested)} test clips, or clips of their "
            f"groups, trained or chose the model in {folder} (such as {leaking[0]}): the split was "
            "changed since; train again"
        )


def _read(folder: Path) -> dict[str, list[str]]:
    try:
        return json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise LookbackError(f"{folder / SEEN}: is damaged; remove it and train again") from None


def keep_previous(folder: Path) -> None:
    """Copy the model that stands in `folder` into `folder`/previous, before another replaces it."""
    weights = (BACKBONE_WEIGHTS, QUANTISED, QUANTISED_WEIGHTS, SEQUENCE_WEIGHTS, MEAN_WEIGHTS)
    names = (CONFIG, *weights, "baselines.npz", SEEN)
    there = [folder / name for name in names if (folder / name).is_file()]
    if not (folder / CONFIG).is_file():
        return
    previous = folder / PREVIOUS
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir()
    for path in there:
        shutil.copy2(path, previous / path.name)
