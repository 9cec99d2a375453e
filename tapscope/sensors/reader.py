"""Read a sensor log of any known format, and join the logs of one trial."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tapscope.errors import SensorError
from tapscope.sensors.file_head import Head, read_head
from tapscope.sensors.formats import FORMATS
from tapscope.sensors.formats.base import Format
from tapscope.sensors.normalise import normalise
from tapscope.sensors.recording import SensorRecording
from tapscope.sensors.sidecar import read_sidecar


def read(path: Path) -> SensorRecording:
    """Read a sensor log of any known format, with its sidecar if it has one.

    Parameters
    ----------
    path
        The log; a sidecar lies beside it under the same name with the ending .json
        (see `tapscope.sensors.sidecar`).

    Returns
    -------
    SensorRecording
        Signals in SI units on clocks that rise strictly; gaps stay gaps; missing values are NaN;
        `repairs` counts every sample dropped or repaired.

    Raises
    ------
    SensorError
        The file is of no known format, damaged, without motion channels, or its units are
        unknown or contradicted by the values.
    """
    head = read_head(path)
    found = _recognise(head)
    sidecar = read_sidecar(path.with_suffix(".json"))
    return normalise(found.read(head, sidecar), sidecar, path, found.name)


def combine(recordings: Sequence[SensorRecording]) -> SensorRecording:
    """Join logs of one trial that were written to several files (thumb and index, gyro and acc).

    The files must share one clock, as the logs of synchronised sensors do.

    Raises
    ------
    SensorError
        No recording is given, their hands differ, or a signal occurs twice.
    """
    if not recordings:
        raise SensorError("no sensor log to combine; give at least one")
    names = [name for recording in recordings for name in recording.names]
    files = ", ".join(str(recording.source) for recording in recordings)
    if len(set(names)) < len(names):
        raise SensorError(
            f"{files}: the same signal occurs twice ({', '.join(sorted(names))}); state in each "
            'sidecar where the sensor was worn ("Placement": "thumb")'
        )
    hands = {recording.hand for recording in recordings} - {""}
    if len(hands) > 1:
        raise SensorError(f"{files}: left and right hand cannot be one recording")
    repairs: dict[str, int] = {}
    for recording in recordings:
        for what, count in recording.repairs.items():
            repairs[what] = repairs.get(what, 0) + count
    axes = {finger: axis for each in recordings for finger, axis in each.opening_axis.items()}
    return replace(
        recordings[0],
        signals=tuple(signal for recording in recordings for signal in recording.signals),
        device="; ".join(dict.fromkeys(each.device for each in recordings if each.device)),
        hand=next(iter(hands), ""),
        opening_axis=axes,
        repairs=repairs,
        notes=tuple(dict.fromkeys(note for each in recordings for note in each.notes)),
    )


def _recognise(head: Head) -> Format:
    for candidate in FORMATS:
        if candidate.matches(head):
            return candidate
    found = f"text beginning {head.lines[0][:80]!r}" if head.lines else "binary content"
    titles = ", ".join(candidate.title for candidate in FORMATS)
    raise SensorError(
        f"{head.path}: not a sensor log known here ({found}). Known are: {titles}. Convert it to "
        "the neutral CSV (columns time_s, thumb_gyro_x ..., with a JSON sidecar that states units)"
    )
