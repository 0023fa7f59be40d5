"""`--shard` and `--threads` of extract.py."""

import pytest

from clips.shards import Shard
from extract.pipeline.task import shard_of, take_threads
from recipes.loader import load
from video import cores
from video.errors import UsageError


def test_a_shard_needs_a_manifest_that_is_there(tmp_path):
    settings = load(None, {"data.folder": str(tmp_path)})
    assert shard_of(None, settings) is None
    with pytest.raises(UsageError, match=r"there is no .*manifest\.csv yet.*prepare"):
        shard_of("1/2", settings)
    (tmp_path / "manifest.csv").write_text("video,label\n")
    assert shard_of("1/2", settings) == Shard(1, 2)


def test_threads_are_those_of_the_flag(monkeypatch):
    monkeypatch.setenv(cores.VARIABLE, "2")
    take_threads("3")
    assert cores.usable_cores() == 3
    take_threads(None)
    assert cores.usable_cores() == 3
    with pytest.raises(UsageError, match="LOOKBACK_THREADS=none"):
        take_threads("none")
