"""HMDB51 (Kuehne et al. 2011): a file <class>_test_split<N>.txt per class and official split.

    April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1

1 is train, 2 is test, and 0 is in neither. The part of a name before the class is the source video;
it is the group, within a class.
"""

import re
from collections.abc import Sequence

from clips.lists.base import DatasetLists, ListedClip, Request, lines_of
from video.errors import LookbackError

_SPLITS = {"0": "", "1": "train", "2": "test"}
# Behind the class: visible body, camera motion, number of people, viewpoint, quality, index.
_ATTRIBUTES = r"_[fhlu]_[cn]m_np\d+_\w{2}_\w{3}_\d+"


def _read(request: Request) -> Sequence[ListedClip]:
    assert request.lists is not None
    ending = f"_test_split{request.split}.txt"
    files = sorted(request.lists.glob(f"*{ending}"))
    if not files:
        raise LookbackError(
            f"{request.lists}: contains no file CLASS{ending}; --lists names the folder with the "
            "files of test_train_splits.rar"
        )
    listed = []
    for path in files:
        label = path.name.removesuffix(ending)
        for where, line in lines_of(path):
            clip = _clip(where, line, label)
            if clip.split:
                listed.append(clip)
    return listed


def _clip(where: str, line: str, label: str) -> ListedClip:
    name, _, number = line.rpartition(" ")
    name = name.strip()
    if not name or number not in _SPLITS:
        raise LookbackError(
            f"{where}: must be a clip and 0, 1 or 2, such as a.avi 1; is it a list of HMDB51?"
        )
    source = re.split(f"_{re.escape(label)}{_ATTRIBUTES}", name)[0]
    stem = name.rpartition(".")[0] or name
    group = f"{label}/{source if source != name else stem}"
    return ListedClip((f"{label}/{name}",), label, where, _SPLITS[number], group)


LISTS = DatasetLists("hmdb51", "CLASS_test_split1.txt of every class", _read, 3)
