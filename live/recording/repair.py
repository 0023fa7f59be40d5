"""Recordings that a kill left open are finished and stay with their events."""

from collections.abc import Callable
from pathlib import Path

import av

from live.events.store import EventStore
from live.recording.disk import why
from live.recording.finisher import Part, finish_part
from live.recording.part import OPEN_PREFIX, Unfinished, finish, open_path
from video.console import logger
from video.errors import LookbackError
from video.libav import address_of

_LOG = logger(__name__)


def repair(
    store: EventStore, may_encode: Callable[[], bool] = lambda: True
) -> dict[int, list[str]]:
    """Finish the recordings that are open in the database, and open files that it does not know.

    Call it before the first recorder starts, or with none of its files open: what is open now is
    taken for a leftover. JPEGs are encoded, which takes a few seconds a minute.

    Args:
        store: The database.
        may_encode: Asked before each encoded picture; False stops, and the rest stays for the next
            time.

    Returns:
        Number of each event that was repaired, and the paths of its recordings.
    """
    repaired = []
    try:
        for row in store.recordings(only_open=True):
            ended = row.started + _length_of(store.folder / row.path)
            if finish_part(store, Part(row.id, row.event_id, row.path, ended), may_encode):
                repaired.append(row.event_id)
        _finish_unknown(store.folder / "recordings", may_encode)
    except Unfinished:
        pass
    found = {number: store.event(number) for number in repaired}
    paths = {number: list(event.paths) for number, event in found.items() if event is not None}
    if paths:
        _LOG.info(f"{store.folder}: unfinished recordings that were repaired: {len(repaired)}")
    return paths


def _finish_unknown(folder: Path, may_encode: Callable[[], bool]) -> None:
    for path in sorted(folder.rglob(f"{OPEN_PREFIX}*.mp4")):
        final = path.with_name(path.name.removeprefix(OPEN_PREFIX))
        try:
            finish(final, may_encode)
        except (OSError, ValueError, LookbackError) as error:
            _LOG.error(f"{path}: cannot be finished ({why(error)})")
    for path in folder.rglob("part.*.mp4"):
        path.unlink(missing_ok=True)  # a copy that the kill interrupted


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
