"""The application object, and what several verbs share: options and exit codes."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

SOME_FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

app = typer.Typer(
    help="Measure finger tapping from ordinary video.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Device = Literal["auto", "cpu", "cuda"]
Keep = Literal["best", "last"]
Side = Literal["left", "right"]

ProtocolOption = Annotated[
    str, typer.Option("--protocol", help="Name of a protocol, or path of a TOML file.")
]
WeightsOption = Annotated[
    Path | None,
    typer.Option("--weights", help="Weights file or bundled name, by default pmsdsnet-m3."),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where the network runs.")]
