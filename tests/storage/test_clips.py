"""A clip is there while it is read, by one request; clips that are kept are there already."""

import hashlib
import threading

import pytest

from clips.manifest.duplicates import content_sha256, content_size
from clips.manifest.hashes import Hashes
from storage import roles, trees
from storage.clips import CLIPS
from tests.conftest import write_coded_images, write_coded_video
from video.errors import VideoError
from video.sources import open_video
from video.staging import staged


@pytest.fixture
def clip(memory, tmp_path):
    """Return the path in the mirror of a clip on the storage."""
    content = write_coded_video(tmp_path / "a.mp4", 5).read_bytes()
    memory.put("set/clips/run/a.mp4", content)
    return roles.data_folder(f"{memory.url}/set") / "clips" / "run" / "a.mp4"


def test_a_clip_is_there_while_it_is_read(clip, gets):
    with open_video(clip) as source:
        assert len(list(source)) == 5
        assert clip.stat().st_size > 0
    assert clip.stat().st_size == 0
    source.close()
    assert list(gets.values()) == [1]


def test_readers_share_one_request(clip, gets):
    started = threading.Barrier(4)

    def read() -> None:
        started.wait()
        with open_video(clip) as source:
            list(source)

    threads = [threading.Thread(target=read) for _ in range(4)]
    with staged(clip):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert list(gets.values()) == [1]
    assert clip.stat().st_size == 0


def test_size_and_hash_need_no_request_of_their_own(clip, memory, gets):
    content = memory.read("set/clips/run/a.mp4")
    assert content_size(clip) == len(content)
    with staged(clip):
        pass
    assert content_sha256(clip) == hashlib.sha256(content).hexdigest()
    assert list(gets.values()) == [1]


def test_hashes_are_known_by_size_and_tag(clip, memory, gets):
    folder = clip.parents[2]
    hashes = Hashes(folder, "1/2")
    assert hashes.known("clips/run/a.mp4") is None
    source = hashes.source("clips/run/a.mp4")
    hashes.save()
    assert "hashes.1-of-2.json" in memory.names("set")
    trees.close()
    roles.data_folder(f"{memory.url}/set")
    joined = Hashes(folder)  # reads those of the shards
    assert joined.known("clips/run/a.mp4") == source
    joined.save()
    trees.copy_up()
    assert memory.names("set") == ["clips/run/a.mp4", "hashes.json"]
    memory.put("set/clips/run/a.mp4", memory.read("set/clips/run/a.mp4"))  # a new tag
    trees.close()
    roles.data_folder(f"{memory.url}/set")
    assert Hashes(folder).known("clips/run/a.mp4") is None
    assert gets[f"{memory.url}/set/clips/run/a.mp4"] == 1


def test_clips_that_are_kept_stay(clip, memory, gets):
    CLIPS.keep([clip, clip.with_name("none.mp4")])
    with open_video(clip) as source:
        list(source)
    assert clip.read_bytes() == memory.read("set/clips/run/a.mp4")
    trees.close()
    roles.data_folder(f"{memory.url}/set")
    CLIPS.keep([clip])
    assert list(gets.values()) == [1]
    memory.put("set/clips/run/a.mp4", b"another clip")
    trees.close()
    roles.data_folder(f"{memory.url}/set")
    assert clip.stat().st_size == 0


def test_a_clip_that_was_removed_is_an_error_of_the_video(clip, memory):
    memory.remove("set/clips/run/a.mp4")
    with pytest.raises(VideoError, match=r"a\.mp4: there is no such file any more"):
        open_video(clip)


def test_a_folder_of_frames_is_read_image_by_image(memory, tmp_path, gets):
    images = write_coded_images(tmp_path / "frames", range(3))
    for path in images.parent.glob("frames/*") if images.name.endswith("fps") else images.glob("*"):
        memory.put(f"set/clips/run/b/{path.name}", path.read_bytes())
    folder = roles.data_folder(f"{memory.url}/set") / "clips" / "run"
    with open_video(folder / "b@10fps") as source:
        assert len(list(source)) == 3
    assert sum(gets.values()) == 3
    assert content_size(folder / "b@10fps") == sum(
        len(memory.read(f"set/{name}")) for name in memory.names("set")
    )
