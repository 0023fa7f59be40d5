"""Folders of numbered images as a source."""

import numpy as np
import pytest

from clips.manifest.hashes import source_of
from tests.conftest import coded_frame, read_code, write_coded_images
from video.errors import VideoError
from video.image_folder import image_folder, is_video
from video.sampling import Sampler, Sampling
from video.sources import ImageSource, open_video


def _codes(path, **options) -> list[tuple[int, float]]:
    with open_video(path, **options) as source:
        return [(read_code(frame.rgb), frame.seconds) for frame in source]


def test_images_come_in_the_order_of_their_numbers_at_the_rate_of_the_name(tmp_path):
    path = write_coded_images(tmp_path / "100%d walk", range(8, 12), 12.5, "v.1_{}.png")
    assert isinstance(open_video(path), ImageSource)
    expected = [(8 + place, pytest.approx(place / 12.5)) for place in range(4)]
    assert _codes(path) == expected


def test_a_missing_number_leaves_its_time_and_a_step_does_not(tmp_path):
    gaps = write_coded_images(tmp_path / "gaps", [3, 4, 7, 8])
    assert [seconds for _, seconds in _codes(gaps)] == pytest.approx([0, 0.1, 0.4, 0.5])
    with open_video(gaps) as source:
        list(source)
        assert source.note == "2 numbers are missing between the first and last image"
    steps = write_coded_images(tmp_path / "steps", [10, 15, 20])
    assert [seconds for _, seconds in _codes(steps)] == pytest.approx([0, 0.1, 0.2])


def test_a_sampling_takes_the_same_frames_of_all_images_and_of_a_damaged_folder(tmp_path):
    path = write_coded_images(tmp_path / "a", range(40))
    for damaged in ((), (20,), (19, 20)):
        for number in damaged:
            (tmp_path / "a" / f"img_{number:05}.png").write_bytes(b"no image")
        taken = []
        for sampling in (None, Sampling(2.5)):
            sampler = Sampler(2.5)
            with open_video(path, sampling=sampling) as source:
                samples = [each for frame in source for each in sampler.push(frame)]
            taken.append([(read_code(each.frame.rgb), each.seconds) for each in samples])
        assert taken[0] == taken[1]
        assert 20 in damaged or (20, 2.0) in taken[0]


def test_damaged_images_are_noted_and_only_damaged_ones_refused(tmp_path):
    path = write_coded_images(tmp_path / "a", range(3))
    broken = tmp_path / "a" / "img_00001.png"
    for content in (b"", broken.read_bytes()[:30], b"\xff\xd8\xff", b"BM"):
        broken.write_bytes(content)
        with open_video(path) as source:
            assert len(list(source)) == 2
    with open_video(path) as source:
        assert len(list(source)) == 2
        assert "1 image is left out, such as img_00001.png" in source.note
    for number in (0, 2):
        (tmp_path / "a" / f"img_{number:05}.png").write_bytes(b"")
    with pytest.raises(VideoError, match="no frame can be decoded"):
        open_video(path)


def test_flow_beside_the_frames_is_no_frame_and_other_series_are_refused(tmp_path):
    path = write_coded_images(tmp_path / "a", range(3))
    write_coded_images(tmp_path / "a", range(2), name="flow_x_{:05d}.png")
    assert [code for code, _ in _codes(path)] == [0, 1, 2]
    write_coded_images(tmp_path / "a", range(2), name="other_{:05d}.png")
    with pytest.raises(VideoError, match=r"several series of images \(img_\*, other_\*\)"):
        open_video(path)


def test_a_folder_without_a_rate_or_images_says_what_to_do(tmp_path):
    with pytest.raises(VideoError, match=r"add their rate: .*@25fps"):
        open_video(tmp_path)
    with pytest.raises(VideoError, match="contains no numbered images"):
        open_video(f"{tmp_path}@25fps")
    assert not is_video(tmp_path / "none@25fps")


def test_a_file_may_be_named_like_a_folder_of_images(coded_video):
    path = coded_video("a@25fps.mp4").rename(coded_video("b.mp4").parent / "a@25fps")
    assert image_folder(path) is None
    assert len(_codes(path)) == 20


def test_the_rate_and_each_image_are_the_content(tmp_path):
    path = write_coded_images(tmp_path / "a", range(3))
    slow = path.with_name("a@5fps")
    assert source_of(path)["size"] == sum(p.stat().st_size for p in (tmp_path / "a").iterdir())
    assert source_of(path)["sha256"] != source_of(slow)["sha256"]
    same = write_coded_images(tmp_path / "b", range(3))
    assert source_of(path) == source_of(same)
    write_coded_images(tmp_path / "b", [4])
    assert source_of(path)["sha256"] != source_of(same)["sha256"]


def test_pixels_are_those_of_the_images(tmp_path):
    with open_video(write_coded_images(tmp_path / "a", [5])) as source:
        np.testing.assert_array_equal(next(iter(source)).rgb, coded_frame(5))
