"""Bodies of requests: their keys and limits, and the answers to wrong ones."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

_IN_NO_NAME = re.compile(r"[/\\\x00-\x1f]")


def _of_a_folder(name: str) -> str:
    """Return a name that a folder can have: a class is a folder's name, too."""
    if _IN_NO_NAME.search(name):
        raise PydanticCustomError("name", "neither / nor \\ nor a control character can be in it")
    return name


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_of_a_folder),
]
Share = Annotated[float, Field(ge=0, le=1)]


class Body(BaseModel):
    """The body of a request. Unknown keys are an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RuleBody(Body):
    camera: int | None
    label: Name
    on: Share
    off: Share


class ClassesBody(Body):
    classes: list[Name] = Field(max_length=1000)


class ArmedBody(Body):
    armed: bool


class VerdictBody(Body):
    verdict: Literal["right", "wrong"]
    label: Name | None = None


class MissedBody(Body):
    camera: int
    label: Name
    seconds: Annotated[float, Field(ge=5, le=60)]


class ClassBody(Body):
    name: Name


class BeginBody(Body):
    camera: int
    label: Name
    session: Annotated[str, StringConstraints(strip_whitespace=True, max_length=60)]


class EndBody(Body):
    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class TokenBody(Body):
    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


SomeBody = TypeVar("SomeBody", bound=Body)
Endpoint = Callable[[Request], Awaitable[Response]]


async def read_body(request: Request, kind: type[SomeBody]) -> SomeBody:
    """Return the checked body of a request.

    Args:
        request: The request. Its body is JSON; a form of another site cannot send that.
        kind: What the body must be.

    Raises:
        HTTPException: 415 for another content type, 400 for what is no JSON or has wrong keys.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "the body must be application/json")
    try:
        return kind.model_validate(json.loads(await request.body()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise HTTPException(400, f"{place}: {first['msg']}") from None
    except ValueError:
        raise HTTPException(400, "the body is no JSON") from None


def change(kind: type[SomeBody], act: Callable[[Request, SomeBody], Any]) -> Endpoint:
    """Return an endpoint that checks the body and then acts in a thread.

    Args:
        kind: What the body must be.
        act: Called with the request and its body; returns what is answered as JSON, or None.
    """

    async def endpoint(request: Request) -> Response:
        body = await read_body(request, kind)
        return JSONResponse(await run_in_threadpool(act, request, body) or {})

    return endpoint


def act(function: Callable[[Request], Any]) -> Endpoint:
    """Return an endpoint that acts in a thread, without a body.

    Args:
        function: Called with the request; returns what is answered as JSON, or None.
    """

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(function, request) or {})

    return endpoint
