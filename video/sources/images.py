"""A folder of numbered images, played at a given rate."""

import io
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av

from video.clock import Clock
from video.errors import VideoError
from video.frame import Frame
from video.image_folder import image_folder
from video.libav import failing_as, fault_of, open_input
from video.orientation import orientation_of
from video.sampling import Sampling
from video.skipping import skipping_plan
from video.sources.base import VideoSource
from video.staging import staged

_CODECS = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG": "png", b"BM": "bmp"}  # by the first bytes
# Of TIFF in both orders of bytes, and of PGM and PPM, as text and as bytes.
_BEGINNINGS = (*_CODECS, b"II*\0", b"MM\0*", b"P2", b"P3", b"P5", b"P6")


class ImageSource(VideoSource):
    """The images of a folder, as `FOLDER@25fps` names them; see `video.image_folder`.

    An image that cannot be decoded is left out, and noted. The time of a frame comes from its
    number.

    Raises:
        VideoError: There is no such folder, or it holds no image that can be decoded.
    """

    live = False

    def __init__(
        self, path: str | Path, threads: int | None = None, sampling: Sampling | None = None
    ) -> None:
        """Open a folder.

        Args:
            path: The folder and its rate.
            threads: Number of decoder threads; without effect, because each image is decoded alone.
            sampling: Sampling of the reader. Images that it does not take are not decoded. None
                gives all.
        """
        self.name = str(path)
        images = image_folder(path)
        if images is None:
            raise VideoError(f"{path}: is no folder of images with its rate, such as clip@25fps")
        if not images.folder.is_dir():
            raise VideoError(f"{path}: there is no such folder")
        self.rate = images.rate
        self._images, self._missing = images.images(), images.missing()
        self._wanted = self._places_of(sampling)
        self._damage: list[str] = []
        self._first = self._decoded()
        self._ahead = next(self._first, None)
        if self._ahead is None:
            raise VideoError(f"{self.name}: no frame can be decoded ({self.note})")
        self.size = self._ahead.size

    def seconds(self) -> list[float]:
        """Return the time of each image without decoding it; none if one of them does not begin
        as an image does, so that only decoding tells the frames.
        """
        clock = Clock(1 / self.rate)
        if self._damage or not all(_begins_as_image(path) for _, path in self._images):
            return []
        return [clock.seconds(place / self.rate) for place, _ in self._images]

    def choose(self, indices: Iterable[int]) -> None:
        """Decode only these of the images that were not decoded yet, by their indices."""
        self._wanted = frozenset(self._images[number][0] for number in indices)

    def _places_of(self, sampling: Sampling | None) -> frozenset[int] | None:
        """Return the places of the images that a sampling takes; None for all."""
        if sampling is None or not sampling.fps:
            return None
        places = [place for place, _ in self._images]
        interval = Fraction(self.rate).limit_denominator(100_000) ** -1
        plan = skipping_plan(places, interval, 1 / self.rate, sampling)
        return plan.wanted if plan else None

    def __iter__(self) -> Iterator[Frame]:
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            yield frame
        # Errors that the reader of the frames raises do not pass through here.
        with failing_as(self.name, "reading stopped before the end"):
            yield from self._first

    def _decoded(self) -> Generator[Frame, None, None]:
        clock, index = Clock(1 / self.rate), 0
        skipped: deque[tuple[int, float, bool, Path]] = deque()
        for place, path in self._images:
            stamp = place / self.rate
            if self._wanted is not None and place not in self._wanted:
                skipped.append((index, clock.seconds(stamp), clock.after_gap, path))
                index += 1
                continue
            image = self._image(path)
            if image is not None:
                skipped.clear()
                yield self._frame(index, clock.seconds(stamp), clock.after_gap, image)
                index += 1
                continue
            # The sampling takes an earlier image in place of a bad one, so nothing is skipped now.
            self._wanted = None
            while skipped:
                number, seconds, after_gap, earlier = skipped.pop()
                image = self._image(earlier)
                if image is not None:
                    skipped.clear()
                    yield self._frame(number, seconds, after_gap, image)
        self._remark()

    def _image(self, path: Path) -> av.VideoFrame | None:
        """Return an image; None, and a line in the damage, if it cannot be decoded."""
        try:
            image, why = _decode(path), "holds no picture"
        except Exception as error:
            image, why = None, fault_of(self.name, error)
        if image is None:
            self._damage.append(f"{path.name}: {why}")
        return image

    def _frame(self, index: int, seconds: float, after_gap: bool, image: av.VideoFrame) -> Frame:
        turned = orientation_of(image)
        return Frame(index, seconds, image, *turned, after_gap=after_gap, video=self.name)

    def _remark(self) -> None:
        notes = []
        if self._damage:
            count = len(self._damage)
            left = "1 image is" if count == 1 else f"{count} images are"
            notes.append(f"{left} left out, such as {self._damage[0]}")
        if self.missing_note:
            notes.append(self.missing_note)
        self.note = "; ".join(notes)

    @property
    def missing_note(self) -> str:
        """The part of the note that the names of the images tell; empty if no number is missing."""
        if not self._missing:
            return ""
        return f"{self._missing} numbers are missing between the first and last image"

    def close(self) -> None:
        self._first.close()


def _begins_as_image(path: Path) -> bool:
    """Return whether the first bytes of a file are those of an image."""
    try:
        with path.open("rb") as file:
            begin = file.read(12)
    except OSError:
        return False
    return begin.startswith(_BEGINNINGS) or (begin[:4], begin[8:]) == (b"RIFF", b"WEBP")


def _decode(path: Path) -> av.VideoFrame | None:
    """Return the picture of an image file; None if the file holds none."""
    with staged(path):
        content = path.read_bytes()
    for start, codec in _CODECS.items():
        if content.startswith(start):
            # The decoder alone takes a fifth of the time that opening the image as a file takes.
            decoder = av.CodecContext.create(codec, "r")
            assert isinstance(decoder, av.VideoCodecContext)
            decoder.thread_count = 1
            return next(iter([*decoder.decode(av.Packet(content)), *decoder.decode(None)]), None)
    # From memory, because FFmpeg takes a % in a path for a pattern of names.
    with open_input(io.BytesIO(content)) as container:
        return next(container.decode(video=0), None)
