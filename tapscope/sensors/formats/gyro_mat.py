"""Gyroscope .mat (MATLAB 5): gyroThumbX/Y/Z, gyroIndexX/Y/Z in rad/s and the rate fs in Hz.

The layout of the finger-tapping database of parkinsonisms (Belgrade). A damaged file can crash
scipy's reader, so it runs in a process of its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal, uniform_times
from tapscope.sensors.formats.child_process import read_in_child
from tapscope.sensors.recording import FINGERS, Samples, as_samples
from tapscope.sensors.sidecar import Sidecar

_CHILD: Final = Path(__file__).with_name("gyro_mat_child.py")
_FIELDS: Final = {
    finger: [f"gyro{finger.capitalize()}{axis}" for axis in "XYZ"] for finger in FINGERS
}


def _matches(head: Head) -> bool:
    return head.magic.startswith(b"MATLAB 5.0 MAT-file")


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    wanted = ["fs", *(name for names in _FIELDS.values() for name in names)]
    found = read_in_child(_CHILD, head, "MATLAB", wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SensorError(
            f"{head.path}: MATLAB file without {', '.join(missing)}; expected the fields "
            f"{', '.join(wanted)}"
        )
    rate_hz = _numbers(found, "fs", head)
    if rate_hz.size != 1 or not 1 <= rate_hz[0] <= 20_000:
        raise SensorError(f"{head.path}: fs must be one number of 1 to 20000 Hz, is {rate_hz[:3]}")
    columns = {name: _numbers(found, name, head) for name in wanted[1:]}
    lengths = {column.size for column in columns.values()}
    if len(lengths) > 1:
        raise SensorError(f"{head.path}: the channels have different lengths: {sorted(lengths)}")
    time_s = uniform_times(lengths.pop(), float(rate_hz[0]))
    unit = sidecar.units.get("gyro", "rad/s")
    signals = []
    for finger, names in _FIELDS.items():
        xyz = np.stack([columns[name] for name in names], axis=1)
        signals.append(RawSignal(finger, "gyro", unit, time_s, xyz))
    return RawRecording(signals)


def _numbers(found: Mapping[str, NDArray[Any]], name: str, head: Head) -> Samples:
    values = found[name]
    if values.dtype.kind not in "fiu":
        raise SensorError(f"{head.path}: {name} holds {values}, expected real numbers")
    return as_samples(values.ravel())


FORMAT: Final = Format("gyro_mat", "gyroscope .mat (MATLAB 5)", _matches, _read)
