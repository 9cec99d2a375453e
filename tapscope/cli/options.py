"""Options and exit codes that several verbs share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from tapscope.errors import OutputError

SOME_FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

Device = Literal["auto", "cpu", "cuda"]

ProtocolOption = Annotated[
    str,
    typer.Option("--protocol", metavar="NAME", help="Name of a protocol, or path of a TOML file."),
]
SlowMotionOption = Annotated[
    float | None,
    typer.Option(
        "--slow-motion",
        metavar="FACTOR",
        min=0.001,
        max=1000,
        help="The file shows the movement so many times slower than in truth; 1: true speed.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Print only errors.")]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        "--weights", metavar="FILE", help="Weights file or bundled name; default: pmsdsnet-m3-80."
    ),
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        help="Where the network runs; auto: a GPU if there is one.",
    ),
]
DeidentifyOption = Annotated[
    bool,
    typer.Option(
        "--deidentify", help="Write recording-001, recording-002 ... for names of recordings."
    ),
]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="With --deidentify: CSV to write, which recording each number stands for.",
    ),
]
SizeOption = Annotated[
    int | None, typer.Option("--size", metavar="PX", min=32, help="Side of the hand crop, pixels.")
]
SplitSeedOption = Annotated[
    int | None,
    typer.Option(
        "--tenths",
        metavar="SEED",
        help="Split the images 8:1:1 with this seed: train uses the first part, evaluate the last.",
    ),
]
CompileOption = Annotated[
    bool, typer.Option("--compile", help="Compile the training step: slow to start, then faster.")
]


def require_deidentify(key: Path | None, *, deidentify: bool) -> None:
    """Refuse a key without anything that it would be the key to.

    Raises
    ------
    OutputError
        `--key` is given without `--deidentify`.
    """
    if key and not deidentify:
        raise OutputError(f"{key}: a key belongs to --deidentify; give both or neither")


@contextmanager
def interruptible(how_to_go_on: str | Callable[[], str]) -> Iterator[None]:
    """Say after Ctrl-C how to go on, and exit with `INTERRUPTED`.

    Parameters
    ----------
    how_to_go_on
        The sentence, or a function that returns it then.
    """
    try:
        yield
    except KeyboardInterrupt:
        said = how_to_go_on if isinstance(how_to_go_on, str) else how_to_go_on()
        typer.echo(f"interrupted: {said}", err=True)
        raise typer.Exit(INTERRUPTED) from None
