"""A sensor log once read: signals in SI units on their own clocks, and the repairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray

Samples = NDArray[np.float32]
Kind = Literal["gyro", "acc", "pos"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SI_UNITS: Final[Mapping[Kind, str]] = {"gyro": "rad/s", "acc": "m/s^2", "pos": "m"}
FINGERS: Final[tuple[str, ...]] = ("thumb", "index")
UNPLACED: Final = "unplaced"


def as_samples(values: NDArray[np.generic]) -> Samples:
    """Return numbers as they are stored; what is not finite, or too large to be stored, is NaN."""
    with np.errstate(over="ignore"):
        samples = values.astype(np.float32)
    samples[~np.isfinite(samples)] = np.nan
    return samples


@dataclass(frozen=True, slots=True)
class Signal:
    """Three axes of one sensor at one place."""

    place: str
    """'thumb', 'index', or the file's own name of the place; 'unplaced' where it has none."""
    kind: Kind
    """'gyro' (rad/s), 'acc' (m/s^2) or 'pos' (m)."""
    time_s: FloatArray
    """Sensor clock, seconds, rising strictly, gaps left open; shape (samples,)."""
    xyz: Samples
    """Values in the unit of the kind, NaN unknown; shape (samples, 3)."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Signal: kind {self.kind!r} is none of {KINDS}")
        if self.time_s.ndim != 1 or self.xyz.shape != (len(self.time_s), 3):
            raise ValueError(
                f"Signal: time_s {self.time_s.shape} and xyz {self.xyz.shape} do not fit"
            )
        if not np.isfinite(self.time_s).all() or (np.diff(self.time_s) <= 0).any():
            raise ValueError("Signal: time_s must be finite and rise strictly")

    @property
    def name(self) -> str:
        """Name as in the neutral CSV, without the axis: 'thumb_gyro'."""
        return f"{self.place}_{self.kind}"

    @property
    def unit(self) -> str:
        """SI unit of `xyz`."""
        return SI_UNITS[self.kind]

    @property
    def sampling_rate_hz(self) -> float:
        """Median sampling rate in Hz (NaN with fewer than two samples)."""
        if len(self.time_s) < 2:
            return float("nan")
        return float(1.0 / np.median(np.diff(self.time_s)))


@dataclass(frozen=True, slots=True)
class SensorRecording:
    """One sensor log, read, in SI units."""

    source: Path
    """The file it was read from (the first one, where several were combined)."""
    format: str
    """Name of the format in the registry."""
    signals: tuple[Signal, ...]
    """Every three-axis motion signal of the file."""
    device: str = ""
    """Device, by the file or its sidecar; '' unknown."""
    hand: str = ""
    """'left', 'right' or '' unknown."""
    opening_axis: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Per finger, the axis in sensor coordinates about which positive rotation opens the hand."""
    repairs: Mapping[str, int] = field(default_factory=dict)
    """Number of samples dropped or repaired, by kind ('duplicate_times_dropped' ...)."""
    notes: tuple[str, ...] = ()
    """Remarks for the reader of the result."""

    def __post_init__(self) -> None:
        if not self.signals:
            raise ValueError("SensorRecording: no signal")
        names = [signal.name for signal in self.signals]
        if len(set(names)) != len(names):
            raise ValueError(f"SensorRecording: signals repeat: {names}")
        if self.hand not in {"", "left", "right"}:
            raise ValueError(f"SensorRecording: hand {self.hand!r} is not 'left', 'right' or ''")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the signals, in the order of the file."""
        return tuple(signal.name for signal in self.signals)

    @property
    def sampling_rate_hz(self) -> float:
        """Lowest median rate among the signals, Hz."""
        return min(signal.sampling_rate_hz for signal in self.signals)

    def signal(self, place: str, kind: Kind) -> Signal | None:
        """Return the signal of this place and kind, None where the log has none."""
        for signal in self.signals:
            if signal.place == place and signal.kind == kind:
                return signal
        return None
