"""A storage in memory that counts what is read from it."""

from collections import Counter
from collections.abc import Iterator

import fsspec
import pytest

from storage import remote, trees


@pytest.fixture(autouse=True)
def no_trees_are_left() -> Iterator[None]:
    yield
    trees.close()


class Memory:
    """The files of a bucket, by their path in it."""

    def __init__(self, url: str) -> None:
        self.url, self._files = url, fsspec.filesystem("memory")

    def put(self, name: str, content: bytes | str) -> None:
        self._files.pipe(
            f"/bucket/{name}", content.encode() if isinstance(content, str) else content
        )

    def read(self, name: str) -> bytes:
        return self._files.cat(f"/bucket/{name}")

    def remove(self, name: str) -> None:
        self._files.rm(f"/bucket/{name}")

    def names(self, folder: str = "") -> list[str]:
        start = f"/bucket/{folder}".rstrip("/")
        return sorted(name[len(start) + 1 :] for name in self._files.find(start))


@pytest.fixture
def memory(elsewhere) -> Memory:
    return Memory(elsewhere)


@pytest.fixture
def gets(monkeypatch) -> Counter:
    """Count the requests for each address."""
    real, count = remote.get, Counter()

    def counted(url, path):
        count[url] += 1
        real(url, path)

    monkeypatch.setattr(remote, "get", counted)
    return count
