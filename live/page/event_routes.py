"""Events over HTTP: the timeline of a day, stills, recordings, corrections, deletion."""

import time
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from live.page.bodies import MissedBody, VerdictBody, act, change
from live.page.days import clock, day_of
from live.page.interfaces import Controls, Events, PageEvent, Teacher

_KEEP = {"cache-control": "private, max-age=86400"}


class EventRoutes:
    """The routes of events.

    Args:
        events: The events.
        controls: Deletes them.
        teacher: Takes corrections; None if there is none.
    """

    def __init__(self, events: Events, controls: Controls, teacher: Teacher | None) -> None:
        self._events, self._controls, self._teacher = events, controls, teacher

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/api/events", act(self._day)),
            Route("/api/events/{id:int}", act(self._one)),
            Route("/api/events/{id:int}", act(self._delete), methods=["DELETE"]),
            Route(
                "/api/events/{id:int}/verdict", change(VerdictBody, self._verdict), methods=["POST"]
            ),
            Route("/api/missed", change(MissedBody, self._missed), methods=["POST"]),
            Route("/event/{id:int}/still.jpg", self._still),
            Route("/event/{id:int}/{part:int}.mp4", self._part),
        ]

    def _day(self, request: Request) -> dict[str, Any]:
        now = time.time()
        try:
            day = day_of(request.query_params.get("day"), now)
        except (ValueError, OverflowError, OSError):
            raise HTTPException(400, "day: give a date such as 2026-11-28") from None
        return {
            "day": day.name,
            "start": day.start,
            "end": day.end,
            "hours": [list(each) for each in day.hours],
            "now": now,
            "today": day.start <= now < day.end,
            "events": [_row(each) for each in self._events.between(day.start, day.end)],
        }

    def _found(self, request: Request) -> PageEvent:
        event = self._events.event(request.path_params["id"])
        if event is None:
            raise HTTPException(404, "there is no such event")
        return event

    def _one(self, request: Request) -> dict[str, Any]:
        return _row(self._found(request))

    def _delete(self, request: Request) -> None:
        self._controls.delete_event(self._found(request).id)

    def _verdict(self, request: Request, body: VerdictBody) -> None:
        self._need_teacher().correct(self._found(request).id, body.verdict, body.label)

    def _missed(self, request: Request, body: MissedBody) -> None:
        self._need_teacher().missed(body.camera, body.label, body.seconds)

    def _need_teacher(self) -> Teacher:
        if self._teacher is None:
            raise HTTPException(404, "this program does not take corrections")
        return self._teacher

    async def _still(self, request: Request) -> Response:
        event = await run_in_threadpool(self._found, request)
        return await file_response(event.still, "image/jpeg")

    async def _part(self, request: Request) -> Response:
        event = await run_in_threadpool(self._found, request)
        part = request.path_params["part"]
        return await file_response(
            event.parts[part] if part < len(event.parts) else None, "video/mp4"
        )


async def file_response(path: Path | None, media: str) -> Response:
    """Return a file, or a part of it if the request has a Range; 404 if it is gone.

    Args:
        path: The file; None for none.
        media: Content type.
    """
    if path is None or not await run_in_threadpool(path.is_file):
        raise HTTPException(404, "the file is gone, or not there yet")
    return FileResponse(path, media_type=media, headers=_KEEP)


def _row(event: PageEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "camera": event.camera,
        "label": event.label,
        "started": event.started,
        "ended": event.ended,
        "clock": clock(event.started),
        "seconds": round(event.seconds, 1),
        "peak": round(event.peak, 3),
        "mean": None if event.mean is None else round(event.mean, 3),
        "still": event.still is not None,
        "parts": len(event.parts),
        "verdict": event.verdict,
        "corrected": event.corrected,
        "silent": event.silent,
    }
