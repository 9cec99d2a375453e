"""tapscope overlay: look at what was measured, on the video itself."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import (
    INTERRUPTED,
    SOME_FAILED,
    DeidentifyOption,
    KeyOption,
    QuietOption,
    interruptible,
    require_deidentify,
)


def overlay(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO|FOLDER...", help="Recordings, or folders.")
    ],
    *,
    results: Annotated[
        Path,
        typer.Option(
            "--results",
            metavar="TABLE",
            help="The table that 'tapscope analyze' wrote; if there is none, it is made first.",
        ),
    ] = Path("features.csv"),
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="For the clips; default: TABLE.overlays."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Show the whole image, blurred all around the hand."),
    ] = False,
    deidentify: DeidentifyOption = False,
    key: KeyOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write clips of the hand with tips, taps and aperture; nobody can be recognised in them."""
    from tapscope.visualise.overlay.clip import folder_of_clips

    require_deidentify(key, deidentify=deidentify)
    if not results.exists():
        _analyze(videos, results, quiet=quiet)
    folder = out or folder_of_clips(results)
    if write_clips(results, videos, folder, full=full, deidentify=deidentify, key=key, quiet=quiet):
        raise typer.Exit(SOME_FAILED)


def write_clips(
    results: Path,
    videos: Sequence[Path],
    folder: Path,
    *,
    full: bool = False,
    deidentify: bool = False,
    key: Path | None = None,
    quiet: bool = False,
) -> int:
    """Write the clips and print what became of them; return how many could not be written."""
    from tapscope.cli import console
    from tapscope.output.checks import check_folder
    from tapscope.pipeline.result_reader import read_features
    from tapscope.visualise.overlay.clip import write_overlays
    from tapscope.visualise.pseudonyms import read_pseudonyms

    table = read_features(results)
    check_folder(folder)
    pseudonyms = read_pseudonyms(results, key) if deidentify else None
    failed = 0
    again = "the clips written so far are whole; run the same command again for all"
    with interruptible(again), console.counting("frames") as bar:
        for result in write_overlays(
            table, videos, folder, full=full, pseudonyms=pseudonyms, on_frame=bar.step
        ):
            if result.path is None:
                failed += 1
                typer.echo(f"{result.shown_name}: no clip: {result.problem}", err=True)
            elif not quiet:
                typer.echo(f"wrote {result.path}")
    return failed


def _analyze(videos: Sequence[Path], results: Path, *, quiet: bool) -> None:
    """Make the table first, with the default protocol and weights."""
    from tapscope.cli import console
    from tapscope.pipeline.analyze import Options, analyze_videos

    with console.progress_listener("quiet" if quiet else "terminal") as listener:
        done = analyze_videos(Options(videos=tuple(videos), out=results), listener, sys.argv)
    if not quiet:
        console.print_summary(done, results)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)
