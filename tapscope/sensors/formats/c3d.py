"""C3D optical motion capture (extra `c3d`, ezc3d): each marker becomes a position signal.

Units (mm or m) are those of POINT:UNITS, the clock is POINT:RATE from 0. Which markers are the tips
of thumb and index finger is stated by "Placement" in the sidecar unless their labels say so.

ezc3d is compiled code that a damaged file can crash, so it runs in a process of its own.
"""

from pathlib import Path
from typing import Final

from tapscope.errors import SensorError, require_extra
from tapscope.sensors.file_head import Head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal, uniform_times
from tapscope.sensors.formats.child_process import read_in_child
from tapscope.sensors.sidecar import Sidecar

_CHILD: Final = Path(__file__).with_name("c3d_child.py")


def _matches(head: Head) -> bool:
    """Recognise the key 0x50 in byte 2 and a parameter section where byte 1 points."""
    start = 512 * (head.magic[0] - 1)
    return (
        not head.lines
        and head.magic[1:2] == b"\x50"
        and start >= 512
        and len(head.magic) > start + 3
        and 0x54 <= head.magic[start + 3] <= 0x56  # the processor: Intel, DEC or SGI
    )


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    require_extra("ezc3d", "c3d", head.path, SensorError)
    parts = read_in_child(_CHILD, head, "C3D")
    try:
        points, labels = parts["points"], [str(label) for label in parts["labels"]]
        units, rate_hz = [str(unit) for unit in parts["units"]], float(parts["rate"])
    except (ValueError, KeyError) as error:
        raise SensorError(f"{head.path}: damaged C3D file: {error}") from error
    if not rate_hz > 0 or not points.size or len(labels) != len(points):
        raise SensorError(
            f"{head.path}: no markers in this C3D file (rate {rate_hz:g} Hz, {len(labels)} labels "
            f"for {len(points)} markers); analog channels are not read"
        )
    time_s = uniform_times(points.shape[1], rate_hz)
    unit = units[0] if len(set(units)) == 1 else ""
    signals = [
        RawSignal(label, "pos", unit, time_s, xyz)
        for label, xyz in zip(labels, points, strict=True)
    ]
    return RawRecording(signals)


FORMAT: Final = Format("c3d", "C3D (optical motion capture)", _matches, _read)
