"""tapscope report: one page to look at a study."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeidentifyOption, KeyOption, interruptible, require_deidentify


def report(
    features: Annotated[
        Path, typer.Argument(metavar="TABLE", help="The table that 'tapscope analyze' wrote.")
    ] = Path("features.csv"),
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The page to write; default: the table's name with .html."),
    ] = None,
    videos: Annotated[
        Path | None,
        typer.Option(
            "--videos",
            metavar="FOLDER",
            help="Where the videos are now; default: where they were analysed.",
        ),
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures/--no-pictures", help="Show the hand at closures and openings, or do not."
        ),
    ] = True,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Write a PDF beside the page, too; needs Chromium.")
    ] = False,
    deidentify: DeidentifyOption = False,
    key: KeyOption = None,
) -> None:
    """Write one HTML page with the table, every trace and what to do about doubtful rows."""
    from tapscope.cli import console
    from tapscope.output.checks import check_file
    from tapscope.visualise.pseudonyms import read_pseudonyms
    from tapscope.visualise.report.page import write_report
    from tapscope.visualise.report.pdf import find_browser, write_pdf

    require_deidentify(key, deidentify=deidentify)
    page = out or features.with_suffix(".html")
    printed = page.with_suffix(".pdf")
    if pdf:
        find_browser()
        check_file(printed)
    pseudonyms = read_pseudonyms(features, key) if deidentify else None
    again = "nothing was written; run the same command again"
    with interruptible(again), console.counting("recordings") as bar:
        write_report(
            features, page, pictures=pictures, videos=videos, pseudonyms=pseudonyms,
            on_recording=bar.step,
        )  # fmt: skip
    typer.echo(f"wrote {page}")
    if pdf:
        write_pdf(page, printed)
        typer.echo(f"wrote {printed}")
