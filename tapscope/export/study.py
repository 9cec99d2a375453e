"""What is exported: the rows of a table, the meaning of its columns, and each recording's files."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from tapscope.errors import ResultsError
from tapscope.features import ENDINGS, FEATURES
from tapscope.output.columns import ORIGIN, RECORDING, TEXT_QUALITY, UNITS
from tapscope.output.deidentify import deidentified
from tapscope.pipeline.result_reader import (
    TipTracks,
    VideoRow,
    VideoTable,
    read_features,
    read_taps,
    read_tips,
)
from tapscope.records import Taps

_CHOICES: Final[Mapping[str, Sequence[str]]] = {
    "status": ("ok", "doubtful", "failed"),
    "hand": ("left", "right"),
    "unit": ("hand_lengths", "mm", "px"),
    "speed_unit": ("hand_lengths/s", "mm/s", "px/s"),
    "hand_source": ("option", "manifest", "file name", "protocol"),
    "hand_choice": ("only_hand", "taps_most", "side_by_place", "none_seen"),
    "task_ending": tuple(ENDINGS),
}
"""Columns of text with a few known values, in their order."""
_MEANINGS: Final = {**RECORDING, **UNITS, **TEXT_QUALITY, **ORIGIN}
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?")
"""A number whose text says no more than its value: '07' may be a code."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table and what it means."""

    name: str
    unit: str
    """'' for text and for numbers without a unit; '{unit}' stands for the unit of the row."""
    meaning: str
    is_number: bool
    choices: Sequence[str] = ()
    """All values that occur in a column of codes, known ones first; () for free text."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One recording as it is exported."""

    name: str
    """As in the table, or 'recording-001' ..."""
    stem: str
    """Start of the names of its files: a relative path, whose folders are part of the name."""
    cells: Mapping[str, str]
    tracks_file: Path
    taps_file: Path
    is_deidentified: bool

    def number(self, column: str) -> float | None:
        """Return a cell as a number; None where it is empty.

        Raises
        ------
        ResultsError
            The cell is no number.
        """
        text = self.cells.get(column, "")
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ResultsError(
                f"{self.name}: {column} is {text!r}, not a number; correct the table or run "
                "'tapscope analyze' again"
            )
        return value

    def unit_of(self, column: Column) -> str:
        """Return the unit of a column in this row."""
        return column.unit.replace("{unit}", self.cells.get("unit", ""))

    @property
    def has_tracks(self) -> bool:
        """Whether it was measured: a failed recording has no tracks."""
        return self.tracks_file.is_file() or self.cells.get("status") != "failed"

    def tips(self) -> TipTracks:
        """Read its tracks; raises ResultsError."""
        return read_tips(self.tracks_file)

    def taps(self) -> Taps:
        """Read its taps; raises ResultsError."""
        return read_taps(self.taps_file)


@dataclass(frozen=True, slots=True)
class Study:
    """A table of features as it is exported."""

    name: str
    columns: Sequence[Column]
    recordings: Sequence[Exported]
    extra_columns: Sequence[str]
    """Columns of the manifest."""


def read_study(table: Path, *, deidentify: bool = False, keep: Collection[str] = ()) -> Study:
    """Read a table of features, and where the tracks and taps of its recordings are.

    Parameters
    ----------
    deidentify
        Take names, paths and the manifest's columns away, see `output.deidentify`.
    keep
        Columns of the manifest that stay.

    Raises
    ------
    ResultsError
        The table is missing, damaged or empty, or has no column of `keep`.
    """
    found = read_features(table)
    if not found.rows:
        raise ResultsError(f"{table}: has no row; run 'tapscope analyze' again")
    absent = sorted(set(keep) - set(found.extra_columns))
    if absent:
        raise ResultsError(
            f"{table}: {absent[0]!r} is no column of the manifest; there are "
            f"{', '.join(found.extra_columns) or 'none'}"
        )
    cells: Sequence[Mapping[str, str]] = [row.cells for row in found.rows]
    if deidentify:
        cells = deidentified(cells, keep)
    recordings = tuple(
        _exported(found, row, mine, deidentify) for row, mine in zip(found.rows, cells, strict=True)
    )
    extra = [name for name in found.extra_columns if name in cells[0]]
    columns = tuple(_column(name, [row[name] for row in cells], extra) for name in cells[0])
    return Study("study" if deidentify else table.stem, columns, recordings, extra)


def _exported(
    table: VideoTable, row: VideoRow, cells: Mapping[str, str], is_deidentified: bool
) -> Exported:
    name = cells["recording"]
    # A stem never holds '..': the reader refuses such names.
    stem = name if is_deidentified else table.file(row, "").relative_to(table.folder).as_posix()
    return Exported(
        name=name,
        stem=str(PurePosixPath(stem)),
        cells=cells,
        tracks_file=table.file(row, ".tracks.csv"),
        taps_file=table.file(row, ".taps.csv"),
        is_deidentified=is_deidentified,
    )


def _column(name: str, cells: Sequence[str], extra: Collection[str]) -> Column:
    feature = next((each for each in FEATURES if each.name == name), None)
    if feature and name not in extra:
        return Column(name, "" if feature.unit == "1" else feature.unit, feature.formula, True)
    if name in extra:
        held = [cell for cell in cells if cell]
        is_number = bool(held) and all(_NUMBER.fullmatch(cell) for cell in held)
        return Column(name, "", "as in the manifest", is_number)
    meaning = _MEANINGS.get(name, "a column that tapscope does not know")
    if name not in _CHOICES:
        return Column(name, "", meaning, False)
    known = _CHOICES[name]
    others = sorted({cell for cell in cells if cell} - set(known))
    return Column(name, "", meaning, False, (*known, *others))
