"""RWF-2000 (Cheng et al. 2021): the folders train and val with Fight and NonFight are the list.

    train/Fight/0_DzLlklZa0_3.avi

The clips of val are the test split, as in the paper. A name ends in the number of the clip in its
video on the web; the rest is the group.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from clips.lists.base import DatasetLists, ListedClip, Request
from clips.lists.clip_index import stem_of
from clips.splitting.given_splits import split_of_folder
from video.errors import LookbackError

_SPLITS = {"train": "train", "val": "test", "test": "test"}


def _read(request: Request) -> Sequence[ListedClip]:
    listed = []
    for video in request.clips.videos:
        parents = PurePosixPath(video).parts[:-1]
        place = next((n for n, part in enumerate(parents[:-1]) if split_of_folder(part)), None)
        if place is None:
            raise LookbackError(
                f"{video}: is not in train/CLASS/ or val/CLASS/, which are the official split of "
                "RWF-2000; keep the folders of the download"
            )
        split = _SPLITS[split_of_folder(parents[place])]
        label = parents[place + 1]
        group = re.sub(r"_\d+$", "", stem_of(video))
        listed.append(ListedClip((video,), label, video, split, group))
    return listed


LISTS = DatasetLists("rwf2000", "", _read)
