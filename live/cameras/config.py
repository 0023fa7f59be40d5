"""Configuration of cameras: the file of `--cameras`."""

from dataclasses import dataclass
from pathlib import Path

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CameraConfig:
    """A camera to watch.

    Attributes:
        name: Name in messages, files and the page; unique.
        kind: `webcam`, `url`, or `video` for a file that is played at its own pace, again and
            again.
        address: Index or device of a webcam, address of a stream without user and password, or
            path of a file.
        user: User name; empty for none.
        password: Password; never logged.
        fps: Maximum frames per second that are read; None for all.
        armed: Armed hours, such as `Mon-Fri 18:00-06:00`; empty for always.
        privacy: Polygons that are black everywhere; x and y from 0 to 1 of width and height.
        alarms: Keys of the recipe's section `alarms` that differ for this camera.
    """

    name: str
    kind: str
    address: str | int
    user: str = ""
    password: str = ""
    fps: float | None = None
    armed: tuple[str, ...] = ()
    privacy: tuple[Polygon, ...] = ()
    alarms: dict | None = None

    def __repr__(self) -> str:
        return f"CameraConfig({self.name!r})"  # an address may hold a password


def load_cameras(path: Path) -> list[CameraConfig]:
    """Return the cameras of a file."""
    raise NotImplementedError(path)
