"""tapscope evaluate: measure weights on labelled frames."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import DeviceOption, SizeOption, SplitSeedOption, interruptible


def evaluate(
    *,
    folders: Annotated[
        list[Path],
        typer.Option("--data", metavar="FOLDER", help="Folder of labelled frames. Repeatable."),
    ],
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="Use only the images of this split."),
    ] = None,
    validation: Annotated[
        bool, typer.Option("--validation", help="Use only what train keeps for validation.")
    ] = False,
    tenths: SplitSeedOption = None,
    keypoint: Annotated[
        list[str] | None,
        typer.Option(
            "--joint", metavar="NAME", help="Measure only this keypoint. Repeatable; default: all."
        ),
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(
            "--weights",
            metavar="FILE",
            help="Weights file or bundled name. Repeatable; default: pmsdsnet-m3-80.",
        ),
    ] = None,
    finder: Annotated[
        Path | None,
        typer.Option(
            "--finder",
            metavar="FILE",
            help="Weights that detect the hands; default: the weights measured.",
        ),
    ] = None,
    size: SizeOption = None,
    device: DeviceOption = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Folder for scores, curves and tables."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="JSON file for the scores of one weights file on one folder.",
        ),
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
    from tapscope.output.checks import check_file, check_folder
    from tapscope.output.table import json_bytes, write_result

    if json_file and (len(folders) > 1 or len(weights or []) > 1):
        raise typer.BadParameter(
            "takes one weights file and one folder; use --out for more", param_hint="--json"
        )
    if sum([split is not None, validation, tenths is not None]) > 1:
        raise typer.BadParameter(
            "give one of --split, --validation and --tenths", param_hint="--validation"
        )
    if out:
        check_folder(out)
    if json_file:
        check_file(json_file, "--json")
    given = [read(find_weights(file)) for file in weights or (None,)]
    every = list({one.card.sha256: one for one in given}.values())  # a file given twice counts once
    sets = load_sets(
        folders, split=split, validation=validation, split_seed=tenths, keypoints=keypoint or ()
    )
    again = "nothing was written; run the same command again"
    with interruptible(again), console.counting("images") as bar:
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
