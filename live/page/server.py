"""The server of the page, in a thread of its own."""

import asyncio
import socket
import threading
import time
from contextlib import suppress

import uvicorn

from live.page.app import PageApp
from video.errors import LookbackError

_START_SECONDS = 10.0
_STOP_SECONDS = 2.0


class PageServer:
    """Serves the page until it is stopped.

    Args:
        address: Host and port; port 0 lets the system choose one.
        app: The page.

    Attributes:
        host: The address that is bound.
        port: The port; after `start` the one that the system chose.
    """

    def __init__(self, address: tuple[str, int], app: PageApp) -> None:
        self.host, self.port = address
        self._app = app
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        """Address of the page for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def start(self) -> None:
        """Bind the address and serve in a thread.

        Raises:
            LookbackError: The address cannot be bound, or the server does not start.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            bound = socket.create_server((self.host, self.port), family=family, backlog=128)
        except OSError as error:
            raise LookbackError(
                f"--serve {self.host}:{self.port} cannot be used ({_reason(error)}); "
                "choose another port or address"
            ) from None
        self.port = bound.getsockname()[1]
        self._app.access.bound(self.port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                access_log=False,  # addresses of requests are nobody's business
                log_config=None,
                log_level="critical",  # the guard reports errors, without a traceback
                lifespan="on",
                proxy_headers=False,  # anybody could claim another address
                server_header=False,
                timeout_graceful_shutdown=1,
                ws_max_size=64 * 1024,
                ws_per_message_deflate=False,  # JPEGs do not become smaller
            )
        )
        self._thread = threading.Thread(
            target=self._run, args=(self._server, bound), name="page", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise LookbackError(f"--serve {self.host}:{self.port}: the server does not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """End within two seconds, also while somebody watches."""
        if self._server is None or self._thread is None or self._loop is None:
            return
        self._server.should_exit = True
        with suppress(RuntimeError):  # the loop has ended already
            # Viewers end by themselves: uvicorn would wait for them first.
            self._loop.call_soon_threadsafe(self._app.pictures.end)
        self._thread.join(_STOP_SECONDS)

    def _run(self, server: uvicorn.Server, bound: socket.socket) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve(sockets=[bound])

        try:
            asyncio.run(serve())
        finally:
            bound.close()


def _reason(error: OSError) -> str:
    # Python appends the address, which stands before it already.
    return str(error.strerror or error).partition(" (while attempting")[0]
