"""Tables as CSV or Parquet and facts as JSON; the same content gives the same bytes.

Numbers are rounded once, when a table is made: features to six significant digits, the long
columns of tracks to a fixed number of decimals. Unknown is an empty cell (null in Parquet).
"""

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import OutputError
from tapscope.files import write_atomically
from tapscope.output.checks import check_file

Cell = str | int | float | None
Row = Mapping[str, Cell]

TABLE_ENDINGS: Final = (".csv", ".parquet")
SIGNIFICANT_DIGITS: Final = 6


def rounded(value: float) -> float | int | None:
    """Return a number with six significant digits; None for NaN or infinity."""
    if isinstance(value, int | np.integer):
        return int(value)
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return short + 0.0  # no negative zero


def cell_text(value: Cell) -> str:
    """Return the text of a cell: the shortest decimal form of a number, '' for None or NaN."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value).removesuffix(".0")
    return str(value)


def fixed(values: NDArray[np.float64], decimals: int) -> list[str]:
    """Return numbers as texts with a fixed number of decimals, '' for NaN."""
    texts = (f"{value:.{decimals}f}" for value in (values + 0.0).tolist())
    return ["" if text == "nan" else text for text in texts]


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV file: UTF-8, commas, one header line, lines end with a line feed."""
    lines = (",".join(map(_quoted, cells)) for cells in chain([columns], rows))
    return "".join(f"{line}\n" for line in lines).encode()


def _quoted(cell: str) -> str:
    # csv.writer does not quote a carriage return if lines end with a line feed; csv.reader then
    # takes it for the end of a line.
    if any(mark in cell for mark in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def parquet_bytes(columns: Sequence[str], rows: Iterable[Row], numeric: Iterable[str]) -> bytes:
    """Return a Parquet file; columns named in `numeric` hold doubles, the others text."""
    import pyarrow as pa  # noqa: PLC0415 - a second of start-up for those who want CSV
    import pyarrow.parquet as pq  # noqa: PLC0415

    numbers = set(numeric)
    cells: dict[str, list[Cell]] = {name: [] for name in columns}
    for row in rows:
        for name, column in cells.items():
            cell = row.get(name)
            column.append(cell if name in numbers else cell_text(cell) or None)
    arrays = [
        pa.array(column, pa.float64() if name in numbers else pa.string(), from_pandas=True)
        for name, column in cells.items()
    ]
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays, names=list(columns)), sink)
    return sink.getvalue()


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Row], numeric: Iterable[str]
) -> None:
    """Write a table as CSV or Parquet, according to the ending.

    Raises
    ------
    OutputError
        The ending is neither, or the file cannot be written.
    """
    check_table_path(path)
    if path.suffix.lower() == ".parquet":
        write_result(path, parquet_bytes(columns, rows, numeric))
    else:
        cells = ([cell_text(row.get(name)) for name in columns] for row in rows)
        write_result(path, csv_bytes(columns, cells))


def check_table_path(path: Path) -> None:
    """Raise OutputError if a table cannot be written there; nothing is left behind."""
    if path.suffix.lower() not in TABLE_ENDINGS:
        raise OutputError(
            f"{path}: the ending must be {' or '.join(TABLE_ENDINGS)}; give another --out"
        )
    check_file(path)


def json_bytes(content: object) -> bytes:
    """Return indented JSON; NaN raises ValueError, because JSON has none."""
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_result(path: Path, content: bytes) -> None:
    """Write a file of results completely or not at all.

    Raises
    ------
    OutputError
        The file cannot be written: no permission, no space ...
    """
    try:
        write_atomically(path, content)
    except OSError as problem:
        raise OutputError(
            f"{path}: cannot be written ({problem.strerror}); make room or choose another --out"
        ) from problem
