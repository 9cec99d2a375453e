"""Xsens (Movella) DOT CSV: a preamble of `Key:,value` lines, names, then numbers.

`SampleTimeFine` counts microseconds in 32 bits and wraps every 71.6 minutes. By the DOT's manual
Gyr_* is in deg/s, Acc_* and FreeAcc_* (without gravity) in m/s^2; exports of MT Manager have the
same columns in rad/s, so a file without the DOT's preamble needs a sidecar for its gyroscope.
"""

from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.sensors.clock import unwrap_counter
from tapscope.sensors.file_head import Head, find_delimiter, split_row
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import UNPLACED, Kind
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table

_CLOCK: Final = "SampleTimeFine"


def _names_row(head: Head) -> int:
    for index, line in enumerate(head.lines[:40]):
        if "PacketCounter" in line and _CLOCK in line:
            cells = split_row(line, find_delimiter(line) or ",")
            return index if _CLOCK in cells else -1
    return -1


def _matches(head: Head) -> bool:
    return _names_row(head) >= 0


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    row = _names_row(head)
    layout = layout_with_header(head, row)
    preamble = {
        line.split(",", 1)[0].strip(" :"): line.split(",", 1)[1].strip()
        for line in head.lines[:row]
        if "," in line
    }
    tag = preamble.get("DeviceTag", "")
    is_dot = "DeviceTag" in preamble
    found: dict[str, list[int]] = {}
    for quantity in ("Gyr", "Acc", "FreeAcc"):
        names = [f"{quantity}_{axis}" for axis in "XYZ"]
        if all(layout.columns.count(name) == 1 for name in names):
            found[quantity] = [layout.columns.index(name) for name in names]
    if "Acc" in found:
        found.pop("FreeAcc", None)
    if not found:
        raise SensorError(
            f"{head.path}: no motion channel in this Xsens log; expected Gyr_X or Acc_X or "
            f"FreeAcc_X with Y and Z, found {', '.join(layout.columns)[:200]}. Choose a "
            "measurement mode with inertial values"
        )
    axes = [index for triple in found.values() for index in triple]
    table = read_table(head, layout, [layout.columns.index(_CLOCK)], axes)
    counter, wraps = unwrap_counter(np.ravel(table.precise), 32)
    time_s = counter * 1e-6
    signals = []
    for n, quantity in enumerate(found):
        kind: Kind = "gyro" if quantity == "Gyr" else "acc"
        by_format = {"gyro": "deg/s" if is_dot else "", "acc": "m/s^2"}[kind]
        unit = sidecar.units.get(kind, by_format)
        values = table.triple(n)
        signals.append(
            RawSignal(tag or UNPLACED, kind, unit, time_s, values, quantity == "FreeAcc")
        )
    repairs = dict(table.repairs)
    if wraps:
        repairs["counter_wraps_undone"] = wraps
    return RawRecording(signals, device="Xsens DOT" if is_dot else "Xsens", repairs=repairs)


FORMAT: Final = Format("xsens_dot", "Xsens DOT CSV", _matches, _read)
