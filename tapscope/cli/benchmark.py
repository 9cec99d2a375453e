"""tapscope benchmark: compare networks, and measure the speed on this machine."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import CompileOption, DeviceOption, WeightsOption, interruptible

app = typer.Typer(help="Compare networks; measure the speed.", no_args_is_help=True)


@app.callback()
def benchmark() -> None:
    """Compare networks; measure the speed."""


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
            help="Weights that detect the hands; default: pmsdsnet-m3-80.",
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


@app.command()
def speed(
    videos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[VIDEO...]", help="Videos; default: the three sample recordings."),
    ] = None,
    *,
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, help="Show the median of N rounds.")
    ] = 3,
    mediapipe: Annotated[
        Path | None,
        typer.Option(
            "--mediapipe",
            metavar="PYTHON",
            help="A Python with MediaPipe, whose Hands are timed on the same videos.",
        ),
    ] = None,
) -> None:
    """Measure how fast tapscope is on this machine, and where the time goes."""
    from tapscope.cli import console
    from tapscope.evaluation.speed import measure_speed, sample_videos
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read

    file = find_weights(weights)
    with console.saying() as report:
        measured = measure_speed(
            videos or sample_videos(),
            make_engine(read(file), device),
            options=["--weights", str(file), "--device", device],
            mediapipe=mediapipe,
            repeats=repeats,
            report=report,
        )
    console.print_speed(measured)
