"""The verbs on networks: train, convert, evaluate, attention."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeviceOption, Keep, WeightsOption, app

TenthsOption = Annotated[
    int | None,
    typer.Option(
        "--tenths",
        metavar="SEED",
        help="Divide the images 8:1:1 by this seed: train on the first, measure on the last.",
    ),
]


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
        Path | None,
        typer.Option(
            "--init", help="Weights to start from (fine-tuning); a file or a bundled name."
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The weights file to write.")] = Path(
        "weights.safetensors"
    ),
    model: Annotated[
        str | None,
        typer.Option("--model", help="Network to begin from nothing, by default p-msdsnet-3."),
    ] = None,
    keypoint: Annotated[
        list[str] | None,
        typer.Option("--joint", help="Learn this keypoint only. Repeatable; all by default."),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1)] = 20,
    tenths: TenthsOption = None,
    size: Annotated[
        int | None, typer.Option("--size", min=32, help="Side of the crops, px.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", min=0.0, help="Learning rates as a share of the usual (1; 0.1 with --init)."
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=2, help="Views a step.")] = 8,
    keep: Annotated[
        Keep | None,
        typer.Option(
            "--keep", help="Write the epoch best on validation, or the last (last with --init)."
        ),
    ] = None,
    weight_interpolation: Annotated[
        float | None,
        typer.Option(
            "--start-share",
            min=0.0,
            max=1.0,
            help="Share of the weights of --init in the result (0.5).",
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
    from tapscope.cli import console
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.registry import DEFAULT_MODEL, model_named
    from tapscope.training.run import folders_or_default, train_weights
    from tapscope.training.settings import TrainSettings

    if init and model:
        raise typer.BadParameter("the weights of --init say which", param_hint="--model")
    if weight_interpolation is not None and not init:
        raise typer.BadParameter("there are none without --init", param_hint="--start-share")
    settings = TrainSettings(
        epochs=epochs, batch_size=batch, seed=seed, compiled=compiled, keep=keep
    )
    if weight_interpolation is not None:
        settings = replace(settings, weight_interpolation=weight_interpolation)
    with console.TrainingBar() as bar:
        trained = train_weights(
            folders_or_default(folders or []),
            out,
            settings,
            init=find_weights(init) if init else None,
            model=model_named(model or DEFAULT_MODEL),
            keypoints=keypoint or (),
            split_seed=tenths,
            size_px=size,
            lr_scale=rate,
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
    keypoint: Annotated[
        list[str] | None,
        typer.Option("--joint", metavar="LABEL=JOINT", help="What a label means. Repeatable."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Where the images are, if not beside them.")
    ] = None,
    licence: Annotated[str, typer.Option("--licence", help="Of the images.")] = "",
) -> None:
    """Turn labels of a labelling tool or a public set into a folder to train on."""
    from tapscope.cli import console
    from tapscope.datasets.convert import convert as convert_labels

    keypoints = {}
    for text in keypoint or []:
        label, equals, meaning = text.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r}: write LABEL=JOINT", param_hint="--joint")
        keypoints[label.strip()] = meaning.strip()
    done = convert_labels(source, out, keypoints=keypoints, images=images, licence=licence)
    console.print_converted(done, out)


@app.command()
def evaluate(
    *,
    folders: Annotated[
        list[Path], typer.Option("--data", help="Folder of labelled frames. Repeatable.")
    ],
    split: Annotated[str | None, typer.Option("--split", help="Only this split.")] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Only what `train` holds out for validation.")
    ] = False,
    tenths: TenthsOption = None,
    keypoint: Annotated[
        list[str] | None, typer.Option("--joint", help="Only this keypoint. Repeatable.")
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            "--weights", help="Weights file or bundled name, by default pmsdsnet-m3. Repeatable."
        ),
    ] = None,
    finder: Annotated[
        Path | None,
        typer.Option("--finder", help="Weights that find the hands; by default those measured."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=32, help="Side of the crops, px.")
    ] = None,
    device: DeviceOption = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for scores, curves and tables.")
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write the figures of one weights file on one folder."),
    ] = None,
) -> None:
    """Measure weights on labelled frames."""
    from tapscope.cli import console
    from tapscope.evaluation.evaluate import evaluate_weights, load_sets, parameters_of
    from tapscope.evaluation.output import write_scores
    from tapscope.evaluation.scores import figures_of
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read
    from tapscope.output.table import json_bytes, write_result

    if json_file and (len(folders) > 1 or len(weights or []) > 1):
        raise typer.BadParameter(
            "one weights file and one folder; for more there is --out", param_hint="--json"
        )
    if sum([split is not None, validation, tenths is not None]) > 1:
        raise typer.BadParameter(
            "give one of --split, --validation and --tenths", param_hint="--validation"
        )
    every = [read(find_weights(file)) for file in weights or (None,)]
    sets = load_sets(
        folders, split=split, validation=validation, split_seed=tenths, keypoints=keypoint or ()
    )
    with console.counting("images") as bar:
        scored = evaluate_weights(
            every,
            sets,
            finder=make_engine(read(find_weights(finder)), device) if finder else None,
            device=device,
            size_px=size,
            on_image=bar.step,
        )
    if out:
        write_scores(out, scored, parameters_of(every))
    if json_file:
        write_result(json_file, json_bytes(figures_of(scored[0])))
    console.print_scores(scored, out)


@app.command()
def attention(
    source: Annotated[Path, typer.Argument(metavar="IMAGE|VIDEO", help="What shows a hand.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="PNG or SVG of an image, MP4 of a video; by default beside it."),
    ] = None,
    weights: WeightsOption = None,
    finder: Annotated[
        Path | None,
        typer.Option("--finder", help="Weights that find the hand; by default those shown."),
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=32, help="Side of the crop, px.")
    ] = None,
    background: Annotated[
        bool, typer.Option("--background", help="Show what lies around the hand, faces too.")
    ] = False,
    device: DeviceOption = "auto",
) -> None:
    """Show what the network looks at: attention of every stage and scale."""
    from tapscope.cli import console
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.engine import make_engine
    from tapscope.network.weights import read
    from tapscope.visualise.attention_figure import write_attention

    shown = read(find_weights(weights))
    engine = make_engine(read(find_weights(finder)) if finder else shown, device)
    with console.counting("frames") as bar:
        path = write_attention(
            source, out, shown, engine, size_px=size, background=background, on_frame=bar.step
        )
    typer.echo(path)
