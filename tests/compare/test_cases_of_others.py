"""Logs and tables that sensor makers, exports and Excel get wrong, one small case each."""

from pathlib import Path

import pytest

from tapscope.compare import Options, compare_study
from tapscope.compare.records import RecordingComparison
from tapscope.errors import ComparisonError
from tapscope.pipeline.result_reader import read_features
from tapscope.sensors import read


@pytest.fixture
def case(shared_data: Path, request: pytest.FixtureRequest) -> Path:
    """Return the folder of one case; skip where there is none."""
    folder = shared_data / "cases" / str(request.param)
    if not folder.is_dir():
        pytest.skip(f"needs {request.param} in the shared data's cases")
    return folder


def compared(folder: Path) -> RecordingComparison:
    options = Options(sensor=folder / "sensor", features=folder / "features.csv")
    (recording,) = compare_study(options).recordings
    return recording


@pytest.mark.parametrize("case", ["sensor-dead-zero"], indirect=True)
def test_dead_sensor_is_refused(case: Path) -> None:
    with pytest.raises(ComparisonError, match="index_gyro does not vary: all 2000 samples are 0"):
        compared(case)


@pytest.mark.parametrize("case", ["sensor-clipped"], indirect=True)
def test_clipped_gyroscope_is_named(case: Path) -> None:
    (note,) = [note for note in compared(case).notes if "clipped" in note]
    assert "38 % of its samples are at its limit of 250 deg/s" in note


@pytest.mark.parametrize("case", ["sensor-duplicate-rows"], indirect=True)
def test_doubled_rows_are_dropped_and_counted(case: Path) -> None:
    (log,) = (case / "sensor").glob("*.csv")
    found = read(log)
    assert found.repairs == {"identical_rows_dropped": 1000}
    assert len(found.signals[0].time_s) == 2000
    assert found.sampling_rate_hz == pytest.approx(200, rel=1e-6)


@pytest.mark.parametrize("case", ["sensor-iso-time"], indirect=True)
def test_dates_with_zone_are_read(case: Path) -> None:
    (log,) = (case / "sensor").glob("*.csv")
    time_s = read(log).signals[0].time_s
    assert time_s.size == 2000
    assert time_s[0] == pytest.approx(1774742398.0)  # 2026-03-28T23:59:58Z
    assert time_s[-1] - time_s[0] == pytest.approx(9.995)


@pytest.mark.parametrize("case", ["features-saved-by-excel"], indirect=True)
def test_table_saved_by_excel_is_read(case: Path) -> None:
    lines = (case / "features.csv").read_text(encoding="utf-8-sig").splitlines()
    raw = dict(zip(lines[0].split(";"), lines[1].split(";"), strict=True))
    row = read_features(case / "features.csv").rows[0]
    assert row.recording == raw["recording"]
    assert row.number("tapping_rate_hz") == float(raw["tapping_rate_hz"].replace(",", "."))
