"""Groups proposed from what is known about clips: names, folders, recording time, appearance.

Each kind of evidence links clips that were probably recorded together. Linked clips are one group.
A kind that would leave a class with too few groups, or put most clips into one group, is not used:
a prefix that all clips of a class share tells the class, not the recording.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import PurePosixPath

from clips.inspection.likeness import NEIGHBOR_DISTANCE, NEIGHBOR_LIKENESS, Likeness
from clips.inspection.media import Media
from clips.manifest import SPLITS, Entry

_LARGEST_SHARE = 0.5  # of all clips in one group
_SESSION = timedelta(minutes=30)  # without a recording, between two sessions of a device

_UCF = re.compile(r"_(g\d+)(?=_|$)")
# name (1), name - Copy, name_copy2, name_aug3
_COPY_SUFFIX = re.compile(
    r"( ?\(\d+\)|[ _-]+(copy|kopie|copie|copia|aug)[ _-]*\d*)+$", re.IGNORECASE
)
_CHAPTER = re.compile(r"^(GX|GH|GP|GOPR?)\d{2}(\d{4})$", re.IGNORECASE)  # GoPro: GX<part><number>
_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?=\D|\d{6}|$)"
)
# match3_part2, cam1-0007, walk.12: what comes before the last number.
_NUMBERED = re.compile(
    r"^(.*?\w)[ ._-]*?[ ._-](?:part|clip|seg|segment|scene|take|c|p|s|t)?\d+$", re.IGNORECASE
)
_LAST_NUMBER = re.compile(r"^(.*?)(\d+)$")

Links = list[list[str]]


@dataclass(frozen=True)
class Evidence:
    """What one kind of evidence says.

    Attributes:
        name: Kind of evidence, for the user.
        links: Lists of videos that it puts together.
        refusal: Why it is not used; "" if it is.
    """

    name: str
    links: tuple[tuple[str, ...], ...]
    refusal: str = ""


@dataclass(frozen=True)
class Proposal:
    """Proposed groups.

    Attributes:
        groups: Group of each video.
        reasons: Evidence that put a video into its group; "" for a video alone.
        evidence: All kinds of evidence that say something, used or not.
    """

    groups: dict[str, str]
    reasons: dict[str, str]
    evidence: tuple[Evidence, ...]


def propose(
    entries: Sequence[Entry],
    likeness: Likeness,
    media: Mapping[str, Media],
    equal: Sequence[list[str]] = (),
) -> Proposal:
    """Return groups for all videos of the rows.

    Args:
        entries: The rows; their groups are not used.
        likeness: Pairs of clips that look alike.
        media: Properties of each file.
        equal: Videos with the same content.
    """
    labels = {entry.video: entry.label for entry in entries}
    kinds: list[tuple[str, Iterable[Sequence[str]], bool]] = [
        ("equal content", equal, True),
        ("copies by picture", [(pair.one, pair.other) for pair in likeness.copies], True),
        ("gNN in the name", _by(labels, _ucf), False),
        ("name of a copy", _by(labels, _without_copy_suffix), False),
        ("chapters of a recording", _by(labels, _chapter), False),
        ("device and recording time", _sessions(labels, media), False),
        ("same scene", [(pair.one, pair.other) for pair in likeness.scenes], False),
        ("prefix of a number", _by(labels, _prefix), False),
        ("date in the name", _by(labels, _day), False),
        ("folder below the class", _by(labels, lambda video: _folder(video, labels[video])), False),
        ("next number and alike", _neighbors(likeness), False),
    ]
    sets, evidence = _Sets(labels), []
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, found, certain in kinds:
        known = [[video for video in link if video in labels] for link in found]
        links = [link for link in known if len(link) > 1]
        if not links:
            continue
        useful = links if certain else [link for link in links if not _tells_class(link, labels)]
        refusal = _refusal(sets.joined(useful), labels) if useful and not certain else ""
        if not useful:
            refusal = "it tells the class, or nothing"
        links = useful or links
        evidence.append(Evidence(name, tuple(map(tuple, links)), refusal))
        if not refusal:
            sets = sets.joined(links)
            for video in {video for link in links for video in link}:
                reasons[video].append(name)
    groups = sets.named()
    return Proposal(groups, {video: "; ".join(reasons[video]) for video in labels}, tuple(evidence))


class _Sets:
    """Disjoint sets of videos."""

    def __init__(self, videos: Iterable[str]) -> None:
        self._of = {video: place for place, video in enumerate(videos)}

    def joined(self, links: Links) -> "_Sets":
        """Return new sets, with the videos of each link in one."""
        parent = {place: place for place in self._of.values()}

        def first(place: int) -> int:
            while parent[place] != place:
                parent[place] = parent[parent[place]]
                place = parent[place]
            return place

        for link in links:
            for one, other in pairwise(link):
                low, high = sorted((first(self._of[one]), first(self._of[other])))
                parent[high] = low
        made = _Sets(())
        made._of = {video: first(place) for video, place in self._of.items()}
        return made

    def members(self) -> list[list[str]]:
        sets: dict[int, list[str]] = defaultdict(list)
        for video, place in self._of.items():
            sets[place].append(video)
        return list(sets.values())

    def named(self) -> dict[str, str]:
        """Return the name of each video's set: that of its first video, without the suffix."""
        names: dict[str, str] = {}
        for members in self.members():
            # A group of one is named as groups are by default.
            name = str(PurePosixPath(members[0]).with_suffix("")) if members[1:] else members[0]
            names |= dict.fromkeys(members, name.removeprefix("clips/"))
        return names


def _tells_class(link: Sequence[str], labels: Mapping[str, str]) -> bool:
    """Return whether a link holds all clips of a class, or most of all clips."""
    counts = Counter(labels.values())
    inside = Counter(labels[video] for video in link)
    most = len(link) > max(_LARGEST_SHARE * len(labels), 2)
    return most or any(count == counts[label] for label, count in inside.items())


def _refusal(sets: _Sets, labels: Mapping[str, str]) -> str:
    """Return why evidence that leads to these sets is not used, or ""."""
    members = sets.members()
    largest = max(map(len, members))
    if largest > max(_LARGEST_SHARE * len(labels), 2):
        return f"it would put {largest} of {len(labels)} clips into one group"
    groups: Counter[str] = Counter()
    for videos in members:
        groups.update({labels[video] for video in videos})
    for label in sorted(groups):
        had = sum(each == label for each in labels.values())
        if groups[label] < min(len(SPLITS), had):
            return f"it would leave {groups[label]} groups of {label}"
    return ""


def _by(videos: Iterable[str], key: Callable[[str], str]) -> list[list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for video in videos:
        if value := key(video):
            found[value].append(video)
    return list(found.values())


def _stem(video: str) -> str:
    return PurePosixPath(video).stem.strip()


def _ucf(video: str) -> str:
    match = _UCF.search(_stem(video))
    return match[1] if match else ""


def _without_copy_suffix(video: str) -> str:
    return f"{PurePosixPath(video).parent}/{_COPY_SUFFIX.sub('', _stem(video))}"


def _chapter(video: str) -> str:
    match = _CHAPTER.match(_stem(video))
    return f"{PurePosixPath(video).parent}/{match[1]}{match[2]}" if match else ""


def _prefix(video: str) -> str:
    match = _NUMBERED.match(_stem(video))
    return match[1].casefold() if match else ""


def _day(video: str) -> str:
    match = _DAY.search(_stem(video))
    return "-".join(match.groups()) if match else ""


def _folder(video: str, label: str) -> str:
    """Return the folder of a video if it is below the folder of its class."""
    parents = PurePosixPath(video).parts[:-1]
    at = [place for place, name in enumerate(parents) if name.strip() == label]
    below = parents[at[0] + 1 :] if at else ()
    return "/".join(below)


def _sessions(videos: Iterable[str], media: Mapping[str, Media]) -> list[list[str]]:
    """Return the videos of one device, each recorded within half an hour of the one before.

    A time without a device is not used: web sites write the time of an upload.
    """
    dated: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for video in videos:
        facts = media.get(video, Media())
        if facts.recorded and facts.device:
            dated[facts.device].append((facts.recorded, video))
    sessions: list[list[str]] = []
    for recordings in dated.values():
        before: datetime | None = None
        for moment, video in sorted(recordings):
            if before is None or moment - before > _SESSION:
                sessions.append([])
            sessions[-1].append(video)
            before = moment
    return sessions


def _neighbors(likeness: Likeness) -> list[list[str]]:
    """Return clips of one folder with successive numbers that look somewhat alike."""
    return [
        [pair.one, pair.other]
        for pair in likeness.pairs
        if pair.distance <= NEIGHBOR_DISTANCE
        and pair.likeness >= NEIGHBOR_LIKENESS
        and _is_next(pair.one, pair.other)
    ]


def _is_next(one: str, other: str) -> bool:
    if PurePosixPath(one).parent != PurePosixPath(other).parent:
        return False
    a, b = (_LAST_NUMBER.match(_stem(video)) for video in (one, other))
    return a is not None and b is not None and a[1] == b[1] and abs(int(a[2]) - int(b[2])) == 1
