"""An S3 on this machine (moto), which counts the requests that it answers."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s3fs import S3FileSystem

_LINE = re.compile(r'"(?:\x1b\[[\d;]*m)*(?P<verb>[A-Z]+) /bucket/(?P<name>\S*) HTTP')


class _Requests(logging.Handler):
    """Counts (verb, path in the bucket) in the lines of the server's log."""

    def __init__(self) -> None:
        super().__init__()
        self.count: Counter[tuple[str, str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        found = _LINE.search(record.getMessage())
        if found:
            self.count[found["verb"], found["name"].partition("?")[0]] += 1


class S3:
    """A bucket.

    Attributes:
        environment: Variables with which a program finds it.
        requests: Number of each (verb, path in the bucket).
    """

    def __init__(self, port: int, requests: Counter[tuple[str, str]]) -> None:
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.requests = requests

    def gets(self, folder: str) -> Counter[str]:
        """Return the number of GET requests for each file below a folder."""
        found: Counter[str] = Counter()
        for (verb, name), count in list(self.requests.items()):
            if verb == "GET" and name.startswith(folder):
                found[name] += count
        return found

    def files(self) -> "S3FileSystem":
        from s3fs import S3FileSystem

        return S3FileSystem(use_listings_cache=False)


@contextmanager
def s3_server() -> Iterator[S3]:
    """Run the server with an empty bucket, `s3://bucket`. Set its environment before using it."""
    # The imports take seconds, which runs without these tests need not wait.
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    log, requests = logging.getLogger("werkzeug"), _Requests()
    level = log.level
    log.addHandler(requests)
    log.setLevel(logging.INFO)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=True)
    server.start()
    S3FileSystem.clear_instance_cache()  # they keep the port of an earlier server
    try:
        yield S3(server.get_host_and_port()[1], requests.count)
    finally:
        server.stop()
        S3FileSystem.clear_instance_cache()
        log.removeHandler(requests)
        log.setLevel(level)
