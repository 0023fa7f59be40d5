"""The reading thread of a camera: it connects, reads, and connects again, for weeks."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import av
import numpy as np

from live.cameras.backoff import Backoff
from live.cameras.config import CameraConfig
from live.cameras.played_file import PlayedFile
from live.cameras.privacy import PrivacyMask
from video.console import logger
from video.errors import LookbackError, RefusedError
from video.frame import Frame
from video.libav import fault_of, reason
from video.orientation import orientation_of
from video.sources.camera import Webcam
from video.sources.device import Device
from video.sources.url import Stream

_LOG = logger(__name__)

State = Literal["connecting", "live", "stalled", "lost"]

# Time limits of a network stream, in seconds. FFmpeg tries an RTSP read twice.
_OPEN_SECONDS, _READ_SECONDS = 10.0, 5.0
# A silence of fewer frame intervals of the camera is no gap: slow cameras are irregular too.
_GAP_INTERVALS = 3
_INTERVALS = 5
# A camera that gives no frame for this long counts as over, for a run that ends then.
SILENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Session:
    """A part of a camera's recording without a gap.

    Attributes:
        number: Number of the session, from 1.
        began: Time of `time.monotonic` at which its first frame arrived.
        size: Width and height of the frames in pixels, upright.
        rate: Nominal frames per second.
    """

    number: int
    began: float
    size: tuple[int, int]
    rate: float


class FrameTaker(Protocol):
    """Takes frames in the reading thread. It must not block."""

    def on_frame(self, frame: Frame, arrived: float, session: Session) -> None:
        """Take a frame; `arrived` is a time of `time.monotonic`, and the frame's index and seconds
        count from the beginning of its session."""


PacketTaker = Callable[[av.Packet, float], None]


def device_of(camera: CameraConfig) -> Device:
    """Return the device of a camera, not yet opened."""
    if camera.kind == "webcam":
        return Webcam(camera.address)
    if camera.kind == "video":
        return PlayedFile(str(camera.address))
    return Stream(str(camera.full_address), _OPEN_SECONDS, _READ_SECONDS)


class CameraReader:
    """Reads a camera in a thread of its own, which opens, reads and closes it.

    A camera that cannot be reached is tried again after a growing delay. Time without a frame
    divides the frames into sessions: nothing that one session has seen belongs to the next.

    Attributes:
        camera: The configuration.
        attempts: Number of attempts to connect.
        frames: Number of frames read.
        device: The camera or stream itself.
    """

    def __init__(
        self,
        camera: CameraConfig,
        taker: FrameTaker,
        gap_seconds: float,
        on_packet: PacketTaker | None = None,
        device: Device | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """Prepare a camera; `start` begins to connect.

        Args:
            camera: The camera.
            taker: Takes its frames.
            gap_seconds: Time without a frame that ends a session, at least three frame intervals.
            on_packet: Takes its packets with the time at which they arrived; cameras with privacy
                polygons give none.
            device: The device; None for that of the camera.
            backoff: The delays; None for the usual ones.
        """
        self.camera, self.attempts, self.frames = camera, 0, 0
        self._taker, self._gap_seconds = taker, gap_seconds
        self.device = device or device_of(camera)
        if on_packet is not None and not camera.privacy:
            self.device.on_packet = lambda packet: on_packet(packet, time.monotonic())
        self._backoff = backoff or Backoff()
        self._mask = PrivacyMask(camera.privacy)
        self._lock = threading.Lock()
        self._phase: Literal["connecting", "live", "lost"] = "connecting"
        self._reason = ""
        self._told = ""
        self._newest = 0.0
        self._session: Session | None = None
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"read {camera.name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, timeout: float = 1.0) -> None:
        """Ask the thread to end, and wait for it for `timeout` seconds.

        A thread that hangs in a driver is left alone: it is a daemon.
        """
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def lengthen_gap(self, seconds: float) -> None:
        """Require at least `seconds` without a frame for the end of a session."""
        self._gap_seconds = max(self._gap_seconds, seconds)

    @property
    def name(self) -> str:
        """The name of the camera."""
        return self.camera.name

    def state(self, now: float | None = None) -> tuple[State, str]:
        """Return the state, and why the camera is not live in one line.

        Args:
            now: The time of `time.monotonic`; None for the present.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            if self._phase != "live":
                return self._phase, self._reason
            silence = now - self._newest
            if silence > self._gap():
                return "stalled", f"no frame for {silence:.0f} s"
            return "live", ""

    def is_over(self) -> bool:
        """Return whether the camera is lost, or was silent for ten seconds."""
        return self.state()[0] == "lost" or self.silence() > SILENCE_SECONDS

    def silence(self) -> float:
        """Return the seconds since the newest frame; 0 before the first."""
        return time.monotonic() - self._newest if self._newest else 0.0

    def _gap(self) -> float:
        usual = float(np.median(self._intervals)) if self._intervals else 0.0
        return max(self._gap_seconds, _GAP_INTERVALS * usual)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._enter("connecting", self._reason)
            self.attempts += 1
            began, refused, why = 0.0, False, ""
            try:
                self.device.open()
                began = time.monotonic()
                self._read()
                why = "disconnected"
            except RefusedError as error:
                refused, why = True, _without_name(error, self.device.name)
            except LookbackError as error:
                why = _without_name(error, self.device.name)
            except Exception as error:  # the thread must survive whatever a driver raises
                why = reason(error)
                _log_fault(self.device.name, error)
            finally:
                self._close_device()
            if self._closing.is_set():
                break
            live = self._newest - began if began else 0.0
            self._enter("lost", why)
            self._closing.wait(self._backoff.after_failure(live, refused))

    def _close_device(self) -> None:
        try:
            self.device.close()
        except Exception as error:  # the thread must survive; the next attempt opens a new one
            _log_fault(self.device.name, error)

    def _enter(self, phase: Literal["connecting", "lost"], why: str) -> None:
        with self._lock:
            self._phase, self._reason = phase, why
        if phase == "lost" and why != self._told:
            _LOG.warning(f"{self.name}: lost ({why}); connecting again")
            self._told = why

    def _read(self) -> None:
        """Read frames until the device ends or the reader is closed."""
        self._intervals.clear()
        before: float | None = None
        due, is_awaited = 0.0, False
        while not self._closing.is_set():
            image = self.device.read()
            if image is None:
                return
            now = time.monotonic()
            self.frames += 1
            is_late = before is not None and now - before > self._gap()
            if before is not None:
                self._intervals.append(now - before)
            is_first, before = before is None, now
            if is_late:
                # FFmpeg ends a stalled read by a last frame from before: wait for a second one.
                is_awaited = True
                continue
            if is_first or is_awaited:
                is_awaited, due = False, 0.0
                self._begin_session(now, image)
            with self._lock:
                self._phase, self._reason, self._newest = "live", "", now
            if self.camera.fps and now < due:
                continue
            due = max(due, now - 0.5 / (self.camera.fps or 1)) + 1 / (self.camera.fps or 1)
            self._pass_on(image, now)

    def _begin_session(self, now: float, image: av.VideoFrame) -> None:
        number = self._session.number + 1 if self._session else 1
        size = Frame(0, 0.0, image, *orientation_of(image)).size
        self._session = Session(number, now, size, self.device.rate)
        self._index = 0
        if self._told:
            _LOG.info(f"{self.name}: live again")
            self._told = ""
        elif number == 1:
            shown = f"{size[0]}x{size[1]} at {self.device.rate:.3g} frames/s"
            _LOG.info(f"{self.name}: {shown}")

    def _pass_on(self, image: av.VideoFrame, now: float) -> None:
        session = self._session
        assert session is not None
        turned = orientation_of(image)
        frame = Frame(self._index, now - session.began, image, *turned, False, self.name)
        self._index += 1
        self._taker.on_frame(self._mask(frame), now, session)


def _without_name(error: LookbackError, name: str) -> str:
    text = str(error).removeprefix(f"{name}: ").removeprefix("cannot be opened ")
    return text.removeprefix("(").replace("); check", "; check", 1)


def _log_fault(name: str, error: Exception) -> None:
    try:
        fault_of(name, error)
    except Exception:
        _LOG.exception(f"{name}: reading failed")
