"""tapscope attention: show what the network looks at."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeviceOption, SizeOption, WeightsOption, interruptible


def attention(
    source: Annotated[
        Path, typer.Argument(metavar="IMAGE|VIDEO", help="An image or a video of a hand.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="PNG or SVG for an image, MP4 for a video; default: beside the source.",
        ),
    ] = None,
    weights: WeightsOption = None,
    finder: Annotated[
        Path | None,
        typer.Option(
            "--finder",
            metavar="FILE",
            help="Weights that detect the hand; default: those of --weights.",
        ),
    ] = None,
    size: SizeOption = None,
    background: Annotated[
        bool,
        typer.Option("--background", help="Show the surroundings of the hand, faces included."),
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Show where the network looks: the attention of every stage and scale."""
    from tapscope.cli import console
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read
    from tapscope.visualise.attention_figure import path_for, write_attention

    path = path_for(source, out)
    shown = read(find_weights(weights))
    engine = make_engine(read(find_weights(finder)) if finder else shown, device)
    again = "nothing was written; run the same command again"
    with interruptible(again), console.counting("frames") as bar:
        write_attention(
            source, path, shown, engine, size_px=size, background=background, on_frame=bar.step
        )
    typer.echo(path)
