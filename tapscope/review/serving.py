"""What both pages of review share; `local_page.server` says for whom they answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tapscope.errors import (
    ConflictError,
    CorrectionsError,
    OutputError,
    TapscopeError,
    VideoError,
)
from tapscope.local_page import server


def guarded(files: Mapping[str, str], routes: Sequence[Route], token: str, port: int) -> ASGIApp:
    """Return a web application.

    Parameters
    ----------
    files
        See `local_page.server.file_routes`.
    routes
        What else is answered.
    token
        Begins every address.
    port
        On which it is served, for the check of host and origin.
    """
    own = server.file_routes("tapscope.review", files)
    app = Starlette(routes=[*own, *routes], exception_handlers={TapscopeError: _refused})
    return server.Guard(app, token, port, "review")


def serve_app(
    make_app: Callable[[str, int], ASGIApp], port: int, opened: Callable[[str], None]
) -> None:
    """Serve a page until Ctrl-C.

    Parameters
    ----------
    make_app
        Returns the application for a token and a port.
    port
        0 for any that is free.
    opened
        Called with the address of the page once connections are accepted.

    Raises
    ------
    OutputError
        The port is in use.
    """
    with server.local_server(make_app, port) as page:
        opened(page.address)
        page.run()


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; see `local_page.server.json_body`."""
    return await server.json_body(request, CorrectionsError)


def rater_of(request: Request) -> str:
    """Return the id of the rater who asks."""
    rater: str = request.query_params.get("rater", "")
    return rater


async def _refused(request: Request, problem: Exception) -> Response:
    status = 409 if isinstance(problem, ConflictError) else 400
    if isinstance(problem, VideoError):
        status = 404
    if isinstance(problem, OutputError):
        status = 507
    return JSONResponse({"error": str(problem)}, status)
