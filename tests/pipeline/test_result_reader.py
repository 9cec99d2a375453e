"""Tables of features as other programs save them."""

from pathlib import Path

import pytest

from tapscope.errors import ResultsError
from tapscope.output.columns import RECORDING
from tapscope.pipeline.result_reader import read_features

HEADER = ";".join((*RECORDING, "tapping_rate_hz", "amplitude_cv"))


def write(path: Path, cells: dict[str, str]) -> Path:
    row = ";".join(cells.get(name, "") for name in HEADER.split(";"))
    path.write_text(f"{HEADER}\r\n{row}\r\n\r\n", encoding="utf-8-sig")
    return path


def test_semicolons_and_decimal_commas_are_read(tmp_path: Path) -> None:
    cells = {"recording": "a", "reason": "x, y", "tapping_rate_hz": "3,25", "amplitude_cv": "1E-3"}
    (row,) = read_features(write(tmp_path / "features.csv", cells)).rows
    assert (row.number("tapping_rate_hz"), row.number("amplitude_cv")) == (3.25, 0.001)
    assert row.reason == "x, y"


def test_a_row_with_too_many_cells_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "features.csv", {"recording": "a"})
    path.write_text(path.read_text().replace("\n\n", ";1;2\n"))
    with pytest.raises(ResultsError, match="row 2 has"):
        read_features(path)
