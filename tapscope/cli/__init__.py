"""The command line: each verb reads its options, calls one function and prints what comes back.

Nothing heavy is imported at the top, so that `tapscope --help` answers at once.
"""

import typer

from tapscope.cli import benchmark, measure, networks
from tapscope.cli.options import USAGE, app
from tapscope.errors import TapscopeError

__all__ = ["app", "benchmark", "main", "measure", "networks"]  # the verbs are known once imported


def main() -> None:
    """Run the command line; a foreseen error is one plain message and exit code 2."""
    try:
        app()
    except TapscopeError as problem:
        typer.echo(f"tapscope: {problem}", err=True)
        raise SystemExit(USAGE) from problem


@app.command()
def version() -> None:
    """Print version and commit."""
    from tapscope import __version__
    from tapscope.output.provenance import commit

    revision = commit()
    typer.echo(f"tapscope {__version__}" + (f" ({revision[:12]})" if revision else ""))
