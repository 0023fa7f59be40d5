"""Video files, decoded by PyAV (FFmpeg) in all its formats, including AV1 and GIF."""

import math
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import av
from av.container import InputContainer

from video.clock import Clock
from video.errors import VideoError
from video.frame import Frame
from video.libav import address_of, failing_as, fault_of, open_input
from video.orientation import orientation_of
from video.sampling import Sampling
from video.skipping import SkippingPlan, skipping_plan
from video.sources.base import VideoSource
from video.sources.codec_names import is_encrypted
from video.sources.remarks import Ending, remarks
from video.sources.streams import (
    best_stream,
    candidates,
    nominal_rate,
    packet_counts,
    pixel_aspect,
    use_threads,
)
from video.staging import staged

# Containers whose packets have presentation times. In others, such as AVI, libav guesses them.
TIMED_FORMATS = {"mov", "matroska", "mpegts", "flv"}


class _NotAsPlanned(Exception):
    """The decoded frames differ from the plan that the packets gave."""


class FileSource(VideoSource):
    """A video file. Rotation from its metadata is applied; no frame is dropped.

    A damaged file gives all frames that can be decoded, and a note.

    Every error in opening or decoding a file, in FFmpeg, in PyAV or in our reading of its header,
    is raised as a `VideoError` that names the file.

    Raises:
        VideoError: The file does not exist, is empty, is not a video or gives no frame; or, during
            iteration, no further frame can be read.
    """

    live = False

    def __init__(
        self, path: str | Path, threads: int | None = None, sampling: Sampling | None = None
    ) -> None:
        """Open a file.

        Args:
            path: The video file.
            threads: Number of decoder threads, as for `use_threads`.
            sampling: Sampling of the reader. Frames that it does not take may be skipped if this
                changes no other frame. None gives all.
        """
        path = Path(path)
        self.name = str(path)
        self._path, self._threads = path, threads
        self._opened: InputContainer | None = None
        self._packet_counts: dict[int, int] | None = None
        self._plan: SkippingPlan | None = None
        self._first = self._decoded()
        self._staged = ExitStack()
        try:
            with failing_as(self.name, "cannot be read as a video"):
                self._staged.enter_context(staged(path))
                self._check_file()
                self._open()
                self.rate = nominal_rate(self._stream)
                self._plan = self._planned(sampling) if sampling and sampling.fps else None
                self._find_size()
        except BaseException:
            self.close()
            raise

    def _check_file(self) -> None:
        if not self._path.is_file():
            raise VideoError(f"{self._path}: there is no such file")
        if self._path.stat().st_size == 0:
            raise VideoError(f"{self._path}: the file is empty (0 bytes)")

    @property
    def _container(self) -> InputContainer:
        assert self._opened is not None  # set by `_open`
        return self._opened

    def _open(self) -> None:
        try:
            self._opened = open_input(address_of(self._path))
        except av.InvalidDataError:
            if is_encrypted(self._path):
                raise VideoError(f"{self.name}: is encrypted") from None
            raise
        streams = candidates(self._container)
        if len(streams) > 1 and self._packet_counts is None:
            self._packet_counts = packet_counts(self._container, streams)
            self._container.close()
            self._opened = open_input(address_of(self._path))
        self._stream = best_stream(self._container, self.name, self._packet_counts)
        use_threads(self._stream, self._threads)

    def _open_again(self) -> None:
        self._container.close()
        self._open()

    def _planned(self, sampling: Sampling) -> SkippingPlan | None:
        if not TIMED_FORMATS & set(self._container.format.name.split(",")):
            return None
        try:
            packets = self._container.demux(self._stream)
            stamps = [each.pts for each in packets if each.size and not each.is_discard]
        except Exception as error:  # a damaged file is read without a plan
            fault_of(self.name, error)
            return None
        finally:
            self._open_again()
        if self._stream.time_base is None:
            return None
        return skipping_plan(stamps, self._stream.time_base, 1 / self.rate, sampling)

    def _find_size(self) -> None:
        # Only frames have the rotation, so the size comes from the first one.
        self._ahead = next(self._first, None)
        if self._ahead is None:
            why = "is encrypted" if is_encrypted(self._path) else self.note or "its data is missing"
            raise VideoError(f"{self.name}: no frame can be decoded ({why})")
        self.size = self._ahead.size
        self.pixel_aspect = pixel_aspect(self._stream, self._ahead.quarter_turns)

    def __iter__(self) -> Iterator[Frame]:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            yield frame
        # Errors that the reader of the frames raises do not pass through here.
        with failing_as(self.name, "reading stopped before the end"):
            yield from self._first

    def _decoded(self) -> Generator[Frame, None, None]:
        last = -1
        if self._plan:
            try:
                for frame in self._sampled(self._plan):
                    last = frame.index
                    yield frame
                return
            except _NotAsPlanned:
                # The file is damaged. The frames so far are correct; continue without skipping.
                self._open_again()
        for frame in self._whole():
            if frame.index > last:
                last = frame.index
                yield frame
        if self.note and self._stream.codec_context.thread_count != 1:
            # On a damaged file, several threads lose more frames than one thread does, depending on
            # their number. One thread reads the rest, so that every machine gets the same frames.
            self._threads = 1
            self._open_again()
            yield from (frame for frame in self._whole() if frame.index > last)

    def _sampled(self, plan: SkippingPlan) -> Iterator[Frame]:
        """Yield at least the wanted frames; raise `_NotAsPlanned` before the first frame that
        would differ from a complete decoding."""
        due = iter(sorted(plan.wanted))
        next_due: float = next(due)
        last = -1
        decoder = self._stream.codec_context
        try:
            for packet in self._container.demux(self._stream):
                is_wanted = packet.pts in plan.wanted or not packet.size
                decoder.skip_frame = "DEFAULT" if is_wanted else "NONREF"
                for image in packet.decode():
                    if image.pts is None:
                        raise _NotAsPlanned
                    index, seconds, after_gap = plan.places.get(image.pts, (-1, 0.0, False))
                    if index <= last or image.pts > next_due:
                        raise _NotAsPlanned
                    if image.pts == next_due:
                        next_due = next(due, math.inf)
                    last = index
                    yield self._frame(index, seconds, image, after_gap)
        except _NotAsPlanned:
            raise
        except Exception as error:
            fault_of(self.name, error)
            raise _NotAsPlanned from None
        if next_due != math.inf:
            raise _NotAsPlanned
        ending = Ending(last + 1, seconds, min(plan.places) * float(self._stream.time_base or 0))
        ending.gaps = [place[1] for place in plan.places.values() if place[2]]
        self._remark(ending)

    def _whole(self) -> Iterator[Frame]:
        clock, ending = Clock(1 / self.rate), Ending()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except Exception as error:
                ending.breaks_off = fault_of(self.name, error)
                break
            if packet is None:
                break
            try:
                images = packet.decode()
            except Exception as error:
                why = fault_of(self.name, error)
                ending.damaged += 1
                ending.damage = "" if isinstance(error, av.InvalidDataError) else f" ({why})"
                continue
            for image in images:
                if not ending.frames:
                    ending.first_stamp = image.time
                ending.seconds = clock.seconds(image.time)
                if clock.after_gap:
                    ending.gaps.append(ending.seconds)
                yield self._frame(ending.frames, ending.seconds, image, clock.after_gap)
                ending.frames += 1
        self._remark(ending)

    def _frame(self, index: int, seconds: float, image: av.VideoFrame, after_gap: bool) -> Frame:
        turned = orientation_of(image)
        return Frame(index, seconds, image, *turned, after_gap=after_gap, video=self.name)

    def _remark(self, ending: Ending) -> None:
        self.note = remarks(self._container, self._stream, self.rate, ending)

    def close(self) -> None:
        # The generator and this object refer to each other. Closing the generator breaks the cycle;
        # otherwise the decoder's buffers stay until the garbage collector runs.
        self._first.close()
        if self._opened is not None:
            self._opened.close()
        self._staged.close()
