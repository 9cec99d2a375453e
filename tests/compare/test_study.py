"""A made-up study through `tapscope compare`: what is joined, what is left out, what is written."""

import csv
import io
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tapscope.agreement import match_events
from tapscope.compare import ClockRule, Options, compare_study
from tapscope.compare import result_tables as compare_tables
from tapscope.compare.alignment import read_sensor
from tapscope.compare.comparison_jobs import find_logs
from tapscope.compare.feature_pairs import OVER_TIME, feature_pairs
from tapscope.compare.records import Comparison, RecordingComparison
from tapscope.compare.strata import frame_rate_level, rate_band, split
from tapscope.compare.taps_and_signals import compare_signals, compare_taps
from tapscope.errors import ComparisonError, ResultsError
from tapscope.pipeline.cache import RecordingResult
from tapscope.pipeline.result_reader import read_features, read_taps, read_tracks
from tapscope.protocol.protocol import load
from tapscope.records import Taps, Trajectory
from tests.paired_study import NAMES, described, made_up, write_features


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with features.csv and logs/ of three recordings."""
    folder = tmp_path_factory.mktemp("study")
    made_up(folder, NAMES)
    return folder


@pytest.fixture(scope="module")
def found(study: Path) -> Comparison:
    """The study compared."""
    return compare_study(options_of(study))


@pytest.fixture
def copy(study: Path, tmp_path: Path) -> Path:
    """A copy of the study that a test may change."""
    return shutil.copytree(study, tmp_path / "copy")


def options_of(folder: Path, **changes: object) -> Options:
    plain = Options(sensor=folder / "logs", features=folder / "features.csv", out=folder / "out")
    return replace(plain, **changes)  # type: ignore[arg-type]


def read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def taps_at(closure_s: Sequence[float], amplitude: Sequence[float] | None = None) -> Taps:
    start, end = np.array(closure_s[:-1]), np.array(closure_s[1:])
    ones = np.ones(start.size)
    height = ones if amplitude is None else np.array(amplitude)
    return Taps(start, end, (start + end) / 2, height, ones, ones, ones, ones,
                np.full(start.size, "", dtype="<U1"), "mm")  # fmt: skip


def test_made_up_clocks_are_found_and_taps_match(found: Comparison) -> None:
    for place, each in enumerate(found.recordings):
        assert each.sync is not None
        assert each.sync.offset_s == pytest.approx(40 + place, abs=0.01)
        assert each.sync.aligned_from_data
        assert each.taps is not None
        assert each.signal is not None
        assert each.signal.r > 0.95
        assert each.sensor_facts["sign"] == "from the video"
    taps = found.row("tap_closure_time")
    assert taps is not None
    f1 = taps.estimate("f1")
    assert f1 is not None
    assert f1.value > 0.97
    assert "flatters" in taps.note


def test_rate_agrees_and_its_shares_are_told(found: Comparison) -> None:
    row = found.row("tapping_rate_hz")
    assert row is not None
    assert (row.unit, row.n_participants, row.n_recordings, row.form) == ("Hz", 3, 3, "simple")
    values = {each.name: each.value for each in row.estimates}
    assert abs(values["bias"]) < 0.02
    assert values["share_within_0.5"] == values["share_within_0.1"] == 1.0


def test_unlike_units_give_correlation_and_rank_agreement_only(found: Comparison) -> None:
    row = found.row("amplitude_median")
    assert row is not None
    assert row.unit == "hand lengths vs deg of rotation"
    assert [each.name for each in row.estimates] == ["pearson_r", "spearman_rho"]
    assert "unlike units" in row.note
    ratio = found.row("amplitude_cv")
    assert ratio is not None
    assert ratio.estimate("bias") is not None


def test_amplitudes_correlate_within_recordings(found: Comparison) -> None:
    row = found.row("tap_amplitude_centred")
    assert row is not None
    r = row.estimate("pearson_r")
    assert r is not None
    assert r.value > 0.9
    assert row.estimate("bias") is None


def test_strata_by_hand_and_rate_but_not_where_all_are_alike(found: Comparison) -> None:
    strata = {row.stratum for row in found.rows}
    assert {"all", "hand=left", "hand=right", "rate=0-2 Hz", "rate=2-4 Hz"} <= strata
    assert not any(name.startswith("frame_rate") for name in strata)
    assert "frame_rate (only one level: 30 fps)" in found.settings["columns without strata"]
    left = found.row("tapping_rate_hz", "hand=left")
    assert left is not None
    assert left.n_recordings == 2


def test_nobody_is_left_out_without_cause(found: Comparison) -> None:
    assert found.exclusions == ()
    assert not found.failed
    assert [step.n_recordings for step in found.flow] == [3, 3, 3, 3, 3]


def test_a_bad_log_costs_only_its_own_pair(copy: Path) -> None:
    (copy / "logs" / f"{NAMES[1]}.csv").write_text("no sensor log at all\n")
    found = compare_study(options_of(copy))
    assert [each.recording for each in found.recordings] == [NAMES[0], NAMES[2]]
    (excluded,) = found.exclusions
    assert (excluded.recording, excluded.step) == (NAMES[1], "sensor")
    assert "not a sensor log known here" in excluded.reason
    assert found.failed
    assert [step.n_recordings for step in found.flow] == [3, 3, 3, 2, 2]


def test_a_log_of_the_other_hand_is_refused(copy: Path) -> None:
    sidecar = copy / "logs" / f"{NAMES[0]}.json"
    sidecar.write_text(sidecar.read_text().replace('"left"', '"right"'))
    found = compare_study(options_of(copy))
    (excluded,) = found.exclusions
    assert excluded.recording == NAMES[0]
    assert "right hand" in excluded.reason


def test_a_fault_of_the_program_costs_one_pair(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: Path, files: Sequence[str]) -> object:
        if NAMES[0] in files[0]:
            raise ZeroDivisionError("made up")
        return read_sensor(folder, files)

    monkeypatch.setattr("tapscope.compare.recording_comparison.read_sensor", broken)
    found = compare_study(options_of(study))
    (excluded,) = found.exclusions
    assert excluded.step == "fault"
    assert "ZeroDivisionError: made up" in excluded.reason
    assert len(found.recordings) == 2


def test_lost_tracks_and_lost_logs_are_listed(copy: Path) -> None:
    (copy / "features.tapscope" / f"{NAMES[0]}.tracks.csv").unlink()
    (copy / "logs" / f"{NAMES[1]}.csv").rename(copy / "logs" / "sub-77_hand-left_run-1.csv")
    found = compare_study(options_of(copy))
    listed = {(e.recording, e.sensor_file): e for e in found.exclusions}
    assert listed[NAMES[0], f"{NAMES[0]}.csv"].step == "analysis"
    assert listed[NAMES[1], ""].step == "pairing"
    assert listed["", "sub-77_hand-left_run-1.csv"].reason == "no recording fits it"


def test_nothing_to_compare_is_an_error_that_says_why(copy: Path) -> None:
    for name in NAMES:
        (copy / "logs" / f"{name}.csv").write_text("nothing\n")
    with pytest.raises(ComparisonError, match=r"first reason: sub-01.*not a sensor log"):
        compare_study(options_of(copy))


def test_failed_videos_are_left_out_with_their_reason(copy: Path) -> None:
    table = copy / "features.csv"
    whole = f"{NAMES[1]},{NAMES[1]}.mp4,ok,,"
    assert whole in table.read_text()
    failed = whole.replace(",ok,,", ",failed,no_hand: nobody there,")
    table.write_text(table.read_text().replace(whole, failed))
    found = compare_study(options_of(copy))
    (excluded,) = found.exclusions
    assert (excluded.step, excluded.sensor_file) == ("analysis", f"{NAMES[1]}.csv")
    assert excluded.reason.endswith("no_hand: nobody there")
    assert [step.n_recordings for step in found.flow] == [3, 3, 2, 2, 2]


def test_flagged_clocks_leave_features_only(study: Path) -> None:
    """Within 0.3 s of a wrong offset nothing fits, and that is said."""
    found = compare_study(options_of(study, clock=ClockRule(rough_offset_s=37.7, within_s=0.3)))
    assert len(found.recordings) == 3
    flagged = [each for each in found.recordings if each.taps is None]
    assert len(flagged) == 3
    assert all(e.excluded_from == "taps, signals, counts and durations" for e in found.exclusions)
    assert not found.failed
    assert found.row("tap_closure_time") is None
    assert found.row("opening_signal") is None
    assert found.row("tapping_rate_hz") is not None
    assert found.flow[-1].n_recordings == 0


def test_no_sync_compares_features_and_says_what_is_assumed(study: Path) -> None:
    found = compare_study(options_of(study, clock=ClockRule(align=False)))
    each = found.recordings[0]
    assert each.sync is None
    assert each.taps is None
    assert any("is assumed" in note for note in each.notes)
    assert found.exclusions == ()
    (first, *_) = read(compare_tables.sync_csv(found.recordings))
    assert (first["flag"], first["offset_s"]) == ("not_synchronised", "")


def test_long_log_without_a_clock_is_no_measure_of_a_short_video(tmp_path: Path) -> None:
    """Its features would be those of other movement."""
    made_up(tmp_path, NAMES[:2])
    for log in (tmp_path / "logs").glob("*.csv"):
        header, *rows = log.read_text().splitlines()
        last_s = float(rows[-1].split(",")[0])
        still = [f"{last_s + n / 100:.5f}" + ",0" * 6 for n in range(1, 3000)]
        if NAMES[0] in log.name:
            log.write_text("\n".join([header, *rows, *still]))
    found = compare_study(options_of(tmp_path, clock=ClockRule(align=False)))
    assert [each.recording for each in found.recordings] == [NAMES[1]]
    (excluded,) = found.exclusions
    assert (excluded.recording, excluded.step) == (NAMES[0], "sensor")
    assert "lasts 42 s, the video 10 s" in excluded.reason
    assert "the clocks were not related" in excluded.reason


def test_a_manifest_gives_logs_cues_and_strata(copy: Path) -> None:
    logs = copy / "logs"
    for place, name in enumerate(NAMES):
        for ending in (".csv", ".json"):
            (logs / f"{name}{ending}").rename(logs / f"imu{place}{ending}")
    manifest = copy / "manifest.csv"
    manifest.write_text(
        "recording,sensor_file,sync_video_s,sync_sensor_s,offset_s,group,participant_id\n"
        f"{NAMES[0]},imu0.csv,1.0,41.0,,patient,A\n"
        f"{NAMES[1]},imu1.csv,,,41.3,control,B\n"
        f"{NAMES[2]},imu2.csv,,,,patient,A\n"
        "sub-99,imu9.csv,,,,patient,C\n"
    )
    found = compare_study(options_of(copy, manifest=manifest))
    first, second, third = (each.sync for each in found.recordings)
    assert first is not None
    assert (first.offset_s, first.aligned_from_data) == (pytest.approx(40.0), False)
    assert second is not None
    assert second.offset_s == pytest.approx(41.0, abs=0.01)
    assert third is not None
    assert third.aligned_from_data
    assert found.recordings[0].sensor_facts["sign"] == "from the video"
    assert {"group=patient", "group=control"} <= {row.stratum for row in found.rows}
    rate = found.row("tapping_rate_hz")
    assert rate is not None
    assert (rate.n_participants, rate.form) == (2, "repeated")
    (lost,) = found.exclusions
    assert (lost.recording, lost.step) == ("sub-99", "pairing")


@pytest.mark.parametrize(
    ("columns", "cells", "message"),
    [
        ("offset_s", "soon", "write seconds"),
        ("offset_s", "inf", "write seconds"),
        ("sync_video_s", "1.0", "both are needed"),
    ],
)
def test_a_clock_that_is_half_told_is_refused(
    study: Path, tmp_path: Path, columns: str, cells: str, message: str
) -> None:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"recording,{columns}\n{NAMES[0]},{cells}\n")
    with pytest.raises(ComparisonError, match=message):
        compare_study(options_of(study, manifest=manifest))


@pytest.mark.parametrize(("name", "margin"), [("speed", 1.0), ("tapping_rate_hz", -1.0)])
def test_margins_are_checked(study: Path, name: str, margin: float) -> None:
    with pytest.raises(ComparisonError, match=f"margin for '{name}'"):
        compare_study(options_of(study, margins={name: margin}))


def test_a_log_that_covers_part_of_the_video_is_compared_over_that_part(copy: Path) -> None:
    log = copy / "logs" / f"{NAMES[0]}.csv"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:1] + lines[1 : 1 + 750]))
    each = compare_study(options_of(copy)).recordings[0]
    assert any("covers 6" in note for note in each.notes)
    whole = read_features(copy / "features.csv").rows[0].number("tap_count")
    part = value_pairs(each)
    assert part["tap_count"][0] < 0.8 * whole
    assert part["tap_count"][0] == pytest.approx(part["tap_count"][1], abs=1)


def value_pairs(each: RecordingComparison) -> dict[str, tuple[float, float]]:
    return {pair.feature: (pair.video, pair.sensor) for pair in each.features}


def test_a_log_that_ends_just_before_the_last_tap_does_not_miss_it(copy: Path) -> None:
    """4 % of the task are a tap that only the video could count."""
    log = copy / "logs" / f"{NAMES[0]}.csv"
    row = read_features(copy / "features.csv").rows[0]
    last_s = read_taps(copy / "features.tapscope" / f"{NAMES[0]}.taps.csv").next_closure_s[-1]
    header, *rows = log.read_text().splitlines()
    kept = [line for line in rows if float(line.split(",")[0]) < 40 + last_s - 0.2]
    log.write_text("\n".join([header, *kept]))
    each = compare_study(options_of(copy)).recordings[0]
    video, sensor = value_pairs(each)["tap_count"]
    assert video == row.number("tap_count") - 1
    assert video == sensor
    assert any("computed anew over that part" in note for note in each.notes)


@pytest.mark.parametrize(
    "clock", [ClockRule(align=False), ClockRule(rough_offset_s=37.7, within_s=0.3)]
)
def test_counts_over_unlike_times_are_not_compared(tmp_path: Path, clock: ClockRule) -> None:
    """The video shows 8 s of the 10 s in the log, which is no bias of the count."""
    made_up(tmp_path, video_s=8.0)
    found = compare_study(options_of(tmp_path, clock=clock))
    for each in found.recordings:
        assert not OVER_TIME & value_pairs(each).keys()
        assert {"tapping_rate_hz", "inter_tap_interval_median_s"} <= value_pairs(each).keys()
        assert any("counts and durations not compared (the task lasts" in n for n in each.notes)
    assert found.row("tap_count") is None
    assert found.row("halt_count") is None
    rate = found.row("tapping_rate_hz")
    assert rate is not None
    assert abs(rate.value("bias")) < 0.1


def test_counts_over_the_time_that_both_saw_are_compared(tmp_path: Path) -> None:
    made_up(tmp_path, video_s=8.0)
    found = compare_study(options_of(tmp_path))
    row = found.row("tap_count")
    assert row is not None
    assert row.n_recordings == 3
    assert abs(row.value("bias")) < 0.4


def test_tables_hold_what_was_found(found: Comparison) -> None:
    rows = read(compare_tables.agreement_csv(found.rows))
    assert list(rows[0])[:6] == [
        "feature", "unit", "stratum", "n_participants", "n_recordings", "n_taps",
    ]  # fmt: skip
    rate = next(r for r in rows if (r["feature"], r["stratum"]) == ("tapping_rate_hz", "all"))
    assert float(rate["bias_low"]) < float(rate["bias"]) < float(rate["bias_high"])
    assert "Student" in rate["bias_method"]
    assert 0 <= float(rate["pearson_r_p"]) <= 1
    pairs = read(compare_tables.pairs_csv(found.recordings))
    assert list(pairs[0])[:5] == ["recording", "feature", "video", "sensor", "difference"]
    by_unit = {(row["video_unit"] == row["sensor_unit"], row["difference"] != "") for row in pairs}
    assert by_unit == {(True, True), (False, False)}
    sync = read(compare_tables.sync_csv(found.recordings))
    assert list(sync[0])[:9] == [
        "recording", "sensor_file", "offset_s", "drift_ppm", "drift_known", "r", "margin",
        "aligned_from_data", "flag",
    ]  # fmt: skip
    assert [row["drift_known"] for row in sync] == ["no"] * 3


def test_the_table_of_taps_is_in_order_of_time(found: Comparison) -> None:
    rows = read(compare_tables.taps_csv(found.recordings))
    first = [row for row in rows if row["recording"] == NAMES[0]]
    times = [float(row["video_closure_s"] or row["sensor_closure_s"]) for row in first]
    assert times == sorted(times)
    matched = [row for row in first if row["event"] == "matched"]
    assert len(matched) == found.recordings[0].taps.match.matched  # type: ignore[union-attr]
    for row in matched:
        apart = float(row["video_closure_s"]) - float(row["sensor_closure_s"])
        assert float(row["timing_error_s"]) == pytest.approx(apart, abs=2e-6)
    paired = [row for row in matched if row["interval_difference_s"]]
    for row in paired:
        apart = float(row["video_interval_s"]) - float(row["sensor_interval_s"])
        assert float(row["interval_difference_s"]) == pytest.approx(apart, abs=2e-6)
    assert paired[0]["amplitude_difference"] == ""


def test_missed_and_extra_taps_are_listed() -> None:
    video = taps_at([1.0, 2.0, 2.5, 3.0, 4.0], [1, 2, 3, 4])
    sensor = taps_at([1.01, 2.01, 3.01, 3.5, 4.01], [1.5, 2, 3, 4])
    compared = compare_taps(video, sensor, (0.0, 5.0), 0.05)
    assert (compared.match.matched, compared.match.extra, compared.match.missed) == (4, 1, 1)
    assert (compared.tap_of_video, compared.tap_of_sensor) == ((0,), (0,))
    recording = one_recording(compared_taps=compared)
    rows = read(compare_tables.taps_csv([recording]))
    assert [row["event"] for row in rows] == [
        "matched", "matched", "extra", "matched", "missed", "matched",
    ]  # fmt: skip
    assert rows[0]["amplitude_difference"] == "-0.5"
    assert rows[2]["sensor_closure_s"] == rows[4]["video_closure_s"] == ""


def one_recording(compared_taps: object) -> RecordingComparison:
    return RecordingComparison(
        recording="a", sensor_files=("b",), participant_id="", strata={}, features=(),
        video_facts={}, sensor_source="position", sensor_facts={}, sync=None,
        taps=compared_taps, signal=None, video_taps=0,  # type: ignore[arg-type]
    )  # fmt: skip


def test_lonely_closures_at_the_ends_are_nobodys_fault() -> None:
    video, sensor = taps_at([1.0, 2.0, 3.0]), taps_at([0.02, 1.0, 2.0, 3.0, 3.98])
    inner = compare_taps(video, sensor, (0.0, 4.0), 0.05)
    assert (inner.match.matched, inner.match.missed) == (3, 0)
    assert inner.sensor_closure_s.tolist() == [1.0, 2.0, 3.0]
    wide = compare_taps(video, sensor, (-1.0, 5.0), 0.05)
    assert wide.match.missed == 2
    assert match_events([], [], 0.05).matched == 0


def test_signals_are_compared_where_both_are_known() -> None:
    time_s = np.arange(300) / 30
    aperture = np.sin(5 * time_s) ** 2
    video = Trajectory(time_s, np.where(time_s < 1, np.nan, 7 * aperture + 2), "px", "video")
    sensor_s = np.arange(0, 9, 0.01)
    kept = (sensor_s < 4) | (sensor_s > 5)
    sensor = Trajectory(sensor_s[kept], np.sin(5 * sensor_s[kept]) ** 2, "deg", "gyroscope")
    same = compare_signals(video, sensor)
    assert same.r == pytest.approx(1.0, abs=1e-3)
    assert same.rmse == pytest.approx(0.0, abs=0.01)
    assert same.time_s.min() >= 1
    assert same.time_s.max() < 9
    assert not ((same.time_s > 4.05) & (same.time_s < 4.95)).any()


def test_signals_without_movement_have_no_correlation() -> None:
    time_s = np.arange(30) / 30
    flat = Trajectory(time_s, np.ones(30), "px", "video")
    assert math.isnan(compare_signals(flat, flat).r)
    empty = Trajectory(time_s, np.full(30, np.nan), "deg", "gyroscope")
    nothing = compare_signals(flat, empty)
    assert nothing.time_s.size == 0
    assert math.isnan(nothing.rmse)


def test_accelerometers_and_distances_are_compared_in_what_they_know() -> None:
    values = dict.fromkeys(("tapping_rate_hz", "amplitude_mean", "sparc", "amplitude_cv"), 1.0)
    protocol = load()
    contacts = feature_pairs(values, values, "hand_lengths", "none", protocol, same_time=True)
    assert [pair.feature for pair in contacts] == ["tapping_rate_hz"]
    lengths = {
        p.feature: p for p in feature_pairs(values, values, "mm", "mm", protocol, same_time=True)
    }
    assert lengths["amplitude_mean"].comparable
    angles = {
        p.feature: p for p in feature_pairs(values, values, "deg", "deg", protocol, same_time=True)
    }
    assert angles["amplitude_mean"].unit == "deg at the wrist vs deg of rotation"
    assert angles["amplitude_cv"].comparable


def test_bands_and_frame_rates() -> None:
    assert [rate_band(rate) for rate in (0.8, 2.0, 5.9, 8.0, math.nan)] == [
        "0-2 Hz", "2-4 Hz", "4-6 Hz", "6 Hz and over", "",
    ]  # fmt: skip
    assert frame_rate_level(29.97) == "30 fps"
    assert frame_rate_level(59.9) == "60 fps"
    assert frame_rate_level(41.0) == "41 fps"
    assert frame_rate_level(0.0) == frame_rate_level(math.nan) == ""


def test_columns_with_many_levels_are_no_strata() -> None:
    recordings = [
        replace(one_recording(None), recording=str(n), strata={"age": str(n)}) for n in range(12)
    ]
    strata, passed_over = split(recordings)
    assert [stratum.name for stratum in strata] == ["all"]
    assert passed_over == {"age": "12 levels, more than 8"}


def test_logs_are_found_and_companions_passed_over(tmp_path: Path) -> None:
    for name in ("b/x.csv", "a.tsv", "a_channels.tsv", ".hidden.csv", "a.json", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert find_logs(tmp_path) == ["a.tsv", "b/x.csv"]
    with pytest.raises(ComparisonError, match="no such folder"):
        find_logs(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ComparisonError, match="holds no sensor log"):
        find_logs(tmp_path / "empty")


def test_tables_that_are_none_are_refused(tmp_path: Path, study: Path) -> None:
    good = (study / "features.csv").read_text().splitlines()
    cases = {
        "": "is empty",
        "a,b\n1,2\n": "no column 'recording'",
        "\n".join([good[0], good[1], good[1]]): "has two rows",
        "\n".join([good[0], "x"]): "row 2 has 1 cells",
        "\n".join([good[0], good[1].replace(NAMES[0], "../up", 1)]): "not a valid name",
    }
    for text, message in cases.items():
        path = tmp_path / "features.csv"
        path.write_text(text)
        with pytest.raises(ResultsError, match=message):
            read_features(path)
    with pytest.raises(ResultsError, match="run 'tapscope analyze' first"):
        read_features(tmp_path / "none.csv")
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(ResultsError, match="missing or damaged"):
        read_features(tmp_path / "bad.parquet")


def test_parquet_and_csv_tables_give_the_same_rows(tmp_path: Path, study: Path) -> None:
    protocol = load()
    one = (described(NAMES[0], protocol), RecordingResult("failed", "why, indeed"))
    plain = read_features(write_features(tmp_path / "t.csv", [one], protocol))
    parquet = read_features(write_features(tmp_path / "t.parquet", [one], protocol))
    assert plain.rows == parquet.rows
    assert plain.rows[0].reason == "why, indeed"
    assert math.isnan(plain.rows[0].number("tapping_rate_hz"))
    assert math.isnan(plain.rows[0].number("reason"))


def test_damaged_tracks_and_taps_are_refused(tmp_path: Path) -> None:
    tracks, taps = tmp_path / "a.tracks.csv", tmp_path / "a.taps.csv"
    tracks.write_text("time_s,aperture_px,aperture_hand\n0,1,\n0.1,2,\n")
    assert read_tracks(tracks, "").unit == "px"
    with pytest.raises(ResultsError, match="no aperture"):
        read_tracks(tracks, "hand_lengths")
    tracks.write_text("time_s,aperture_px\n0.2,1\n0.1,2\n")
    with pytest.raises(ResultsError, match="rise"):
        read_tracks(tracks, "px")
    tracks.write_text("frame\n1\n")
    with pytest.raises(ResultsError, match="no column 'time_s'"):
        read_tracks(tracks, "px")
    header = "closure_s,next_closure_s,peak_s,amplitude,unit,opening_speed_mean,"
    header += "opening_speed_peak,closing_speed_mean,closing_speed_peak,flags\n"
    taps.write_text(header)
    assert len(read_taps(taps)) == 0
    taps.write_text(f"{header}1,2,1.5,3,px,1,1,1,1,gap\n")
    assert (read_taps(taps).unit, read_taps(taps).flags[0]) == ("px", "gap")
    taps.write_text(f"{header}1,2,3,3,px,1,1,1,1,\n")
    with pytest.raises(ResultsError, match="must follow one another"):
        read_taps(taps)
    taps.write_text(f"{header}1,2,1.5,3,ell,1,1,1,1,\n")
    with pytest.raises(ResultsError, match="unit 'ell'"):
        read_taps(taps)


def test_settings_are_plain_text(found: Comparison) -> None:
    assert json.loads(json.dumps(dict(found.settings)))["event tolerance"] == "50 ms"
    rules = (
        ClockRule(align=False),
        ClockRule(cues=((1.0, 2.0),)),
        ClockRule(rough_offset_s=3.0),
        ClockRule(),
    )
    assert len({rule.describe() for rule in rules}) == 4
