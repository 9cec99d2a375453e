"""Replace what may name a person in the rows of a table: --deidentify."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tapscope.features import FEATURES
from tapscope.output.columns import ORIGIN, RECORDING, TEXT_QUALITY, UNITS

_OWN: Final = frozenset(
    (*RECORDING, *UNITS, *TEXT_QUALITY, *ORIGIN, *(feature.name for feature in FEATURES))
)
_NUMBERED: Final = {
    "recording": "recording-{:03d}",
    "participant_id": "participant-{:02d}",
    "session_id": "session-{:02d}",
    "trial": "{}",
}
"""Columns whose values are numbered in the order in which they first appear."""


def deidentified(
    rows: Sequence[Mapping[str, str]], keep: Collection[str] = ()
) -> list[dict[str, str]]:
    """Return the rows of a table without names, paths and free text.

    Recordings become recording-001 ..., participants participant-01 ..., each the same wherever it
    stands; empty cells stay empty. The video's name and the reason go, because a reason may name a
    file; `flags` says the same in codes. Of weights and protocol the hash stays. Columns of the
    manifest go: nobody knows what stands there.

    Parameters
    ----------
    rows
        Cells by column, of the whole table: the numbers depend on the rows before.
    keep
        Columns of the manifest that stay as they are.
    """
    numbers = {
        column: _numbers((row.get(column, "") for row in rows), form)
        for column, form in _NUMBERED.items()
    }

    def replaced(column: str, cell: str) -> str:
        if column in numbers:
            return numbers[column][cell]
        if column in ("video", "reason"):
            return ""
        return cell.rpartition("@")[2] if column in ("weights", "protocol") else cell

    return [
        {
            column: cell if column in keep else replaced(column, cell)
            for column, cell in row.items()
            if column in _OWN or column in keep
        }
        for row in rows
    ]


def _numbers(values: Iterable[str], form: str) -> dict[str, str]:
    """Return the numbered name of each value; that of '' is ''."""
    known = dict.fromkeys(values)
    known.pop("", None)
    return {"": "", **{value: form.format(n) for n, value in enumerate(known, 1)}}
