"""Network streams, from a server on this machine."""

import subprocess
import sys

import av
import pytest

from tests.conftest import coded_frame, read_code
from tests.video.exif import write_exif_video
from video.errors import VideoError
from video.sources import UrlSource
from video.sources.url import Stream, without_secrets


def test_a_video_on_a_server_arrives_up_to_its_end(coded_video, served):
    coded_video("clip.mp4", frames=30, size=(96, 48))
    with UrlSource(f"{served}/clip.mp4") as source:
        assert source.size == (96, 48)
        assert source.rate == pytest.approx(10)
        assert source.live
        frames = list(source)
    assert read_code(frames[-1].rgb) == 29
    assert "no more frames" in source.note


def test_no_frame_is_held_back_by_threads_that_decode_ahead(coded_video, served, monkeypatch):
    monkeypatch.setattr(Stream, "close", lambda _: None)  # it may have come to the end
    coded_video("clip.mp4", frames=30)
    with UrlSource(f"{served}/clip.mp4") as source:
        (stream,) = source._device._container.streams.video
        assert stream.codec_context.thread_count == 1


def test_a_damaged_packet_loses_its_image_and_not_the_stream(tmp_path, served):
    with av.open(str(tmp_path / "camera.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
            for packet in stream.encode(frame):
                torn = av.Packet(b"\0" * packet.size) if number in {4, 5} else packet
                torn.stream, torn.pts, torn.dts = stream, packet.pts, packet.dts
                torn.time_base = packet.time_base
                container.mux(torn)
    with UrlSource(f"{served}/camera.avi") as source:
        assert read_code(list(source)[-1].rgb) == 19
        assert "failed" not in source.note


def test_side_data_without_a_name_is_no_error_on_a_network(tmp_path, served):
    write_exif_video(tmp_path / "exif.avi", 1, [coded_frame(n) for n in range(5)])
    with UrlSource(f"{served}/exif.avi") as source:
        frames = list(source)
    assert read_code(frames[-1].rgb) == 4
    assert "failed" not in source.note


def test_a_stream_of_jpegs_that_its_server_ends_has_ended(tmp_path, served):
    jpegs = []
    with av.open(str(tmp_path / "jpegs.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(coded_frame(number), format="rgb24")
            jpegs += [bytes(packet) for packet in stream.encode(frame)]
    head = b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
    parts = [head % len(jpeg) + jpeg + b"\r\n" for jpeg in jpegs]
    (tmp_path / "stream.mpjpeg").write_bytes(b"".join(parts))
    with UrlSource(f"{served}/stream.mpjpeg") as source:
        frames = list(source)
    assert read_code(frames[-1].rgb) == 9
    assert source.note == "gives no more frames (disconnected or ended)"


_READER = """
import sys
from video.sources import UrlSource, url
url._OPEN_SECONDS, url._READ_SECONDS = 5.0, 0.3
with UrlSource(sys.argv[1]) as source:
    print(len(list(source)))
print(source.note)
"""


def test_a_server_that_falls_silent_ends_the_frames_with_a_note(coded_video, served):
    # In a process of its own: libav's messages from decoding threads once froze a whole process.
    coded_video("clip.mp4", frames=200)
    done = subprocess.run(
        [sys.executable, "-c", _READER, f"{served}/hanging/clip.mp4"],
        capture_output=True,
        text=True,
        timeout=15,
        check=True,
    )
    frames, note = done.stdout.splitlines()
    assert int(frames) > 0
    assert note == "reading failed (no data arrived in time)"
    assert done.stderr == ""


@pytest.mark.parametrize(
    "path", ["/none.mp4", "/text.mp4", "/empty.mp4", "/locked/clip.mp4", "/sound.mp4"]
)
def test_what_is_no_video_is_one_clear_error(path, tmp_path, served):
    (tmp_path / "text.mp4").write_text("no video at all\n" * 100)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        container.mux(stream.encode(None))
    with pytest.raises(VideoError) as raised:
        UrlSource(f"{served}{path}")
    assert str(raised.value).startswith(f"{served}{path}: ")
    assert "\n" not in str(raised.value)


_ADDRESSES = {
    "rtsp://admin:geheim@127.0.0.1:1/stream": "rtsp://127.0.0.1:1/stream",
    "http://admin:geheim@127.0.0.1:1/a/b.mp4": "http://127.0.0.1:1/a/b.mp4",
    "http://127.0.0.1:1/a.mp4?user=admin&password=geheim": "http://127.0.0.1:1/a.mp4",
    "http://127.0.0.1:1/a.mp4#geheim": "http://127.0.0.1:1/a.mp4",
    "http://admin:x/geheim@127.0.0.1:1/a.mp4": "http://127.0.0.1:1/a.mp4",
    "http://admin:x?geheim@127.0.0.1:1/a.mp4": "http://127.0.0.1:1/a.mp4",
    "http://admin:x#geheim@127.0.0.1:1/a.mp4": "http://127.0.0.1:1/a.mp4",
    "http://admin:x@geheim@127.0.0.1:1/a.mp4": "http://127.0.0.1:1/a.mp4",
    "http://admin:[geheim@127.0.0.1:1/a.mp4": "http://127.0.0.1:1/a.mp4",
    "admin:geheim@127.0.0.1/a.mp4": "127.0.0.1/a.mp4",
    "http://[::1/a.mp4": "http://[::1/a.mp4",
}


@pytest.mark.parametrize(("address", "name"), _ADDRESSES.items())
def test_no_password_stands_in_the_name_or_in_an_error(address, name):
    assert without_secrets(address) == name
    with pytest.raises(VideoError) as raised:
        UrlSource(address)
    assert str(raised.value).startswith(f"{name}: cannot be opened (")
    assert "geheim" not in str(raised.value)
    assert raised.value.__cause__ is None
