"""The command line: the `app`, one file a verb, and in console/ what the terminal shows.

A verb parses its options, calls the package and prints; it measures nothing. Only here may typer
and rich be imported. Verbs import the rest inside: `tapscope --help` must answer at once.
"""

from typing import Annotated, Final

import typer

from tapscope.cli import (
    analyze,
    attention,
    benchmark,
    compare,
    convert,
    evaluate,
    export,
    frames,
    inspect,
    live,
    manifest,
    merge,
    overlay,
    protocols,
    report,
    review,
    train,
)
from tapscope.cli.options import USAGE
from tapscope.errors import TapscopeError

NETWORKS: Final = "Networks"
"""Heading in the help for the verbs that train and evaluate networks."""

app = typer.Typer(
    help="Measure finger tapping from ordinary video.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(analyze.analyze)
app.command()(merge.merge)
app.command()(inspect.inspect)
app.command()(live.live)
app.command()(report.report)
app.command()(export.export)
app.command()(overlay.overlay)
app.command()(review.review)
app.command()(manifest.manifest)
app.command()(compare.compare)
app.add_typer(protocols.app, name="protocols")
app.command(rich_help_panel=NETWORKS)(frames.frames)
app.command(rich_help_panel=NETWORKS)(convert.convert)
app.command(rich_help_panel=NETWORKS)(train.train)
app.command(rich_help_panel=NETWORKS)(evaluate.evaluate)
app.command(rich_help_panel=NETWORKS)(attention.attention)
app.add_typer(benchmark.app, name="benchmark", rich_help_panel=NETWORKS)


def _print_version_and_exit(wanted: bool) -> None:
    if wanted:
        _print_version()
        raise typer.Exit


@app.callback(no_args_is_help=True)
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,  # before the command, which may be missing
            callback=_print_version_and_exit,
            help="Print version and commit, and exit.",
        ),
    ] = False,
) -> None:
    """Measure finger tapping from ordinary video."""


@app.command()
def version() -> None:
    """Print version and commit."""
    _print_version()


def _print_version() -> None:
    from tapscope import __version__
    from tapscope.output.provenance import commit

    head, changed, _ = (commit() or "").partition("-changed")
    revision = f" (commit {head[:12]}{', changed' if changed else ''})" if head else ""
    typer.echo(f"tapscope {__version__}{revision}")


def main() -> None:
    """Run the command line; an expected error is printed as one message, exit code 2."""
    try:
        app()
    except TapscopeError as problem:
        typer.echo(f"tapscope: {problem}", err=True)
        raise SystemExit(USAGE) from problem
