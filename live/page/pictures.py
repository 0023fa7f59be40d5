"""JPEGs of the newest pictures: encoded while somebody looks, once for all who look."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import cv2

from live.hub import Hub, Picture
from video.console import logger
from video.errors import VideoError

_LOG = logger(__name__)

PICTURES_PER_SECOND = 10.0
SMALL_WIDTH = 640
LARGE_WIDTH = 1920
_QUALITY = 80
_OLD_SECONDS = 3.0  # without a new picture for this long, a camera is shown as not live


@dataclass(frozen=True)
class Jpeg:
    """An encoded picture.

    Attributes:
        camera: Number of the camera.
        number: Number of the picture on its camera.
        epoch_ms: Time of its arrival in milliseconds since 1970.
        data: The JPEG.
    """

    camera: int
    number: int
    epoch_ms: float
    data: bytes


def encode(camera: int, picture: Picture, width: int = LARGE_WIDTH) -> Jpeg:
    """Return the JPEG of a picture.

    Args:
        camera: Number of the camera.
        picture: The picture.
        width: Maximum width in pixels; a narrower picture keeps its size.
    """
    full_width, full_height = picture.frame.size
    scale = min(1.0, width / full_width)
    size = (max(1, round(full_width * scale)), max(1, round(full_height * scale)))
    pixels = cv2.cvtColor(picture.frame.resized(*size), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
    return Jpeg(camera, picture.number, 1000 * epoch(picture.arrived), data)


def epoch(monotonic: float) -> float:
    """Return seconds since 1970 of a time of `time.monotonic`."""
    return time.time() - (time.monotonic() - monotonic)


def is_live(state: str, picture: Picture | None) -> bool:
    """Whether a picture shows what happens now."""
    fresh = picture is not None and time.monotonic() - picture.arrived < _OLD_SECONDS
    return state == "live" and fresh


class Pictures:
    """The newest JPEG of each camera, for any number of viewers.

    A viewer names the cameras and sizes that it wants. One task encodes what anybody wants, in a
    thread, at most ten times a second, and only pictures that are new. A slow viewer skips
    pictures, as it always takes the newest.

    Args:
        hub: Where the pictures come from.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._wanted: dict[object, frozenset[tuple[int, int]]] = {}
        self._newest: dict[tuple[int, int], Jpeg] = {}
        self._round = 0
        self._changed = asyncio.Condition()
        self._closing = asyncio.Event()
        self._task: asyncio.Task | None = None
        self._waking: asyncio.Future | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._snapshots: dict[int, Jpeg] = {}
        self._lock = threading.Lock()
        self.encoded = 0

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return len(self._wanted)

    @property
    def closing(self) -> bool:
        """Whether the server ends; viewers must, too."""
        return self._closing.is_set()

    def want(self, viewer: object, cameras: Collection[tuple[int, int]]) -> None:
        """Set the cameras, each with its width in pixels, that a viewer looks at; starts encoding
        if it rests. Call from the server's event loop."""
        self._wanted[viewer] = frozenset(cameras)
        if cameras and self._task is None and not self.closing:
            self._pool = self._pool or ThreadPoolExecutor(1, "page-jpeg")
            self._task = asyncio.create_task(self._run())

    def leave(self, viewer: object) -> None:
        """Remove a viewer."""
        self._wanted.pop(viewer, None)

    def newest(self, camera: int, width: int) -> Jpeg | None:
        """Return the newest JPEG of a camera at a width; None before the first."""
        return self._newest.get((camera, width))

    async def next_round(self, number: int) -> int:
        """Wait until pictures after round `number` were encoded; return the newest round's number,
        which is the same if nothing came within a second or the server ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0), self._changed:
                await self._changed.wait_for(lambda: self._round != number or self.closing)
        return self._round

    def end(self) -> None:
        """Let all viewers end. Call from the server's event loop."""
        self._closing.set()
        self._waking = asyncio.ensure_future(self._wake())

    async def close(self) -> None:
        """Let all viewers end, and end the encoding."""
        self._closing.set()
        await self._wake()
        if self._task is not None:
            await self._task
        if self._pool is not None:
            self._pool.shutdown(wait=False)

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def pause(self, seconds: float) -> None:
        """Wait; less if the server ends."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def snapshot(self, camera: int) -> Jpeg | None:
        """Return the newest picture in full size; None if it does not show what happens now.

        Raises:
            LookupError: There is no such camera.
        """
        statuses = self._hub.statuses()
        if not 0 <= camera < len(statuses):
            raise LookupError(camera)
        picture = self._hub.picture(camera)
        if picture is None or not is_live(statuses[camera].state, picture):
            return None
        with self._lock:
            known = self._snapshots.get(camera)
            if known is None or known.number != picture.number:
                known = self._snapshots[camera] = encode(camera, picture)
        return known

    async def mjpeg(self, camera: int) -> AsyncIterator[bytes]:
        """Yield the parts of a `multipart/x-mixed-replace` answer; nothing while the camera is
        not live."""
        viewer, number, sent = object(), 0, 0
        self.want(viewer, [(camera, SMALL_WIDTH)])
        try:
            while not self.closing:
                number = await self.next_round(number)
                jpeg = self.newest(camera, SMALL_WIDTH)
                live = is_live(self._hub.statuses()[camera].state, self._hub.picture(camera))
                if jpeg is None or jpeg.number == sent or not live:
                    continue
                sent = jpeg.number
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg.data)}"
                yield head.encode() + b"\r\n\r\n" + jpeg.data + b"\r\n"
        finally:
            self.leave(viewer)

    async def _run(self) -> None:
        """Encode as long as anybody looks."""
        loop = asyncio.get_running_loop()
        try:
            while not self.closing:
                begun = loop.time()
                wanted = frozenset().union(*self._wanted.values())
                if not wanted:
                    return
                if due := [each for key in sorted(wanted) if (each := self._due(key))]:
                    fresh = await loop.run_in_executor(self._pool, _encode_all, due)
                    self.encoded += len(fresh)
                    self._newest.update(fresh)
                    async with self._changed:
                        self._round += 1
                        self._changed.notify_all()
                await self.pause(max(0.005, begun + 1 / PICTURES_PER_SECOND - loop.time()))
        finally:
            self._task = None
            self._newest.clear()

    def _due(self, key: tuple[int, int]) -> tuple[tuple[int, int], Picture] | None:
        picture, before = self._hub.picture(key[0]), self._newest.get(key)
        if picture is None or (before is not None and before.number == picture.number):
            return None
        return key, picture


def _encode_all(due: list[tuple[tuple[int, int], Picture]]) -> dict[tuple[int, int], Jpeg]:
    fresh = {}
    for key, picture in due:
        try:
            fresh[key] = encode(key[0], picture, key[1])
        except (VideoError, cv2.error) as error:  # one broken picture must not end the others
            _LOG.debug("page: a picture of camera %d: %s", key[0], error)
    return fresh
