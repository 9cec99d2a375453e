"""Tests of the files that results are written to."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapscope.errors import OutputError
from tapscope.output import table
from tapscope.output.table import Cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.333333"),
        (2.0, "2"),
        (123456789.0, "123457000"),
        (1.5e-9, "1.5e-09"),
        (-0.0, "0"),
        (float("nan"), ""),
        (float("inf"), ""),
        (np.int64(7), "7"),
        (np.float64(0.25), "0.25"),
    ],
)
def test_numbers_have_six_digits(value: float, text: str) -> None:
    assert table.cell_text(table.rounded(value)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rounding_is_close_and_idempotent(value: float) -> None:
    once = table.rounded(value)
    assert once is None or math.isclose(once, value, rel_tol=5e-6, abs_tol=1e-300)
    assert once is None or table.rounded(once) == once


def test_fixed_decimals() -> None:
    assert table.fixed(np.array([1.0, -0.0, 2 / 3, np.nan]), 3) == ["1.000", "0.000", "0.667", ""]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_csv_gives_back_any_text(rows: list[list[str]]) -> None:
    content = table.csv_bytes(["a", "b"], rows).decode()
    assert list(csv.reader(io.StringIO(content, newline=""))) == [["a", "b"], *rows]


ROWS: list[dict[str, Cell]] = [
    {"recording": '=1+1, "x"', "taps": 3, "rate": 2.5, "note": ""},
    {"recording": "b", "taps": None},
]
COLUMNS = ["recording", "taps", "rate", "note"]


def test_csv_has_empty_cells_for_unknown(tmp_path: Path) -> None:
    path = tmp_path / "new" / "t.csv"
    table.write_table(path, COLUMNS, ROWS, ["taps", "rate"])
    assert path.read_bytes() == b'recording,taps,rate,note\n"=1+1, ""x""",3,2.5,\nb,,,\n'


def test_parquet_has_types_and_nulls(tmp_path: Path) -> None:
    path = tmp_path / "t.PARQUET"
    table.write_table(path, COLUMNS, ROWS, ["taps", "rate"])
    found = pq.read_table(path)
    assert [str(kind) for kind in found.schema.types] == ["string", "double", "double", "string"]
    assert found.to_pylist() == [
        {"recording": '=1+1, "x"', "taps": 3.0, "rate": 2.5, "note": None},
        {"recording": "b", "taps": None, "rate": None, "note": None},
    ]
    first = path.read_bytes()
    table.write_table(path, COLUMNS, ROWS, ["taps", "rate"])
    assert path.read_bytes() == first


def test_other_endings_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"must be \.csv or \.parquet"):
        table.check_table_path(tmp_path / "t.xlsx")
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        table.check_table_path(tmp_path / "t.csv")


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        table.write_result(tmp_path / "file" / "t.csv", b"")


def test_json_has_no_nan() -> None:
    assert json.loads(table.json_bytes({"é": [1, None]})) == {"é": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        table.json_bytes(float("nan"))
