"""tapscope train: train weights on labelled frames."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from tapscope.cli.options import (
    CompileOption,
    DeviceOption,
    SizeOption,
    SplitSeedOption,
    interruptible,
)
from tapscope.errors import OutputError


def train(
    *,
    folders: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="Folder of labelled frames. Repeatable; a folder given twice is used twice as "
            "often.",
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            "--init",
            metavar="FILE",
            help="Weights to fine-tune: a file, a bundled name, or default.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The weights file to write.")
    ] = Path("weights.safetensors"),
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="Architecture to train from scratch; default: p-msdsnet-3.",
        ),
    ] = None,
    keypoint: Annotated[
        list[str] | None,
        typer.Option(
            "--joint", metavar="NAME", help="Learn only this keypoint. Repeatable; default: all."
        ),
    ] = None,
    epochs: Annotated[
        int, typer.Option("--epochs", metavar="N", min=1, help="Passes over the images.")
    ] = 20,
    tenths: SplitSeedOption = None,
    size: SizeOption = None,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="SHARE",
            min=0.0,
            help="Factor on the usual learning rates (default: 1, with --init 0.1).",
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", metavar="N", min=2, help="Images per training step.")
    ] = 8,
    keep: Annotated[
        Literal["best", "last"] | None,
        typer.Option(
            "--keep",
            metavar="best|last",
            help="Epoch to write: best on validation (default), or last (default with --init).",
        ),
    ] = None,
    weight_interpolation: Annotated[
        float | None,
        typer.Option(
            "--start-share",
            metavar="S",
            min=0.0,
            max=1.0,
            help="Share of the --init weights in the result (default: 0.5).",
        ),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="With --init, for thousands of frames: train as from scratch, and keep nothing "
            "of the old weights in the result.",
        ),
    ] = False,
    device: DeviceOption = "auto",
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Seed of all random choices.")
    ] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted training.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the weights at --out without asking.")
    ] = False,
    compiled: CompileOption = False,
) -> None:
    """Train weights on labelled frames (COCO keypoints)."""
    from tapscope.cli import console
    from tapscope.network.bundled_weights import find_weights
    from tapscope.network.registry import DEFAULT_MODEL, model_named
    from tapscope.training.run import folders_or_default, train_weights
    from tapscope.training.settings import TrainSettings

    if init and model:
        raise typer.BadParameter("--init brings its own architecture", param_hint="--model")
    if weight_interpolation is not None and not init:
        raise typer.BadParameter("needs the weights of --init", param_hint="--start-share")
    if thorough and not init:
        raise typer.BadParameter("needs the weights of --init", param_hint="--thorough")
    if thorough and weight_interpolation is not None:
        raise typer.BadParameter("--thorough keeps none of them", param_hint="--start-share")
    if not (resume or force):
        _ask_before_replacing(out)
    settings = TrainSettings(
        epochs=epochs,
        batch_size=batch,
        seed=seed,
        compiled=compiled,
        keep=keep,
        thorough=thorough,
    )
    if weight_interpolation is not None:
        settings = replace(settings, weight_interpolation=weight_interpolation)
    bar = console.TrainingBar()

    def how_to_go_on() -> str:
        if bar.epochs or resume:
            return "run the same command again with --resume; it goes on after the last epoch"
        return "no epoch was finished; run the same command again"

    with interruptible(how_to_go_on), bar:
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


def _ask_before_replacing(out: Path) -> None:
    """Ask before earlier weights, or the checkpoint of an interrupted training, are replaced.

    Raises
    ------
    OutputError
        They exist, and nobody can be asked because the input is no terminal.
    """
    from tapscope.training import checkpoint

    before = [file for file in (out, checkpoint.path_of(out)) if file.is_file()]
    if not before:
        return
    if not sys.stdin.isatty():
        raise OutputError(
            f"{before[0]}: exists; give --resume to continue its training, --force to replace it, "
            "or another --out"
        )
    typer.confirm(f"{before[0]} exists. Replace it? (--resume continues its training)", abort=True)
