"""What is doubtful is refused with what to add; what is merely unusual is read."""

import json
from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import SensorError
from tapscope.sensors import read
from tests.sensors import made_up

NAMES = b"time_s,index_gyro_x,index_gyro_y,index_gyro_z\n"


def edit(path: Path, old: str, new: str, count: int = -1) -> None:
    """Replace text in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    for writer in (made_up.neutral, made_up.delsys):
        path = writer(tmp_path)
        expected = read(path)
        path.write_text(path.read_text(encoding="utf-8"), encoding=encoding)
        found = read(path)
        assert found.names == expected.names
        np.testing.assert_array_equal(found.signals[0].xyz, expected.signals[0].xyz)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_delimiters_and_decimal_commas(delimiter: str, decimal: str, tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    expected = read(path)
    path.write_text(path.read_text().replace(",", delimiter).replace(".", decimal))
    np.testing.assert_array_equal(read(path).signals[1].xyz, expected.signals[1].xyz)


def test_decimal_commas_between_commas_are_refused(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    header, rows = path.read_text().split("\n", 1)
    path.write_text(header + "\n" + rows.replace(".", ","))
    with pytest.raises(SensorError, match="decimal commas"):
        read(path)


def test_other_columns_and_missing_cells_are_taken_as_such(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    lines = path.read_text().splitlines()
    lines[0] = "note," + lines[0]
    lines[1:] = [f"x,{line}" for line in lines[1:]]
    for n in range(20, 25):  # a run of missing values
        lines[n] = ",".join([*lines[n].split(",")[:-1], "nan" if n % 2 else ""])
    path.write_text("\n".join(lines))
    recording = read(path)
    assert np.isnan(recording.signals[1].xyz).any(axis=1).sum() == 5
    assert recording.repairs == {"samples_without_value": 5}


def test_words_and_infinities_among_numbers_are_counted(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    lines = path.read_text().splitlines()
    lines[5] = ",".join([*lines[5].split(",")[:-1], "saturated"])
    lines[6] = ",".join([*lines[6].split(",")[:-1], "1e999"])
    path.write_text("\n".join(lines))
    repairs = read(path).repairs
    assert (repairs["cells_unreadable"], repairs["cells_infinite"]) == (1, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"<html><body>Not found</body></html>", "not a sensor log known here"),
        (b"\x00\x01\x02\x03binary", "binary content"),
        (b"time_s thumb_gyro_x thumb_gyro_y\n0 1 2\n", "not a sensor log known here"),
        (b"time_s,speed\n0,1\n1,2\n", "no motion column"),
        (b"time_s,thumb_gyro_x,thumb_gyro_y\n0,1,1\n", "needs the columns x, y and z"),
        (NAMES, "no row of numbers"),
        (NAMES + b"a,b,c,d\n", "are not numbers"),
        (
            NAMES + b"0,1,2,3\n0.1,1,2,3,4,5\n",
            "6 cells for 4 columns",
        ),
        (NAMES + b"0,,,\n0.01,,,\n", "is empty"),
    ],
)
def test_unfit_text_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    made_up.write_sidecar(path, Units={"gyro": "rad/s"})
    with pytest.raises(SensorError, match=message):
        read(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SensorError, match="no such file"):
        read(tmp_path / "absent.csv")
    with pytest.raises(SensorError, match="no such file"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ({}, r'no unit is stated for the gyro.*log.json: "Units"'),
        ({"Units": {"gyro": "furlong"}}, r"'furlong', which is not a unit of gyro"),
        ({"Units": {"gyro": "rad/s", "time": "ms"}}, "samples a second"),
        ({"Units": {"gyro": "rad/s"}, "SamplingFrequency": 1000}, "the sidecar says 1000"),
        ({"Units": "rad/s"}, "Units must be an object"),
        ({"Units": {"gyro": 1}}, "Units.gyro must be a text"),
        ({"Hand": "both"}, "Hand must be 'left' or 'right'"),
        ({"SamplingFrequency": -1}, "SamplingFrequency must be"),
        ({"SamplingFrequency": True}, "SamplingFrequency must be"),
        ({"Placement": {"toe": "x"}}, "Placement must be"),
        ({"OpeningAxis": {"index": [0, 0, 0]}}, r"OpeningAxis.index must be"),
        ({"OpeningAxis": [1, 0, 0]}, "OpeningAxis must be"),
        (["Units"], "must be a JSON object"),
    ],
)
def test_sidecar_is_checked(sidecar: object, message: str, tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    path.with_suffix(".json").write_text(json.dumps(sidecar))
    with pytest.raises(SensorError, match=message):
        read(path)


def test_damaged_sidecar_is_refused(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    path.with_suffix(".json").write_text('{"Units": ')
    with pytest.raises(SensorError, match="is cut off"):
        read(path)


def test_values_that_contradict_their_unit_are_refused(tmp_path: Path) -> None:
    path = made_up.neutral(tmp_path)
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    rows[:, 1:] *= 57.3
    names = path.read_text().splitlines()[0]
    made_up.write_rows(path, names, list(rows.T))
    with pytest.raises(SensorError, match=r"values reach 17\d"):
        read(path)


def test_gravity_tells_g_from_metres(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    columns = [made_up.TIME_S, *(made_up.ACC_M_S2 / 9.80665).T]
    made_up.write_rows(path, "time_s,index_acc_x,index_acc_y,index_acc_z", columns)
    made_up.write_sidecar(path, Units={"acc": "m/s^2"})
    with pytest.raises(SensorError, match="seem to be in g"):
        read(path)
    made_up.write_sidecar(path, Units={"acc": "m/s^2"}, GravityRemoved=True)
    assert read(path).names == ("index_acc",)
    made_up.write_sidecar(path, Units={"acc": "g"})
    np.testing.assert_allclose(read(path).signals[0].xyz, made_up.ACC_M_S2, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("mbientlab", "deg/s", "T", "no motion channel"),
        ("mbientlab", "x-axis (deg/s)", "x-axis (g)", "no motion channel"),
        ("xsens_dot", "Acc_X,Acc_Y,Acc_Z,Gyr_X", "Q_X,Q_Y,Q_Z,Q_W", "no motion channel"),
        ("xsens_dot", "DeviceTag", "Tag", r"gyro: no unit is stated"),
        ("shimmer", "_CAL", "_UNCAL", "not a sensor log known"),
        ("shimmer", "deg/s", "no_units", "'no_units', which is not a unit of gyro"),
        ("shimmer", "Gyro_", "PPG_", None),
        ("delsys", "Unit: g", "Unit: V", r"acc: its unit is 'V'"),
        ("delsys", "GYRO.X", "GYRO.Q", None),
        ("delsys", "ACC", "EMG", None),
        ("delsys", "X[s]", "Y[s]", "without its row of names"),
        ("leap", "thumb_tip_x", "thumb_top_x", "without thumb_tip_x"),
        ("bids_motion", "SamplingFrequency", "Rate", "add SamplingFrequency"),
    ],
)
def test_unfit_content_of_each_format(
    name: str, old: str, new: str, message: str | None, tmp_path: Path
) -> None:
    path = made_up.WRITERS[name](tmp_path)
    edit(path.with_suffix(".json") if name == "bids_motion" else path, old, new)
    if message is None:
        assert read(path).signals
        return
    with pytest.raises(SensorError, match=message):
        read(path)


def test_bids_channels_must_fit(tmp_path: Path) -> None:
    path = made_up.bids_motion(tmp_path)
    channels = tmp_path / "sub-01_channels.tsv"
    text = channels.read_text()
    channels.write_text(text.replace("POS", "MAGN"))
    with pytest.raises(SensorError, match=r"no motion channel.*MAGN"):
        read(path)
    channels.write_text("".join(text.splitlines(keepends=True)[:-1]))
    with pytest.raises(SensorError, match="6 columns but 5 rows"):
        read(path)
    channels.write_text(text.replace("units", "unit"))
    with pytest.raises(SensorError, match="expected a table with the columns"):
        read(path)


def test_mat_without_the_fields_is_refused(tmp_path: Path) -> None:
    import scipy.io  # noqa: PLC0415

    path = made_up.gyro_mat(tmp_path)
    content = scipy.io.loadmat(path)
    fields = {key: value for key, value in content.items() if not key.startswith("_")}
    for change, message in (
        ({"fs": 0}, "fs must be"),
        ({"fs": "x"}, "expected real numbers"),
        ({"gyroThumbX": np.zeros(3)}, "different lengths"),
    ):
        scipy.io.savemat(path, {**fields, **change})
        with pytest.raises(SensorError, match=message):
            read(path)
    del fields["gyroThumbX"]
    scipy.io.savemat(path, fields)
    with pytest.raises(SensorError, match="without gyroThumbX"):
        read(path)


def test_hdf5_of_another_layout_is_refused(tmp_path: Path) -> None:
    import h5py  # noqa: PLC0415 - an extra

    path = made_up.apdm(tmp_path)
    with h5py.File(path, "a") as file:
        del file["Sensors/1234/Gyroscope"]
        file["Sensors/1234/Gyroscope"] = np.zeros((3, 3))
    with pytest.raises(SensorError, match=r"has shape \(3, 3\)"):
        read(path)
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(SensorError, match="not of APDM's layout"):
        read(path)


def test_older_apdm_layout_is_read(tmp_path: Path) -> None:
    import h5py  # noqa: PLC0415 - an extra

    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file["SI-000123/Time"] = (1e6 * made_up.TIME_S).astype(np.uint64)
        file["SI-000123/Calibrated/Gyroscopes"] = made_up.GYRO_RAD_S
    made_up.write_sidecar(path, Placement="thumb nail")
    assert read(path).names == ("thumb_gyro",)


def test_a_log_too_long_is_read_up_to_the_limit_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_up.neutral(tmp_path)
    rows = len(read(path).signals[0].time_s)
    kept = 8 + 3 * 4 * len(read(path).signals)
    monkeypatch.setattr("tapscope.sensors.text_table.MOST_BYTES", kept * rows)
    assert len(read(path).signals[0].time_s) == rows
    monkeypatch.setattr("tapscope.sensors.text_table.MOST_BYTES", kept * rows - 1)
    with pytest.raises(SensorError, match=f"too long: its first {rows} rows .* Cut the log"):
        read(path)


def test_xdf_whose_samples_are_skipped_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = made_up.xdf(tmp_path)
    content = path.read_bytes()
    count = bytes([1, made_up.SAMPLES])
    assert content.count(count + b"\x08") == 1
    path.write_bytes(content.replace(count + b"\x08", bytes([0, made_up.SAMPLES]) + b"\x08"))
    with pytest.raises(SensorError, match=r"log\.xdf: damaged XDF file: .*Copy it again"):
        read(path)
    assert capfd.readouterr() == ("", "")  # pyxdf logs a traceback


def test_numbers_too_large_to_be_stored_are_missing(tmp_path: Path) -> None:
    import h5py  # noqa: PLC0415 - an extra

    path = made_up.apdm(tmp_path)
    with h5py.File(path, "a") as file:
        file["Sensors/1234/Gyroscope"][3, 1] = 1e300
    (gyro,) = [signal for signal in read(path).signals if signal.kind == "gyro"]
    assert np.isnan(gyro.xyz).sum() == 1
