"""tapscope benchmark: make the tables of the paper."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import CompileOption, DeviceOption, interruptible

app = typer.Typer(help="Make the tables of the paper.", no_args_is_help=True)


@app.callback()
def benchmark() -> None:
    """Make the tables of the paper."""


@app.command()
def networks(
    config: Annotated[
        Path,
        typer.Argument(metavar="TOML", help="TOML file: which networks to train, on which images."),
    ],
    *,
    data: Annotated[
        Path,
        typer.Option(
            "--data", metavar="FOLDER", help="Folder that holds the folders of labelled frames."
        ),
    ] = Path(),
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="Folder for weights, scores, curves and tables."
        ),
    ] = Path("benchmark"),
    finder: Annotated[
        Path | None,
        typer.Option(
            "--finder",
            metavar="FILE",
            help="Weights that detect the hands; default: pmsdsnet-m3-96.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    compiled: CompileOption = False,
) -> None:
    """Train and evaluate a table of networks; run it again to continue after an interruption."""
    from tapscope.cli import console
    from tapscope.evaluation.benchmark import benchmark_networks, load_table
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read
    from tapscope.output.checks import check_folder

    check_folder(out)
    table = load_table(config)
    engine = make_engine(read(find_weights(finder)), device)
    again = "run the same command again; what is trained is kept"
    with interruptible(again), console.TableBar() as bar:
        scored = benchmark_networks(
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
