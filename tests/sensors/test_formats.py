"""Every format: a made-up file of its layout is recognised by content and read in SI units."""

import json
import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from tapscope import errors
from tapscope.errors import SensorError
from tapscope.sensors import combine, read
from tapscope.sensors.formats import FORMATS
from tapscope.sensors.recording import Kind
from tests.sensors import made_up

HELD: dict[str, list[tuple[str, Kind]]] = {
    "neutral": [("thumb", "gyro"), ("index", "gyro")],
    "gyro_mat": [("thumb", "gyro"), ("index", "gyro")],
    "bids_motion": [("index", "pos"), ("thumb", "pos")],
    "shimmer": [("index", "gyro"), ("index", "acc")],
    "mbientlab": [("unplaced", "gyro")],
    "xsens_dot": [("index", "gyro"), ("index", "acc")],
    "delsys": [("thumb", "acc"), ("thumb", "gyro")],
    "leap": [("thumb", "pos"), ("index", "pos")],
    "c3d": [("thumb", "pos"), ("index", "pos")],
    "xdf": [("index", "gyro")],
    "apdm": [("index", "gyro"), ("index", "acc")],
}


def test_every_format_has_a_made_up_file() -> None:
    assert {each.name for each in FORMATS} == set(made_up.WRITERS) == set(HELD)


@pytest.mark.parametrize("name", made_up.WRITERS)
def test_file_is_read_in_si_units(name: str, tmp_path: Path) -> None:
    path = made_up.WRITERS[name](tmp_path)
    recording = read(path)
    assert recording.format == name
    assert [(signal.place, signal.kind) for signal in recording.signals] == HELD[name]
    assert recording.sampling_rate_hz == pytest.approx(made_up.RATE_HZ, rel=1e-3)
    for signal in recording.signals:
        assert len(signal.time_s) == made_up.SAMPLES
        np.testing.assert_allclose(signal.time_s - signal.time_s[0], made_up.TIME_S, atol=1e-6)
        if signal.kind == "gyro" and signal.place in {"index", "unplaced"}:
            np.testing.assert_allclose(signal.xyz, made_up.GYRO_RAD_S, atol=1e-4)
        if signal.kind == "acc":
            np.testing.assert_allclose(signal.xyz, made_up.ACC_M_S2, atol=1e-3)
        if signal.kind == "pos" and signal.place == "index":
            assert 0.025 < np.nanmax(signal.xyz[:, 0]) - np.nanmin(signal.xyz[:, 0]) < 0.065


# The channels.tsv of BIDS is found by name, as the standard has it; all else by content.
@pytest.mark.parametrize("name", sorted(set(made_up.WRITERS) - {"bids_motion"}))
def test_format_does_not_depend_on_the_name(name: str, tmp_path: Path) -> None:
    path = made_up.WRITERS[name](tmp_path)
    renamed = tmp_path / "anything.bin"
    shutil.copy(path, renamed)
    if path.with_suffix(".json").exists():
        shutil.copy(path.with_suffix(".json"), renamed.with_suffix(".json"))
    assert read(renamed).format == name


def test_hand_and_device_are_kept(tmp_path: Path) -> None:
    recording = read(made_up.leap(tmp_path))
    assert (recording.hand, recording.device) == ("right", "Leap Motion")
    assert recording.repairs["samples_without_value"] == 10
    assert read(made_up.neutral(tmp_path)).hand == "right"


def test_counter_of_32_bits_is_unwrapped_and_counted(tmp_path: Path) -> None:
    recording = read(made_up.xsens_dot(tmp_path))
    assert recording.repairs == {"counter_wraps_undone": 1}


def test_wide_range_accelerometer_is_taken_and_said(tmp_path: Path) -> None:
    assert "acc LN" in read(made_up.shimmer(tmp_path)).notes[0]


def test_files_of_one_sensor_are_combined(tmp_path: Path) -> None:
    paths = made_up.mbientlab(tmp_path), made_up.mbientlab_acc(tmp_path)
    for path in paths:
        made_up.write_sidecar(path, Placement="index finger", Hand="left", Device="MMR")
    both = combine([read(path) for path in paths])
    assert both.names == ("index_gyro", "index_acc")
    assert (both.hand, both.device) == ("left", "MMR")
    np.testing.assert_allclose(both.signals[1].xyz, made_up.ACC_M_S2, atol=1e-3)


def test_combining_refuses_what_does_not_belong_together(tmp_path: Path) -> None:
    recording = read(made_up.mbientlab(tmp_path))
    with pytest.raises(SensorError, match=r"occurs twice.*Placement"):
        combine([recording, recording])
    with pytest.raises(SensorError, match="at least one"):
        combine([])
    path = made_up.mbientlab_acc(tmp_path)
    made_up.write_sidecar(path, Hand="left")
    (tmp_path / "Gyroscope.json").write_text('{"Hand": "right"}')
    with pytest.raises(SensorError, match="left and right"):
        combine([read(path), read(tmp_path / "Gyroscope.csv")])


def test_placement_names_markers(tmp_path: Path) -> None:
    path = made_up.bids_motion(tmp_path)
    channels = tmp_path / "sub-01_channels.tsv"
    channels.write_text(channels.read_text().replace("right_index_tip", "M1"))
    assert read(path).names == ("m1_pos", "thumb_pos")
    made_up.write_sidecar(path, SamplingFrequency=100, Placement={"index": "M1"})
    assert read(path).names == ("index_pos", "thumb_pos")
    made_up.write_sidecar(path, SamplingFrequency=100, Placement={"index": "M7"})
    with pytest.raises(SensorError, match=r"'M7'.*M1, right_thumb_tip"):
        read(path)


def test_bids_clock_from_latency_channel(tmp_path: Path) -> None:
    path = made_up.bids_motion(tmp_path)
    rows = path.read_text().splitlines()
    path.write_text("\n".join(f"{row}\t{n / 50}" for n, row in enumerate(rows)) + "\n")
    with (tmp_path / "sub-01_channels.tsv").open("a") as channels:
        channels.write("latency\tn/a\tLATENCY\tn/a\ts\n")
    made_up.write_sidecar(path, TaskName="tapping")
    assert read(path).sampling_rate_hz == pytest.approx(50)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("c3d", "ezc3d", "c3d"), ("xdf", "pyxdf", "xdf"), ("apdm", "h5py", "apdm")],
)
def test_missing_extra_says_how_to_install_it(
    name: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_up.WRITERS[name](tmp_path)
    found = errors.find_spec
    monkeypatch.setattr(
        errors, "find_spec", lambda wanted: None if wanted == module else found(wanted)
    )
    with pytest.raises(SensorError, match=rf'pip install "tapscope\[{extra}\]"'):
        read(path)


def test_real_files_are_read_or_refused_for_a_true_reason(shared_data: Path) -> None:
    folder = shared_data / "sensor_formats"
    read_as = {
        "bids_motion_motion.tsv": ("bids_motion", 2, 256),
        "delsys_trigno.csv": ("delsys", 4, 297),
        "optotrak.c3d": ("c3d", 52, 29),
        "xsens_dot_realtime.csv": ("xsens_dot", 1, 195),
    }
    for name, (format_name, signals, samples) in read_as.items():
        recording = read(folder / name)
        assert recording.format == format_name
        assert len(recording.signals) == signals
        assert len(recording.signals[0].time_s) == samples
    with pytest.raises(SensorError, match=r"no motion channel.*PPG_A13"):
        read(folder / "shimmer_consensys_ppg.csv")
    with pytest.raises(SensorError, match=r"no motion channel.*BioSemi.*EEG"):
        read(folder / "clock_resets.xdf")


def test_real_recordings_are_read(shared_data: Path) -> None:
    for path in sorted((shared_data / "leap").glob("*.csv")):
        assert read(path).hand == "left"
    study = read(next(iter(sorted((shared_data / "study" / "sensor").glob("*.csv")))))
    assert study.names == ("thumb_gyro", "thumb_acc", "index_gyro", "index_acc")
    assert study.repairs == {}
    gyro = read(next(iter(sorted((shared_data / "gyro").glob("*.mat")))))
    assert gyro.sampling_rate_hz == pytest.approx(200)


def test_sidecar_is_valid_json_in_utf_16_too(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    text = json.dumps({"Units": {"gyro": "deg/s"}})
    path.with_suffix(".json").write_text(text, encoding="utf-16")
    np.testing.assert_allclose(read(path).signals[1].xyz, np.radians(made_up.GYRO_RAD_S), atol=1e-4)


def test_dates_with_zone_are_times_whatever_unit_is_stated(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    units = {"gyro": "rad/s", "time": "ms"}
    made_up.write_sidecar(path, Units=units, SamplingFrequency=made_up.RATE_HZ)
    header, *rows = path.read_text().splitlines()
    start = datetime(2026, 3, 29, 0, 59, 59, tzinfo=timezone(timedelta(hours=1)))
    dated = [
        f"{(start + timedelta(seconds=n / made_up.RATE_HZ)).isoformat()},{row.split(',', 1)[1]}"
        for n, row in enumerate(rows)
    ]
    path.write_text("\n".join([header, *dated]) + "\n")
    found = read(path).signals[0].time_s
    assert found[0] == pytest.approx(start.timestamp())
    np.testing.assert_allclose(found - found[0], np.arange(len(rows)) / made_up.RATE_HZ, atol=1e-5)


def test_doubled_rows_are_dropped_but_equal_times_with_other_values_are_not_of_that_kind(
    tmp_path: Path,
) -> None:
    path = made_up.neutral(tmp_path)
    expected = read(path)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows for _ in range(3))]) + "\n")
    found = read(path)
    assert found.repairs == {"identical_rows_dropped": 2 * len(rows)}
    np.testing.assert_array_equal(found.signals[0].xyz, expected.signals[0].xyz)
    other = rows[0].rsplit(",", 1)[0] + ",0.125"
    path.write_text("\n".join([header, rows[0], other, *rows[1:]]) + "\n")
    assert read(path).repairs == {"duplicate_times_dropped": 1}
