"""tapscope export: the results in the formats of other programs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tapscope.cli.options import SOME_FAILED


def export(
    features: Annotated[
        Path, typer.Argument(metavar="TABLE", help="The table that 'tapscope analyze' wrote.")
    ] = Path("features.csv"),
    *,
    to: Annotated[
        Literal["dlc", "nwb", "bids", "sav", "xlsx", "redcap", "long"],
        typer.Option("--to", help="The format to write."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file or folder to write; default: beside the table."),
    ] = None,
    deidentify: Annotated[
        bool,
        typer.Option("--deidentify", help="Write no participant name, file name or path."),
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="COLUMN",
            help="With --deidentify, a column of the manifest to keep. Repeatable.",
        ),
    ] = None,
) -> None:
    """Write the results for DeepLabCut, NWB, BIDS, SPSS, Excel, REDCap, or as a long table."""
    from tapscope.export.export import export_table

    if keep and not deidentify:
        raise typer.BadParameter("only --deidentify leaves columns out", param_hint="--keep")
    done = export_table(features, to, out, deidentify=deidentify, keep=keep or ())
    for one in done.not_exported:
        typer.echo(f"not exported: {one.recording}: {one.reason}", err=True)
    written = done.recordings - len(done.not_exported)
    typer.echo(f"wrote {done.out}: {written} of {done.recordings} recordings")
    if any(one.is_fault for one in done.not_exported):
        raise typer.Exit(SOME_FAILED)
