"""tapscope review: look at recordings and correct them."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def review(
    features: Annotated[
        Path, typer.Argument(metavar="TABLE", help="The table that 'tapscope analyze' wrote.")
    ] = Path("features.csv"),
    *,
    videos: Annotated[
        list[Path] | None,
        typer.Option(
            "--videos",
            metavar="VIDEO|FOLDER",
            help="Where the videos are now; default: where they were analysed. Repeatable.",
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
    """Look at each recording beside its trace, correct and sign it; or compare raters."""
    from tapscope.errors import CorrectionsError, require_extra

    if not compare:
        for module in ("starlette", "uvicorn"):
            require_extra(module, "review", features, CorrectionsError, what="the page of review")
    from tapscope.review.study import open_study

    study = open_study(features, videos or [])
    if compare:
        from tapscope.cli.console.raters import print_raters
        from tapscope.review.raters import compare_raters, write_raters

        found = compare_raters(study)
        print_raters(found, write_raters(found, features))
        return
    from tapscope.review.server import serve
    from tapscope.review.session import Session

    def opened(address: str) -> None:
        typer.echo(f"open {address}")
        typer.echo("Ctrl-C ends it; every correction is already saved", err=True)
        if browser:
            webbrowser.open(address)

    try:
        serve(Session(study), port, opened)
    except KeyboardInterrupt:
        typer.echo("stopped; run 'tapscope analyze' again to apply what was signed", err=True)
