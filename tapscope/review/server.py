"""What the page about recordings is answered.

A recording is asked for by its number in the table; no path of a file is ever taken from a request.
"""

from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tapscope.local_page.server import Answer
from tapscope.review.serving import guarded, json_body, rater_of, serve_app
from tapscope.review.session import Session

_FILES: Final = {
    "": "review.html",
    "review.css": "review.css",
    "review.js": "review.js",
    "trace.js": "trace.js",
    "picture.js": "picture.js",
    "marker.js": "marker.js",
    "page.js": "page.js",
}


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
    routes = [
        Route("/api/recordings", _recordings(session)),
        Route("/api/recordings/{index:int}", _state(session)),
        Route("/api/recordings/{index:int}/corrections", _correct(session), methods=["POST"]),
        Route("/api/recordings/{index:int}/frames/{frame:int}", _picture(session)),
    ]
    return guarded(_FILES, routes, token, port)


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
    try:
        serve_app(lambda token, port: make_app(session, token, port), port, opened)
    finally:
        session.close()


def _recordings(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        rater = rater_of(request)
        return JSONResponse(await run_in_threadpool(session.recordings, rater))

    return answer


def _state(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        rater, index = rater_of(request), request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.state, index, rater))

    return answer


def _correct(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        asked = await json_body(request)
        rater, index = rater_of(request), request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.correct, index, rater, asked))

    return answer


def _picture(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        index, frame = request.path_params["index"], request.path_params["frame"]
        view = request.query_params.get("view", "hand")
        content = await run_in_threadpool(session.picture, index, frame, view)
        return Response(content, media_type="image/jpeg")

    return answer
