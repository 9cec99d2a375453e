"""MbientLab MetaMotion CSV: one file a sensor and quantity, units in the column names.

Two forms of header: `epoc (ms),timestamp (-0500),elapsed (s),x-axis (g),...` (MetaBase) and
`epoch (ms),time (-13:00),elapsed (s),x-axis (deg/s),...` (MetaHub and older). The epoch is the
clock, so that the files of one trial share it and can be combined. The sidecar has to state the
finger.
"""

import re
from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head, find_delimiter, split_row
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import UNPLACED, Kind
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table

_EPOCH: Final = re.compile(r"epoch? \(ms\)", re.IGNORECASE)
_AXIS: Final = re.compile(r"(?P<axis>[xyz])-axis \((?P<unit>.+)\)", re.IGNORECASE)
_KIND_OF_UNIT: Final[dict[str, Kind]] = {"g": "acc", "m/s^2": "acc", "deg/s": "gyro"}


def _matches(head: Head) -> bool:
    if not head.lines:
        return False
    cells = split_row(head.lines[0], find_delimiter(head.lines[0]) or ",")
    return _EPOCH.fullmatch(cells[0]) is not None and any(map(_AXIS.fullmatch, cells))


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    layout = layout_with_header(head, 0)
    axes = {
        match["axis"].lower(): (index, match["unit"].lower())
        for index, name in enumerate(layout.columns)
        if (match := _AXIS.fullmatch(name))
    }
    units = {unit for _, unit in axes.values()}
    kind = _KIND_OF_UNIT.get(next(iter(units))) if len(units) == 1 else None
    if kind is None or len(axes) != 3:
        raise SensorError(
            f"{head.path}: no motion channel in this MbientLab log; expected x-, y- and z-axis in "
            f"one of {', '.join(_KIND_OF_UNIT)}, found {', '.join(layout.columns)[:200]}"
        )
    table = read_table(head, layout, [0], [axes[axis][0] for axis in "xyz"])
    signal = RawSignal(UNPLACED, kind, units.pop(), np.ravel(table.precise) * 1e-3, table.values)
    return RawRecording([signal], device="MbientLab", repairs=table.repairs)


FORMAT: Final = Format("mbientlab", "MbientLab MetaMotion CSV", _matches, _read)
