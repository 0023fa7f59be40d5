"""The manifest: the label and the split of every clip.

    video,label,split,group,start,end
    clips/batting/v_batting_g01_c01.avi,batting,train,g01,,

`video` is relative to the manifest. `start` and `end` (seconds, optional) limit where the label
holds; the rest of such a video is `background`, and so is an empty label.
"""

from clips.manifest.columns import COLUMNS
from clips.manifest.csv_file import content_of, read, write, write_rows
from clips.manifest.entries import BACKGROUND, SPLITS, Entry, Manifest

__all__ = [
    "BACKGROUND",
    "COLUMNS",
    "SPLITS",
    "Entry",
    "Manifest",
    "content_of",
    "read",
    "write",
    "write_rows",
]
