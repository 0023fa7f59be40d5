"""`--shard` of extract.py."""

import pytest

from clips.shards import Shard
from extract.pipeline.task import shard_of
from recipes.loader import load
from video.errors import UsageError


def test_a_shard_needs_a_manifest_that_is_there(tmp_path):
    settings = load(None, {"data.folder": str(tmp_path)})
    assert shard_of(None, settings) is None
    with pytest.raises(UsageError, match=r"there is no .*manifest\.csv yet.*prepare"):
        shard_of("1/2", settings)
    (tmp_path / "manifest.csv").write_text("video,label\n")
    assert shard_of("1/2", settings) == Shard(1, 2)
