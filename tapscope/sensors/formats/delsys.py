"""Delsys Trigno CSV (EMGworks): `Label:` lines, then a time column and a value column a channel.

Each channel has its own rate; shorter channels end in empty cells. EMG is left out.
"""

import re
from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors.channel_labels import Channel, group_axes, parse_label
from tapscope.sensors.file_head import Head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal
from tapscope.sensors.recording import Samples
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table
from tapscope.sensors.units import si_factor

_LABEL: Final = re.compile(
    r"Label: (?P<label>.*?) Sampling frequency: .*? Unit: (?P<unit>.*?) Domain Unit: (?P<time>\S+)"
)
_TRAILING_NUMBER: Final = re.compile(r"\s+\d+$")


def _matches(head: Head) -> bool:
    return bool(head.lines) and _LABEL.match(head.lines[0]) is not None


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    labels = [match for line in head.lines if (match := _LABEL.match(line))]
    header = next((n for n, line in enumerate(head.lines) if line.startswith("X[")), -1)
    if header < 0:
        raise SensorError(f"{head.path}: Delsys log without its row of names (X[s],...)")
    layout = layout_with_header(head, header)
    if len(layout.columns) != 2 * len(labels):
        raise SensorError(
            f"{head.path}: {len(labels)} Label lines but {len(layout.columns)} columns; expected a "
            "time and a value column for each"
        )
    groups = group_axes(
        (index, channel) for index, match in enumerate(labels) if (channel := _channel(match))
    )
    if not groups:
        raise SensorError(
            f"{head.path}: no motion channel in this Delsys log; expected ACC or GYRO with X, Y "
            f"and Z, found {', '.join(match['label'] for match in labels)[:200]}"
        )
    used = [channel for channels in groups.values() for channel in channels]
    table = read_table(
        head,
        layout,
        [2 * channel for channel in used],
        [2 * channel + 1 for channel in used],
    )
    signals = []
    for n, ((place, kind, _), channels) in enumerate(groups.items()):
        axes = slice(3 * n, 3 * n + 3)
        texts = {(labels[channel]["time"], labels[channel]["unit"]) for channel in channels}
        if len(texts) > 1:
            raise SensorError(f"{head.path}: the axes of {place} {kind} differ in their units")
        clock_unit, unit = texts.pop()
        factor = si_factor("time", clock_unit, head.path, "the time column (Domain Unit)")
        time_s, xyz = _own_rows(table.precise[:, axes], table.values[:, axes], head, place)
        signals.append(RawSignal(place, kind, unit, time_s * factor, xyz))
    return RawRecording(signals, device="Delsys Trigno", repairs=table.repairs)


def _own_rows(
    times: FloatArray, xyz: Samples, head: Head, place: str
) -> tuple[FloatArray, Samples]:
    """Cut the empty end off the three axes of one sensor, which share their times."""
    if not np.array_equal(times, times[:, :1].repeat(3, axis=1), equal_nan=True):
        raise SensorError(f"{head.path}: the axes of {place} were sampled at different times")
    filled = np.flatnonzero(np.isfinite(times[:, 0]))
    rows = int(filled[-1]) + 1 if filled.size else 0
    return times[:rows, 0], xyz[:rows]


def _channel(match: re.Match[str]) -> Channel | None:
    return parse_label(_TRAILING_NUMBER.sub("", match["label"]))


FORMAT: Final = Format("delsys", "Delsys Trigno CSV", _matches, _read)
