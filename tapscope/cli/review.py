"""tapscope review: look at recordings and correct them, or the labels of frames."""

import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer


def review(
    features: Annotated[
        Path | None,
        typer.Argument(
            metavar="[TABLE]",
            help="The table that 'tapscope analyze' wrote; default: features.csv.",
            show_default=False,
        ),
    ] = None,
    *,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="VIDEO|FOLDER",
            help="Where the videos are now; default: where they were analysed. Repeatable.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FOLDER",
            help="Correct the frames that 'tapscope frames' wrote there, instead of a table.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help="Port of the page; 0: any."),
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Compare the raters and write TABLE.raters.csv; no page."),
    ] = False,
) -> None:
    """Look at each recording beside its trace, correct and sign it; or correct labels of frames."""
    if labels is not None:
        if features is not None:
            raise typer.BadParameter("--labels goes without a table", param_hint="TABLE")
        if videos:
            raise typer.BadParameter("--labels needs no videos", param_hint="--videos")
        if compare:
            raise typer.BadParameter("--labels has no raters to compare", param_hint="--compare")
        _serve_labels(labels, port, browser=browser)
        return
    table = features or Path("features.csv")
    if compare:
        _compare(table, videos or [])
    else:
        _serve_recordings(table, videos or [], port, browser=browser)


def _compare(table: Path, videos: Sequence[Path]) -> None:
    """Compare the raters of a table."""
    from tapscope.cli.console.raters import print_raters
    from tapscope.review.raters import compare_raters, write_raters
    from tapscope.review.study import open_study

    found = compare_raters(open_study(table, videos))
    print_raters(found, write_raters(found, table))


def _serve_recordings(table: Path, videos: Sequence[Path], port: int, *, browser: bool) -> None:
    """Serve the page about recordings until Ctrl-C."""
    _require_server(table)
    from tapscope.review.server import serve
    from tapscope.review.session import Session
    from tapscope.review.study import open_study

    session = Session(open_study(table, videos))
    with _until_stopped("run 'tapscope analyze' again to apply what was signed"):
        serve(session, port, lambda address: _opened(address, browser=browser))


def _serve_labels(folder: Path, port: int, *, browser: bool) -> None:
    """Serve the page about labelled frames until Ctrl-C."""
    _require_server(folder)
    from tapscope.labelling.label_folder import LabelFolder
    from tapscope.review.label_server import serve_labels
    from tapscope.review.label_session import LabelSession

    session = LabelSession(LabelFolder(folder))
    with _until_stopped(f"'tapscope train --data {folder}' learns from the accepted images"):
        serve_labels(session, port, lambda address: _opened(address, browser=browser))


def _require_server(path: Path) -> None:
    from tapscope.errors import CorrectionsError, require_extra

    for module in ("starlette", "uvicorn"):
        require_extra(module, "review", path, CorrectionsError, what="the page of review")


def _opened(address: str, *, browser: bool) -> None:
    typer.echo(f"open {address}")
    typer.echo("Ctrl-C ends it; every correction is already saved", err=True)
    if browser:
        webbrowser.open(address)


@contextmanager
def _until_stopped(what_next: str) -> Iterator[None]:
    """Say after Ctrl-C what to do next."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped; {what_next}", err=True)
