"""APDM Opal HDF5 (extra `apdm`, h5py): calibrated gyroscopes and accelerometers.

Version 5 keeps them in /Sensors/<id>/{Gyroscope,Accelerometer,Time} with the label in
Configuration's attribute 'Label 0'; versions 2 to 4 in /<id>/Calibrated/{Gyroscopes,Accelerometers}
with /<id>/Time. Time is Unix time in microseconds, values in rad/s and m/s^2 (by APDM's manual,
where a data set has no attribute 'Units').
"""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Final

import numpy as np

from tapscope.errors import SensorError, require_extra
from tapscope.records import FloatArray
from tapscope.sensors.file_head import Head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import SI_UNITS, Kind, as_samples
from tapscope.sensors.sidecar import Sidecar

if TYPE_CHECKING:
    import h5py

_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_KINDS: Final[dict[str, Kind]] = {
    "Gyroscope": "gyro",
    "Accelerometer": "acc",
    "Gyroscopes": "gyro",
    "Accelerometers": "acc",
}


def _matches(head: Head) -> bool:
    return head.magic.startswith(_MAGIC)


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    require_extra("h5py", "apdm", head.path, SensorError)
    h5py = import_module("h5py")  # an extra, and slow to import

    try:
        with h5py.File(head.path, "r") as file:
            signals = list(_signals(file, head))
    except SensorError:
        raise
    except Exception as error:  # a damaged file makes this reader raise nearly anything
        raise SensorError(f"{head.path}: damaged HDF5 file: {error}") from error
    if not signals:
        raise SensorError(
            f"{head.path}: HDF5, but not of APDM's layout; expected groups /Sensors/<id> or "
            "/<id>/Calibrated with gyroscopes or accelerometers. A MATLAB 7.3 file can be saved "
            "again with -v7"
        )
    return RawRecording(signals, device="APDM Opal")


def _signals(file: "h5py.File", head: Head) -> Iterator[RawSignal]:
    root = file.get("Sensors", file)
    for name, group in root.items():
        if "Time" not in group:
            continue
        label = _label(group, name)
        time_s = _read_numbers(group["Time"], head).ravel() * 1e-6
        calibrated = group.get("Calibrated", group)
        for quantity, kind in _KINDS.items():
            if quantity not in calibrated:
                continue
            values = calibrated[quantity]
            xyz = _read_numbers(values, head)
            if xyz.shape != (time_s.size, 3):
                raise SensorError(
                    f"{head.path}: {label} {quantity} has shape {xyz.shape}, expected "
                    f"({time_s.size}, 3) as the times are {time_s.size}"
                )
            unit = _text(values.attrs.get("Units", SI_UNITS[kind]))
            yield RawSignal(label, kind, unit, time_s, as_samples(xyz))


def _label(group: "h5py.Group", name: str) -> str:
    configuration = group.get("Configuration")
    if configuration is None:
        return name
    return _text(configuration.attrs.get("Label 0", name)).strip("\0 ") or name


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _read_numbers(values: "h5py.Dataset", head: Head) -> FloatArray:
    # A damaged size must not ask for more memory than any compression could have saved.
    if values.dtype.kind not in "fiu" or values.nbytes > 1000 * head.size:
        raise SensorError(
            f"{head.path}: {values.name} holds {values.nbytes} bytes of {values.dtype}; expected "
            "numbers that fit the size of the file"
        )
    numbers: FloatArray = values[()].astype(np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


FORMAT: Final = Format("apdm", "APDM Opal HDF5", _matches, _read)
