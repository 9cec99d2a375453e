"""Run the command line inside the test's process."""

from pathlib import Path

from typer.testing import CliRunner, Result

from tapscope import cli

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli.app, [str(a) for a in arguments], catch_exceptions=False)
