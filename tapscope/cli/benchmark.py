"""The verbs that make the tables of the paper: benchmark networks."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeviceOption, app

benchmark_app = typer.Typer(help="Make the tables of the paper.", no_args_is_help=True)
app.add_typer(benchmark_app, name="benchmark")


@benchmark_app.callback()
def benchmark() -> None:
    """Make the tables of the paper."""


@benchmark_app.command("networks")
def benchmark_networks(
    config: Annotated[Path, typer.Argument(help="TOML file: which networks, on which images.")],
    *,
    data: Annotated[
        Path, typer.Option("--data", help="Folder that holds the folders of labelled frames.")
    ] = Path(),
    out: Annotated[
        Path, typer.Option("--out", help="Folder for weights, scores, curves and tables.")
    ] = Path("benchmark"),
    finder: Annotated[
        Path | None,
        typer.Option("--finder", help="Weights that find the hands; by default the bundled ones."),
    ] = None,
    device: DeviceOption = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Fuse the step: slow to start, then faster.")
    ] = False,
) -> None:
    """Train and measure a table of networks; run it again to go on after an interruption."""
    from tapscope.cli import console
    from tapscope.evaluation.benchmark import benchmark_networks as make_table
    from tapscope.evaluation.benchmark import load_table
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read

    table = load_table(config)
    engine = make_engine(read(find_weights(finder)), device)
    with console.TableBar() as bar:
        scored = make_table(
            table,
            data,
            out,
            finder=engine,
            device=device,
            compiled=compiled,
            command=shlex.join(sys.argv),
            report=bar.run,
            on_step=bar.loss,
            on_image=bar.step,
        )
    console.print_scores(scored, out)
