"""Shimmer Consensys CSV: an optional `sep=` line, a row of names, a row of units, then numbers.

Names are `<device>_<channel>_<CAL|UNCAL>`; time is Unix time in milliseconds. Only calibrated
channels have physical units. Of two accelerometers the wide-range one (WR) is used, because a tap's
contact exceeds the 2 g of the low-noise one (LN).
"""

from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.sensors.channel_labels import group_axes, parse_label
from tapscope.sensors.file_head import Head, find_delimiter, split_row
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table
from tapscope.sensors.units import si_factor

_CALIBRATED: Final = "_CAL"


def _names_row(head: Head) -> int:
    """Return the index of the row of names, -1 where there is none."""
    for index, line in enumerate(head.lines[:3]):
        cells = split_row(line, find_delimiter(line) or ",")
        if any("_Timestamp_" in cell and cell.endswith(("_CAL", "_RAW")) for cell in cells):
            return index
    return -1


def _matches(head: Head) -> bool:
    return _names_row(head) >= 0


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    row = _names_row(head)
    layout = layout_with_header(head, row, row + 2)
    if len(head.lines) <= row + 2:
        raise SensorError(f"{head.path}: Shimmer log with names but no rows; export it again")
    units = split_row(head.lines[row + 1], layout.delimiter)
    clocks = [
        index
        for index, name in enumerate(layout.columns)
        if "_Timestamp_" in name and name.endswith(_CALIBRATED)
    ]
    groups = group_axes(
        (index, channel)
        for index, name in enumerate(layout.columns)
        if name.endswith(_CALIBRATED) and (channel := parse_label(name.removesuffix(_CALIBRATED)))
    )
    chosen = {
        key: axes
        for key, axes in groups.items()
        if not (key[2] == "LN" and (key[0], key[1], "WR") in groups)
    }
    if not chosen or not clocks or len(units) < len(layout.columns):
        others = ", ".join(name for name in layout.columns if name and "Timestamp" not in name)
        raise SensorError(
            f"{head.path}: no motion channel in this Shimmer log; expected calibrated gyroscope or "
            f"accelerometer columns (..._Gyro_X_CAL) with units, found {others[:200] or 'none'}. "
            "Record with these sensors enabled and export calibrated values"
        )
    table = read_table(
        head, layout, clocks[:1], [index for axes in chosen.values() for index in axes]
    )
    factor = si_factor("time", units[clocks[0]], head.path, layout.columns[clocks[0]])
    time_s = np.ravel(table.precise) * factor
    signals = [
        RawSignal(place, kind, units[axes[0]], time_s, table.triple(n))
        for n, ((place, kind, _), axes) in enumerate(chosen.items())
    ]
    skipped = sorted(f"{kind} {variant}" for _, kind, variant in groups.keys() - chosen.keys())
    notes = (f"not used beside a wide-range one: {', '.join(skipped)}",) if skipped else ()
    return RawRecording(signals, device="Shimmer", repairs=table.repairs, notes=notes)


FORMAT: Final = Format("shimmer", "Shimmer Consensys CSV", _matches, _read)
