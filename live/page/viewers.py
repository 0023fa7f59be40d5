"""The WebSocket of the page: pictures as binary messages, numbers as text messages.

A binary message has the number of the camera in one byte, the time of the picture in milliseconds
since 1970 as a float64 (big-endian), and the JPEG. After the pictures of a round a text message
`{"type": "round", "number": N}` follows. A viewer may return `{"round": N}` when it has drawn them;
then no more than three rounds are on their way to it, and a slow network shows newer pictures, not
older ones.

A viewer may send `{"visible": false}` while its window is hidden, `{"cameras": [0, 2]}` for the
cameras on its screen (null for all), and `{"enlarged": 1}` for one in full size (null for none).
"""

import asyncio
import json
import struct
import time
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from live.hub import Hub
from live.page.interfaces import Teacher
from live.page.pictures import LARGE_WIDTH, SMALL_WIDTH, Pictures
from live.page.status import status_message

_STATUS_SECONDS = 0.25
_ROUNDS_AHEAD = 3
_ACK_SECONDS = 5.0  # a viewer that never confirms a round still gets a picture now and then


class Viewer:
    """One open page.

    Args:
        socket: The connection, not yet accepted.
        hub: The cameras.
        pictures: Their JPEGs.
        teacher: Source of the progress of learning.
        boot: Text that differs after each start of the program.
    """

    def __init__(
        self,
        socket: WebSocket,
        hub: Hub,
        pictures: Pictures,
        teacher: Teacher | None,
        boot: str,
    ) -> None:
        self._socket, self._hub, self._pictures = socket, hub, pictures
        self._teacher, self._boot = teacher, boot
        self._visible = True
        self._enlarged: int | None = None
        self._cameras: frozenset[int] | None = None  # None: all
        self._sent = 0  # number of the newest round that was sent
        self._drawn: int | None = None  # number of the newest that was confirmed
        self._drawn_at = time.monotonic()

    async def run(self) -> None:
        """Serve until the page is closed or the server ends."""
        await self._socket.accept()
        self._look()
        tasks = [asyncio.create_task(each()) for each in (self._listen, self._show, self._tell)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pictures.leave(self)
            for task in tasks:
                task.cancel()
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(result, Exception) and not _is_disconnect(result):
                    raise result
            with suppress(Exception):  # it may be closed already
                await self._socket.close(1001)

    def _width(self, camera: int) -> int:
        return LARGE_WIDTH if camera == self._enlarged else SMALL_WIDTH

    def _looked_at(self) -> list[int]:
        """Return the numbers of the cameras that are on the screen."""
        if not self._visible:
            return []
        cameras = range(len(self._hub.statuses()))
        return [each for each in cameras if self._cameras is None or each in self._cameras]

    def _look(self) -> None:
        self._pictures.want(self, [(each, self._width(each)) for each in self._looked_at()])

    async def _listen(self) -> None:
        while True:
            try:
                message: Any = json.loads(await self._socket.receive_text())
            except (ValueError, KeyError):  # no JSON, or binary
                continue
            if not isinstance(message, dict):
                continue
            if isinstance(message.get("round"), int):
                self._drawn, self._drawn_at = message["round"], time.monotonic()
            if isinstance(message.get("visible"), bool):
                self._visible = message["visible"]
            if "enlarged" in message:
                given = message["enlarged"]
                self._enlarged = given if isinstance(given, int) else None
            if "cameras" in message:
                asked = message["cameras"]
                known = asked if isinstance(asked, list) else []
                numbers = frozenset(each for each in known if isinstance(each, int))
                self._cameras = None if asked is None else numbers
            self._look()

    async def _show(self) -> None:
        number = -1
        sent: dict[int, tuple[int, int] | None] = {}
        while not self._pictures.closing:
            number = await self._pictures.next_round(number)
            if self._is_behind():
                await self._pictures.pause(0.02)
                number = -1  # as soon as it has caught up, the newest pictures
                continue
            fresh = False
            for camera in self._looked_at():
                jpeg = self._pictures.newest(camera, self._width(camera))
                key = None if jpeg is None else (jpeg.number, self._width(camera))
                if jpeg is None or sent.get(camera) == key:
                    continue
                sent[camera], fresh = key, True
                head = struct.pack(">Bd", camera, jpeg.epoch_ms)
                await self._socket.send_bytes(head + jpeg.data)
            if fresh:
                self._sent += 1
                text = json.dumps({"type": "round", "number": self._sent})
                await self._socket.send_text(text)

    def _is_behind(self) -> bool:
        if self._drawn is None or time.monotonic() - self._drawn_at > _ACK_SECONDS:
            return False
        return self._sent - self._drawn >= _ROUNDS_AHEAD

    async def _tell(self) -> None:
        since: dict[int, float] = {}
        cameras = 0
        while not self._pictures.closing:
            message = status_message(self._hub, self._teacher, self._boot, since)
            if cameras != len(message["cameras"]):
                cameras = len(message["cameras"])
                self._look()
            await self._socket.send_text(json.dumps(message))
            await self._pictures.pause(_STATUS_SECONDS)


def _is_disconnect(error: Exception) -> bool:
    """Whether an error says that the other side is gone."""
    return isinstance(error, WebSocketDisconnect) or "close" in str(error).lower()
