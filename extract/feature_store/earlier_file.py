"""Feature files of version 1, which are converted once.

They have a group for each video, `/videos/<percent-encoded path>`, with the datasets features,
seconds and motion, and the attributes source, note and complete.
"""

import json
from pathlib import Path
from urllib.parse import unquote

import h5py

from extract.feature_store.folder import add_part, is_file, part_paths
from extract.feature_store.part import VideoRows
from extract.feature_store.spec import read_spec
from video.console import logger
from video.errors import LookbackError

_LOG = logger(__name__)


def take_over(path: Path) -> None:
    """Convert a feature file of version 1 into a part, if the store at `path` has none yet.

    For a folder `features` that is the file `features.h5` beside it, which stays. A file is
    replaced. The features are the same numbers.

    Raises:
        LookbackError: Arrays of the file do not fit, or the disk is full.
    """
    earlier = path if is_file(path) else path.with_name(path.name + ".h5")
    killed = earlier.with_name(earlier.name + ".journal").exists()
    if (path != earlier and part_paths(path)) or killed or not h5py.is_hdf5(earlier):
        return
    try:
        with h5py.File(earlier, "r", locking=False) as file:
            if file.attrs.get("version") != 1:
                return
            spec = read_spec(earlier, file, version=1)
            groups = {n: g for n, g in file["videos"].items() if g.attrs.get("complete")}
            part = add_part(path, spec, [_rows(earlier, *each, spec) for each in groups.items()])
        if path == earlier:
            part.replace(path)
            part.parent.rmdir()
    except OSError as error:
        raise LookbackError(
            f"{path}: the features of {earlier} cannot be taken over ({error.strerror or error})"
        ) from None
    stays = f" from {earlier}, which is not needed any more" if path != earlier else ""
    _LOG.warning(f"note: {path}: the features of {len(groups)} videos were taken over{stays}")


def _rows(path: Path, name: str, group: h5py.Group, spec: dict) -> VideoRows:
    """Return a video; its arrays are datasets of the file."""
    features, seconds, motion = (group.get(n) for n in ("features", "seconds", "motion"))
    video, size = unquote(name), spec["feature_size"]
    if features is None or seconds is None or features.shape != (len(seconds), size):
        raise LookbackError(
            f"{path}: {video} needs features of the shape (N, {size}) and N seconds"
        )
    source, note = json.loads(group.attrs.get("source", "{}")), group.attrs.get("note", "")
    return VideoRows(video, source, features, seconds, motion, note)
