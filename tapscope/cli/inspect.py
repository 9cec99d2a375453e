"""tapscope inspect: show what is in a video file and whether it suits a protocol."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import SOME_FAILED, ProtocolOption, SlowMotionOption
from tapscope.errors import VideoError


def inspect(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="The recording.")],
    *,
    protocol: ProtocolOption = "mds-updrs-3.4",
    slow_motion: SlowMotionOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is in a video file and whether it suits the protocol."""
    from tapscope.cli import console
    from tapscope.protocol.protocol import load
    from tapscope.video.inspection import inspect_video

    rules = load(protocol)
    try:
        inspection = inspect_video(
            video,
            min_duration_s=rules.time.start_s + rules.quality.min_duration_s,
            max_duration_s=rules.time.start_s + rules.time.max_duration_s,
            slow_motion=slow_motion,
        )
    except VideoError as problem:
        if not video.is_file():
            raise  # a wrong path is a wrong command, no bad recording
        typer.echo(f"tapscope: {problem}", err=True)
        raise typer.Exit(SOME_FAILED) from problem
    console.print_inspection(inspection, rules.name, as_json=as_json)
    if not inspection.suitable:
        raise typer.Exit(SOME_FAILED)
