"""tapscope analyze: measure tapping in recordings and write a table."""

import sys
from dataclasses import replace
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
from tapscope.pipeline.ray_workers import RayCluster
from tapscope.pipeline.shards import Shard


def _shard(text: str) -> Shard:
    try:
        return Shard.parse(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


def _cluster(text: str) -> RayCluster:
    try:
        return RayCluster.parse(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


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
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            min=1,
            help="Number of recordings to analyse at once; by default one for each core.",
            show_default=False,
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive/--no-recursive", help="Search folders within folders.")
    ] = True,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", metavar="S", min=0.001, help="Skip a recording after this many seconds."
        ),
    ] = None,
    shard: Annotated[
        Shard | None,
        typer.Option(
            "--shard",
            metavar="i/N",
            parser=_shard,
            help="Analyse part i of N; 'tapscope merge' joins the tables.",
        ),
    ] = None,
    cluster: Annotated[
        RayCluster | None,
        typer.Option(
            "--cluster",
            metavar="ray[=ADDRESS]",
            parser=_cluster,
            help="Analyse on a Ray cluster; without ADDRESS Ray starts on this machine.",
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
    overlay: Annotated[
        bool,
        typer.Option(
            "--overlay",
            help="Write a clip of each hand with what was measured, too: TABLE.overlays.",
        ),
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

    if cluster:
        if jobs is not None:
            raise typer.BadParameter("--jobs is for this machine: leave it out with --cluster")
        cluster = replace(cluster, gpus=int(device == "cuda"))
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
        shard=shard,
        cluster=cluster,
        rater=rater,
    )
    if report:
        check_file(options.table.with_suffix(".html"))
    mode: console.Mode = "json" if json_log else "quiet" if quiet else "terminal"
    with console.progress_listener(mode) as listener:
        result = analyze_videos(options, listener, sys.argv)
    if mode == "terminal":
        console.print_summary(result, options.table)
    if report:
        from tapscope.visualise.report.page import write_report

        page = write_report(options.table)
        if mode == "terminal":
            typer.echo(f"wrote {page}")
    clips_failed = 0
    if overlay and not result.interrupted:
        from tapscope.cli.overlay import write_clips
        from tapscope.visualise.overlay.clip import folder_of_clips

        clips_failed = write_clips(out, videos, folder_of_clips(out), quiet=mode != "terminal")
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)
    counts = result.counts()
    if counts["failed"] or clips_failed or (strict and counts["doubtful"]):
        raise typer.Exit(SOME_FAILED)
