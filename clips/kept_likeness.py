"""Which clips look alike, kept in `probed/likeness.json` until a clip changes, comes or goes.

The comparison takes minutes for thousands of clips. Deleting the file is harmless.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from clips.inspection.likeness import Likeness, Pair, compare
from clips.inspection.sketches import Sketch
from clips.kept_looks import FOLDER
from video.atomic_write import atomic_write
from video.errors import VideoError
from video.staging import staged

_NAME = "likeness.json"
_VERSION = 1  # of the comparison; what another version found is not used


def kept_likeness(
    folder: Path, sketches: Mapping[str, Sketch], contents: Mapping[str, str]
) -> Likeness:
    """Return the pairs of clips that look alike; compare the clips if these are others than before.

    Args:
        folder: Folder to which the videos are relative.
        sketches: Sketch of each video.
        contents: SHA-256 of each video, as far as it is known.
    """
    if not all(contents.get(video) for video in sketches):
        return compare(sketches)
    listed = [_VERSION, [(video, contents[video]) for video in sketches]]
    of = hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    path = folder / FOLDER / _NAME
    with suppress(OSError, ValueError, LookupError, TypeError, VideoError), staged(path):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["of"] == of:
            pairs = tuple(Pair(**pair) for pair in kept["pairs"])
            return Likeness(pairs, tuple(kept["too_short"]), kept["left_out"])
    found = compare(sketches)
    values = {
        "of": of,
        "pairs": [asdict(pair) for pair in found.pairs],
        "too_short": found.too_short,
        "left_out": found.left_out,
    }
    with suppress(OSError), atomic_write(path) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")
    return found
