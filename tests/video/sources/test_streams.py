"""The stream that is watched, and the reason for one that cannot be decoded."""

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition

from tests.conftest import coded_frame, read_code, write_coded_video
from video.errors import VideoError
from video.sources import FileSource, UrlSource


def _film(path: Path, streams: list[tuple[str, range, bool]]) -> Path:
    """Write video streams of (codec, codes of their frames, whether marked default)."""
    with av.open(str(path), "w") as container:
        made = []
        for codec, codes, default in streams:
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height = 64, 48
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = Disposition.default if default else Disposition(0)
            made.append((stream, codes))
        for number in range(max(len(codes) for _, codes in made)):
            for stream, codes in made:
                if number < len(codes):
                    frame = av.VideoFrame.from_ndarray(coded_frame(codes[number]), format="rgb24")
                    container.mux(stream.encode(frame))
        for stream, _ in made:
            container.mux(stream.encode(None))
    return path


def _codes(path: Path) -> list[int]:
    with FileSource(path) as source:
        return [read_code(frame.rgb) for frame in source]


_PREVIEW, _FILM, _OTHER = range(200, 201), range(12), range(100, 112)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("preview_is_default", [True, False])
@pytest.mark.parametrize("preview_is_first", [True, False])
def test_a_preview_of_one_frame_is_never_taken_for_the_film(
    tmp_path, suffix, preview_is_default, preview_is_first
):
    streams = [("mjpeg", _PREVIEW, preview_is_default), ("mpeg4", _FILM, not preview_is_default)]
    path = _film(tmp_path / f"film{suffix}", streams if preview_is_first else streams[::-1])
    assert _codes(path) == list(_FILM)


def test_of_two_films_the_one_marked_default_is_taken(tmp_path):
    streams = [("mpeg4", _OTHER, False), ("mpeg4", _FILM, True)]
    assert _codes(_film(tmp_path / "film.mkv", streams)) == list(_FILM)


def test_of_two_equal_films_the_first_is_taken(tmp_path):
    streams = [("mpeg4", _FILM, True), ("mpeg4", _OTHER, True)]
    for suffix in (".mkv", ".mp4"):
        assert _codes(_film(tmp_path / f"film{suffix}", streams)) == list(_FILM)


def test_a_preview_that_is_all_there_is_is_taken(tmp_path):
    assert _codes(_film(tmp_path / "image.mkv", [("mjpeg", _PREVIEW, False)])) == [200]


def test_a_film_that_is_decoded_comes_before_one_that_is_not(tmp_path):
    path = _film(tmp_path / "film.mp4", [("libx264", _OTHER, True), ("mpeg4", _FILM, True)])
    content = path.read_bytes()
    assert content.count(b"avc1") > 0
    path.write_bytes(content.replace(b"avc1", b"braw"))
    assert _codes(path) == list(_FILM)


@pytest.mark.parametrize(
    ("told", "turned", "aspect"),
    [
        (Fraction(3, 2), 0, Fraction(3, 2)),
        (Fraction(3, 2), 90, Fraction(2, 3)),
        (Fraction(3, 2), 180, Fraction(3, 2)),
        (Fraction(500, 1), 0, Fraction(1)),
        (None, 0, Fraction(1)),
    ],
)
def test_a_source_tells_the_shape_of_its_pixels(tmp_path, served, told, turned, aspect):
    with av.open(str(tmp_path / "dvd.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(turned)
        if told:
            stream.codec_context.sample_aspect_ratio = told
        frame = av.VideoFrame.from_ndarray(coded_frame(1), format="rgb24")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    for source in (FileSource(tmp_path / "dvd.mp4"), UrlSource(f"{served}/dvd.mp4")):
        with source:
            assert source.pixel_aspect == aspect


_CODES = {
    ".mp4": (b"avc1", b"braw", "FFmpeg has no decoder for codec 'braw'"),
    ".mov": (b"avc1", b"encv", "is encrypted"),
    ".mkv": (b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/AVC", "no decoder for codec 'V_MPEG9/ISO/AVC'"),
    ".avi": (b"FMP4", b"QQQQ", "FFmpeg has no decoder for codec 'QQQQ'"),
}


def _undecodable(folder: Path, suffix: str) -> tuple[Path, str]:
    before, after, words = _CODES[suffix]
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    path = _film(folder / f"clip{suffix}", [(codec, _FILM, True)])
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))
    return path, words


@pytest.mark.parametrize("suffix", _CODES)
def test_a_codec_without_a_decoder_is_one_line_that_names_it(tmp_path, suffix):
    path, words = _undecodable(tmp_path, suffix)
    with pytest.raises(VideoError) as raised:
        FileSource(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_codec_without_a_decoder_is_one_line_on_a_network_as_well(tmp_path, served):
    _undecodable(tmp_path, ".mp4")
    with pytest.raises(VideoError, match=r"clip\.mp4: .*codec"):
        UrlSource(f"{served}/clip.mp4")


def test_a_file_that_is_encrypted_as_the_standard_says_is_called_so(shared):
    path = shared / "data" / "edge" / "sample_fragmented_clearkey.mp4"
    with pytest.raises(VideoError) as raised:
        FileSource(path)
    assert str(raised.value) == f"{path}: is encrypted"


@pytest.mark.parametrize("name", ["unknown_codec.mp4", "encrypted.mp4", "bad_85.mp4"])
def test_files_from_the_field_are_refused_in_one_line(shared, name):
    path = shared / "data" / "field" / name
    if not path.is_file():
        pytest.skip(f"no {name}")
    with pytest.raises(VideoError) as raised:
        FileSource(path)
    assert str(raised.value).startswith(f"{path}: ")
    words = {"unknown_codec.mp4": "'braw'", "encrypted.mp4": "encrypted", "bad_85.mp4": "damaged"}
    assert words[name] in str(raised.value)


def test_a_file_whose_packets_are_all_damaged_says_so_in_one_sentence(tmp_path):
    path = write_coded_video(tmp_path / "clip.mp4", 8)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4 if b"moov" in content[start:] else len(content)
    content[start:end] = bytes(end - start)
    path.write_bytes(content)
    with pytest.raises(VideoError) as error:
        FileSource(path)
    reason = str(error.value).removeprefix(f"{path}: ")
    assert re.fullmatch(
        r"no frame can be decoded \(its (\d+ packets are|packet is) damaged\)", reason
    )
