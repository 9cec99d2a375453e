"""Tables of features as other programs save them."""

from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import ResultsError
from tapscope.output.columns import RECORDING
from tapscope.output.table import csv_bytes
from tapscope.pipeline.result_reader import read_features, read_tips

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


TRACKS = {
    "time_s": "0.5", "frame": "15", "thumb_tip_x": "1.5", "thumb_tip_y": "2", "index_tip_x": "",
    "index_tip_y": "", "thumb_tip_confidence": "0.9", "index_tip_confidence": "0.2",
    "aperture_px": "", "aperture_hand": "",
}  # fmt: skip


def write_tracks(path: Path, *rows: dict[str, str]) -> Path:
    path.write_bytes(csv_bytes(list(rows[0]), [list(row.values()) for row in rows]))
    return path


def test_tips_are_read_with_unknown_ones_as_nan(tmp_path: Path) -> None:
    later = {**TRACKS, "time_s": "0.6", "frame": "18"}
    tips = read_tips(write_tracks(tmp_path / "a.tracks.csv", TRACKS, later))
    assert tips.frame.tolist() == [15, 18]
    assert tips.position_px[0, 0].tolist() == [1.5, 2.0]
    assert np.isnan(tips.position_px[:, 1]).all()
    assert tips.confidence[1].tolist() == [0.9, 0.2]
    assert np.isnan(tips.aperture_px).all()


def test_tracks_without_a_column_or_with_frames_in_disorder_are_refused(tmp_path: Path) -> None:
    fewer = {name: cell for name, cell in TRACKS.items() if name != "index_tip_y"}
    with pytest.raises(ResultsError, match="no column 'index_tip_y'"):
        read_tips(write_tracks(tmp_path / "a.tracks.csv", fewer))
    with pytest.raises(ResultsError, match="numbers of the frames do not rise"):
        read_tips(write_tracks(tmp_path / "b.tracks.csv", TRACKS, TRACKS))
