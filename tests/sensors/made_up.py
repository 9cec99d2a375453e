"""Small made-up sensor logs, one writer a format; all show the same motion of one sensor or two."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io

from tapscope.records import FloatArray

RATE_HZ = 100.0
SAMPLES = 60
TIME_S: FloatArray = np.arange(SAMPLES) / RATE_HZ
GYRO_RAD_S: FloatArray = np.stack(
    [np.sin(12 * TIME_S), 3 * np.sin(12 * TIME_S), 0.1 * np.cos(5 * TIME_S)], axis=1
)
ACC_M_S2: FloatArray = np.stack(
    [0.3 * np.sin(12 * TIME_S), np.full(SAMPLES, 9.81), 0.2 * np.cos(12 * TIME_S)], axis=1
)


def write_rows(path: Path, header: str, columns: list[FloatArray], digits: int = 6) -> Path:
    """Write a header and rows of numbers separated by commas."""
    rows = (",".join(f"{cell:.{digits}f}" for cell in row) for row in zip(*columns, strict=True))
    path.write_text(header + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_sidecar(path: Path, **keys: object) -> None:
    """Write the sidecar of the log at `path`."""
    path.with_suffix(".json").write_text(json.dumps(keys))


def neutral(folder: Path) -> Path:
    """Write thumb and index gyroscopes as neutral CSV with a sidecar."""
    path = folder / "log.csv"
    names = [f"{finger}_gyro_{axis}" for finger in ("thumb", "index") for axis in "xyz"]
    header = ",".join(["time_s", *names])
    write_rows(path, header, [TIME_S, *(0.3 * GYRO_RAD_S).T, *GYRO_RAD_S.T])
    write_sidecar(path, Units={"gyro": "rad/s"}, SamplingFrequency=RATE_HZ, Hand="right")
    return path


def gyro_mat(folder: Path) -> Path:
    """Write the .mat of the gyroscope database."""
    path = folder / "log.mat"
    fields = {
        f"gyro{finger}{axis}": GYRO_RAD_S[None, :, n].astype(np.float32)
        for finger in ("Thumb", "Index")
        for n, axis in enumerate("XYZ")
    }
    scipy.io.savemat(path, {**fields, "fs": 100, "diagnosis": "CTRL"})
    return path


def bids_motion(folder: Path) -> Path:
    """Write BIDS-motion with the tips of thumb and index finger in mm."""
    path = folder / "sub-01_motion.tsv"
    wave = 30 * np.sin(6 * TIME_S) ** 2
    columns = [wave + 5, wave, wave, 0 * wave, 0 * wave, 0 * wave]
    rows = zip(*columns, strict=True)
    path.write_text("\n".join("\t".join(f"{cell:.3f}" for cell in row) for row in rows) + "\n")
    lines = ["name\tcomponent\ttype\ttracked_point\tunits"]
    for place in ("right_index_tip", "right_thumb_tip"):
        lines += [f"{place}_{axis}\t{axis}\tPOS\t{place}\tmm" for axis in "xyz"]
    (folder / "sub-01_channels.tsv").write_text("\n".join(lines) + "\n")
    write_sidecar(path, SamplingFrequency=RATE_HZ, TaskName="tapping")
    return path


def shimmer(folder: Path) -> Path:
    """Write Shimmer Consensys with a gyroscope and both accelerometers."""
    path = folder / "log.csv"
    names = ["Timestamp_Unix_CAL"]
    names += [f"Gyro_{axis}_CAL" for axis in "XYZ"]
    names += [f"Accel_{kind}_{axis}_CAL" for kind in ("LN", "WR") for axis in "XYZ"]
    units = ["ms"] + ["deg/s"] * 3 + ["m/(s^2)"] * 6
    lines = ['"sep=\t"', "\t".join(f"IndexS_{name}" for name in names) + "\t"]
    lines.append("\t".join(units) + "\t")
    values = np.column_stack([np.degrees(GYRO_RAD_S), 0.5 * ACC_M_S2, ACC_M_S2])
    for time_s, row in zip(TIME_S, values, strict=True):
        cells = [repr(1.584e12 + 1000 * float(time_s)), *(f"{cell:.5f}" for cell in row)]
        lines.append("\t".join(cells) + "\t")
    path.write_bytes("\r\n".join([*lines, ""]).encode())
    return path


def _mbientlab(folder: Path, name: str, header: str, unit: str, values: FloatArray) -> Path:
    path = folder / name
    axes = ",".join(f"{axis}-axis ({unit})" for axis in "xyz")
    lines = [f"{header},{axes}"]
    for n, row in enumerate(values):
        cells = ",".join(f"{cell:.4f}" for cell in row)
        lines.append(f"{1600000000000 + 10 * n},2020-09-13T12.26.40.{n:03d},{n / 100:.3f},{cells}")
    path.write_text("\n".join(lines) + "\n")
    return path


def mbientlab(folder: Path) -> Path:
    """Write the gyroscope file of an MbientLab sensor, MetaBase form."""
    header = "epoc (ms),timestamp (-0500),elapsed (s)"
    return _mbientlab(folder, "Gyroscope.csv", header, "deg/s", np.degrees(GYRO_RAD_S))


def mbientlab_acc(folder: Path) -> Path:
    """Write the accelerometer file of an MbientLab sensor, MetaHub form."""
    header = "epoch (ms),time (-13:00),elapsed (s)"
    return _mbientlab(folder, "Accelerometer.csv", header, "g", ACC_M_S2 / 9.80665)


def xsens_dot(folder: Path) -> Path:
    """Write an Xsens DOT log whose 32-bit counter wraps on the way."""
    path = folder / "dot.csv"
    counter = (4294967296 - 200_000 + np.arange(SAMPLES) * 10_000) % 4294967296
    lines = ["sep=,", "DeviceTag:,index finger", "FirmwareVersion:,2.0.0", "OutputRate:,100Hz", ""]
    lines.append("PacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z,Status")
    values = np.column_stack([ACC_M_S2, np.degrees(GYRO_RAD_S)])
    for n, row in enumerate(values):
        lines.append(f"{n},{counter[n]},{','.join(f'{cell:.5f}' for cell in row)},0")
    path.write_text("\n".join(lines))
    return path


def delsys(folder: Path) -> Path:
    """Write a Delsys log with EMG at twice the rate of the motion channels."""
    path = folder / "delsys.csv"
    labels, lines = ["EMG 1"], []
    labels += [f"{kind}.{axis} 1" for kind in ("ACC", "GYRO") for axis in "XYZ"]
    for label in labels:
        unit = {"E": "V", "A": "g", "G": "°/s"}[label[0]]
        lines.append(
            f"Label: Thumb sensor: {label} Sampling frequency: 1.0e+002 Number of points: 60 "
            f"start: 0.000000e+000 Unit: {unit} Domain Unit: s"
        )
    lines += ["Start Trigger Method: None", ""]
    lines.append(",".join(f'X[s],"Thumb sensor: {label}"' for label in labels))
    values = np.column_stack([ACC_M_S2 / 9.80665, np.degrees(GYRO_RAD_S)])
    for n in range(2 * SAMPLES):
        motion = [f"{TIME_S[n]:.4f},{cell:.5f}" for cell in values[n]] if n < SAMPLES else [","] * 6
        lines.append(",".join([f"{n / 200:.4f},0.001", *motion]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def leap(folder: Path) -> Path:
    """Write a Leap Motion log: tips in metres, the first rows without a hand."""
    path = folder / "position_data_rh.csv"
    wave = 0.03 * np.sin(6 * TIME_S) ** 2
    wave[:5] = np.nan
    names = [f"{finger}_tip_{axis}" for finger in ("thumb", "index") for axis in "xyz"]
    header = ",".join(["global_time", "program_time", "delta_time", *names])
    level = np.where(np.isnan(wave), np.nan, 0.1)
    tips = [level, level, level, level + wave, level, level]
    return write_rows(path, header, [TIME_S, TIME_S + 3, 0 * TIME_S, *tips])


def c3d(folder: Path) -> Path:
    """Write a C3D file of two markers in mm."""
    import ezc3d  # noqa: PLC0415 - an extra

    content = ezc3d.c3d()
    content["parameters"]["POINT"]["RATE"]["value"] = [RATE_HZ]
    content["parameters"]["POINT"]["LABELS"]["value"] = ["R_THUMB", "R_INDEX"]
    content["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    points = np.zeros((4, 2, SAMPLES))
    points[0, 1] = 60 * np.sin(6 * TIME_S) ** 2
    points[3] = 1
    content["data"]["points"] = points
    path = folder / "markers.c3d"
    content.write(str(path))
    return path


def _chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<I", len(content) + 2) + struct.pack("<H", tag) + content


def xdf(folder: Path) -> Path:
    """Write an XDF file with one gyroscope stream."""
    channels = "".join(
        f"<channel><label>index_gyro_{axis}</label><unit>deg/s</unit><type>Gyro</type></channel>"
        for axis in "xyz"
    )
    header = (
        "<?xml version='1.0'?><info><name>imu</name><type>IMU</type><channel_count>3"
        "</channel_count><nominal_srate>100</nominal_srate><channel_format>float32"
        f"</channel_format><desc><channels>{channels}</channels></desc></info>"
    )
    footer = "<?xml version='1.0'?><info><first_timestamp>10</first_timestamp></info>"
    samples = b"\x01" + bytes([SAMPLES])
    for n, row in enumerate(np.degrees(GYRO_RAD_S)):
        samples += b"\x08" + struct.pack("<d", 10 + n / RATE_HZ) + struct.pack("<3f", *row)
    stream = struct.pack("<I", 1)
    file_header = b"<?xml version='1.0'?><info><version>1.0</version></info>"
    path = folder / "log.xdf"
    path.write_bytes(
        b"XDF:"
        + _chunk(1, file_header)
        + _chunk(2, stream + header.encode())
        + _chunk(3, stream + samples)
        + _chunk(6, stream + footer.encode())
    )
    return path


def apdm(folder: Path) -> Path:
    """Write an APDM file, version 5, of a sensor on the index finger."""
    import h5py  # noqa: PLC0415 - an extra

    path = folder / "opal.h5"
    with h5py.File(path, "w") as file:
        file.attrs["FileFormatVersion"] = 5
        sensor = file.create_group("Sensors/1234")
        sensor["Time"] = (1_600_000_000_000_000 + 1e6 * TIME_S).astype(np.uint64)
        sensor["Gyroscope"] = GYRO_RAD_S
        sensor["Accelerometer"] = ACC_M_S2
        sensor.create_group("Configuration").attrs["Label 0"] = b"Right Index"
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "neutral": neutral,
    "gyro_mat": gyro_mat,
    "bids_motion": bids_motion,
    "shimmer": shimmer,
    "mbientlab": mbientlab,
    "xsens_dot": xsens_dot,
    "delsys": delsys,
    "leap": leap,
    "c3d": c3d,
    "xdf": xdf,
    "apdm": apdm,
}
