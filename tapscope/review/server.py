"""The web server of the review page: this machine only, and only for who knows the address.

Every address begins with a random token. Requests for another host, from another origin or without
the token are refused, so that no web page that is open beside it can read or change anything. A
recording is asked for by its number in the table; no path of a file is ever taken from a request.
"""

import json
import secrets
import socket
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapscope.errors import CorrectionsError, OutputError, TapscopeError, VideoError
from tapscope.review.session import ConflictError, Session

HOST: Final = "127.0.0.1"
_MAX_BODY: Final = 64 * 1024
_FILES: Final = {
    "": ("review.html", "text/html"),
    "review.css": ("review.css", "text/css"),
    "review.js": ("review.js", "text/javascript"),
    "trace.js": ("trace.js", "text/javascript"),
    "picture.js": ("picture.js", "text/javascript"),
}
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


def make_app(session: Session, token: str, port: int) -> ASGIApp:
    """Return the web application.

    Parameters
    ----------
    session
        What is reviewed.
    token
        Begins every address.
    port
        On which it is served, for the check of host and origin.
    """
    routes = [Route(f"/{name}", _file(*file)) for name, file in _FILES.items()]
    routes += [
        Route("/api/recordings", _recordings(session)),
        Route("/api/recordings/{index:int}", _state(session)),
        Route("/api/recordings/{index:int}/corrections", _correct(session), methods=["POST"]),
        Route("/api/recordings/{index:int}/frames/{frame:int}", _picture(session)),
    ]
    app = Starlette(routes=routes, exception_handlers={TapscopeError: _refused})
    return _Guard(app, token, port)


def serve(session: Session, port: int, opened: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C.

    Parameters
    ----------
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
        app = make_app(session, token, port)
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off")
        opened(f"http://{HOST}:{port}/{token}/")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        finally:
            session.close()


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


def _file(name: str, kind: str) -> Answer:
    content = resources.files("tapscope.review").joinpath("page", name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


def _recordings(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        rater = request.query_params.get("rater", "")
        return JSONResponse(await run_in_threadpool(session.recordings, rater))

    return answer


def _state(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        rater, index = request.query_params.get("rater", ""), request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.state, index, rater))

    return answer


def _correct(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        asked = await _body(request)
        rater, index = request.query_params.get("rater", ""), request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.correct, index, rater, asked))

    return answer


async def _body(request: Request) -> dict[str, Any]:
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


def _picture(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        index, frame = request.path_params["index"], request.path_params["frame"]
        view = request.query_params.get("view", "hand")
        content = await run_in_threadpool(session.picture, index, frame, view)
        return Response(content, media_type="image/jpeg")

    return answer
