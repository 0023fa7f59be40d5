"""Recordings: what is in them, when they begin, and what disturbs them. All are decoded."""

import errno
import io
import itertools
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from live.recording import recorder as recorder_module
from live.recording.part import open_file
from live.recording.pictures import PictureRate
from tests.live.recording.conftest import (
    RATE,
    Scene,
    decoded,
    h264_stream,
    is_indexed_first,
    noise_frame,
)


def _play_event(scene: Scene, frames: int = 100, begins: int = 40, ends: int = 60, **video) -> int:
    """Play a video in which an event begins and ends at a frame; return its number."""
    numbers = []

    def at(index: int) -> None:
        if index == begins:
            numbers.append(scene.event(scene.now))
        if index == ends:
            scene.recorder.end(numbers[0], scene.now)

    scene.play(h264_stream(frames, **video), at)
    return numbers[0]


def _paths(scene: Scene, number: int) -> list[Path]:
    return [scene.folder / path for path in scene.store.event(number).paths]


def test_a_recording_begins_before_the_event_and_ends_after_it(scene):
    made = scene()
    number = _play_event(made)
    made.close()
    (path,) = _paths(made, number)
    shown = decoded(path)
    assert shown.codec == "h264"
    # Two seconds before frame 40, at a key frame (every fifth), with the time of decoding.
    assert shown.codes[0] in range(40 - 2 * RATE - 10, 40 - 2 * RATE + 1)
    assert shown.codes[0] % 5 == 0
    # One second after frame 60.
    assert shown.codes[-1] == 60 + RATE
    assert shown.codes == list(range(shown.codes[0], shown.codes[-1] + 1))
    assert shown.seconds[0] == 0.0
    assert shown.seconds[-1] == pytest.approx(len(shown.codes) / RATE - 0.1, abs=0.001)
    assert is_indexed_first(path)
    assert made.finished == [(number, [path.relative_to(made.folder).as_posix()])]
    assert [each.name for each in made.files()] == [path.name]
    row = made.store.event(number).recordings[0]
    assert row.bytes == path.stat().st_size
    assert row.ended - row.started == pytest.approx(shown.seconds[-1], abs=0.01)


@pytest.mark.parametrize("group", [1, 5, 40])
def test_the_seconds_before_are_whole_whatever_the_distance_of_key_frames(scene, group: int):
    made = scene()
    number = _play_event(made, frames=130, begins=90, ends=95, group=group)
    made.close()
    shown = decoded(_paths(made, number)[0])
    assert shown.codes[0] % group == 0
    assert 90 - shown.codes[0] >= 2 * RATE
    assert 90 - shown.codes[0] < 2.5 * RATE + group + 1


def test_an_event_at_the_very_start_has_what_there_is(scene):
    made = scene()
    number = _play_event(made, frames=40, begins=3, ends=10)
    made.close()
    assert decoded(_paths(made, number)[0]).codes == list(range(21))


def test_frames_that_wait_for_later_ones_are_shown_in_order(scene):
    made = scene()
    number = _play_event(made, b_frames=2, group=10)
    made.close()
    shown = decoded(_paths(made, number)[0])
    whole = shown.codes[:-2]  # the last ones may wait for a frame that came too late
    assert whole == list(range(shown.codes[0], shown.codes[0] + len(whole)))
    assert shown.codes == sorted(shown.codes)
    assert 40 - shown.codes[0] >= 2 * RATE


@pytest.mark.parametrize("container", ["mpegts", "flv", "mp4"])
def test_packets_of_every_container_are_copied(scene, container: str):
    made = scene()
    number = _play_event(made, container=container)
    made.close()
    shown = decoded(_paths(made, number)[0])
    assert shown.codec == "h264"
    assert shown.codes == list(range(shown.codes[0], 71))


def test_a_long_event_has_several_files_without_a_frame_lost(scene):
    made = scene(part_seconds=3.0)
    number = _play_event(made, frames=120, begins=30, ends=100)
    made.close()
    paths = _paths(made, number)
    parts = [decoded(path) for path in paths]
    assert len(parts) == 4
    codes = [code for part in parts for code in part.codes]
    assert codes == list(range(codes[0], 111))
    assert all(part.seconds[0] == 0.0 for part in parts)
    assert [path.stem[-2:] for path in paths[1:]] == ["-2", "-3", "-4"]
    assert made.finished == [(number, [p.relative_to(made.folder).as_posix() for p in paths])]


def test_events_that_overlap_have_a_file_each(scene):
    made = scene()
    numbers = []

    def at(index: int) -> None:
        if index in (30, 40):
            numbers.append(made.event(made.now))
        if index in (50, 60):
            made.recorder.end(numbers[(index - 50) // 10], made.now)

    made.play(h264_stream(90), at)
    made.close()
    first, second = (decoded(_paths(made, number)[0]) for number in numbers)
    assert (first.codes[-1], second.codes[-1]) == (60, 70)
    assert second.codes[0] - first.codes[0] == 10


def test_a_camera_that_reconnects_with_another_size_begins_a_new_file(scene):
    made = scene()
    numbers = []

    def begin(index: int) -> None:
        if index == 30:
            numbers.append(made.event(made.now))

    made.play(h264_stream(50), begin)
    made.now += 8.0
    made.recorder.restart()
    made.play(
        h264_stream(50, size=(96, 64), first=100),
        lambda index: made.recorder.end(numbers[0], made.now) if index == 20 else None,
    )
    made.close()
    before, after = (decoded(path) for path in _paths(made, numbers[0]))
    assert (before.size, after.size) == ((64, 48), (96, 64))
    assert before.codes[-1] == 49
    # Nothing of the new connection is missing, and the time without frames is in no file.
    assert after.codes == list(range(100, 131))
    assert after.seconds[0] == 0.0
    rows = made.store.event(numbers[0]).recordings
    assert rows[1].started - rows[0].ended == pytest.approx(8.1, abs=0.21)


def test_other_parameters_on_one_connection_begin_a_new_file(scene):
    # As after a change in the camera's menu: one stream, another size within it.
    made = scene()
    numbers = []

    def at(index: int) -> None:
        if index == 30:
            numbers.append(made.event(made.now))

    joined = h264_stream(50, container="h264").getvalue()
    joined += h264_stream(30, container="h264", size=(96, 64), first=100).getvalue()
    made.play(io.BytesIO(joined), at)
    made.close()
    parts = [decoded(path) for path in _paths(made, numbers[0])]
    assert [part.size for part in parts] == [(64, 48), (96, 64)]
    assert parts[1].codes == list(range(100, 130))


def test_a_gap_on_one_connection_begins_a_new_file_at_a_key_frame(scene):
    made = scene()
    numbers = []

    def at(index: int) -> None:
        if index == 30:
            numbers.append(made.event(made.now))
        if index == 52:
            made.recorder.restart()

    made.play(h264_stream(70), at)
    made.close()
    before, after = (decoded(path) for path in _paths(made, numbers[0]))
    assert (before.codes[-1], after.codes[0]) == (54, 55)


def test_a_camera_that_is_gone_after_the_event_still_gets_its_file(scene):
    made = scene()
    numbers = []

    def at(index: int) -> None:
        if index == 30:
            numbers.append(made.event(made.now))

    made.play(h264_stream(40), at)
    made.recorder.end(numbers[0], made.now)
    made.now += 5.0  # no frame comes any more
    made.recorder._thread.join(0.5)
    made.finisher.close(5.0)
    assert decoded(_paths(made, numbers[0])[0]).codes[-1] == 39


def test_damaged_parameters_cost_the_pictures_to_the_next_key_frame_and_nothing_else(scene):
    made = scene()
    recorder = made.recorder
    take, count = recorder._take, itertools.count()

    def damage(coded):
        if 45 <= next(count) < 50:  # one group
            junk = replace(coded.coding, header=b"\x00\x00\x00\x01\x67\xff\xff")
            coded = replace(coded, coding=junk)
        take(coded)

    recorder._take = damage
    number = _play_event(made, begins=40, ends=60)
    made.close()
    assert made.problems == []
    parts = [decoded(path).codes for path in _paths(made, number)]
    assert parts[0][-1] == 44
    assert parts[-1] == list(range(50, 71))


# JPEGs


def test_a_webcam_is_encoded_after_the_event(scene):
    made = scene()
    numbers = []

    def at(index: int) -> None:
        if index == 40:
            numbers.append(made.event(made.now))
            assert made.recorder.covered >= 2.0
        if index == 60:
            made.recorder.end(numbers[0], made.now)

    made.play(h264_stream(100), at, packets=False)
    made.close()
    (path,) = _paths(made, numbers[0])
    shown = decoded(path)
    assert shown.codec == "h264"
    assert shown.codes == list(range(shown.codes[0], 71))
    assert 40 - 2 * RATE - 6 <= shown.codes[0] <= 40 - 2 * RATE
    assert shown.seconds[-1] == pytest.approx(len(shown.codes) / RATE - 0.1, abs=0.002)
    assert is_indexed_first(path)
    assert [each.name for each in made.files()] == [path.name]


@pytest.mark.parametrize(
    ("codec", "copies"), [("libx265", True), ("mpeg4", True), ("libx264", False)]
)
def test_other_codecs_and_cameras_with_polygons_are_encoded(scene, codec: str, copies: bool):
    made = scene(options={"copies": copies})
    recorder = made.recorder
    take, kinds = recorder._take, set()
    recorder._take = lambda coded: (kinds.add(coded.coding.codec), take(coded))
    begun = []

    def at(index: int) -> None:
        made.settle()
        if index == 10:
            begun.append(made.event(made.now))

    made.play(h264_stream(20, codec=codec, container="matroska"), at)
    made.close()
    assert kinds == {"mjpeg"}
    shown = decoded(_paths(made, begun[0])[0])
    assert shown.codec == "h264"
    assert len(shown.codes) >= 18


def test_pictures_are_kept_at_most_fifteen_times_a_second():
    for rate, kept in ((30, 15), (25, 15), (10, 10), (60, 15), (1, 1)):
        chooser = PictureRate()
        count = sum(chooser.wants(100 + index / rate) for index in range(rate * 10))
        assert kept * 10 - 2 <= count <= kept * 10 + 1, rate
    chooser = PictureRate()
    assert chooser.wants(50.0)
    assert chooser.wants(90.0)  # and a gap is not made up for
    assert not chooser.wants(90.01)


def test_at_the_end_of_the_program_pictures_stay_for_the_next_start(scene):
    made = scene()
    made.play(
        h264_stream(30),
        lambda index: made.event(made.now) if index == 10 else None,
        packets=False,
    )
    made.recorder.close(5.0)
    made.finisher.close(0.0)
    assert [path.name[:5] for path in made.files()] == ["open."]
    assert made.store.recordings(only_open=True)


# The ring and the queue are bounded


def test_memory_is_bounded(scene):
    made = scene(ring_megabytes=1)
    for index in range(100):
        made.recorder.on_frame(noise_frame(index, (320, 240)), made.now)
        made.now += 0.1
        made.settle()
    assert made.recorder._ring.size <= 1e6
    assert made.recorder.covered < 5.5


def test_a_slow_disk_drops_whole_groups_and_delays_nobody(scene, monkeypatch):
    monkeypatch.setattr(recorder_module, "_QUEUE_BYTES", 1000)
    opening = threading.Event()

    def slow(path: Path):
        opening.wait(10)
        return open_file(path)

    made = scene(options={"opener": slow})
    numbers = []

    def at(index: int) -> None:
        if index == 30:
            numbers.append(made.event(made.now))
        if index >= 100:
            opening.set()
            made.settle()

    made.play(h264_stream(140), at)
    made.close()
    (path,) = _paths(made, numbers[0])
    shown = decoded(path)
    assert made.recorder.dropped > 0
    assert shown.codes[-1] == 139
    after = next(b for a, b in zip(shown.codes, shown.codes[1:], strict=False) if b > a + 1)
    assert after % 5 == 0
    assert shown.seconds[-1] == pytest.approx((139 - shown.codes[0]) / RATE, abs=0.01)


# The disk


class _FullDisk:
    """A disk that takes a number of bytes."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self.room, self.number = room, number

    def open(self, path: Path):
        file = open_file(path)
        write = file.write
        disk = self

        class File:
            def write(self, data: bytes) -> int:
                if len(data) > disk.room:
                    raise OSError(disk.number, "No space left on device")
                disk.room -= len(data)
                return write(data)

            def close(self) -> None:
                file.close()

        return File()


@pytest.mark.parametrize("room", [0, 900, 3000])
def test_a_full_disk_stops_recording_until_there_is_room(scene, room: int):
    disk = _FullDisk(room)
    made = scene(options={"opener": disk.open})
    numbers = []

    def at(index: int) -> None:
        made.settle()
        if index == 30:
            numbers.append(made.event(made.now))
        if index == 80:
            assert len(made.problems) == 1  # told once
            assert "No space left" in made.problems[0]
            disk.room = 10**9

    made.play(h264_stream(250), at)
    assert made.problems[1:] == [""]
    assert made.disk.problem == ""
    made.recorder.end(numbers[0], made.now - 1.0)
    made.close()
    parts = [decoded(path) for path in _paths(made, numbers[0])]
    assert parts[-1].codes[-1] == 249
    assert parts[-1].codes[0] <= 80 + 10 * RATE + 20
    if room == 3000:
        assert parts[0].codes[0] <= 10
        assert len(parts) == 2
    assert not [path for path in made.files() if path.name.startswith(("open.", "part."))]


def test_a_read_only_folder_stops_recording_and_nothing_else(scene, monkeypatch):
    def refuse(path: Path):
        raise PermissionError(errno.EACCES, "Permission denied")

    made = scene(options={"opener": refuse})
    number = _play_event(made, frames=120, begins=20, ends=90)
    made.close()
    assert len(made.problems) == 1
    assert "Permission denied" in made.problems[0]
    assert made.finished == [(number, [])]


def test_too_little_free_space_stops_recording(scene):
    made = scene(free_gigabytes=1.0)
    numbers = []

    def at(index: int) -> None:
        made.settle()
        if index == 30:
            numbers.append(made.event(made.now))
        if index in (50, 90):
            made.free = 10**8 if index == 50 else 10**10

    made.play(h264_stream(130), at)
    made.close()
    parts = [decoded(path) for path in _paths(made, numbers[0])]
    assert parts[0].codes[-1] in range(49, 66)
    assert parts[1].codes[0] in range(90, 106)
    assert len(made.problems) == 2
    assert "0.1 GB" in made.problems[0]


def test_an_event_that_is_deleted_while_it_is_recorded_leaves_no_file(scene):
    made = scene()
    made.play(
        h264_stream(50),
        lambda index: (
            made.event(made.now)
            if index == 20
            else made.store.delete_event(1)
            if index == 40
            else 0
        ),
    )
    made.close()
    assert made.files() == []
    assert made.finished == [(1, [])]
