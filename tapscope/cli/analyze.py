"""The verbs on recordings: analyze, inspect, compare, protocols."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import (
    INTERRUPTED,
    SOME_FAILED,
    DeviceOption,
    ProtocolOption,
    Side,
    WeightsOption,
    app,
)
from tapscope.errors import VideoError

protocols_app = typer.Typer(help="List the protocols, or show one.", no_args_is_help=False)
app.add_typer(protocols_app, name="protocols")


@app.command()
def analyze(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO|FOLDER...", help="Recordings, or folders.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", help="The table, CSV or Parquet by its ending.")
    ] = Path("features.csv"),
    protocol: ProtocolOption = "mds-updrs-3.4",
    weights: WeightsOption = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="CSV that says what each recording is.")
    ] = None,
    hand: Annotated[
        Side | None, typer.Option("--hand", help="Tapping hand, the same in all recordings.")
    ] = None,
    device: DeviceOption = "auto",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Recordings analysed at a time.")] = 1,
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", help="Search folders within folders.")
    ] = True,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", min=0.001, help="Seconds after which one is given up."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Do again what is done.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Doubtful recordings count as failed.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
    json_log: Annotated[
        bool, typer.Option("--json-log", help="Log to stderr, one JSON object a line.")
    ] = False,
) -> None:
    """Measure tapping in recordings and write a table, one row a recording."""
    from tapscope.cli import console
    from tapscope.pipeline.analyze import Options, analyze_videos

    options = Options(
        videos=tuple(videos),
        out=out,
        protocol=protocol,
        weights=weights,
        manifest=manifest,
        hand=hand or "",
        device=device,
        jobs=jobs,
        recursive=recursive,
        time_limit_s=time_limit,
        force=force,
    )
    mode: console.Mode = "json" if json_log else "quiet" if quiet else "terminal"
    with console.shown(mode) as shown:
        result = analyze_videos(options, shown, sys.argv)
    if mode == "terminal":
        console.print_summary(result, out)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.count("failed") or (strict and result.count("doubtful")):
        raise typer.Exit(SOME_FAILED)


@app.command()
def inspect(
    video: Annotated[Path, typer.Argument(help="The recording.")],
    *,
    protocol: ProtocolOption = "mds-updrs-3.4",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what is in a video file and whether it suits the protocol."""
    from tapscope.cli import console
    from tapscope.protocol.protocol import load
    from tapscope.video.inspection import inspect_video

    rules = load(protocol)
    try:
        inspection = inspect_video(
            video,
            min_duration_s=rules.time.start_s + rules.quality.min_duration_s,
            max_duration_s=rules.time.start_s + rules.time.max_duration_s,
        )
    except VideoError as problem:
        typer.echo(f"tapscope: {problem}", err=True)
        raise typer.Exit(SOME_FAILED) from problem
    console.print_inspection(inspection, rules.name, as_json=as_json)
    if not inspection.suitable:
        raise typer.Exit(SOME_FAILED)


@app.command()
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
        typer.Option("--manifest", help="CSV: recording, sensor_file, and what else is known."),
    ] = None,
    protocol: ProtocolOption = "mds-updrs-3.4",
    margin: Annotated[
        list[str] | None,
        typer.Option("--margin", metavar="FEATURE=VALUE", help="Equivalence margin. Repeatable."),
    ] = None,
    tolerance_ms: Annotated[
        float, typer.Option("--tolerance", min=1, help="Same tap: closures so many ms apart.")
    ] = 50.0,
    offset: Annotated[
        float | None,
        typer.Option("--offset", help="Rough offset: sensor clock less video clock, seconds."),
    ] = None,
    offset_within: Annotated[
        float, typer.Option("--offset-within", min=0.01, help="How far to look around it, seconds.")
    ] = 2.0,
    sync_cue: Annotated[
        list[str] | None,
        typer.Option("--sync-cue", metavar="VIDEO_S=SENSOR_S", help="One event in both clocks."),
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync/--no-sync", help="Without: features are compared, taps not.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Compare a table of videos with wearable sensors and report their agreement."""
    from tapscope.cli import console
    from tapscope.cli.console.compare import print_comparison
    from tapscope.compare import ClockRule, Options, compare_study
    from tapscope.compare.output import write_comparison

    cues = tuple(_pair(text, "--sync-cue") for text in sync_cue or [])
    options = Options(
        sensor=sensor,
        features=features,
        out=out,
        manifest=manifest,
        protocol=protocol,
        margins=dict(_named(text, "--margin") for text in margin or []),
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


def _named(text: str, option: str) -> tuple[str, float]:
    """Read 'name=number'."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError as problem:
        raise typer.BadParameter(f"{text!r}: write NAME=NUMBER", param_hint=option) from problem


def _pair(text: str, option: str) -> tuple[float, float]:
    """Read 'number=number'."""
    first, second = _named(text, option)
    try:
        return float(first), second
    except ValueError as problem:
        raise typer.BadParameter(f"{text!r}: write NUMBER=NUMBER", param_hint=option) from problem


@protocols_app.callback(invoke_without_command=True)
def protocols(context: typer.Context) -> None:
    """List the protocols that come with tapscope."""
    if context.invoked_subcommand is None:
        from tapscope.cli import console
        from tapscope.protocol.protocol import bundled, load

        console.print_names([(name, load(name).description) for name in bundled()])


@protocols_app.command()
def show(name: Annotated[str, typer.Argument(help="Name of a protocol, or path.")]) -> None:
    """Print a protocol's file."""
    from tapscope.protocol.protocol import find

    typer.echo(find(name).read_text(encoding="utf-8"), nl=False)
