"""tapscope live: follow a hand before the camera, record a guided test and measure it."""

import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapscope.cli.options import (
    INTERRUPTED,
    SOME_FAILED,
    DeviceOption,
    ProtocolOption,
    WeightsOption,
)
from tapscope.threads import one_thread_for_sums

if TYPE_CHECKING:
    from tapscope.live.results import Analyse, MeasuredTest
    from tapscope.live.run import LiveRun
    from tapscope.live.source import FrameSource

_USUAL_S: Final = 10.0
"""Seconds of tapping where the protocol does not say."""
_SHUT_DOWN_S: Final = 5.0


def live(
    *,
    camera: Annotated[
        int | None,
        typer.Option(
            "--camera", metavar="N", min=0, help="Number of the camera; default: 0, the first."
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--source", metavar="FILE", help="A video that is taken for the camera."),
    ] = None,
    realtime: Annotated[
        bool,
        typer.Option(
            "--realtime",
            help="With --source: give frames at their own time and drop late ones, as a camera.",
        ),
    ] = False,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder of the recordings and their features.csv."
        ),
    ] = Path("live"),
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the recording, such as sub-01_hand-left_run-1; default: date and time.",
        ),
    ] = "",
    seconds: Annotated[
        float | None,
        typer.Option(
            "--seconds",
            metavar="S",
            min=1,
            max=600,
            help="Seconds of tapping; default: those of the protocol, or 10.",
        ),
    ] = None,
    protocol: ProtocolOption = "mds-updrs-3.4",
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    headless: Annotated[
        bool,
        typer.Option(
            "--headless", help="No page: begin one test at once, print its states and its result."
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port of the page; 0: any."),
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
) -> None:
    """Follow the hand before the camera; guide, record and measure a test."""
    from tapscope.errors import OutputError, require_extra

    one_thread_for_sums()  # the last seconds are measured several times a second
    from tapscope.live.run import LiveRun
    from tapscope.live.setup import make_session
    from tapscope.output.checks import check_folder
    from tapscope.protocol.protocol import load

    if camera is not None and source is not None:
        raise typer.BadParameter("give --camera or --source, not both")
    if realtime and source is None:
        raise typer.BadParameter("--realtime belongs to --source: a camera is always in real time")
    if not headless:
        for module in ("starlette", "uvicorn"):
            require_extra(
                module, "review", out, OutputError, "; or give --headless", what="the live page"
            )
    check_folder(out)
    rules = load(protocol)
    session = make_session(
        _open_source(camera or 0, source, realtime=realtime),
        out,
        name,
        protocol=rules,
        weights=weights,
        device=device,
        tapping_s=seconds or rules.expected_duration_s or _USUAL_S,
    )
    run = LiveRun(session, _analysis(protocol, weights, device), _say)
    try:
        if headless:
            _finish(run.run_test())
        else:
            with _page(run, port, open_it=browser):
                run.run_tests()
    except KeyboardInterrupt:
        typer.echo(f"interrupted: {run.interrupted()}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _open_source(camera: int, source: Path | None, *, realtime: bool) -> "FrameSource":
    from tapscope.live.source import CameraSource, FileSource

    if source is None:
        return CameraSource(camera)
    return FileSource(source, realtime=realtime)


def _analysis(protocol: str, weights: Path | None, device: str) -> "Analyse":
    """Return what runs `tapscope analyze` on the folder of the recordings."""
    from tapscope.cli import console
    from tapscope.live.results import TABLE
    from tapscope.pipeline.analyze import Options, analyze_videos
    from tapscope.pipeline.batch import BatchResult

    def analyse(folder: Path) -> BatchResult:
        options = Options(
            videos=(folder,),
            out=folder / TABLE,
            protocol=protocol,
            weights=weights,
            device=device,
            recursive=False,
        )
        with console.progress_listener("terminal") as listener:
            result = analyze_videos(options, listener, sys.argv)
        console.print_summary(result, options.table)
        return result

    return analyse


def _finish(result: "MeasuredTest") -> None:
    """End as `analyze` does."""
    if result.cells.get("status") == "failed":
        raise typer.Exit(SOME_FAILED)


@contextmanager
def _page(run: "LiveRun", port: int, *, open_it: bool) -> Iterator[None]:
    """Serve the page in a thread meanwhile."""
    from tapscope.live.server import make_app
    from tapscope.local_page.server import local_server

    with local_server(lambda token, at: make_app(run, token, at), port) as page:
        thread = threading.Thread(target=page.run, name="page", daemon=True)
        thread.start()
        typer.echo(f"open {page.address}")
        if open_it:
            webbrowser.open(page.address)
        try:
            yield
        finally:
            page.server.should_exit = True
            thread.join(_SHUT_DOWN_S)
