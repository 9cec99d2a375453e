"""What the page about labelled frames is answered.

An image is asked for by its number in annotations.json; no path of a file is ever taken from a
request.
"""

from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tapscope.local_page.server import Answer
from tapscope.review.label_session import LabelSession
from tapscope.review.serving import guarded, json_body, rater_of, serve_app

_FILES: Final = {
    "": "labels.html",
    "review.css": "review.css",
    "labels.js": "labels.js",
    "label_image.js": "label_image.js",
    "marker.js": "marker.js",
    "page.js": "page.js",
}


def make_label_app(session: LabelSession, token: str, port: int) -> ASGIApp:
    """Return the web application; see `server.make_app`."""
    routes = [
        Route("/api/images", _images(session)),
        Route("/api/images/{index:int}", _image(session)),
        Route("/api/images/{index:int}/labels", _change(session), methods=["POST"]),
        Route("/api/images/{index:int}/picture", _picture(session)),
        Route("/api/undo", _undo(session), methods=["POST"]),
    ]
    return guarded(_FILES, routes, token, port)


def serve_labels(session: LabelSession, port: int, opened: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; see `server.serve`."""
    serve_app(lambda token, port: make_label_app(session, token, port), port, opened)


def _images(session: LabelSession) -> Answer:
    async def answer(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(session.images, rater_of(request)))

    return answer


def _image(session: LabelSession) -> Answer:
    async def answer(request: Request) -> Response:
        index = request.path_params["index"]
        return JSONResponse(await run_in_threadpool(session.image, index, rater_of(request)))

    return answer


def _change(session: LabelSession) -> Answer:
    async def answer(request: Request) -> Response:
        asked = await json_body(request)
        index, rater = request.path_params["index"], rater_of(request)
        return JSONResponse(await run_in_threadpool(session.change, index, rater, asked))

    return answer


def _picture(session: LabelSession) -> Answer:
    async def answer(request: Request) -> Response:
        content = await run_in_threadpool(session.picture, request.path_params["index"])
        return Response(content, media_type="image/png")

    return answer


def _undo(session: LabelSession) -> Answer:
    async def answer(request: Request) -> Response:
        await json_body(request)  # a form of another page cannot send this kind
        return JSONResponse(await run_in_threadpool(session.undo, rater_of(request)))

    return answer
