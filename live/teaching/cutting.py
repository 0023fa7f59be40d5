"""The recorders of several cameras as one `Cutter`."""

from collections.abc import Callable, Sequence
from pathlib import Path

from live.recording.recorder import Recorder
from live.teaching.interfaces import UnknownError


class Recorders:
    """A `Cutter` over the recorder of each camera."""

    def __init__(self, recorders: Callable[[], Sequence[Recorder]]) -> None:
        """Use recorders.

        Args:
            recorders: Function that returns the recorders, by number of the camera.
        """
        self._recorders = recorders

    def cut(self, camera_id: int, since: float, until: float, path: Path) -> object:
        """See `live.teaching.interfaces.Cutter.cut`."""
        recorders = self._recorders()
        if not 0 <= camera_id < len(recorders):
            raise UnknownError(f"camera {camera_id}: there is no such camera")
        return recorders[camera_id].cut(since, until, path)
