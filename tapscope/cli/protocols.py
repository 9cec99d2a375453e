"""tapscope protocols: list the protocols, or show one."""

from typing import Annotated

import typer

app = typer.Typer(help="List the protocols, or show one.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def protocols(context: typer.Context) -> None:
    """List the protocols that come with tapscope."""
    if context.invoked_subcommand is None:
        from tapscope.cli import console
        from tapscope.protocol.protocol import bundled, load

        console.print_names([(name, load(name).description) for name in bundled()])


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a protocol, or path.")],
) -> None:
    """Print a protocol's file."""
    from tapscope.protocol.protocol import find

    typer.echo(find(name).read_text(encoding="utf-8"), nl=False)
