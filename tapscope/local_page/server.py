"""A web page of a command: served to this machine only, and only to who knows the address.

Every address begins with a random token. Requests for another host, from another origin or without
the token are refused, so that no web page that is open beside it can read or change anything. No
path of a file is ever taken from a request.
"""

import json
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from typing import Any, Final, NamedTuple

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tapscope.errors import OutputError, TapscopeError

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


class LocalServer(NamedTuple):
    """A server that is ready to run, and the address of its page."""

    server: uvicorn.Server
    socket: socket.socket
    address: str

    def run(self) -> None:
        """Serve until Ctrl-C, or until `server.should_exit` is set."""
        self.server.run(sockets=[self.socket])


@contextmanager
def local_server(make_app: Callable[[str, int], ASGIApp], port: int) -> Iterator[LocalServer]:
    """Provide a server with a random token; its port is free again at the end.

    Parameters
    ----------
    make_app
        Returns the web application for a token and a port.
    port
        0 for any that is free.

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
        address = f"http://{HOST}:{port}/{token}/"
        yield LocalServer(uvicorn.Server(config), listening, address)


class Guard:
    """Refuses what does not come from the page itself, and takes the token off the path.

    Parameters
    ----------
    app
        Answers what is not refused.
    token
        Begins every address.
    port
        On which it is served, for the check of host and origin.
    verb
        The command that prints the address, for the message.
    """

    def __init__(self, app: ASGIApp, token: str, port: int, verb: str) -> None:
        self._app = app
        self._token = token
        self._verb = verb
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
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
            return f"refused: open the address that 'tapscope {self._verb}' printed"
        return ""


def file_routes(package: str, files: Mapping[str, str]) -> list[Route]:
    """Return the routes of the files in the folder `page` of a package.

    Parameters
    ----------
    package
        Name of the package.
    files
        Name of the file at each address; '' is the address of the page itself.
    """
    return [Route(f"/{address}", _file(package, name)) for address, name in files.items()]


def _file(package: str, name: str) -> Answer:
    content = resources.files(package).joinpath("page", name).read_bytes()
    kind = _KINDS[name.rpartition(".")[2]]

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


async def json_body(request: Request, error: type[TapscopeError]) -> dict[str, Any]:
    """Return the JSON object of a request; a form of another page cannot send this kind.

    Parameters
    ----------
    request
        Its body is read.
    error
        Kind of error to raise where it is no JSON object.
    """
    if request.headers.get("content-type") != "application/json":
        raise error("send JSON")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BODY:
            raise error("the request is too long")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise error("the request is no JSON") from problem
    if not isinstance(content, dict):
        raise error("the request is no JSON object")
    return content
