"""Where the copy of an address lies, and which address a path is the copy of."""

from pathlib import Path

import pytest
from filelock import FileLock

from storage.mirror import cache_folder, is_url, local_path, root, url_of, with_urls
from video.errors import UsageError
from video.sources import open_video


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LOOKBACK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket/set/clips/run/a b.mp4", "s3/bucket/set/clips/run/a b.mp4"),
        ("s3://bucket", "s3/bucket"),
        ("https://host:8000/set", "https/host%3A8000/set"),
        ("abfs://box@account.dfs.core.windows.net/x", "abfs/box%40account.dfs.core.windows.net/x"),
    ],
)
def test_a_path_tells_its_address(cache, url, place):
    assert local_path(url) == cache / "mirrors" / place
    assert url_of(local_path(url)) == url
    assert with_urls(f"{local_path(url)}: is damaged") == f"{url}: is damaged"


def test_neighbors_stay_neighbors():
    features = local_path("s3://bucket/set/features/")
    assert url_of(features.with_name("features.change")) == "s3://bucket/set/features.change"
    assert url_of(features / ".." / "clips") == "s3://bucket/set/clips"


@pytest.mark.parametrize("path", ["data/features", "/", "C:/data", "mirrors/s3/bucket"])
def test_other_paths_have_no_address(path):
    root()
    assert url_of(path) is None
    assert not is_url(path)


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///set", "s3://bucket/../other", "s3://bucket/set?x=1"]
)
def test_what_is_no_file_or_folder_is_refused(url):
    with pytest.raises(UsageError, match="is no address of a file or folder"):
        local_path(url)


def test_programs_that_run_at_once_have_mirrors_of_their_own(cache):
    for name in ("mirrors", "mirrors-2"):
        (cache / name).mkdir(parents=True)
    with FileLock(cache / "mirrors" / ".lock"), FileLock(cache / "mirrors-2" / ".lock"):
        assert root() == cache / "mirrors-3"
    assert root() == cache / "mirrors-3"  # a program keeps its own


def test_a_cache_that_cannot_be_written_is_in_the_temporary_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("LOOKBACK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setattr("storage.mirror.sys.platform", "linux")
    monkeypatch.setattr("storage.mirror.tempfile.gettempdir", lambda: str(tmp_path))
    assert cache_folder() == tmp_path / "lookback"


def test_messages_of_errors_name_the_address():
    with pytest.raises(Exception, match="there is no such file") as error:
        open_video(local_path("s3://bucket/set/a.mp4"))
    assert with_urls(str(error.value)) == "s3://bucket/set/a.mp4: there is no such file"
