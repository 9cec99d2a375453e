"""BIDS-motion: numbers without header in `x_motion.tsv`, names in `x_channels.tsv`, rate in JSON.

Channels of type POS, GYRO and ACCEL with a component x, y or z are used. The clock is a LATENCY
channel where there is one, else the SamplingFrequency of `x_motion.json`.
"""

import csv
import math
from pathlib import Path
from typing import Final

from tapscope.errors import SensorError
from tapscope.sensors.channel_labels import Channel, group_axes
from tapscope.sensors.file_head import Head, read_head
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal, uniform_times
from tapscope.sensors.recording import Kind
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import Layout, read_table
from tapscope.sensors.units import si_factor

_KINDS: Final[dict[str, Kind]] = {"POS": "pos", "GYRO": "gyro", "ACCEL": "acc", "ACC": "acc"}
_NEEDED: Final = ("name", "component", "type", "units")


def _channels_path(path: Path) -> Path:
    return path.with_name(f"{path.stem.removesuffix('_motion')}_channels.tsv")


def _matches(head: Head) -> bool:
    """Recognise rows of numbers without a header, with a channels.tsv beside the file."""
    if not head.lines or not _channels_path(head.path).is_file():
        return False
    return all(_is_number(cell) for cell in head.lines[0].split("\t"))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip().lower() == "n/a"
    return True


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    channels = _read_channels(_channels_path(head.path))
    width = len(head.lines[0].split("\t"))
    if width != len(channels):
        raise SensorError(
            f"{head.path}: {width} columns but {len(channels)} rows in channels.tsv; expected one "
            "row for each column"
        )
    groups = group_axes(
        (
            index,
            Channel(row.get("tracked_point") or row["name"], _KINDS[row["type"]], axis, ""),
        )
        for index, row in enumerate(channels)
        if row["type"] in _KINDS and (axis := row["component"].lower()) in {"x", "y", "z"}
    )
    if not groups:
        raise SensorError(
            f"{head.path}: no motion channel; expected x, y and z of type POS, GYRO or ACCEL, "
            f"found types {', '.join(sorted({row['type'] for row in channels}))[:200]}"
        )
    clocks = [index for index, row in enumerate(channels) if row["type"] == "LATENCY"][:1]
    if not clocks and math.isnan(sidecar.sampling_rate_hz):
        raise SensorError(
            f"{head.path}: neither a LATENCY channel nor a rate; add SamplingFrequency (Hz) to "
            f"{head.path.with_suffix('.json').name}"
        )
    layout = Layout(-1, 0, "\t", tuple(row["name"] for row in channels))
    table = read_table(head, layout, clocks, [index for axes in groups.values() for index in axes])
    if clocks:
        unit = channels[clocks[0]]["units"]
        time_s = table.precise[:, 0] * si_factor("time", unit, head.path, "the LATENCY channel")
    else:
        time_s = uniform_times(len(table.values), sidecar.sampling_rate_hz)
    signals = [
        RawSignal(place, kind, channels[axes[0]]["units"], time_s, table.triple(n))
        for n, ((place, kind, _), axes) in enumerate(groups.items())
    ]
    return RawRecording(signals, repairs=table.repairs)


def _read_channels(path: Path) -> list[dict[str, str]]:
    lines = read_head(path).lines
    rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)) if lines else [[]]
    names, rows = rows[0], [row for row in rows[1:] if row]
    if not set(_NEEDED) <= set(names) or any(len(row) != len(names) for row in rows):
        raise SensorError(
            f"{path}: expected a table with the columns {', '.join(_NEEDED)}, all rows full"
        )
    return [dict(zip(names, row, strict=True)) for row in rows]


FORMAT: Final = Format("bids_motion", "BIDS-motion TSV", _matches, _read)
