"""The verbs on networks: train, convert, evaluate."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeviceOption, WeightsOption, app


@app.command()
def train(
    *,
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            help="Folder of labelled frames; give several, or one twice to draw it twice as often.",
        ),
    ] = None,
    init: Annotated[
        Path | None, typer.Option("--init", help="Weights to start from (fine-tuning).")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The weights file to write.")] = Path(
        "weights.safetensors"
    ),
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 20,
    size: Annotated[
        int | None, typer.Option("--size", min=32, help="Side of the crops, px.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", min=0.0, help="Learning rates as a share of the usual (1; 0.1 with --init)."
        ),
    ] = None,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option("--seed")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption.")] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Fuse the step: slow to start, then faster.")
    ] = False,
) -> None:
    """Train weights on labelled frames (COCO keypoints)."""
    from tapscope import console
    from tapscope.schedule import TrainSettings
    from tapscope.training import folders_or_default, train_weights

    settings = TrainSettings(epochs=epochs, seed=seed, compiled=compiled)
    with console.TrainingBar() as bar:
        trained = train_weights(
            folders_or_default(folders or []),
            out,
            settings,
            init=init,
            size_px=size,
            rate=rate,
            device=device,
            resume=resume,
            command=shlex.join(sys.argv),
            on_step=bar.loss,
            on_epoch=bar.epoch,
        )
    console.print_trained(trained)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="Labels, a file or a folder.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")] = Path("annotations"),
    joint: Annotated[
        list[str] | None,
        typer.Option("--joint", metavar="LABEL=JOINT", help="What a label means. Repeatable."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Where the pictures are, if not beside them.")
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="Of the pictures.")] = "",
) -> None:
    """Turn labels of a labelling tool or a public set into a folder to train on."""
    from tapscope import console
    from tapscope.convert import convert as convert_labels

    joints = {}
    for text in joint or []:
        label, equals, meaning = text.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r}: write LABEL=JOINT", param_hint="--joint")
        joints[label.strip()] = meaning.strip()
    done = convert_labels(source, out, joints=joints, images=images, licence=licence)
    console.print_converted(done, out)


@app.command()
def evaluate(
    *,
    folder: Annotated[Path, typer.Option("--data", help="Folder of labelled frames.")],
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    weights: WeightsOption = None,
    device: DeviceOption = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
) -> None:
    """Measure weights on labelled frames."""
    from tapscope import console
    from tapscope.analyze import find_weights
    from tapscope.engine import make_engine
    from tapscope.evaluate import evaluate_folder
    from tapscope.table import json_bytes, write_result
    from tapscope.weights import read

    engine = make_engine(read(find_weights(weights)), device)
    with console.counting("pictures") as bar:
        figures = evaluate_folder(folder, engine, split=split, on_image=bar.step)
    console.print_figures(figures, engine.weights_name)
    if json_file:
        write_result(json_file, json_bytes(figures))
