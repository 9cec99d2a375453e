"""Replace what may name a person in the rows of a table: --deidentify."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from tapscope.features import FEATURES
from tapscope.output.columns import ORIGIN, RECORDING, TEXT_QUALITY, UNITS

_OWN: Final = frozenset(
    (*RECORDING, *UNITS, *TEXT_QUALITY, *ORIGIN, *(feature.name for feature in FEATURES))
)
_NUMBERED: Final = {
    "recording": ("recording-", 3),
    "participant_id": ("participant-", 2),
    "session_id": ("session-", 2),
    "trial": ("", 1),
}
"""Columns whose values are numbered in the order in which they first appear: what stands before the
number, and its least digits."""


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
        column: numbered((row.get(column, "") for row in rows), *form)
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


def numbered(values: Iterable[str], before: str = "recording-", digits: int = 3) -> dict[str, str]:
    """Return the numbered name of each value, in the order of their first appearance.

    All have the same number of digits, at least `digits`. That of '' is ''.
    """
    known = dict.fromkeys(values)
    known.pop("", None)
    width = max(digits, len(str(len(known))))
    return {"": "", **{value: f"{before}{n:0{width}d}" for n, value in enumerate(known, 1)}}
