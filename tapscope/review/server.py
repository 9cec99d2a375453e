"""The web server of the review page; see `local_page` for whom it answers.

A recording is asked for by its number in the table.
"""

from collections.abc import Callable
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tapscope.errors import CorrectionsError, OutputError, TapscopeError, VideoError
from tapscope.local_page import Answer, Guard, file_routes, json_body, local_server
from tapscope.review.session import ConflictError, Session

_FILES: Final = {
    "": ("review.html", "text/html"),
    "review.css": ("review.css", "text/css"),
    "review.js": ("review.js", "text/javascript"),
    "trace.js": ("trace.js", "text/javascript"),
    "picture.js": ("picture.js", "text/javascript"),
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
    routes = file_routes("tapscope.review", _FILES)
    routes += [
        Route("/api/recordings", _recordings(session)),
        Route("/api/recordings/{index:int}", _state(session)),
        Route("/api/recordings/{index:int}/corrections", _correct(session), methods=["POST"]),
        Route("/api/recordings/{index:int}/frames/{frame:int}", _picture(session)),
    ]
    app = Starlette(routes=routes, exception_handlers={TapscopeError: _refused})
    return Guard(app, token, port, "review")


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
    with local_server(lambda token, port: make_app(session, token, port), port) as page:
        opened(page.address)
        try:
            page.run()
        finally:
            session.close()


async def _refused(request: Request, problem: Exception) -> Response:
    status = 409 if isinstance(problem, ConflictError) else 400
    if isinstance(problem, VideoError):
        status = 404
    if isinstance(problem, OutputError):
        status = 507
    return JSONResponse({"error": str(problem)}, status)


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
        asked = await json_body(request, CorrectionsError)
        rater, index = request.query_params.get("rater", ""), request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.correct, index, rater, asked))

    return answer


def _picture(session: Session) -> Answer:
    async def answer(request: Request) -> Response:
        index, frame = request.path_params["index"], request.path_params["frame"]
        view = request.query_params.get("view", "hand")
        content = await run_in_threadpool(session.picture, index, frame, view)
        return Response(content, media_type="image/jpeg")

    return answer
