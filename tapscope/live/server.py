"""The web server of the live page; see `local_page.server` for whom it answers."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tapscope.errors import OutputError, TapscopeError
from tapscope.live.picture import jpeg
from tapscope.live.results import SHOWN, MeasuredTest
from tapscope.live.run import LiveRun
from tapscope.local_page.server import Answer, Guard, file_routes, json_body

_FILES: Final = {
    "": "live.html",
    "live.css": "live.css",
    "live.js": "live.js",
}
_FRAME_WAIT_S: Final = 1.0
"""How long a request for the next frame waits for it."""


def make_app(run: LiveRun, token: str, port: int) -> ASGIApp:
    """Return the web application.

    Parameters
    ----------
    run
        What is shown.
    token
        Begins every address.
    port
        On which it is served, for the check of host and origin.
    """
    routes = file_routes("tapscope.live", _FILES)
    routes += [
        Route("/api/state", _state(run)),
        Route("/api/start", _start(run), methods=["POST"]),
        Route("/api/insist", _order(run.session.insist), methods=["POST"]),
        Route("/api/cancel", _order(run.session.cancel_test), methods=["POST"]),
        Route("/frames/after/{number:int}", _frame(run)),
        Route("/frames/first", _frame(run)),
    ]
    app = Starlette(routes=routes, exception_handlers={TapscopeError: _refused})
    return Guard(app, token, port, "live")


async def _refused(request: Request, problem: Exception) -> Response:
    return JSONResponse({"error": str(problem)}, 400)


def _state(run: LiveRun) -> Answer:
    async def answer(request: Request) -> Response:
        return JSONResponse(state_of(run))

    return answer


def _start(run: LiveRun) -> Answer:
    async def answer(request: Request) -> Response:
        asked = await json_body(request, OutputError)
        name = asked.get("name", "")
        if not isinstance(name, str):
            raise OutputError("the name of the recording is no text")
        await run_in_threadpool(run.session.begin_test, name.strip())
        return JSONResponse({"name": run.session.names.path.stem})

    return answer


def _order(order: Callable[[], None]) -> Answer:
    async def answer(request: Request) -> Response:
        await json_body(request, OutputError)
        await run_in_threadpool(order)
        return JSONResponse({})

    return answer


def _frame(run: LiveRun) -> Answer:
    def picture(number: int) -> tuple[int, bytes] | None:
        drawn = run.session.drawn_after(number, _FRAME_WAIT_S)
        return None if drawn is None else (drawn.number, jpeg(drawn))

    async def answer(request: Request) -> Response:
        found = await run_in_threadpool(picture, request.path_params.get("number", -1))
        if found is None:
            return Response(status_code=204)
        number, content = found
        return Response(content, media_type="image/jpeg", headers={"X-Frame-Number": str(number)})

    return answer


def state_of(run: LiveRun) -> dict[str, Any]:
    """Return what the page shows besides the image, unknown numbers as None."""
    session, state, reading = run.session, run.session.guide_state, run.session.reading
    return {
        "phase": state.phase,
        "text": state.text,
        "advice": [advice.text for advice in state.advice],
        "left_s": _known(state.left_s),
        "source": Path(session.source.name).name,
        "given_name": session.names.given,
        "captured_hz": _known(session.recent.signals().frame_rate_hz),
        "shown_hz": _known(session.timing.now_hz()),
        "dropped": session.dropped,
        "rate_hz": _known(reading.rate_hz),
        "unit": reading.unit.replace("_", " "),
        "time_s": [round(value, 4) for value in reading.time_s.tolist()],
        "aperture": [_known(value) for value in reading.aperture.tolist()],
        "closure_s": [round(value, 4) for value in reading.closure_s.tolist()],
        "result": _result(run.result, is_live=session.source.is_live),
        "problem": run.problem,
    }


def _known(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _result(result: MeasuredTest | None, *, is_live: bool) -> dict[str, Any] | None:
    if result is None:
        return None
    cells = result.cells
    shown = {name: cells.get(name) for name in SHOWN}
    return {
        "name": result.recording.path.stem,
        "table": f"{result.table.absolute().parent.name}/{result.table.name}",
        "is_live": is_live,
        "cells": {k: _known(v) if isinstance(v, float) else v for k, v in shown.items()},
        "marked_hz": _known(result.timing.marked_hz),
        "dropped": result.timing.dropped,
        "frames": result.timing.frames,
        "latency_median_ms": _known(result.timing.latency_median_ms),
        "latency_p95_ms": _known(result.timing.latency_p95_ms),
    }
