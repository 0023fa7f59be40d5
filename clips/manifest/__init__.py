"""The manifest: the label and the split of every clip.

    video,label,split,group,start,end
    clips/batting/v_batting_g01_c01.avi,batting,train,g01,,

`video` is relative to the manifest. `start` and `end` (optional, in seconds) are the segment of the
video that has the label. The rest of such a video is `background`, as is a row with an empty label.
A row with several labels, `run|wave`, makes the set a multi-label one; see `Manifest.several`.
The time of a row with the label `-` is not used.
"""

from clips.manifest.columns import COLUMNS
from clips.manifest.csv_file import content_of, read, write, write_rows
from clips.manifest.entries import BACKGROUND, PARENT, SPLITS, UNLABELED, Entry, Manifest

__all__ = [
    "BACKGROUND",
    "COLUMNS",
    "PARENT",
    "SPLITS",
    "UNLABELED",
    "Entry",
    "Manifest",
    "content_of",
    "read",
    "write",
    "write_rows",
]
