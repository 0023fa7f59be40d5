"""Pictures of a data set: a contact sheet for each class, and the distribution of the classes."""

import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from clips.finding.probing import ClipFacts, Probe, probe
from clips.manifest import SPLITS, Entry
from clips.manifest.entries import one_label_each
from video.atomic_write import atomic_write
from video.errors import VideoError
from video.sources import SOURCES
from video.sources.chosen_frames import NotAsIndexedError
from video.staging import staged

_CLIPS, _COLUMNS = 12, 2  # of a sheet
_TIMES = (0.1, 0.5, 0.9)  # of the frames shown, as shares of the clip
_TILE = (168, 126)  # width and height
_LINE, _GAP, _MARGIN = 20, 4, 12
_FONT = cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None
_INK, _PAPER = (40, 40, 40), 255
_COLORS = {"train": "#4878a8", "val": "#e8a33d", "test": "#6aa56e"}
_TOLERANCE_SECONDS = 1e-3
_LOOK = 1  # of the contact sheets; another number draws all again
_MOST_BARS = 60  # with more classes, names no longer fit


def write_contact_sheets(
    folder: Path,
    out: Path,
    entries: Sequence[Entry],
    facts: Mapping[str, ClipFacts],
    contents: Mapping[str, str],
    drawn: Mapping[str, str],
) -> dict[str, str]:
    """Write `class_<name>.png` for each class: up to 12 clips with three frames each.

    The clips are of as many groups as possible, chosen at random but the same each time. A picture
    that is there and shows the same stays, so that no clip is read for it.

    Args:
        folder: Folder to which the videos are relative.
        out: Folder of the pictures.
        entries: The rows.
        facts: Properties of each usable video.
        contents: SHA-256 of each video, as far as it is known.
        drawn: The result of the call that wrote the pictures in `out`; empty if there are none.

    Returns:
        The names of the pictures, each with a hash of what it shows; "" if that is not known.
    """
    by_label: dict[str, list[Entry]] = defaultdict(list)
    for entry in one_label_each(entries):
        by_label[entry.label].append(entry)
    names = _file_names(sorted(by_label))
    sheets = {}
    for label, rows in sorted(by_label.items()):
        chosen = _of_many_groups(rows)
        shown = (
            f"{len(chosen)} of {len(rows)} clips"
            if len(rows) > len(chosen)
            else f"{len(rows)} clips"
        )
        name, title = names[label], f"{label}: {shown}"
        sheets[name] = _hash_of(title, chosen, contents)
        if sheets[name] and drawn.get(name) == sheets[name] and (out / name).is_file():
            continue
        cells = [_cell(folder, entry, facts[entry.video].seconds) for entry in chosen]
        with atomic_write(out / name) as temporary:
            # imencode, because imwrite cannot open every file name on Windows
            picture = cv2.imencode(".png", _sheet(cells, title)[:, :, ::-1])[1]
            temporary.write_bytes(picture.tobytes())
    return sheets


def _hash_of(title: str, rows: Sequence[Entry], contents: Mapping[str, str]) -> str:
    """Return a hash of what a contact sheet shows; "" if the hash of a clip is not known."""
    shown = [(e.video, e.split, e.start, e.end, contents.get(e.video, "")) for e in rows]
    if not all(each[-1] for each in shown):
        return ""
    return hashlib.sha256(json.dumps([_LOOK, title, shown]).encode()).hexdigest()


def _file_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a file name for each class that every file system accepts.

    >>> _file_names(["a", "A/b", "A?b"])
    {'a': 'class_a.png', 'A/b': 'class_A_b.png', 'A?b': 'class_A_b_2.png'}
    """
    names: dict[str, str] = {}
    used: Counter[str] = Counter()
    for label in labels:
        safe = re.sub(r"[^\w.-]+", "_", label)[:80]
        used[safe.casefold()] += 1
        number = used[safe.casefold()]
        names[label] = f"class_{safe}_{number}.png" if number > 1 else f"class_{safe}.png"
    return names


def _of_many_groups(rows: Sequence[Entry]) -> list[Entry]:
    """Return up to 12 rows: one of each group in turn, in random order."""
    shuffled = sorted(rows, key=lambda entry: (entry.video, entry.start or 0.0))
    random.Random(0).shuffle(shuffled)
    turn: Counter[str] = Counter()
    ranked = []
    for place, entry in enumerate(shuffled):
        turn[entry.group] += 1
        ranked.append((turn[entry.group], place))
    return [shuffled[place] for _, place in sorted(ranked)[:_CLIPS]]


def _cell(folder: Path, entry: Entry, seconds: float) -> np.ndarray:
    """Return the picture of a clip: a line of text and three frames, uint8 RGB."""
    end = seconds if entry.end is None else min(entry.end, seconds)
    start = min(entry.start or 0.0, end)
    path = folder / entry.video
    with staged(path):
        tiles = _frames_at(path, [start + share * (end - start) for share in _TIMES])
    width = len(_TIMES) * _TILE[0] + (len(_TIMES) - 1) * _GAP
    cell = np.full((_LINE + _TILE[1], width, 3), _PAPER, np.uint8)
    for place, tile in enumerate(tiles):
        left = place * (_TILE[0] + _GAP)
        cell[_LINE:, left : left + _TILE[0]] = tile
    name = Path(entry.video).name
    text = f"{name if len(name) <= 36 else '...' + name[-33:]}  {entry.split}  {end - start:.1f} s"
    _write(cell, text, (0, _LINE - 6), 12)
    return cell


def _frames_at(path: Path, times: Sequence[float]) -> list[np.ndarray]:
    """Return the tile of the newest frame at each time; gray tiles if the file cannot be read."""
    tiles: list[np.ndarray] = []
    try:
        found = probe(path)
        try:
            tiles = _sought(found, times)
        except NotAsIndexedError:
            tiles = _decoded(path, times)
    except VideoError:  # it was checked before; the file has changed since
        pass
    gray = np.full((_TILE[1], _TILE[0], 3), 128, np.uint8)
    return tiles + [gray] * (len(times) - len(tiles))


def _sought(found: Probe, times: Sequence[float]) -> list[np.ndarray]:
    limits = np.asarray(times) + _TOLERANCE_SECONDS
    places = np.maximum(np.searchsorted(found.seconds, limits, side="right") - 1, 0).tolist()
    tiles = {frame.index: _tile(frame) for frame in found.frames(sorted(set(places)))}
    return [tiles[place] for place in places]


def _decoded(path: Path, times: Sequence[float]) -> list[np.ndarray]:
    tiles: list[np.ndarray] = []
    newest = None
    with SOURCES["video"](path, threads=1) as source:
        for frame in source:
            while (
                newest
                and len(tiles) < len(times)
                and frame.seconds > times[len(tiles)] + _TOLERANCE_SECONDS
            ):
                tiles.append(_tile(newest))
            newest = frame
            if len(tiles) == len(times):
                break
    return tiles + [_tile(newest)] * (len(times) - len(tiles)) if newest else []


def _tile(frame) -> np.ndarray:  # type: ignore[no-untyped-def]
    width, height = frame.size
    scale = min(_TILE[0] / width, _TILE[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    tile = np.full((_TILE[1], _TILE[0], 3), 232, np.uint8)
    left, top = (_TILE[0] - inner[0]) // 2, (_TILE[1] - inner[1]) // 2
    tile[top : top + inner[1], left : left + inner[0]] = frame.resized(*inner)
    return tile


def _sheet(cells: Sequence[np.ndarray], title: str) -> np.ndarray:
    height, width = cells[0].shape[:2]
    columns = min(_COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    step_x, step_y = width + 2 * _MARGIN, height + _MARGIN
    sheet = np.full((rows * step_y + 48, max(columns * step_x, 560), 3), _PAPER, np.uint8)
    _write(sheet, title[:80], (_MARGIN, 30), 20)
    for place, cell in enumerate(cells):
        top = 44 + place // columns * step_y
        left = _MARGIN + place % columns * step_x
        sheet[top : top + height, left : left + width] = cell
    return sheet


def _write(image: np.ndarray, text: str, where: tuple[int, int], size: int) -> None:
    if _FONT is not None:
        cv2.putText(image, text, where, _INK, _FONT, size)
    else:
        scale = size / 30
        cv2.putText(image, text, where, cv2.FONT_HERSHEY_SIMPLEX, scale, _INK, 1, cv2.LINE_AA)


def write_distribution(out: Path, entries: Sequence[Entry], seconds: Mapping[str, float]) -> Path:
    """Write `classes.png`: clips, seconds and groups of each class, by split.

    Args:
        out: Folder of the picture.
        entries: The rows.
        seconds: Seconds of each class.
    """
    from matplotlib.figure import Figure

    entries = one_label_each(entries)
    counts = Counter((entry.label, entry.split) for entry in entries)
    pairs = {(entry.label, entry.group) for entry in entries}
    groups = Counter(label for label, _ in pairs)
    labels = sorted(seconds, key=lambda label: -sum(counts[label, split] for split in SPLITS))
    few = len(labels) <= _MOST_BARS
    places = np.arange(len(labels))
    figure = Figure(figsize=(11, max(2.6, (0.3 if few else 0.1) * len(labels) + 1.4)))
    left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(2, 1, 1))
    before = np.zeros(len(labels))
    for split in SPLITS:
        values = np.array([counts[label, split] for label in labels], float)
        left.barh(places, values, left=before, color=_COLORS[split], label=split)
        before += values
    middle.barh(places, [seconds[label] for label in labels], color="#8a8a8a")
    right.barh(places, [groups[label] for label in labels], color="#8a8a8a")
    left.set_yticks(places if few else [], labels if few else [], parse_math=False)
    left.invert_yaxis()
    for axes, title in zip((left, middle, right), ("clips", "seconds", "groups"), strict=True):
        axes.set_title(title)
        axes.spines[["top", "right"]].set_visible(False)
    if not few:
        left.set_ylabel(f"{len(labels)} classes, by clips")
    path = out / "classes.png"
    height = float(figure.get_figheight())
    figure.legend(loc="upper left", ncols=len(SPLITS), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.3 / height))  # room for the legend
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return path
