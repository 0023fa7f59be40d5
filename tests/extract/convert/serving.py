"""Local web server with configurable responses: range requests, broken connections, headers."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Served:
    """Configuration and log of the server.

    Attributes:
        content: Bytes of the one file.
        ranges: Whether the server supports range requests.
        cut: Numbers of bytes after which successive responses break off; later ones are complete.
        status: HTTP status of every response.
        content_type: Content-Type of the file.
        length: Whether responses have a Content-Length.
        sha256: SHA-256 that a redirect to the content states, as Hugging Face does; empty for no
            redirect.
        asked: Range headers of the requests for the content, in order.
        address: URL of the file while the server runs.
    """

    content: bytes
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    status: int = 200
    content_type: str = "application/octet-stream"
    length: bool = True
    sha256: str = ""
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Serve at `served.address` until the context ends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, served)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_port}/file.bin"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: http.server.BaseHTTPRequestHandler, served: Served) -> None:
    if served.sha256 and handler.path != "/content":
        handler.send_response(302)
        handler.send_header("Location", "/content")
        handler.send_header("X-Linked-Etag", f'"{served.sha256}"')
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    wanted = handler.headers.get("Range")
    served.asked.append(wanted)
    if served.status != 200:
        handler.send_error(served.status)
        return
    start = 0
    if wanted and served.ranges:
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted).group(1))
        if start >= len(served.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(served.content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
    body = served.content[start:]
    handler.send_response(206 if wanted and served.ranges else 200)
    if wanted and served.ranges:
        whole = len(served.content)
        handler.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
    handler.send_header("Content-Type", served.content_type)
    if served.length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: served.cut.pop(0)] if served.cut else body)
