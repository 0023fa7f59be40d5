"""Cameras over HTTP: settings, probabilities, single pictures, health, metrics."""

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from live.hub import CameraStatus, Hub
from live.page.bodies import ArmedBody, ClassesBody, RuleBody, act, change
from live.page.interfaces import Controls, Teacher
from live.page.metrics import make_metrics
from live.page.pictures import Pictures
from live.page.status import camera_status, points


class CameraRoutes:
    """The routes of cameras.

    Args:
        hub: The cameras.
        pictures: Their JPEGs.
        controls: Settings.
        teacher: Only whether there is one.
        health: Returns why the program is not healthy; empty if it is.
        login: Whether the page asks for a token.
    """

    def __init__(
        self,
        hub: Hub,
        pictures: Pictures,
        controls: Controls,
        teacher: Teacher | None,
        health: Callable[[], str],
        login: bool,
    ) -> None:
        self._hub, self._pictures, self._controls = hub, pictures, controls
        self._teacher, self._health, self._login = teacher, health, login
        self._metrics = make_metrics(hub, lambda: pictures.viewers)

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/state", act(self._state)),
            Route("/api/cameras/{id:int}/history", act(self._history)),
            Route("/api/cameras/{id:int}/armed", change(ArmedBody, self._arm), methods=["POST"]),
            Route("/api/rules", change(RuleBody, self._rule), methods=["POST"]),
            Route("/api/alarm_classes", change(ClassesBody, self._classes), methods=["POST"]),
            Route("/snapshot/{id:int}.jpg", self._snapshot),
            Route("/mjpeg/{id:int}", self._mjpeg),
            Route("/healthz", self._healthz),
            Route("/metrics", self._show_metrics),
        ]

    def _camera(self, number: int) -> CameraStatus:
        statuses = self._hub.statuses()
        if not 0 <= number < len(statuses):
            raise HTTPException(404, "there is no such camera")
        return statuses[number]

    def _state(self, request: Request) -> dict[str, Any]:
        cameras = []
        for status in self._hub.statuses():
            row = camera_status(self._hub, status)
            rules = self._controls.rules(status.id)
            row["labels"] = list(status.labels)
            row["rules"] = {label: {"on": on, "off": off} for label, (on, off) in rules.items()}
            cameras.append(row)
        return {
            "cameras": cameras,
            "model": any(row["labels"] for row in cameras),
            "teach": self._teacher is not None,
            "login": self._login,
            "alarm_classes": list(self._controls.alarm_classes()),
        }

    def _history(self, request: Request) -> dict[str, Any]:
        return points(self._hub, self._camera(request.path_params["id"]))

    def _arm(self, request: Request, body: ArmedBody) -> None:
        self._controls.set_armed(self._camera(request.path_params["id"]).id, body.armed)

    def _rule(self, request: Request, body: RuleBody) -> None:
        if body.camera is not None:
            self._camera(body.camera)
        if body.off >= body.on:
            raise HTTPException(400, "off: it must be below on")
        self._controls.set_rule(body.camera, body.label, body.on, body.off)

    def _classes(self, request: Request, body: ClassesBody) -> None:
        self._controls.set_alarm_classes(body.classes)

    async def _snapshot(self, request: Request) -> Response:
        number = request.path_params["id"]
        self._camera(number)
        jpeg = await run_in_threadpool(self._pictures.snapshot, number)
        if jpeg is None:
            raise HTTPException(503, "the camera is not live", {"retry-after": "5"})
        return Response(jpeg.data, media_type="image/jpeg")

    async def _mjpeg(self, request: Request) -> Response:
        status = self._camera(request.path_params["id"])
        return StreamingResponse(
            self._pictures.mjpeg(status.id),
            media_type="multipart/x-mixed-replace; boundary=picture",
        )

    async def _healthz(self, request: Request) -> Response:
        reason = await run_in_threadpool(self._health)
        return PlainTextResponse(reason + "\n" if reason else "ok\n", 503 if reason else 200)

    async def _show_metrics(self, request: Request) -> Response:
        text = await run_in_threadpool(self._metrics)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
