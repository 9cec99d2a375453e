"""What the formats of exports have in common."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tapscope.errors import ResultsError
from tapscope.export.study import Exported, Study

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class NotExported:
    """A recording of which something could not be written."""

    recording: str
    reason: str
    is_fault: bool
    """Whether something is wrong with its files; a failed recording simply has none."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of exports."""

    name: str
    """The word after --to."""
    ending: str
    """Of the file to write; '' where it is a folder."""
    modules: Sequence[str]
    """Libraries that it needs, of the extra of the same name."""
    write: Callable[[Study, Path], Sequence[NotExported]]
    """Writes a study to a file or into an empty folder; raises OutputError and ResultsError."""
    extra: str = ""
    """The extra of tapscope that installs the libraries; '' where it needs none."""


def each_measured(study: Study, write: Callable[[Exported], None]) -> list[NotExported]:
    """Call `write` for each recording that has tracks; return those that could not be written.

    A recording with missing or damaged files costs only itself.
    """
    left_out = []
    for recording in study.recordings:
        if not recording.has_tracks:
            left_out.append(NotExported(recording.name, "failed: it has no tracks", False))
            continue
        try:
            write(recording)
        except ResultsError as problem:
            reason = "its tracks or taps are missing or damaged"
            # the message names the file, which --deidentify keeps to itself
            shown = reason if recording.is_deidentified else str(problem)
            left_out.append(NotExported(recording.name, shown, True))
    return left_out


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: with an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def plain_number(value: float | None) -> str:
    """Return a number without exponent, as little as tells it apart; '' for None."""
    return "" if value is None else np.format_float_positional(value, trim="-")


def unique_names(
    texts: Iterable[str],
    not_permitted: str,
    between: str,
    start: str,
    *,
    longest: int,
    taken: Iterable[str] = (),
) -> dict[str, str]:
    """Return a name of permitted characters for each text; different texts, different names.

    Names that differ only in case count as the same.

    Parameters
    ----------
    texts
        As they stand in the table.
    not_permitted
        Regular expression of the runs of characters that are not permitted.
    between
        What replaces them, and stands before a number that tells two names apart.
    start
        Goes before a name that does not begin with a letter.
    longest
        Most characters of a name.
    taken
        Names that mean something else.
    """
    names: dict[str, str] = {}
    known = {name.casefold() for name in taken}
    for text in dict.fromkeys(texts):
        bare = re.sub(not_permitted, between, text).strip(between or None)
        name = (bare if bare[:1].isalpha() else start + bare)[:longest] or "x"
        unique, number = name, 2
        while unique.casefold() in known:
            mark = f"{between}{number}"
            unique, number = name[: longest - len(mark)] + mark, number + 1
        known.add(unique.casefold())
        names[text] = unique
    return names
