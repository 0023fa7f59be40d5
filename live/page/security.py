"""What every request passes first: host, origin, token, size, and headers of the answer."""

from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from live.page.access import Access
from video.console import logger

_LOG = logger(__name__)

COOKIE = "lookback_session"
BODY_BYTES = 64 * 1024
# Answered without a token: the form itself, its style, and a word for a container's health check.
_OPEN = ("/login", "/static/style.css", "/static/login.js", "/static/icon.svg", "/healthz")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class BodyTooLargeError(Exception):
    """The body of a request is larger than `BODY_BYTES`."""


class Guard:
    """Refuses what must not be answered, and adds headers to what is.

    A page on another site can make a browser send requests to this one, also to 127.0.0.1, and can
    point a name of its own to this machine. So Host and Origin are compared with the page's own
    names at every address.

    Args:
        app: The application.
        access: Who may use it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
                return
            try:
                await self._app(scope, receive, send)
            except Exception as error:
                _report(scope, error)
            return
        await self._http(scope, receive, _with_headers(send), refusal)

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, refusal: Response | None
    ) -> None:
        started = False

        async def noted_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            if refusal is not None:
                await refusal(scope, receive, noted_send)
            else:
                await self._app(scope, _limited(receive), noted_send)
        except ClientDisconnect:
            pass
        except Exception as error:
            _report(scope, error)
            if not started:
                await JSONResponse({"error": "an error of the program"}, 500)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in _once(scope)}
        local = scope["server"][0] if scope.get("server") else None
        if not self._access.knows_host(headers.get("host", ""), local):
            return PlainTextResponse(
                "This name is not known to the page. Add it to the names of --serve.\n", 403
            )
        origin = headers.get("origin")
        if origin is not None and not self._access.knows_origin(origin, local):
            return JSONResponse({"error": "the request comes from another site"}, 403)
        path = scope["path"]
        if "\\" in path or "\0" in path or ".." in path.split("/"):
            return JSONResponse({"error": "not found"}, 404)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            return too_large()
        if self._access.needs_token and path not in _OPEN:
            return self._without_token(scope, headers)
        return None

    def _without_token(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        if self._access.is_session(_cookie(headers.get("cookie", ""))):
            return None
        kind, _, token = headers.get("authorization", "").partition(" ")
        address = scope["client"][0] if scope.get("client") else ""
        if kind.lower() == "bearer":
            if wait := self._access.tries.wait(address):
                return too_many(wait)
            if self._access.is_token(token.strip()):
                return None
            self._access.tries.failed(address)
        if scope["path"] == "/" and scope["type"] == "http":
            return RedirectResponse("/login", 303)
        return JSONResponse({"error": "a token is needed"}, 401, {"www-authenticate": "Bearer"})


def _report(scope: Scope, error: Exception) -> None:
    # Only the kind: a message may hold an address with a password.
    _LOG.error("page: %s failed (%s)", scope["path"], type(error).__name__)
    _LOG.debug("page", exc_info=True)


def too_many(wait: float) -> Response:
    """Return the answer to an address with too many wrong tokens.

    Args:
        wait: Seconds until it may try again.
    """
    seconds = int(wait) + 1
    text = f"too many wrong tokens; try again in {seconds} s"
    return JSONResponse({"error": text}, 429, {"retry-after": str(seconds)})


def too_large() -> Response:
    """Return the answer to a request with too large a body."""
    return JSONResponse({"error": f"a body has at most {BODY_BYTES // 1024} KiB"}, 413)


def _once(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers; one that must be there once and is there twice loses its value."""
    headers = list(scope["headers"])
    for name in (b"host", b"origin", b"content-length"):
        if sum(each == name for each, _ in headers) > 1:
            headers = [each for each in headers if each[0] != name] + [(name, b"?")]
    return headers


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _limited(receive: Receive) -> Receive:
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > BODY_BYTES:
            raise BodyTooLargeError
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def headed(message: Any) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            if b"cache-control" not in present:
                extra.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        await send(message)

    return headed
