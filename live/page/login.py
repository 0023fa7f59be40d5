"""The form that asks for the token, and the cookie that replaces it."""

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from live.page.access import SESSION_SECONDS, Access
from live.page.bodies import TokenBody, read_body
from live.page.files import STATIC
from live.page.security import COOKIE, too_many


def login_routes(access: Access) -> list[Route]:
    """Return the routes of the form; it leads back to the page where no token is needed."""

    async def form(request: Request) -> Response:
        if not access.needs_token:
            return RedirectResponse("/", 303)
        return FileResponse(STATIC / "login.html", headers={"cache-control": "no-store"})

    async def log_in(request: Request) -> Response:
        address = request.client.host if request.client else ""
        if wait := access.tries.wait(address):
            return too_many(wait)
        body = await read_body(request, TokenBody)
        if not access.is_token(body.token):
            access.tries.failed(address)
            return JSONResponse({"error": "this is not the token"}, 401)
        access.tries.succeeded(address)
        response = JSONResponse({})
        response.set_cookie(
            COOKIE,
            access.new_session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            # Behind a proxy only the browser knows that it is https.
            secure=request.headers.get("origin", "").startswith("https://"),
        )
        return response

    async def log_out(request: Request) -> Response:
        response = JSONResponse({})
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    return [
        Route("/login", form),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["POST"]),
    ]
