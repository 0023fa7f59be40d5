"""A data folder clips/<class>/<clip> of links to the clips of a manifest of any depth."""

import os
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath

from clips import manifest as manifests
from clips.manifest import Manifest
from clips.manifest.duplicates import same_value
from metrics.label_sets import SEPARATOR
from storage.mirror import url_of
from video.console import logger
from video.errors import LookbackError
from video.image_folder import image_folder

_LOG = logger(__name__)


def flatten(manifest: Manifest, folder: Path) -> Manifest:
    """Make a data folder with a link to each clip in the folder of its class; return its manifest.

    No file of the data set is moved or changed. A clip of several folders, such as
    `clips/golf/001/a.avi`, becomes `clips/golf/001_a.avi`; if two clips would get one name, the
    names of all folders are in both. Where links are not possible, the files are copied.

    Args:
        manifest: The prepared manifest.
        folder: The new folder; it may exist, but hold nothing except links of an earlier run.

    Raises:
        LookbackError: There is another file in the place of a link, or two clips get one name.
    """
    if url := url_of(manifest.path.parent):
        raise LookbackError(
            f"--flatten {folder}: the clips are at {url}, so nothing can link to them"
        )
    if (folder / "clips").resolve() == (manifest.path.parent / "clips").resolve():
        raise LookbackError(f"--flatten {folder}: is the data folder itself; name a new folder")
    names = _flat_names({entry.video: entry.label for entry in reversed(manifest.entries)})
    for video, name in names.items():
        _link(manifest.place(video), folder / name)
    entries, unlabeled = (
        tuple(replace(entry, video=names[entry.video]) for entry in rows if entry.video in names)
        for rows in (manifest.entries, manifest.unlabeled)
    )
    flat = Manifest(folder / "manifest.csv", entries, unlabeled)
    manifests.write(flat)
    _LOG.info(f"{len(names)} clips in {folder / 'clips'}, with the same groups and splits")
    return flat


def _flat_names(labels: dict[str, str]) -> dict[str, str]:
    """Return the new path of each video, by its label."""
    names = {video: _flat_name(video, label, skipped=1) for video, label in labels.items()}
    for videos in same_value(names):
        names |= {video: _flat_name(video, labels[video], skipped=0) for video in videos}
    for one, other, *_ in same_value(names):
        raise LookbackError(f"{one} and {other} would both be {names[one]}; rename one of the two")
    return names


def _flat_name(video: str, label: str, skipped: int) -> str:
    """Return the path with all folders in the name, without the label and the first `skipped`."""
    parts = [part for part in PurePosixPath(video).parts if part not in ("/", "..")]
    below = parts[1:] if parts[0] == "clips" else parts
    folders = [part for part in below[:-1][skipped:] if part != label]
    folder = label.replace("/", "_").replace(SEPARATOR, "+")
    return f"clips/{folder}/{'_'.join([*folders, below[-1]])}"


def _link(source: Path, target: Path) -> None:
    images = image_folder(source)
    if images:
        source, target = images.folder, target.with_name(target.name.rpartition("@")[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    elif target.exists():
        raise LookbackError(f"{target}: there is a file already; name a new folder for --flatten")
    try:
        os.symlink(source.resolve(), target)
    except OSError:  # such as Windows without the right to make links
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
