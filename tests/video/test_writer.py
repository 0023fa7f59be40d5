"""The writer: what it writes reads back, and browsers can play it."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips.synthetic import arm_heights, render_frame, sample_scene
from tests.conftest import coded_frame, read_code
from video.errors import VideoError
from video.sources import FileSource
from video.writer import Mp4Writer


def _write(path: Path, size: tuple[int, int], times: list[float], rate: float = 10.0) -> Path:
    with Mp4Writer(path, size, rate) as writer:
        for number, seconds in enumerate(times):
            writer.write(coded_frame(number, size), seconds)
    return path


@pytest.mark.parametrize(
    "times",
    [
        [index / 10 for index in range(25)],
        [index * 1001 / 30000 for index in range(25)],
        [0, 0.04, 0.09, 0.5, 0.51, 2.0, 7.25],
        [0.0],
    ],
    ids=["even", "29.97", "uneven", "one frame"],
)
def test_a_file_reads_back_with_its_size_frames_and_times(tmp_path, times):
    with FileSource(_write(tmp_path / "a.mp4", (64, 48), times)) as source:
        frames = list(source)
    assert source.size == (64, 48)
    assert source.note == ""
    assert [read_code(frame.rgb) for frame in frames] == list(range(len(times)))
    assert [frame.seconds for frame in frames] == pytest.approx(times, abs=1e-4)


def test_colors_read_back(tmp_path):
    colors = np.array(
        [
            (220, 30, 30),
            (30, 220, 30),
            (30, 30, 220),
            (200, 200, 20),
            (20, 200, 200),
            (200, 120, 40),
        ]
    )
    image = np.repeat(np.repeat(colors[None], 16, 1), 48, 0).astype(np.uint8)
    with Mp4Writer(tmp_path / "a.mp4", (96, 48), 10) as writer:
        for index in range(3):
            writer.write(image, index / 10)
    with FileSource(tmp_path / "a.mp4") as source:
        decoded = list(source)[1].rgb
    # BT.601 on either side alone is off by 4 to 11.
    assert np.abs(decoded[24, 8::16].astype(int) - colors).mean(1).max() < 3.5


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_an_odd_side_gains_a_pixel_that_repeats_the_edge(tmp_path, size):
    width, height = size
    image = np.full((height, width, 3), 40, np.uint8)
    image[-1:, :] = image[:, -1:] = 210
    with Mp4Writer(tmp_path / "a.mp4", size, 10) as writer:
        writer.write(image, 0.0)
    with FileSource(tmp_path / "a.mp4") as source:
        rgb = next(iter(source)).rgb
    assert source.size == (width + width % 2, height + height % 2)
    assert np.abs(rgb[-1].astype(int) - 210).max() < 25
    assert np.abs(rgb[:, -1].astype(int) - 210).max() < 25


def test_the_format_is_one_that_browsers_play(tmp_path):
    path = _write(tmp_path / "a.mp4", (64, 48), [0, 0.1, 0.2])
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
        assert len(container.streams) == 1
    content = path.read_bytes()
    # The index stands before the images, so that playing starts before the whole file is there.
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("size", [32, 64, 96])
def test_equal_frames_make_equal_files(tmp_path, size, fast):
    # With x264's macroblock tree one file in three to fifty differed, by what lay in memory.
    random = np.random.default_rng([0, 0])
    scene = sample_scene(random, size)
    frames = [render_frame(scene, height, size, random) for height in arm_heights("raise", random)]
    files = set()
    for number in range(50):
        stirred = [np.full(int(random.integers(100, 60_000)), number) for _ in range(20)]
        with Mp4Writer(tmp_path / "a.mp4", (size, size), 10, fast=fast) as writer:
            for index, frame in enumerate(frames):
                writer.write(frame, index / 10)
        files.add((tmp_path / "a.mp4").read_bytes())
        del stirred
    assert len(files) == 1


def test_a_file_that_is_there_is_replaced(tmp_path):
    _write(tmp_path / "a.mp4", (64, 48), [index / 10 for index in range(30)])
    with FileSource(_write(tmp_path / "a.mp4", (32, 32), [0.0, 0.1])) as source:
        assert (source.size, len(list(source))) == ((32, 32), 2)


@pytest.mark.parametrize("name", ["2024-05-01T12:30.mp4", "tcp:9.mp4"])
def test_a_name_with_a_colon_in_this_folder_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with Mp4Writer(Path(name), (64, 48), 10) as writer:
        writer.write(coded_frame(5), 0.0)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with FileSource(tmp_path / name) as source:
        assert [read_code(frame.rgb) for frame in source] == [5]


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(3, 2), Fraction(16, 15)])
def test_the_shape_of_pixels_reads_back(tmp_path, aspect):
    with Mp4Writer(tmp_path / "wide.mp4", (64, 48), 10, aspect) as writer:
        writer.write(coded_frame(5), 0.0)
    with FileSource(tmp_path / "wide.mp4") as source:
        assert (source.size, source.pixel_aspect) == ((64, 48), aspect)


def test_missing_folders_are_made(tmp_path):
    assert _write(tmp_path / "new" / "folder" / "a.mp4", (32, 32), [0.0]).is_file()


def test_times_that_do_not_rise_still_make_a_readable_file(tmp_path):
    with FileSource(_write(tmp_path / "a.mp4", (64, 48), [0, 0.1, 0.1, 0.05, 0.2])) as source:
        assert [read_code(frame.rgb) for frame in source] == [0, 1, 2, 3, 4]


def test_a_writer_may_be_closed_twice(tmp_path):
    writer = Mp4Writer(tmp_path / "a.mp4", (32, 32), 10)
    writer.write(coded_frame(1, (32, 32)), 0.0)
    writer.close()
    writer.close()
    with FileSource(tmp_path / "a.mp4") as source:
        assert len(list(source)) == 1


def test_an_error_of_the_program_leaves_the_frames_that_were_written(tmp_path):
    def stopped_in_the_middle() -> None:
        with Mp4Writer(tmp_path / "a.mp4", (64, 48), 10) as writer:
            for index in range(5):
                writer.write(coded_frame(index), index / 10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_in_the_middle()
    with FileSource(tmp_path / "a.mp4") as source:
        assert len(list(source)) == 5


def test_a_path_that_cannot_be_written_is_a_video_error(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.mp4", tmp_path / "folder"):
        with pytest.raises(VideoError) as raised:
            _write(path, (64, 48), [0.0, 0.1])
        assert str(raised.value).startswith(f"{path}: cannot be written (")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk to hand")
@pytest.mark.parametrize("frames", [1, 60])
def test_a_full_disk_is_a_video_error_and_no_crash(frames):
    # In a process of its own: libav crashed here when it was flushed after the failed header.
    script = (
        "import numpy as np\n"
        "from video.writer import Mp4Writer\n"
        "with Mp4Writer('/dev/full', (64, 48), 10) as writer:\n"
        f"    for index in range({frames}):\n"
        "        noise = np.random.default_rng(index).integers(0, 255, (48, 64, 3))\n"
        "        writer.write(noise.astype(np.uint8), index / 10)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "VideoError: /dev/full: cannot be written (No space left on device)" in done.stderr
