"""Replacing a manifest."""

import errno
import os

import pytest

from clips import manifest as manifests
from clips.preparation import prepare
from tests.clips.preparing import settings
from video.errors import LookbackError


def test_no_manifest_that_was_there_is_ever_overwritten(data, capsys):
    prepare(settings(data))
    texts = []
    for shares in ("1/1/1", "2/1/1", "1/1/2"):
        texts.append((data / "manifest.csv").read_bytes())
        capsys.readouterr()
        prepare(settings(data, data__split=shares))
        number = f"-{len(texts)}" if len(texts) > 1 else ""
        kept = data / f"manifest.previous{number}.csv"
        assert f"The old manifest is saved as {kept}" in capsys.readouterr().out
    names = ["manifest.previous.csv", "manifest.previous-2.csv", "manifest.previous-3.csv"]
    assert [(data / name).read_bytes() for name in names] == texts


@pytest.mark.parametrize("where", ["early", "late"])
def test_a_folder_that_cannot_be_written_names_the_way_out(data, monkeypatch, where):
    if where == "early":
        monkeypatch.setattr(os, "access", lambda *_: False)
    else:

        def refuse(path, *_):
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(manifests, "write_rows", refuse)
    way = r"cannot be written .*ln -s .*/clips mine/clips.*--data mine"
    with pytest.raises(LookbackError, match=way):
        prepare(settings(data))
