"""tapscope report: one page to look at a study."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    features: Annotated[
        Path, typer.Argument(metavar="TABLE", help="The table that 'tapscope analyze' wrote.")
    ] = Path("features.csv"),
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The page to write; default: the table's name with .html."),
    ] = None,
) -> None:
    """Write one HTML page with the table, every trace and what to do about doubtful rows."""
    from tapscope.visualise.report.page import write_report

    typer.echo(f"wrote {write_report(features, out)}")
