"""tapscope frames: pick frames to label."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import (
    INTERRUPTED,
    SOME_FAILED,
    DeviceOption,
    WeightsOption,
    interruptible,
)


def frames(
    videos: Annotated[list[Path], typer.Argument(help="Videos, and folders that hold some.")],
    *,
    count: Annotated[
        int, typer.Option("--n", metavar="N", min=1, help="How many frames to pick.")
    ] = 50,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="The folder to write.")
    ] = Path("to_label"),
    features: Annotated[
        Path,
        typer.Option(
            "--features",
            metavar="TABLE",
            help="The table of these videos; where there is none, they are analysed first.",
        ),
    ] = Path("features.csv"),
    full: Annotated[
        bool,
        typer.Option("--full", help="Write whole frames, which may show a face, not the hand."),
    ] = False,
    deidentify: Annotated[
        bool, typer.Option("--deidentify", help="Write no participant name, file name or path.")
    ] = False,
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
) -> None:
    """Pick doubtful frames and write them, with the network's guesses, to be labelled."""
    from tapscope.cli import console
    from tapscope.cli.console.summary import count_of
    from tapscope.labelling.frames import pick_frames
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read
    from tapscope.output.complete_folder import check_is_new
    from tapscope.pipeline.analyze import Options, analyze_videos

    check_is_new(out)
    if not features.exists():
        options = Options(tuple(videos), features, weights=weights, device=device)
        with console.progress_listener("terminal") as listener:
            result = analyze_videos(options, listener, sys.argv)
        console.print_summary(result, features)
        if result.interrupted:
            raise typer.Exit(INTERRUPTED)
    engine = make_engine(read(find_weights(weights)), device)
    again = "nothing was written; run the same command again"
    with interruptible(again), console.counting("recordings") as bar:
        picked = pick_frames(
            videos,
            features,
            out,
            engine,
            count=count,
            whole_frame=full,
            deidentify=deidentify,
            on_recording=bar.step,
        )
    for name, reason in picked.left_out.items():
        typer.echo(f"no frame of {name}: {reason}", err=True)
    total = count_of(sum(picked.frames.values()), "frame")
    recordings = count_of(len(picked.frames), "recording")
    typer.echo(f"wrote {total} of {recordings} to {picked.out}")
    if picked.left_out:
        raise typer.Exit(SOME_FAILED)
