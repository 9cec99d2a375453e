"""The neutral CSV: the format to convert to when no other fits.

One row for each sample. A column `time_s` that rises, and for each sensor three columns
`{thumb|index}_{gyro|acc|pos}_{x|y|z}`; other columns are ignored. The sidecar of the same name with
the ending .json states the units (which are never guessed) and other facts:

    {"SamplingFrequency": 200, "Units": {"time": "s", "gyro": "rad/s", "acc": "m/s^2"},
     "Hand": "right", "Placement": "distal phalanx of thumb and index finger",
     "OpeningAxis": {"index": [0, 1, 0]}, "Device": "..."}

Units may be any of `tapscope.sensors.units`. Columns are separated by comma, semicolon, tab or bar;
decimal commas are read except between commas; UTF-8 and UTF-16, with or without byte order mark.
Missing values are empty cells or NaN. Instead of seconds,
`time_s` may hold ISO 8601 dates with time; without a zone they count as UTC.
"""

import re
from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head, find_delimiter, split_row
from tapscope.sensors.formats.base import Format, RawRecording, RawSignal, stated_unit
from tapscope.sensors.recording import KINDS, Kind
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.text_table import layout_with_header, read_table
from tapscope.sensors.units import si_factor

_COLUMN: Final = re.compile(r"(?P<place>\w+)_(?P<kind>gyro|acc|pos)_(?P<axis>[xyz])")


def column_triples(columns: tuple[str, ...], head: Head) -> dict[tuple[str, Kind], list[int]]:
    """Find the columns x, y, z of each sensor by their neutral names.

    Raises
    ------
    SensorError
        An axis is missing or named twice.
    """
    found: dict[tuple[str, Kind], dict[str, list[int]]] = {}
    for index, column in enumerate(columns):
        match = _COLUMN.fullmatch(column.lower())
        if match:
            kind = next(kind for kind in KINDS if kind == match["kind"])
            axes = found.setdefault((match["place"], kind), {})
            axes.setdefault(match["axis"], []).append(index)
    for (place, kind), axes in found.items():
        if sorted(axes) != ["x", "y", "z"] or any(len(indices) > 1 for indices in axes.values()):
            raise SensorError(
                f"{head.path}: {place}_{kind} needs the columns x, y and z once each, has "
                f"{', '.join(f'{place}_{kind}_{axis}' for axis in sorted(axes))}"
            )
    return {key: [axes[axis][0] for axis in "xyz"] for key, axes in found.items()}


def _matches(head: Head) -> bool:
    if not head.lines:
        return False
    delimiter = find_delimiter(head.lines[0])
    return bool(delimiter) and "time_s" in split_row(head.lines[0].lower(), delimiter)


def _read(head: Head, sidecar: Sidecar) -> RawRecording:
    layout = layout_with_header(head, 0)
    triples = column_triples(layout.columns, head)
    if not triples:
        raise SensorError(
            f"{head.path}: no motion column; expected names such as index_gyro_x, found "
            f"{', '.join(layout.columns)[:200]}"
        )
    units = {kind: stated_unit(kind, sidecar, head.path) for _, kind in triples}
    time_column = [column.lower() for column in layout.columns].index("time_s")
    axes = [index for triple in triples.values() for index in triple]
    table = read_table(head, layout, [time_column], axes, dates=True)
    time_unit = "s" if table.has_dates else sidecar.units.get("time", "s")
    time_s = np.ravel(table.precise) * si_factor("time", time_unit, head.path, "time_s")
    signals = [
        RawSignal(place, kind, units[kind], time_s, table.triple(n))
        for n, (place, kind) in enumerate(triples)
    ]
    return RawRecording(signals, repairs=table.repairs)


FORMAT: Final = Format("neutral", "neutral CSV with JSON sidecar", _matches, _read)
