"""What new weights change in recordings, as a table in the terminal."""

import math
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tapscope.cli.console.summary import STYLES, count_of
from tapscope.evaluation.before_after import (
    FEATURES,
    MEAN_CONFIDENCE,
    BeforeAfter,
    RecordingChange,
    RowOfWeights,
)

_HEADINGS: Final = ("rate, Hz", "amplitude", "interval CV", "taps", "known, %", "confidence")
_FORMS: Final = (".2f", ".3f", ".3f", ".0f", ".1f", ".2f")


def before_after_table(rows: tuple[RecordingChange, ...]) -> Table:
    """Return a table with two lines a recording."""
    table = Table(box=None, pad_edge=False)
    table.add_column("recording", overflow="fold")
    table.add_column("")
    table.add_column("status", no_wrap=True)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    table.add_column("why", overflow="fold")
    for row in rows:
        table.add_row(escape(row.recording), "before", *_cells(row.before))
        table.add_row(f"  {row.relation}", "after", *_cells(row.after))
    return table


def _cells(row: RowOfWeights) -> list[str]:
    numbers = [row.numbers[name] for name in (*FEATURES, MEAN_CONFIDENCE)]
    return [
        f"[{STYLES[row.status]}]{row.status}[/]",
        *(
            "" if math.isnan(n) else format(n, form)
            for n, form in zip(numbers, _FORMS, strict=True)
        ),
        escape(row.reason),
    ]


def print_before_after(done: BeforeAfter) -> None:
    """Print the table, what may be worse, and where it was written."""
    console = Console()
    console.print("features of recordings with the weights of --init (before) and the new ones")
    console.print(before_after_table(done.rows))
    for row in done.rows:
        for warning in row.warnings:
            text = f"{row.recording} ({row.relation}): {warning}"
            console.print(f"[yellow]warning[/]: {escape(text)}", soft_wrap=True)
    for note in _notes(done):
        console.print(f"[yellow]note[/]: {escape(note)}", soft_wrap=True)
    held_out = sum(row.relation == "held out" for row in done.rows)
    console.print(
        f"{count_of(len(done.rows), 'recording')}, {held_out} held out; comparison: "
        f"{escape(str(done.path))}, tables: {escape(' and '.join(map(str, done.tables)))}",
        soft_wrap=True,
    )


def _notes(done: BeforeAfter) -> list[str]:
    notes = []
    if done.sources.silent:
        notes.append(
            f"{_joined(done.sources.silent)}: does not name the recordings of its frames, so it is "
            "not known whether a recording is held out"
        )
    if done.earlier:
        notes.append(
            f"the weights of --init had learned from {', '.join(done.earlier)} before; recordings "
            "from there are not held out either"
        )
    if any(row.relation != "held out" for row in done.rows):
        notes.append("recordings that were learned from look better than others will")
    return notes


def _joined(folders: tuple[Path, ...]) -> str:
    return ", ".join(map(str, folders))
