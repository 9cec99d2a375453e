"""tapscope merge: join the tables of shards."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import QuietOption


def merge(
    shards: Annotated[
        list[Path], typer.Argument(metavar="SHARD...", help="Tables of 'analyze --shard i/N'.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The table to write: .csv or .parquet.")
    ] = Path("features.csv"),
    quiet: QuietOption = False,
) -> None:
    """Join the tables and results of shards into those of one run."""
    from tapscope.cli import console
    from tapscope.pipeline.merge import merge_shards

    merged = merge_shards(shards, out, sys.argv)
    if not quiet:
        console.print_merged(merged, out)
