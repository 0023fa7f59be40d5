"""Base class of live sources: a thread reads, and the reader gets the newest frame."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import av

from video.frame import Frame
from video.libav import fault_of, reason
from video.orientation import orientation_of
from video.sources.base import VideoSource
from video.sources.device import Device

# A source that gives no frame for this long is disconnected.
SILENCE_SECONDS = 10.0

# After this long without a frame, the last frame no longer shows the current scene.
LIVE_GAP_SECONDS = 2.0


class NewestFrameSource(VideoSource):
    """A device that is read until it ends. It keeps only the newest frame, so that a slow reader
    never gets an old one.
    """

    live = True

    def __init__(self, device: Device) -> None:
        """Open a device and start the reading thread.

        Args:
            device: The camera or stream.

        Raises:
            VideoError: The device cannot be opened or gives no image.
        """
        self.name, self._device = device.name, device
        device.open()
        self.size, self.rate, self.pixel_aspect = device.size, device.rate, device.pixel_aspect
        self._condition = threading.Condition()
        self._newest: Frame | None = None
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, name=f"read {self.name}", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        start, before, index = None, None, 0
        try:
            while not self._closing:
                image = self._device.read()
                if image is None:
                    self.note = self.note or "gives no more frames (disconnected or ended)"
                    break
                now = time.monotonic()
                start = now if start is None else start
                is_late = before is not None and now - before > LIVE_GAP_SECONDS
                self._show(image, index, now - start, is_late)
                before, index = now, index + 1
        except Exception as error:  # the waiting reader must always be notified
            self.note = f"reading failed ({reason(error)})"
            fault_of(self.name, error)
        finally:
            self._device.close()
            with self._condition:
                self._ended = True
                self._condition.notify()

    def _show(self, image: av.VideoFrame, index: int, seconds: float, is_late: bool) -> None:
        turned = orientation_of(image)
        with self._condition:
            # Keep a gap although the first frame after it is dropped.
            after_gap = is_late or (self._newest is not None and self._newest.after_gap)
            self._newest = Frame(index, seconds, image, *turned, after_gap, self.name)
            self._condition.notify()

    def __iter__(self) -> Iterator[Frame]:
        # Renumber: dropped frames do not count.
        index, start = 0, None
        while True:
            with self._condition:
                arrived = self._condition.wait_for(
                    lambda: self._newest is not None or self._ended, timeout=SILENCE_SECONDS
                )
                frame, self._newest = self._newest, None
            if frame is None:
                if not arrived:
                    self.note = f"gave no frame for {SILENCE_SECONDS:.0f} s"
                return
            start = frame.seconds if start is None else start
            # A gap before the first frame that is read does not count either.
            after_gap = frame.after_gap and index > 0
            seconds = frame.seconds - start
            yield replace(frame, index=index, seconds=seconds, after_gap=after_gap)
            index += 1

    def close(self) -> None:
        self._closing = True
        # A read that hangs in the driver must not hang the program, so the thread is a daemon.
        self._thread.join(timeout=2.0)
