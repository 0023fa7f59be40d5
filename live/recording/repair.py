"""Recordings that a kill left open are finished and stay with their events."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from live.events.rows import RecordingRow
from live.events.store import EventStore
from live.recording.disk import why
from live.recording.finisher import Part, finish_part
from live.recording.part import OPEN_PREFIX, Unfinished, finish, open_path
from video.console import logger
from video.errors import LookbackError
from video.libav import address_of

_LOG = logger(__name__)


@dataclass(frozen=True)
class Leftovers:
    """What an earlier run has left open.

    Attributes:
        rows: Recordings that are open in the database.
        files: Open files in the folder.
        copies: Copies that the kill interrupted.
    """

    rows: tuple[RecordingRow, ...]
    files: tuple[Path, ...]
    copies: tuple[Path, ...]


def leftovers_of(store: EventStore) -> Leftovers:
    """Return what is open. Call it before anything is recorded: what is open now is a leftover.

    Raises:
        LookbackError: The database cannot be read.
    """
    folder = store.folder / "recordings"
    return Leftovers(
        tuple(store.recordings(only_open=True)),
        tuple(sorted(folder.rglob(f"{OPEN_PREFIX}*.mp4"))),
        tuple(folder.rglob("part.*.mp4")),
    )


def repair(
    store: EventStore,
    may_encode: Callable[[], bool] = lambda: True,
    leftovers: Leftovers | None = None,
) -> dict[int, list[str]]:
    """Finish the recordings that are open in the database, and open files that it does not know.

    JPEGs are encoded, which takes a few seconds a minute; recorders may run meanwhile.

    Args:
        store: The database.
        leftovers: What to finish; None for what is open now, of which no recorder may be writing.
        may_encode: Asked before each encoded picture; False stops, and the rest stays for the next
            time.

    Returns:
        Number of each event that was repaired, and the paths of its recordings.
    """
    repaired = []
    leftovers = leftovers_of(store) if leftovers is None else leftovers
    try:
        for row in leftovers.rows:
            ended = row.started + _length_of(store.folder / row.path)
            if finish_part(store, Part(row.id, row.event_id, row.path, ended), may_encode):
                repaired.append(row.event_id)
        _finish_unknown(leftovers, may_encode)
    except Unfinished:
        pass
    found = {number: store.event(number) for number in repaired}
    paths = {number: list(event.paths) for number, event in found.items() if event is not None}
    if paths:
        _LOG.info(f"{store.folder}: unfinished recordings that were repaired: {len(repaired)}")
    return paths


def _finish_unknown(leftovers: Leftovers, may_encode: Callable[[], bool]) -> None:
    for path in leftovers.files:
        if not path.is_file():
            continue  # the database knew it
        final = path.with_name(path.name.removeprefix(OPEN_PREFIX))
        try:
            finish(final, may_encode)
        except (OSError, ValueError, LookbackError) as error:
            _LOG.error(f"{path}: cannot be finished ({why(error)})")
    for path in leftovers.copies:
        path.unlink(missing_ok=True)


def _length_of(path: Path) -> float:
    """Return the seconds of a recording, open or finished; 0 if it cannot be read."""
    for place in (open_path(path), path):
        try:
            with av.open(address_of(place)) as container:
                last = 0.0
                for packet in container.demux(video=0):
                    if packet.pts is not None:
                        last = max(last, float(packet.pts * packet.time_base))
                return last
        except (OSError, ValueError, LookupError):
            continue
    return 0.0
