"""tapscope manifest: write a table in which to say who and what each recording shows."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import ProtocolOption


def manifest(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO|FOLDER...", help="Recordings, or folders.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The CSV to write.")] = Path("manifest.csv"),
    protocol: ProtocolOption = "mds-updrs-3.4",
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", help="Search folders within folders.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
) -> None:
    """Write a manifest to fill in, with what the file names say."""
    from tapscope.pipeline.manifest import draft_manifest

    count = draft_manifest(out, videos, protocol=protocol, recursive=recursive, force=force)
    noun = "recording" if count == 1 else "recordings"
    typer.echo(f"{count} {noun}: {out}; fill it in, then: tapscope analyze --manifest {out}")
