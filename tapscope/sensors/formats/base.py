"""What the reader of a format gives back: signals as the file has them, not yet in SI units."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors.file_head import Head
from tapscope.sensors.recording import SI_UNITS, Kind, Samples
from tapscope.sensors.sidecar import Sidecar


@dataclass(frozen=True, slots=True)
class RawSignal:
    """Three axes of one sensor as the file has them."""

    place: str
    kind: Kind
    unit: str
    """As the file, its format or its sidecar states it; '' = not stated."""
    time_s: FloatArray
    """As logged, in seconds; may repeat, step back or be NaN. Signals of a clock share it."""
    xyz: Samples
    """As logged; shape (samples, 3)."""
    gravity_removed: bool = False
    """An acceleration from which the device took gravity away."""


@dataclass(frozen=True, slots=True)
class RawRecording:
    """The signals of one file, and what it says of itself."""

    signals: Sequence[RawSignal]
    device: str = ""
    hand: str = ""
    repairs: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the registry of formats."""

    name: str
    title: str
    """Name for people."""
    matches: Callable[[Head], bool]
    """Returns from the beginning of a file whether it has this format; never raises."""
    read: Callable[[Head, Sidecar], RawRecording]
    """Reads the file; raises SensorError."""


def stated_unit(kind: Kind, sidecar: Sidecar, path: Path) -> str:
    """Return the unit that the sidecar states for a kind of signal.

    Raises
    ------
    SensorError
        It states none.
    """
    unit = sidecar.units.get(kind, "")
    if not unit:
        raise SensorError(
            f"{path}: no unit is stated for the {kind} columns; add to its sidecar "
            f'{path.with_suffix(".json").name}: "Units": {{"{kind}": "{SI_UNITS[kind]}"}} '
            "(or the unit that they really have)"
        )
    return unit


def uniform_times(count: int, rate_hz: float) -> FloatArray:
    """Return times from 0 at a fixed rate, for formats that store a rate and no times."""
    return np.arange(count, dtype=np.float64) / rate_hz
