"""The options of `tapscope train`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

FoldersOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FOLDER",
        help="Folder of labelled frames. Repeatable; a folder given twice is used twice as often.",
    ),
]
InitOption = Annotated[
    Path | None,
    typer.Option(
        "--init", metavar="FILE", help="Weights to fine-tune: a file, a bundled name, or default."
    ),
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The weights file to write.")
]
TryOnOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--try-on",
        metavar="VIDEO|FOLDER",
        help="Recordings to analyse with the --init weights and the new ones, to see what changes. "
        "Repeatable.",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Architecture to train from scratch; default: p-msdsnet-3.",
    ),
]
KeypointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--joint", metavar="NAME", help="Learn only this keypoint. Repeatable; default: all."
    ),
]
EpochsOption = Annotated[
    int, typer.Option("--epochs", metavar="N", min=1, help="Passes over the images.")
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="SHARE",
        min=0.0,
        help="Factor on the usual learning rates (default: 1, with --init 0.1).",
    ),
]
BatchOption = Annotated[
    int, typer.Option("--batch", metavar="N", min=2, help="Images per training step.")
]
KeepOption = Annotated[
    Literal["best", "last"] | None,
    typer.Option(
        "--keep",
        metavar="best|last",
        help="Epoch to write: best on validation (default), or last (default with --init).",
    ),
]
StartShareOption = Annotated[
    float | None,
    typer.Option(
        "--start-share",
        metavar="S",
        min=0.0,
        max=1.0,
        help="Share of the --init weights in the result (default: 0.5).",
    ),
]
ThoroughOption = Annotated[
    bool,
    typer.Option(
        "--thorough",
        help="With --init, for thousands of frames: train as from scratch, and keep nothing "
        "of the old weights in the result.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of all random choices.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue an interrupted training.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace the weights at --out without asking.")
]


def check_combination(
    *, model: str | None, init: Path | None, start_share: float | None, thorough: bool, tries: bool
) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    typer.BadParameter
        Some do.
    """
    if init and model:
        raise typer.BadParameter("--init brings its own architecture", param_hint="--model")
    needing = {
        "--start-share": start_share is not None,
        "--thorough": thorough,
        "--try-on": tries,
    }
    for option, is_given in needing.items():
        if is_given and not init:
            raise typer.BadParameter("needs the weights of --init", param_hint=option)
    if thorough and start_share is not None:
        raise typer.BadParameter("--thorough keeps none of them", param_hint="--start-share")
