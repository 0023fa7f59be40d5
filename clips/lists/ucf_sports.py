"""UCF Sports (Rodriguez et al. 2008): folders <class>/<number>/ of a video or of frames.

    Golf-Swing-Back/001/3283-8_700741.avi
    Diving-Side/001/jpeg/00001.jpg

The view at the end of a folder's name (Back, Front, Side) is not a part of the class: ten classes.
The set came without a split. The common one is that of Lan, Wang and Mori (2011): the first third
of each class is the test split, 47 of 150 sequences. Sequences of a class in several folders are
counted in alphabetical order of the folders. A sequence is a group.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from clips.lists.base import DatasetLists, ListedClip, Request
from video.errors import LookbackError

_VIEW = re.compile(r"-(Back|Front|Side)$", re.IGNORECASE)


def _read(request: Request) -> Sequence[ListedClip]:
    sequences: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for video in request.clips.videos:
        place = _numbered(PurePosixPath(video).parts)
        if place is None:
            raise LookbackError(
                f"{video}: is not in CLASS/NUMBER/, such as Diving-Side/001/; keep the folders of "
                "the download of UCF Sports"
            )
        folder, number = place
        sequences[_VIEW.sub("", folder)][folder, number].append(video)
    listed = []
    for label in sorted(sequences):
        tested = sorted(sequences[label])[: len(sequences[label]) // 3]
        for key in sorted(sequences[label]):
            split = "test" if key in tested else "train"
            for video in sequences[label][key]:
                listed.append(ListedClip((video,), label, video, split, "/".join(key)))
    return listed


def _numbered(parts: Sequence[str]) -> tuple[str, str] | None:
    """Return the class folder and the number below it, None without one."""
    for folder, name in pairwise(parts):
        number = name.partition("@")[0]
        if re.fullmatch(r"\d{3}", number) and not folder.isdecimal() and folder != "clips":
            return folder, number
    return None


LISTS = DatasetLists("ucf_sports", "", _read)
