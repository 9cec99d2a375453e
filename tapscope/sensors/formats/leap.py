"""Leap Motion position CSV (ultraleap tracking): every keypoint of one hand, metres, program time.

Rows before the hand is seen hold NaN. The recorder names its files `..._lh.csv` and `..._rh.csv`;
the hand is taken from there where no sidecar states it.
"""

from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head, find_delimiter, split_row
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import FINGERS
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table

_CLOCK: Final = "program_time"
_TIPS: Final = tuple(f"{finger}_tip_{axis}" for finger in FINGERS for axis in "xyz")
_HANDS: Final = {"lh": "left", "rh": "right"}


def _matches(head: Head) -> bool:
    if not head.lines:
        return False
    cells = split_row(head.lines[0], find_delimiter(head.lines[0]) or ",")
    return _CLOCK in cells and any(cell in _TIPS for cell in cells)


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    layout = layout_with_header(head, 0)
    missing = [name for name in _TIPS if layout.columns.count(name) != 1]
    if missing:
        raise SensorError(
            f"{head.path}: Leap Motion log without {', '.join(missing)} (or with it twice); the "
            "tips of thumb and index finger are needed"
        )
    clock = layout.columns.index(_CLOCK)
    table = read_table(head, layout, [clock], [layout.columns.index(name) for name in _TIPS])
    time_s = np.ravel(table.precise)
    unit = sidecar.units.get("pos", "m")
    signals = [
        RawSignal(finger, "pos", unit, time_s, table.triple(n)) for n, finger in enumerate(FINGERS)
    ]
    hand = _HANDS.get(head.path.stem.rsplit("_", 1)[-1].lower(), "")
    notes = (f"hand from the ending of the file name: {hand}",) if hand else ()
    return RawRecording(signals, "Leap Motion", hand, table.repairs, notes)


FORMAT: Final = Format("leap", "Leap Motion position CSV", _matches, _read)
