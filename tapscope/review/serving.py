"""A page on this machine alone, and only for who knows its address: what both pages share.

Every address begins with a random token. Requests for another host, from another origin or without
the token are refused, so that no web page that is open beside it can read or change anything.
"""

import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapscope.errors import (
    ConflictError,
    CorrectionsError,
    OutputError,
    TapscopeError,
    VideoError,
)

HOST: Final = "127.0.0.1"
_MAX_BODY: Final = 64 * 1024
_KINDS: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Answer = Callable[[Request], Awaitable[Response]]


def guarded(files: Mapping[str, str], routes: Sequence[Route], token: str, port: int) -> ASGIApp:
    """Return a web application.

    Parameters
    ----------
    files
        Files of the folder `page` by their addresses; '' is the address of the page itself.
    routes
        What else is answered.
    token
        Begins every address.
    port
        On which it is served, for the check of host and origin.
    """
    own = [Route(f"/{address}", _file(name)) for address, name in files.items()]
    app = Starlette(routes=[*own, *routes], exception_handlers={TapscopeError: _refused})
    return _Guard(app, token, port)


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
    token = secrets.token_urlsafe(24)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        try:
            listening.bind((HOST, port))
        except OSError as problem:
            raise OutputError(
                f"port {port}: cannot be used ({problem.strerror}); choose another --port"
            ) from problem
        listening.listen()
        port = listening.getsockname()[1]
        app = make_app(token, port)
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
        opened(f"http://{HOST}:{port}/{token}/")
        uvicorn.Server(config).run(sockets=[listening])


class _Guard:
    """Refuses what does not come from the page itself, and takes the token off the path."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # there are none
            return
        _, token, *rest = scope["path"].split("/", 2)
        problem = self._problem(Headers(scope=scope), token)
        app: ASGIApp = self._app
        if problem:
            app = PlainTextResponse(f"{problem}\n", 403)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        path = f"/{rest[0]}" if rest else "/"
        await app({**scope, "path": path, "root_path": ""}, receive, send_with_headers)

    def _problem(self, headers: Headers, token: str) -> str:
        if headers.get("host", "") not in self._hosts:
            return "refused: another host"
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return "refused: another origin"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "refused: another site"
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return "refused: open the address that 'tapscope review' printed"
        return ""


async def _refused(request: Request, problem: Exception) -> Response:
    status = 409 if isinstance(problem, ConflictError) else 400
    if isinstance(problem, VideoError):
        status = 404
    if isinstance(problem, OutputError):
        status = 507
    return JSONResponse({"error": str(problem)}, status)


async def json_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request; a form of another page cannot send this kind."""
    if request.headers.get("content-type") != "application/json":
        raise CorrectionsError("send JSON")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY:
            raise CorrectionsError("the request is too long")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise CorrectionsError("the request is no JSON") from problem
    if not isinstance(content, dict):
        raise CorrectionsError("the request is no JSON object")
    return content


def rater_of(request: Request) -> str:
    """Return the id of the rater who asks."""
    rater: str = request.query_params.get("rater", "")
    return rater


def _file(name: str) -> Answer:
    content = resources.files("tapscope.review").joinpath("page", name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer
