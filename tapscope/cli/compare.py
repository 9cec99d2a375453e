"""tapscope compare: compare a table of videos with wearable sensors."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import SOME_FAILED, ProtocolOption, QuietOption


def compare(
    *,
    sensor: Annotated[Path, typer.Option("--sensor", help="Folder of sensor logs.")],
    features: Annotated[
        Path, typer.Option("--features", help="The table that analyze wrote.")
    ] = Path("features.csv"),
    out: Annotated[Path, typer.Option("--out", help="Folder for tables and report.")] = Path(
        "agreement"
    ),
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest", help="CSV that describes each recording and names its sensor_file."
        ),
    ] = None,
    protocol: ProtocolOption = "mds-updrs-3.4",
    margin: Annotated[
        list[str] | None,
        typer.Option("--margin", metavar="FEATURE=VALUE", help="Equivalence margin. Repeatable."),
    ] = None,
    tolerance_ms: Annotated[
        float,
        typer.Option("--tolerance", min=1, help="Taps match if they close within this many ms."),
    ] = 50.0,
    offset: Annotated[
        float | None,
        typer.Option("--offset", help="Rough clock offset: sensor minus video, seconds."),
    ] = None,
    offset_within: Annotated[
        float,
        typer.Option("--offset-within", min=0.01, help="How far from --offset to search, seconds."),
    ] = 2.0,
    sync_cue: Annotated[
        list[str] | None,
        typer.Option(
            "--sync-cue", metavar="VIDEO_S=SENSOR_S", help="One event in both clocks. Repeatable."
        ),
    ] = None,
    sync: Annotated[
        bool,
        typer.Option("--sync/--no-sync", help="Align the clocks; without, taps are not matched."),
    ] = True,
    quiet: QuietOption = False,
) -> None:
    """Compare a table of videos with wearable sensors and report how well they agree."""
    from tapscope.cli import console
    from tapscope.cli.console.compare import print_comparison
    from tapscope.compare import ClockRule, Options, compare_study
    from tapscope.compare.output import write_comparison

    cues = tuple(_two_numbers(text, "--sync-cue") for text in sync_cue or [])
    options = Options(
        sensor=sensor,
        features=features,
        out=out,
        manifest=manifest,
        protocol=protocol,
        margins=dict(_name_and_number(text, "--margin") for text in margin or []),
        clock=ClockRule(sync, offset, offset_within, cues),
        tolerance_s=tolerance_ms / 1000,
    )
    if quiet:
        found = compare_study(options)
    else:
        with console.counting("recordings") as bar:
            found = compare_study(options, lambda _, done, of: bar.step(done, of))
    found = write_comparison(found, options, sys.argv)
    if not quiet:
        print_comparison(found, out)
    if found.failed:
        raise typer.Exit(SOME_FAILED)


def _name_and_number(text: str, option: str) -> tuple[str, float]:
    """Read 'name=number'."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as problem:
        raise typer.BadParameter(f"{text!r}: write NAME=NUMBER", param_hint=option) from problem


def _two_numbers(text: str, option: str) -> tuple[float, float]:
    """Read 'number=number'."""
    first, second = _name_and_number(text, option)
    try:
        return float(first), second
    except ValueError as problem:
        raise typer.BadParameter(f"{text!r}: write NUMBER=NUMBER", param_hint=option) from problem
