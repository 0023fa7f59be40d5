"""Frames of a video file, decoded by PyAV (FFmpeg): all its formats, AV1 and gif included."""

import math
from collections.abc import Generator, Iterator
from pathlib import Path

import av
from av.container import InputContainer

from video.clock import Clock
from video.errors import VideoError
from video.frame import Frame
from video.libav import address_of, failing_as, fault_of, open_input
from video.orientation import orientation_of
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

# Containers whose packets bear the time at which their frame is shown. Of others', such as AVI's,
# libav guesses the time.
_TELLING_FORMATS = {"mov", "matroska", "mpegts", "flv"}


class _NotAsPlanned(Exception):
    """The frames are not those that the packets told of."""


class FileSource(VideoSource):
    """A video file. Rotation from its metadata is applied; nothing is ever dropped.

    What decodes is used: a file that breaks off gives the frames before the break and a note.

    This class is where a file's faults end: whatever goes wrong in opening or decoding it, in
    FFmpeg, in PyAV or in what we read from its headers, is a `VideoError` that names it.

    Raises:
        VideoError: there is no such file, it is empty, no video, or it gives no frame at all; or,
            while iterating, an error after which no other frame can be read.
    """

    live = False

    def __init__(
        self, path: str | Path, threads: int | None = None, sampled_at: float | None = None
    ) -> None:
        """Open a file.

        Args:
            path: the file.
            threads: of the decoder; as for `use_threads`.
            sampled_at: the rate of the sampler that the frames are for, in ticks a second: frames
                that it does not take may be left out, where that changes no other. None gives all.
        """
        path = Path(path)
        self.name = str(path)
        self._path, self._threads = path, threads
        self._opened: InputContainer | None = None
        self._packet_counts: dict[int, int] | None = None
        self._plan: SkippingPlan | None = None
        self._first = self._decoded()
        try:
            with failing_as(self.name, "cannot be read as a video"):
                self._check_file()
                self._open()
                self.rate = nominal_rate(self._stream)
                self._plan = self._planned(sampled_at) if sampled_at else None
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
        assert self._opened is not None  # from `_open` on
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

    def _planned(self, fps: float) -> SkippingPlan | None:
        if not _TELLING_FORMATS & set(self._container.format.name.split(",")):
            return None
        try:
            packets = self._container.demux(self._stream)
            stamps = [each.pts for each in packets if each.size and not each.is_discard]
        except Exception as error:  # what breaks off is read frame by frame
            fault_of(self.name, error)
            return None
        finally:
            self._open_again()
        if self._stream.time_base is None:
            return None
        return skipping_plan(stamps, self._stream.time_base, 1 / self.rate, fps)

    def _find_size(self) -> None:
        # Only the frames have the rotation, so the first one gives the size.
        self._ahead = next(self._first, None)
        if self._ahead is None:
            why = "is encrypted" if is_encrypted(self._path) else self.note or "no data"
            raise VideoError(f"{self.name}: no frame of it can be decoded ({why})")
        self.size = self._ahead.size
        self.pixel_aspect = pixel_aspect(self._stream, self._ahead.quarter_turns)

    def __iter__(self) -> Iterator[Frame]:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            yield frame
        # What the reader raises does not come in here: it is not the file's.
        with failing_as(self.name, "cannot be read any further"):
            yield from self._first

    def _decoded(self) -> Generator[Frame, None, None]:
        given = -1
        if self._plan:
            try:
                for frame in self._sampled(self._plan):
                    given = frame.index
                    yield frame
                return
            except _NotAsPlanned:
                # Something is wrong with the file. What was given is what the whole would have
                # given; from there on nothing is left out.
                self._open_again()
        for frame in self._whole():
            if frame.index > given:
                given = frame.index
                yield frame
        if self.note and self._stream.codec_context.thread_count != 1:
            # Of a file that is damaged, several threads give fewer frames than one, by their
            # number: one gives the rest, so that the frames are the same on every machine.
            self._threads = 1
            self._open_again()
            yield from (frame for frame in self._whole() if frame.index > given)

    def _sampled(self, plan: SkippingPlan) -> Iterator[Frame]:
        """Yield at least the wanted frames; raise `_NotAsPlanned` before any that would differ from
        the whole file's."""
        due = iter(sorted(plan.wanted))
        next_due: float = next(due)
        last = -1
        decoder = self._stream.codec_context
        try:
            for packet in self._container.demux(self._stream):
                is_wanted = packet.pts in plan.wanted or not packet.size
                decoder.skip_frame = "DEFAULT" if is_wanted else "NONREF"
                for picture in packet.decode():
                    if picture.pts is None:
                        raise _NotAsPlanned
                    index, seconds, after_gap = plan.places.get(picture.pts, (-1, 0.0, False))
                    if index <= last or picture.pts > next_due:
                        raise _NotAsPlanned
                    if picture.pts == next_due:
                        next_due = next(due, math.inf)
                    last = index
                    yield self._frame(index, seconds, picture, after_gap)
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
                pictures = packet.decode()
            except Exception as error:
                why = fault_of(self.name, error)
                ending.damaged += 1
                ending.damage = "" if isinstance(error, av.InvalidDataError) else f" ({why})"
                continue
            for picture in pictures:
                if not ending.frames:
                    ending.first_stamp = picture.time
                ending.seconds = clock.seconds(picture.time)
                if clock.after_gap:
                    ending.gaps.append(ending.seconds)
                yield self._frame(ending.frames, ending.seconds, picture, clock.after_gap)
                ending.frames += 1
        self._remark(ending)

    def _frame(self, index: int, seconds: float, picture: av.VideoFrame, after_gap: bool) -> Frame:
        turned = orientation_of(picture)
        return Frame(index, seconds, picture, *turned, after_gap=after_gap, video=self.name)

    def _remark(self, ending: Ending) -> None:
        self.note = remarks(self._container, self._stream, self.rate, ending)

    def close(self) -> None:
        # The generator holds this object and this object the generator: unless the ring is cut, the
        # decoder's buffers wait for the garbage collector.
        self._first.close()
        if self._opened is not None:
            self._opened.close()
