"""Single frames of a long file, found by seeking, with the index and time of a whole decoding.

The packets of a file tell the time of every frame without decoding. A decoder can begin at any key
frame, so a frame costs the frames since the key frame before it, not those since the beginning.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np
from av.video.frame import PictureType

from video.errors import VideoError
from video.frame import Frame
from video.libav import fault_of
from video.sources.file import FileSource
from video.sources.packets import FileIndex, PacketSource

# A seek empties the decoder, which costs about as much as this number of frames.
_FRAMES_OF_A_SEEK = 32
# A seek may end at a later key frame than the one asked for, if frames are stored out of order.
_ATTEMPTS = 3


class NotAsIndexedError(Exception):
    """The decoded frames differ from the packets: the file is damaged. Decode the whole file."""


def index_of(path: str | Path) -> FileIndex | None:
    """Return the index of a file; None if its packets do not tell the frames and key frames.

    Raises:
        VideoError: The file cannot be read.
    """
    with PacketSource(path) as source:
        found = source.index()
    return found if found and len(found.keys) else None


class ChosenFrames(FileSource):
    """Chosen frames of a file, equal to those of a whole decoding.

    Iteration raises `NotAsIndexedError` before the first frame that would differ.
    """

    def __init__(self, index: FileIndex, wanted: Sequence[int], threads: int | None = None) -> None:
        """Open the file.

        Args:
            index: The index of the file.
            wanted: Indices of the frames, ascending, each once.
            threads: Number of decoder threads, as for `use_threads`.

        Raises:
            VideoError: The file cannot be read.
        """
        self._index, self._wanted = index, list(wanted)
        super().__init__(index.path, threads)

    def __iter__(self) -> Generator[Frame, None, None]:
        try:
            yield from self._chosen()
        except (NotAsIndexedError, VideoError):
            raise
        except Exception as error:
            fault_of(self.name, error)
            raise NotAsIndexedError from None

    def _chosen(self) -> Generator[Frame, None, None]:
        stamps, keys, wanted = self._index.stamps, self._index.keys, self._wanted
        places = {int(stamps[number]): number for number in wanted}
        done = 0
        while done < len(wanted):
            key = int(np.searchsorted(keys, wanted[done], side="right")) - 1
            for frame in self._from_key(key, places, wanted[done]):
                if frame.index != wanted[done]:
                    raise NotAsIndexedError
                yield frame
                done += 1
                if done == len(wanted) or self._is_seek_worth_it(wanted[done - 1], wanted[done]):
                    break
            else:
                raise NotAsIndexedError  # the file ends before the frame

    def _is_seek_worth_it(self, here: int, there: int) -> bool:
        keys = self._index.keys
        key = int(np.searchsorted(keys, there, side="right")) - 1
        return key >= 0 and int(keys[key]) > here + _FRAMES_OF_A_SEEK

    def _from_key(
        self, key: int, places: dict[int, int], first: int
    ) -> Generator[Frame, None, None]:
        """Yield the chosen frames from a key frame on.

        Args:
            key: Index in `keys` of the key frame.
            places: Indices of the chosen frames, by their stamps.
            first: Index of the first frame to yield.
        """
        begin = self._seek(key, int(self._index.stamps[first]))
        decoder = self._stream.codec_context
        latest = begin - 1
        for packet in self._container.demux(self._stream):
            is_chosen = packet.pts in places or not packet.size
            decoder.skip_frame = "DEFAULT" if is_chosen else "NONREF"
            for image in packet.decode():
                if image.pts is None:
                    raise NotAsIndexedError
                # Frames shown before the key frame refer to frames that were not decoded.
                if image.pts < begin:
                    continue
                # H.264 also marks pictures from which an image only builds up (intra refresh).
                is_whole = latest >= begin or image.pict_type == PictureType.I
                if image.pts <= latest or not is_whole:
                    raise NotAsIndexedError
                latest = image.pts
                number = places.get(image.pts, -1)
                if number < first:
                    continue
                seconds, gap = self._index.seconds[number], self._index.after_gap[number]
                yield self._frame(number, float(seconds), image, bool(gap))

    def _seek(self, key: int, needed: int) -> int:
        """Go to a key frame or an earlier one; return its stamp, which is at most `needed`."""
        for earlier in range(min(_ATTEMPTS, key + 1)):
            stamp = int(self._index.stamps[self._index.keys[key - earlier]])
            self._container.seek(stamp, stream=self._stream)
            packet = next(self._container.demux(self._stream))
            if packet.is_keyframe and packet.pts is not None and packet.pts <= needed:
                self._container.seek(stamp, stream=self._stream)
                return packet.pts
        raise NotAsIndexedError
