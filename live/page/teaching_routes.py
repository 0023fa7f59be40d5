"""Teaching over HTTP: classes, clips, learning."""

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from live.page.bodies import BeginBody, ClassBody, EndBody, act, change
from live.page.event_routes import file_response
from live.page.interfaces import Teacher


class TeachingRoutes:
    """The routes of teaching.

    Args:
        teacher: What teaches.
    """

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/teach", act(self._show)),
            Route("/api/teach/classes", change(ClassBody, self._add), methods=["POST"]),
            Route("/api/teach/classes", change(ClassBody, self._remove), methods=["DELETE"]),
            Route("/api/teach/clips/begin", change(BeginBody, self._begin), methods=["POST"]),
            Route("/api/teach/clips/end", change(EndBody, self._end), methods=["POST"]),
            Route("/api/teach/clips/{id:int}", act(self._delete), methods=["DELETE"]),
            Route("/api/teach/learn", act(self._learn), methods=["POST"]),
            Route("/api/teach/cancel", act(self._cancel), methods=["POST"]),
            Route("/teach/clip/{id:int}.mp4", self._clip),
        ]

    def _show(self, request: Request) -> dict[str, Any]:
        return {
            "classes": self._teacher.classes(),
            "sessions": self._teacher.sessions(),
            "progress": self._teacher.progress(),
        }

    def _add(self, request: Request, body: ClassBody) -> None:
        self._teacher.add_class(body.name)

    def _remove(self, request: Request, body: ClassBody) -> None:
        self._teacher.remove_class(body.name)

    def _begin(self, request: Request, body: BeginBody) -> dict[str, Any]:
        return {"token": self._teacher.begin_clip(body.camera, body.label, body.session)}

    def _end(self, request: Request, body: EndBody) -> dict[str, Any]:
        return {"id": self._teacher.end_clip(body.token)}

    def _delete(self, request: Request) -> None:
        self._teacher.delete_clip(request.path_params["id"])

    def _learn(self, request: Request) -> None:
        self._teacher.learn()

    def _cancel(self, request: Request) -> None:
        self._teacher.cancel()

    async def _clip(self, request: Request) -> Response:
        path = await run_in_threadpool(self._teacher.clip_path, request.path_params["id"])
        return await file_response(path, "video/mp4")
