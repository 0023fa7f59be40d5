"""Times in a file, from the clocks of cameras that are started late, set, or have none."""

import io
import itertools

import av
import pytest

from live.recording.coded import TIME_BASE, Coded, Coding, Timeline, newest_run
from live.recording.h264 import (
    byte_stream,
    is_length_prefixed,
    parameter_sets,
    read_extradata,
)
from tests.live.recording.conftest import h264_stream

_H264 = Coding("h264", b"sps")


def _placed(cameras: list, arrivals: list[float]) -> list[float]:
    timeline = Timeline()
    places = [
        timeline.place(Coded(b"", False, 70 + arrived, camera, camera, _H264))[1]
        for camera, arrived in zip(cameras, arrivals, strict=True)
    ]
    assert all(b > a for a, b in itertools.pairwise(places))
    return [float(place * TIME_BASE) for place in places]


def test_the_camera_gives_the_distances_and_not_the_network():
    cameras = [900.0, 900.1, 900.2, 900.3, 900.4]
    assert _placed(cameras, [0, 0.9, 0.91, 0.92, 0.93]) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_a_first_packet_without_times_is_at_zero():
    assert _placed([None, 5.1, 5.2], [0, 0.1, 0.2]) == pytest.approx([0, 0.1, 0.2])
    assert _placed([None, None, 5.2], [0, 0.1, 0.2]) == pytest.approx([0, 0.1, 0.2])
    assert _placed([None] * 3, [0, 0.5, 0.7]) == pytest.approx([0, 0.5, 0.7])


def test_times_that_repeat_rise_by_the_smallest_step():
    step = float(TIME_BASE)
    assert _placed([1, 1, 1, 1.1], [0, 0.1, 0.2, 0.3]) == pytest.approx([0, step, 2 * step, 0.1])


@pytest.mark.parametrize("jump", [-3600.0, -2.0, 3600.0, 1e6])
def test_a_camera_whose_clock_is_set_goes_on_with_the_times_of_arrival(jump: float):
    cameras = [10.0, 10.1, 10.2 + jump, 10.3 + jump]
    assert _placed(cameras, [0, 0.1, 0.2, 0.3]) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_pictures_that_come_at_once_after_a_stall_keep_their_distances():
    cameras = [10 + index / 10 for index in range(400)]
    arrivals = [max(each - 10, 31.0) if each > 10.95 else each - 10 for each in cameras]
    assert _placed(cameras, arrivals) == pytest.approx([each - 10 for each in cameras])


def test_a_gap_stays_a_gap():
    assert _placed([10.0, 10.1, 18.1], [0, 0.1, 8.1]) == pytest.approx([0, 0.1, 8.1])


def test_frames_are_shown_as_much_later_than_they_are_decoded_as_the_camera_says():
    timeline = Timeline()
    shown = []
    for pts, dts in ((0.2, 0.0), (0.6, 0.1), (0.3, 0.2)):
        at = timeline.place(Coded(b"", False, 70 + dts, 5 + pts, 5 + dts, _H264))
        shown.append([float(each * TIME_BASE) for each in at])
    assert shown == [pytest.approx([0.2, 0]), pytest.approx([0.6, 0.1]), pytest.approx([0.3, 0.2])]


def test_the_newest_run_begins_with_a_key_picture():
    other = Coding("h264", b"other")
    codings = [_H264, _H264, other, other, other]
    pictures = [
        Coded(bytes([index]), index in (0, 3), index, None, None, coding)
        for index, coding in enumerate(codings)
    ]
    assert newest_run(pictures) == pictures[3:]
    assert newest_run(pictures[:2]) == pictures[:2]
    assert newest_run([]) == []


def _packets(container: str) -> tuple[bytes, list[bytes]]:
    with av.open(h264_stream(6, container=container)) as video:
        extradata = video.streams.video[0].codec_context.extradata
        return extradata, [bytes(packet) for packet in video.demux(video=0) if packet.size]


def _decodes(data: bytes) -> int:
    with av.open(io.BytesIO(data), format="h264") as video:
        return len(list(video.decode(video=0)))


def test_packets_of_mp4_files_become_a_byte_stream():
    extradata, packets = _packets("mp4")
    assert is_length_prefixed(extradata)
    header, length_size = read_extradata(extradata)
    assert length_size == 4
    assert _decodes(header + b"".join(byte_stream(each, length_size) for each in packets)) == 6
    plain = read_extradata(_packets("mpegts")[0])
    assert plain[1] == 0
    units = [unit.rstrip(b"\x00") for unit in plain[0].split(b"\x00\x00\x01")]
    assert sum(len(unit) > 1 for unit in units) == 2  # SPS and PPS


def test_parameter_sets_are_those_before_the_picture():
    _, packets = _packets("mpegts")
    header = parameter_sets(packets[0])
    assert header
    assert header == parameter_sets(header + b"\x00\x00\x01\x65" + b"\x00\x00\x01\x67junk")
    assert parameter_sets(packets[1]) == b""
    assert parameter_sets(b"") == parameter_sets(b"\x00\x00\x01") == b""


@pytest.mark.parametrize("extradata", [b"", b"\x01", b"\x01\x64\x00\x1f\xff\xe1\x00", b"\x01" * 9])
def test_damaged_extradata_raise_nothing(extradata: bytes):
    header, length_size = read_extradata(extradata)
    assert isinstance(header, bytes)
    assert isinstance(byte_stream(b"\x00\x00\x00", length_size), bytes)
