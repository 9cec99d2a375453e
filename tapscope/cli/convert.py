"""tapscope convert: turn labels of other tools into a folder to train on."""

from pathlib import Path
from typing import Annotated

import typer

from tapscope.cli.options import interruptible


def convert(
    source: Annotated[Path, typer.Argument(metavar="LABELS", help="Labels: a file or a folder.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="The folder to write.")
    ] = Path("annotations"),
    keypoint: Annotated[
        list[str] | None,
        typer.Option(
            "--joint", metavar="LABEL=JOINT", help="The keypoint a label marks. Repeatable."
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images", metavar="FOLDER", help="Folder of the images, if not beside the labels."
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option("--licence", metavar="TEXT", help="Licence of the images.")
    ] = "",
) -> None:
    """Convert labels of a labelling tool or a public dataset into a folder to train on."""
    from tapscope.cli import console
    from tapscope.datasets.convert import convert as convert_labels

    keypoints = {}
    for text in keypoint or []:
        label, equals, meaning = text.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r}: write LABEL=KEYPOINT", param_hint="--joint")
        keypoints[label.strip()] = meaning.strip()
    with interruptible("nothing was written; run the same command again"):
        done = convert_labels(source, out, keypoints=keypoints, images=images, licence=licence)
    console.print_converted(done, out)
