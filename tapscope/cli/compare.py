"""tapscope compare: compare a table of videos with wearable sensors."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import SOME_FAILED, ProtocolOption, QuietOption, interruptible


def compare(
    *,
    sensor: Annotated[
        Path, typer.Option("--sensor", metavar="FOLDER", help="Folder of sensor logs.")
    ],
    features: Annotated[
        Path, typer.Option("--features", metavar="FILE", help="The table that analyze wrote.")
    ] = Path("features.csv"),
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder for tables and report.")
    ] = Path("agreement"),
    manifest: Annotated[
        Path | None,
        typer.Option(
            "--manifest",
            metavar="CSV",
            help="CSV that describes each recording and names its sensor_file.",
        ),
    ] = None,
    protocol: ProtocolOption = "mds-updrs-3.4",
    margin: Annotated[
        list[str] | None,
        typer.Option("--margin", metavar="FEATURE=VALUE", help="Equivalence margin. Repeatable."),
    ] = None,
    tolerance_ms: Annotated[
        float,
        typer.Option(
            "--tolerance", metavar="MS", min=1, help="Taps match if they close within this many ms."
        ),
    ] = 50.0,
    offset: Annotated[
        float | None,
        typer.Option(
            "--offset", metavar="S", help="Rough clock offset: sensor minus video, seconds."
        ),
    ] = None,
    offset_within: Annotated[
        float,
        typer.Option(
            "--offset-within",
            metavar="S",
            min=0.01,
            help="How far from --offset to search, seconds.",
        ),
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
    from tapscope.output.checks import check_folder

    cues = tuple(_cue(text) for text in sync_cue or [])
    options = Options(
        sensor=sensor,
        features=features,
        out=out,
        manifest=manifest,
        protocol=protocol,
        margins=dict(_margin(text) for text in margin or []),
        clock=ClockRule(sync, offset, offset_within, cues),
        tolerance_s=tolerance_ms / 1000,
    )
    check_folder(out)
    with interruptible("run the same command again; compare starts from the beginning"):
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


def _margin(text: str) -> tuple[str, float]:
    """Read 'feature=number'."""
    feature, _, value = text.partition("=")
    try:
        return feature.strip(), float(value)
    except ValueError as problem:
        raise typer.BadParameter(
            f"{text!r}: write FEATURE=VALUE, for example tapping_rate_hz=0.1",
            param_hint="--margin",
        ) from problem


def _cue(text: str) -> tuple[float, float]:
    """Read 'number=number'."""
    video_s, _, sensor_s = text.partition("=")
    try:
        return float(video_s), float(sensor_s)
    except ValueError as problem:
        raise typer.BadParameter(
            f"{text!r}: write VIDEO_S=SENSOR_S, the seconds of one event in both clocks, for "
            "example 1.25=41.3",
            param_hint="--sync-cue",
        ) from problem
