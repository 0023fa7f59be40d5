"""The application of the page: everything that it answers."""

import mimetypes
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from live.hub import Hub
from live.page.access import Access
from live.page.camera_routes import CameraRoutes
from live.page.event_routes import EventRoutes
from live.page.files import STATIC, PageFiles
from live.page.health import camera_health
from live.page.interfaces import Controls, Events, Teacher
from live.page.login import login_routes
from live.page.pictures import Pictures
from live.page.security import BodyTooLargeError, Guard, too_large
from live.page.teaching_routes import TeachingRoutes
from live.page.viewers import Viewer
from video.errors import LookbackError


class PageApp(Guard):
    """The page, behind its guard.

    Args:
        hub: The cameras.
        events: Their events.
        controls: Settings.
        access: Who may use the page.
        teacher: What teaches; None for a page without it.
        health: Returns why the program is not healthy, empty if it is; None asks the hub only.

    Attributes:
        access: Who may use the page.
        pictures: The encoded pictures.
    """

    def __init__(
        self,
        hub: Hub,
        events: Events,
        controls: Controls,
        access: Access,
        teacher: Teacher | None = None,
        health: Callable[[], str] | None = None,
    ) -> None:
        # Windows takes content types from the registry, where .js may be text/plain.
        mimetypes.add_type("text/javascript", ".js")
        self.access, self.pictures = access, Pictures(hub)
        boot = secrets.token_hex(8)

        async def watch(socket: WebSocket) -> None:
            await Viewer(socket, hub, self.pictures, teacher, boot).run()

        cameras = CameraRoutes(
            hub,
            self.pictures,
            controls,
            teacher,
            health or camera_health(hub),
            access.needs_token,
        ).routes()
        routes: list[BaseRoute] = [
            Route("/", _page),
            WebSocketRoute("/ws", watch),
            *login_routes(access),
            *cameras,
            *EventRoutes(events, controls, teacher).routes(),
            *(TeachingRoutes(teacher).routes() if teacher is not None else ()),
            Mount("/static", PageFiles(directory=STATIC)),
        ]

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            await self.pictures.close()

        handlers = {
            HTTPException: _refused,
            LookbackError: _refused,
            LookupError: _not_found,
            BodyTooLargeError: _too_large,
            Exception: _failed,
        }
        super().__init__(
            Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan), access
        )


async def _page(request: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"cache-control": "no-cache"})


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return JSONResponse({"error": error.detail.lower()}, error.status_code, error.headers)
    return JSONResponse({"error": str(error)}, 404 if isinstance(error, LookupError) else 409)


async def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "there is nothing of this number or name"}, 404)


async def _too_large(request: Request, error: Exception) -> Response:
    return too_large()


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "an error of the program; its log tells more"}, 500)
