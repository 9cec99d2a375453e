"""The comparison of raters as a table in the terminal."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tapscope.review.raters import RaterAgreement


def raters_table(rows: Sequence[RaterAgreement]) -> Table:
    """Return a table with a line a statistic."""
    table = Table(box=None, pad_edge=False)
    for name in ("raters", "about", "statistic"):
        table.add_column(name, overflow="fold")
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        found = row.estimate
        interval = "" if math.isnan(found.low) else f"{found.low:.3g} to {found.high:.3g}"
        value = "" if math.isnan(found.value) else f"{found.value:.3g}"
        table.add_row(
            escape(" / ".join(row.raters)),
            escape(row.about),
            found.name,
            value,
            interval,
            str(found.n),
        )
    return table


def print_raters(rows: Sequence[RaterAgreement], path: Path) -> None:
    """Print the table and where it was written."""
    console = Console()
    console.print(raters_table(rows))
    console.print(f"wrote {escape(str(path))}", soft_wrap=True)
