"""tapscope analyze: measure tapping in recordings and write a table."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tapscope.cli.options import (
    INTERRUPTED,
    SOME_FAILED,
    DeviceOption,
    ProtocolOption,
    QuietOption,
    SlowMotionOption,
    WeightsOption,
)


def analyze(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO|FOLDER...", help="Recordings, or folders.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The table to write: .csv or .parquet.")
    ] = Path("features.csv"),
    protocol: ProtocolOption = "mds-updrs-3.4",
    weights: WeightsOption = None,
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", metavar="CSV", help="CSV that describes each recording."),
    ] = None,
    hand: Annotated[
        Literal["left", "right"] | None,
        typer.Option(
            "--hand",
            metavar="left|right",
            help="Tapping hand in all recordings; overrides manifest and file names.",
        ),
    ] = None,
    slow_motion: SlowMotionOption = None,
    device: DeviceOption = "auto",
    decoder: Annotated[
        Literal["auto", "decord", "pyav"],
        typer.Option(
            "--decoder",
            metavar="auto|decord|pyav",
            help="What decodes the videos; auto is pyav, the faster and safer one.",
        ),
    ] = "auto",
    jobs: Annotated[
        int,
        typer.Option("--jobs", metavar="N", min=1, help="Number of recordings to analyse at once."),
    ] = 1,
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", help="Search folders within folders.")
    ] = True,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", metavar="S", min=0.001, help="Skip a recording after this many seconds."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Analyse again; by default completed recordings are skipped."),
    ] = False,
    rater: Annotated[
        str,
        typer.Option(
            "--rater",
            metavar="ID",
            help="Apply the corrections of this rater, where several exist.",
        ),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 1 for doubtful recordings too.")
    ] = False,
    report: Annotated[
        bool,
        typer.Option("--report", help="Write a page with every trace, too: TABLE.html."),
    ] = False,
    quiet: QuietOption = False,
    json_log: Annotated[
        bool, typer.Option("--json-log", help="Log to stderr, one JSON object per line.")
    ] = False,
) -> None:
    """Measure tapping in recordings and write a table with one row per recording."""
    from tapscope.cli import console
    from tapscope.output.checks import check_file
    from tapscope.pipeline.analyze import Options, analyze_videos

    options = Options(
        videos=tuple(videos),
        out=out,
        protocol=protocol,
        weights=weights,
        manifest=manifest,
        hand=hand or "",
        slow_motion=slow_motion,
        device=device,
        decoder=decoder,
        jobs=jobs,
        recursive=recursive,
        time_limit_s=time_limit,
        force=force,
        rater=rater,
    )
    if report:
        check_file(out.with_suffix(".html"))
    mode: console.Mode = "json" if json_log else "quiet" if quiet else "terminal"
    with console.progress_listener(mode) as listener:
        result = analyze_videos(options, listener, sys.argv)
    if mode == "terminal":
        console.print_summary(result, out)
    if report:
        from tapscope.visualise.report.page import write_report

        page = write_report(out)
        if mode == "terminal":
            typer.echo(f"wrote {page}")
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    if result.count("failed") or (strict and result.count("doubtful")):
        raise typer.Exit(SOME_FAILED)
