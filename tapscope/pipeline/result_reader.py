"""Read what `tapscope analyze` wrote: features.csv, and tracks and taps of each recording."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tapscope.errors import ResultsError
from tapscope.hand import TIPS
from tapscope.output.columns import ORIGIN, RECORDING
from tapscope.output.table import cell_text
from tapscope.pipeline.cache import folder_of
from tapscope.pipeline.recordings import Recording
from tapscope.records import UNITS, FloatArray, Taps, Trajectory, Unit

APERTURE_COLUMNS: Final[Mapping[Unit, str]] = {
    "hand_lengths": "aperture_hand",
    "mm": "aperture_mm",
    "px": "aperture_px",
    "deg": "angle_deg",
}
"""Columns of the tracks that hold an aperture, by unit."""

_TAP_COLUMNS: Final = tuple(
    field.name for field in fields(Taps) if field.name not in ("flags", "unit")
)


_DECIMAL_COMMA: Final = re.compile(r"-?\d+,\d+(E[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VideoRow:
    """One row of features.csv."""

    recording: str
    video: str
    status: str
    reason: str
    cells: Mapping[str, str]
    """Every cell as text, by column; '' is unknown."""

    @property
    def participant_id(self) -> str:
        """Return the participant, '' where the table does not say."""
        return self.cells.get("participant_id", "")

    @property
    def hand(self) -> str:
        """Return 'left', 'right' or ''."""
        return self.cells.get("hand", "")

    def number(self, column: str) -> float:
        """Return a cell as a number, NaN where it is empty or not a number."""
        try:
            return float(self.cells.get(column) or "nan")
        except ValueError:
            return math.nan


@dataclass(frozen=True, slots=True)
class VideoTable:
    """features.csv, and where its tracks and taps are."""

    path: Path
    rows: tuple[VideoRow, ...]
    extra_columns: tuple[str, ...]
    """Columns after tapscope's own, from the manifest of `analyze`."""

    @property
    def folder(self) -> Path:
        """Folder with tracks and taps of each recording."""
        return folder_of(self.path)

    def file(self, row: VideoRow, ending: str) -> Path:
        """Return the path of a recording's file with this ending ('.tracks.csv', '.taps.csv')."""
        return self.folder / (self.file_stem(row) + ending)

    @staticmethod
    def file_stem(row: VideoRow) -> str:
        """Return the start of the names of a recording's files."""
        return Recording(Path(row.video), row.recording, row.video).file_stem


@dataclass(frozen=True, slots=True)
class TipTracks:
    """The tips of a recording over its pictures, as tracks.csv holds them; NaN is unknown."""

    time_s: FloatArray
    """Shape (pictures,)."""
    frame: NDArray[np.int_]
    """Number of each picture among all decoded frames, shape (pictures,)."""
    position_px: FloatArray
    """x and y of the `hand.TIPS`, thumb first; shape (pictures, 2, 2)."""
    confidence: FloatArray
    """Shape (pictures, 2)."""
    aperture_px: FloatArray
    """Shape (pictures,)."""
    aperture_hand: FloatArray
    """In hand lengths, shape (pictures,)."""


def read_features(path: Path) -> VideoTable:
    """Read a table of features, CSV or Parquet.

    A CSV may have semicolons and decimal commas, as Excel saves it in many countries.

    Raises
    ------
    ResultsError
        It is missing, is not a table of features, or two rows have the same recording.
    """
    if not path.is_file():
        raise ResultsError(
            f"{path}: no such table; run 'tapscope analyze' first, or give the path of its table"
        )
    columns, lines = _cells(path)
    missing = [name for name in RECORDING if name not in columns]
    if missing:
        raise ResultsError(
            f"{path}: has no column {missing[0]!r}; give a table that 'tapscope analyze' wrote"
        )
    rows = tuple(_row(dict(zip(columns, line, strict=True))) for line in lines)
    names = [row.recording for row in rows]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ResultsError(f"{path}: the recording {repeated[0]!r} has two rows; keep one")
    for name in names:
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ResultsError(
                f"{path}: {name!r} is not a valid name of a recording; name it as "
                "'tapscope analyze' did"
            )
    own = max((columns.index(name) for name in ORIGIN if name in columns), default=None)
    return VideoTable(path, rows, () if own is None else tuple(columns[own + 1 :]))


def read_tracks(path: Path, unit: str) -> Trajectory:
    """Read the aperture of a recording over time.

    Parameters
    ----------
    path
        The tracks file.
    unit
        Unit in which the recording was analysed; where `APERTURE_COLUMNS` does not have it, the
        first of these columns that holds numbers is used.

    Raises
    ------
    ResultsError
        The file is missing or damaged, or holds no aperture.
    """
    columns = read_columns(path, ("time_s",))
    for known, column in APERTURE_COLUMNS.items():
        aperture = columns.get(column)
        if unit in APERTURE_COLUMNS and unit != known:
            continue
        if aperture is not None and np.isfinite(aperture).any():
            try:
                return Trajectory(columns["time_s"], aperture, known, "video")
            except ValueError as problem:
                raise _damaged(path, problem) from problem
    raise ResultsError(f"{path}: holds no aperture of the hand; analyse the recording again")


def read_tips(path: Path) -> TipTracks:
    """Read the tips of a recording from its tracks file.

    Raises
    ------
    ResultsError
        The file is missing or damaged.
    """
    places = [f"{tip}_{axis}" for tip in TIPS for axis in "xy"]
    sure = [f"{tip}_confidence" for tip in TIPS]
    columns = read_columns(
        path, ("time_s", "frame", *places, *sure, "aperture_px", "aperture_hand")
    )
    frame = columns["frame"]
    if not (np.isfinite(frame).all() and (np.diff(frame) > 0).all()):
        raise _damaged(path, ValueError("the numbers of the frames do not rise"))
    return TipTracks(
        time_s=columns["time_s"],
        frame=frame.astype(np.int_),
        position_px=np.stack([columns[name] for name in places], axis=-1).reshape(-1, 2, 2),
        confidence=np.stack([columns[name] for name in sure], axis=-1),
        aperture_px=columns["aperture_px"],
        aperture_hand=columns["aperture_hand"],
    )


def read_taps(path: Path) -> Taps:
    """Read the taps of a recording; empty cells are NaN.

    Raises
    ------
    ResultsError
        The file is missing or damaged.
    """
    columns = read_columns(path, _TAP_COLUMNS)
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    units = sorted(set(text.get("unit", pd.Series(dtype=str)))) or ["none"]
    flags = text.get("flags", pd.Series([""] * len(text), dtype=str))
    if len(units) > 1 or units[0] not in UNITS:
        raise ResultsError(f"{path}: unit {', '.join(units)!r} where one of {UNITS} is needed")
    unit = next(known for known in UNITS if known == units[0])
    try:
        return Taps(
            **{name: columns[name] for name in _TAP_COLUMNS},
            flags=flags.to_numpy(dtype=np.str_),
            unit=unit,  # type: ignore[arg-type]  # checked against UNITS above
        )
    except ValueError as problem:
        raise _damaged(path, problem) from problem


def _row(cells: Mapping[str, str]) -> VideoRow:
    return VideoRow(
        recording=cells["recording"],
        video=cells["video"],
        status=cells["status"],
        reason=cells["reason"],
        cells=cells,
    )


def _cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns, and the cells of each row as text."""
    if path.suffix.lower() == ".parquet":
        try:
            frame = pd.read_parquet(path)
        except (OSError, ValueError) as problem:
            raise _damaged(path, problem) from problem
        values = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        return [str(name) for name in frame.columns], [[cell_text(c) for c in v] for v in values]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        lines = [
            [_with_decimal_point(cell) for cell in cells] if delimiter != "," else cells
            for cells in csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
            if any(cells)
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise _damaged(path, problem) from problem
    if not lines:
        raise ResultsError(f"{path}: is empty; run 'tapscope analyze' again")
    uneven = next((n for n, line in enumerate(lines, 1) if len(line) != len(lines[0])), None)
    if uneven:
        raise ResultsError(
            f"{path}: row {uneven} has {len(lines[uneven - 1])} cells, the header {len(lines[0])}; "
            "run 'tapscope analyze' again"
        )
    return lines[0], lines[1:]


def _with_decimal_point(cell: str) -> str:
    """Return a number that Excel saved with a decimal comma as one with a point."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def read_columns(path: Path, required: Sequence[str]) -> dict[str, FloatArray]:
    """Return the numeric columns of a CSV file by name; NaN where a cell is empty.

    Raises
    ------
    ResultsError
        The file is missing or damaged, or a required column holds no numbers.
    """
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as problem:  # pandas' parser errors are ValueErrors
        raise _damaged(path, problem) from problem
    numbers = {
        str(name): frame[name].to_numpy(dtype=np.float64)
        for name in frame.columns
        if frame[name].dtype.kind in "iuf"
    }
    absent = [name for name in required if name not in numbers and len(frame)]
    if absent:
        raise ResultsError(
            f"{path}: has no column {absent[0]!r} of numbers; run 'tapscope analyze' again"
        )
    return numbers if len(frame) else {name: np.empty(0) for name in required}


def _damaged(path: Path, problem: Exception) -> ResultsError:
    return ResultsError(
        f"{path}: missing or damaged ({problem}); run 'tapscope analyze' again on this recording"
    )
