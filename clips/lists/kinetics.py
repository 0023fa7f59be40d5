"""Kinetics (Kay et al. 2017): train.csv, val.csv (validate.csv) and test.csv.

    label,youtube_id,time_start,time_end,split
    abseiling,-3B32lodo2M,59,69,train

A clip is <youtube_id>_<time_start>_<time_end> with six digits each, as the usual downloaders cut
it, or the whole video <youtube_id>, of which the segment has the label. The group is the video.
"""

from collections.abc import Sequence
from pathlib import Path

from clips.lists.base import DatasetLists, ListedClip, Request, csv_rows, split_of_file
from clips.splitting.given_splits import split_of_folder
from video.errors import LookbackError

_NEEDED = ("label", "youtube_id", "time_start", "time_end")


def _read(request: Request) -> Sequence[ListedClip]:
    assert request.lists is not None
    path = request.lists
    files = [path] if path.is_file() else sorted(path.glob("*.csv"))
    listed = [clip for each in files for clip in _clips(each, request)]
    if not listed:
        raise LookbackError(
            f"{path}: lists no clip with a label; --lists names the folder with train.csv, "
            "val.csv and test.csv of Kinetics"
        )
    return listed


def _clips(path: Path, request: Request) -> list[ListedClip]:
    rows = csv_rows(path)
    header = [name.strip() for name in rows[0][1]] if rows else []
    missing = [name for name in _NEEDED[1:] if name not in header]
    if "youtube_id" in missing:
        return []  # another CSV file, such as the data folder's own manifest
    if missing:
        raise LookbackError(f"{path}: has no column {missing[0]}; is it a list of Kinetics?")
    named = [(where, dict(zip(header, row, strict=False))) for where, row in rows[1:]]
    # The test clips of some versions have no published label.
    labelled = [(where, row) for where, row in named if row.get("label", "").strip()]
    return [_clip(where, row, split_of_file(path), request) for where, row in labelled]


def _clip(where: str, row: dict[str, str], of_file: str, request: Request) -> ListedClip:
    try:
        start, end = (float(row[name]) for name in _NEEDED[2:])
    except (KeyError, ValueError):
        raise LookbackError(
            f"{where}: time_start and time_end must be seconds, such as 59 and 69"
        ) from None
    split = split_of_folder(row.get("split") or "") or of_file
    name, label = row["youtube_id"], row["label"].strip()
    cut = f"{name}_{start:06.0f}_{end:06.0f}"
    video = request.clips.find((cut,), where)
    if video is None and (video := request.clips.find((name,), where)) is not None:
        return ListedClip((video,), label, where, split, name, start, end)
    return ListedClip((video or cut,), label, where, split, name)


LISTS = DatasetLists("kinetics", "train.csv, val.csv and test.csv", _read)
