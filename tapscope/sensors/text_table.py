"""Numbers of a delimited text file, read in chunks, so that only the wanted columns need memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors.file_head import Head, find_delimiter, split_row, uses_decimal_comma
from tapscope.sensors.recording import Samples

Scalar = TypeVar("Scalar", np.float32, np.float64)
_DATE: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d"
_ROWS_AT_A_TIME: Final = 65_536
_MOST_UNREADABLE: Final = 0.05
MOST_BYTES: Final = 256 * 2**20
"""Largest table kept of one log: 6.6 hours of four sensors at 200 Hz, 18 hours of one. In a longer
log, no offset to a video of seconds could be trusted."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a text table are written."""

    header_row: int
    """Index of the line with the column names; -1 where there is none."""
    first_row: int
    """Index of the first line of numbers."""
    delimiter: str
    columns: tuple[str, ...]
    """Names of the columns, in order."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of numbers; cells that are empty or not numbers are NaN."""

    precise: FloatArray
    """Columns asked for in double precision (times); shape (rows, columns)."""
    values: Samples
    """Other columns asked for; shape (rows, columns)."""
    repairs: dict[str, int]
    has_dates: bool = False
    """Whether the times were dates, and are seconds now."""

    def triple(self, place: int) -> Samples:
        """Return the three value columns of one sensor, by its place; shape (rows, 3)."""
        return self.values[:, 3 * place : 3 * place + 3]


def layout_with_header(head: Head, header_row: int, first_row: int | None = None) -> Layout:
    """Read the column names from line `header_row`; numbers begin at `first_row` (next line).

    Raises
    ------
    SensorError
        The names are not separated by comma, semicolon, tab or bar, a name repeats, or the
        numbers are written with decimal commas between commas.
    """
    line = head.lines[header_row]
    delimiter = find_delimiter(line)
    if not delimiter:
        raise SensorError(
            f"{head.path}: line {header_row + 1} ({line[:60]!r}) should name the columns, "
            "separated by comma, semicolon, tab or bar"
        )
    columns = split_row(line, delimiter)
    start = header_row + 1 if first_row is None else first_row
    cells = len(split_row(head.lines[start], delimiter)) if start < len(head.lines) else 0
    if delimiter == "," and cells >= 2 * len(columns) - 1 > 1:
        raise SensorError(
            f"{head.path}: {len(columns)} column names but {cells} cells in the first row; the "
            "numbers seem to have decimal commas between commas. Export with decimal points, or "
            "with semicolons between the columns"
        )
    return Layout(header_row, start, delimiter, tuple(columns))


def read_table(
    head: Head,
    layout: Layout,
    precise: Sequence[int],
    values: Sequence[int],
    *,
    dates: bool = False,
) -> Table:
    """Read some columns of a text table, in chunks.

    Parameters
    ----------
    head, layout
        The file and how its rows are written.
    precise, values
        Indices of the columns wanted in double and in single precision. Sensors deliver 16 to 24
        bits, so single precision loses nothing of the values; times need double.
    dates
        Whether the precise columns may hold ISO 8601 dates with time; they become seconds since
        1970 (UTC where no zone is written), and `Table.has_dates` is set.

    Returns
    -------
    Table
        Cells that are empty, unreadable or infinite are NaN; the last two are counted.

    Raises
    ------
    SensorError
        A row has too many cells, over 5 % of the cells are not numbers, there is no row, or the
        table passes `MOST_BYTES`; reading stops there.
    """
    _check_width(head, layout)
    wanted = sorted({*precise, *values})
    doubles, singles = _Growing(len(precise), np.float64), _Growing(len(values), np.float32)
    unreadable, has_dates = 0, False
    try:
        # Columns are given by number: names may repeat (Delsys) or be missing (BIDS).
        with pd.read_csv(
            head.path,
            sep=layout.delimiter,
            header=None,
            names=list(range(len(layout.columns))),
            index_col=False,
            usecols=wanted,
            skiprows=layout.first_row,
            decimal="," if _decimal_comma(head, layout) else ".",
            encoding=head.encoding,
            encoding_errors="replace",
            quoting=3,
            chunksize=_ROWS_AT_A_TIME,
            low_memory=False,
        ) as chunks:
            for chunk in chunks:
                for name in precise if dates else ():
                    has_dates |= _dates_to_seconds(chunk, name)
                unreadable += _make_numeric(chunk)
                doubles.append(chunk[list(precise)].to_numpy(np.float64))
                singles.append(_to_single(chunk[list(values)].to_numpy(np.float64)))
                if doubles.nbytes + singles.nbytes > MOST_BYTES:
                    raise SensorError(
                        f"{head.path}: too long: its first {doubles.rows} rows alone are over "
                        f"{MOST_BYTES / 2**20:.0f} MiB of numbers. Cut the log to the session, or "
                        "export the sensors on thumb and index finger only"
                    )
    except (ValueError, OSError, OverflowError, MemoryError, pd.errors.ParserWarning) as error:
        raise SensorError(
            f"{head.path}: the rows after line {layout.first_row} cannot be read as "
            f"{len(layout.columns)} columns: {' '.join(str(error).split())[:200]}"
        ) from error
    rows = doubles.rows
    if unreadable > _MOST_UNREADABLE * max(1, rows * len(wanted)):
        raise SensorError(
            f"{head.path}: {unreadable} of {rows * len(wanted)} cells are not numbers; expected "
            f"numbers with decimal points separated by {layout.delimiter!r} after line "
            f"{layout.first_row}"
        )
    if not rows:
        raise SensorError(f"{head.path}: no row of numbers after line {layout.first_row}")
    precise_values, single_values = doubles.array(), singles.array()
    repairs = {"cells_unreadable": unreadable} if unreadable else {}
    infinite = 0
    for block in (precise_values, single_values):
        for column in block.T:  # one column at a time keeps the temporary masks small
            bad = np.isinf(column)
            infinite += int(bad.sum())
            column[bad] = np.nan
    if infinite:
        repairs["cells_infinite"] = infinite
    return Table(precise_values, single_values, repairs, has_dates)


def _check_width(head: Head, layout: Layout) -> None:
    """Refuse rows with more cells than names, which the reader would cut off in silence."""
    for number, line in enumerate(head.lines[layout.first_row :], layout.first_row + 1):
        cells = len(line.rstrip(layout.delimiter + " ").split(layout.delimiter))
        if cells > len(layout.columns):
            raise SensorError(
                f"{head.path}: line {number} has {cells} cells for {len(layout.columns)} columns; "
                "expected as many. Export the log again, one row a sample"
            )


def _decimal_comma(head: Head, layout: Layout) -> bool:
    return uses_decimal_comma(head.lines[layout.first_row :], layout.delimiter)


def _dates_to_seconds(chunk: pd.DataFrame, name: int) -> bool:
    """Turn a column of ISO 8601 dates into seconds in place; return whether it held dates."""
    column = chunk[name]
    if column.dtype.kind in "fiu":
        return False
    text = column.astype(str).str.strip().str.strip('"')
    dated = text.str.match(_DATE)
    if not dated.any():
        return False
    time = pd.to_datetime(text.where(dated), format="ISO8601", utc=True, errors="coerce")
    chunk[name] = (time - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return True


def _make_numeric(chunk: pd.DataFrame) -> int:
    """Turn columns of mixed cells into numbers in place; return how many cells were not numbers."""
    unreadable = 0
    for name in chunk.columns:
        column = chunk[name]
        if column.dtype.kind not in "fiu":
            numbers = pd.to_numeric(column.astype(object), errors="coerce")
            unreadable += int((numbers.isna() & column.notna()).sum())
            chunk[name] = numbers.astype(np.float64)
    return unreadable


def _to_single(block: FloatArray) -> Samples:
    with np.errstate(over="ignore"):  # overflow becomes infinity, which is counted
        return block.astype(np.float32)


class _Growing(Generic[Scalar]):
    """Rows appended to one array that grows in place, so that memory never holds two copies."""

    def __init__(self, columns: int, dtype: type[Scalar]) -> None:
        self._block: NDArray[Scalar] = np.empty((0, columns), dtype)
        self.rows = 0

    @property
    def nbytes(self) -> int:
        """Return the memory of the rows."""
        return int(self.rows * self._block.shape[1] * self._block.itemsize)

    def append(self, block: NDArray[Scalar]) -> None:
        need = self.rows + len(block)
        if need > len(self._block):
            self._block.resize((max(need, int(1.25 * self.rows)), block.shape[1]), refcheck=False)
        self._block[self.rows : need] = block
        self.rows = need

    def array(self) -> NDArray[Scalar]:
        self._block.resize((self.rows, self._block.shape[1]), refcheck=False)
        return self._block
