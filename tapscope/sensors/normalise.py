"""RawRecording -> SensorRecording: SI units, rising clocks, finger names, plausible values."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors.clock import repair_clock
from tapscope.sensors.formats.base import RawRecording, RawSignal
from tapscope.sensors.recording import (
    FINGERS,
    SI_UNITS,
    UNPLACED,
    Kind,
    Samples,
    SensorRecording,
    Signal,
    as_samples,
)
from tapscope.sensors.sidecar import Sidecar
from tapscope.sensors.units import si_factor

IndexArray = NDArray[np.intp]

# Wearable gyroscopes measure up to 4000 deg/s, accelerometers up to 200 g; a tapping hand stays
# within 20 m of the origin of a tracker.
_LARGEST: Final[Mapping[Kind, float]] = {"gyro": 75.0, "acc": 2500.0, "pos": 20.0}
_CHECKED_SAMPLES: Final = 100_000
_SLOWEST_HZ, _FASTEST_HZ = 1.0, 20_000.0


def normalise(raw: RawRecording, sidecar: Sidecar, path: Path, name: str) -> SensorRecording:
    """Turn a raw recording into one in SI units with clocks that rise.

    Raises
    ------
    SensorError
        No signal, a unit that is unknown or contradicted by the values, or a clock beyond repair.
    """
    places = _finger_places(raw.signals, sidecar, path)
    repairs: dict[str, int] = dict(raw.repairs)
    clocks: dict[int, tuple[slice | IndexArray, FloatArray]] = {}
    signals = []
    for signal in raw.signals:
        if id(signal.time_s) not in clocks:
            rows = _distinct_rows(signal.time_s, raw.signals)
            keep, time_s, done = repair_clock(signal.time_s[rows], path)
            if not isinstance(rows, slice):
                done["identical_rows_dropped"] = signal.time_s.size - rows.size
                keep = rows[keep]
            _check_rate(time_s, sidecar, path)
            clocks[id(signal.time_s)] = keep, time_s
            for what, count in done.items():
                repairs[what] = repairs.get(what, 0) + count
        keep, time_s = clocks[id(signal.time_s)]
        place = places[signal.place]
        factor = si_factor(signal.kind, signal.unit, path, f"{signal.place} {signal.kind}")
        xyz = _in_si(signal.xyz[keep], factor)
        missing = int(np.isnan(xyz).any(axis=1).sum())
        if missing == len(xyz):
            continue
        if missing:
            repairs["samples_without_value"] = repairs.get("samples_without_value", 0) + missing
        _check_size(signal.kind, xyz, f"{path}: {place} {signal.kind}")
        if signal.kind == "acc" and not (signal.gravity_removed or sidecar.gravity_removed):
            _check_gravity(xyz, f"{path}: {place} acc")
        signals.append(Signal(place, signal.kind, time_s, xyz))
    if not signals:
        raise SensorError(f"{path}: every motion channel is empty; record or export it again")
    return SensorRecording(
        source=path,
        format=name,
        signals=tuple(signals),
        device=sidecar.device or raw.device,
        hand=sidecar.hand or raw.hand,
        opening_axis=sidecar.opening_axis,
        repairs=repairs,
        notes=raw.notes,
    )


def _distinct_rows(time_s: FloatArray, signals: Sequence[RawSignal]) -> IndexArray | slice:
    """Return the rows that do not repeat the row before, in time and in all signals of the clock.

    Some exports write every row twice; a repeated time with other values is not of this kind.
    """
    repeats = np.flatnonzero(np.diff(time_s) == 0) + 1
    for signal in signals:
        if signal.time_s is time_s and repeats.size:
            same = np.isclose(signal.xyz[repeats], signal.xyz[repeats - 1], 0, 0, equal_nan=True)
            repeats = repeats[same.all(axis=1)]
    return np.delete(np.arange(time_s.size), repeats) if repeats.size else slice(None)


def _in_si(xyz: Samples, factor: float) -> Samples:
    if factor == 1.0:
        return xyz
    with np.errstate(over="ignore"):  # what becomes infinite, becomes NaN
        return as_samples(xyz * np.float32(factor))


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_") or UNPLACED


def _finger_places(signals: Sequence[RawSignal], sidecar: Sidecar, path: Path) -> dict[str, str]:
    """Map each place in the file to 'thumb', 'index' or a simplified form of its own name."""
    labels = list(dict.fromkeys(signal.place for signal in signals))
    places = {label: _slug(label) for label in labels}
    fingers = {finger: _named(finger, labels) for finger in FINGERS}
    if len(labels) == 1:
        named = [finger for finger in FINGERS if finger in sidecar.placement_text.lower()]
        if len(named) == 1:
            fingers = {named[0]: labels[0]}
    for finger, wanted in sidecar.placement.items():
        matching = [label for label in labels if wanted in {label, places[label]}]
        if len(matching) == 1:
            fingers[finger] = matching[0]
        elif len(labels) == 1 and finger in _slug(wanted):
            fingers = {finger: labels[0]}
        else:
            raise SensorError(
                f"{sidecar.path}: Placement says the {finger} is {wanted!r}, which is not one "
                f"place of {path.name}; it has {', '.join(labels)[:300]}"
            )
    for finger, label in fingers.items():
        if label is not None:
            places[label] = finger
    if len(set(places.values())) < len(places):
        raise SensorError(f"{path}: two sensors have the same name: {', '.join(labels)[:300]}")
    return places


def _named(finger: str, labels: Sequence[str]) -> str | None:
    """Return the one label that names this finger (its tip, where several do)."""
    other = next(name for name in FINGERS if name != finger)
    naming = [label for label in labels if finger in _slug(label) and other not in _slug(label)]
    if len(naming) > 1:
        naming = [label for label in naming if "tip" in _slug(label).split("_")]
    return naming[0] if len(naming) == 1 else None


def _check_rate(time_s: FloatArray, sidecar: Sidecar, path: Path) -> None:
    rate_hz = 1.0 / float(np.median(np.diff(time_s)))
    stated_hz = sidecar.sampling_rate_hz
    if not _SLOWEST_HZ < rate_hz < _FASTEST_HZ:
        raise SensorError(
            f"{path}: the time stamps give {rate_hz:.4g} samples a second; expected 1 to 20000. Is "
            'the time in seconds? State its unit in the sidecar: "Units": {"time": "ms"}'
        )
    # A log that drops or repeats packets may have half or double the rate; a factor of 1000 is a
    # wrong unit of time.
    if np.isfinite(stated_hz) and not 0.4 < rate_hz / stated_hz < 2.5:
        raise SensorError(
            f"{path}: the time stamps give {rate_hz:.4g} Hz, the sidecar says {stated_hz:.4g} Hz; "
            "correct SamplingFrequency or the unit of time in the sidecar"
        )


def _some_known(xyz: Samples) -> FloatArray:
    """Return known samples spread over the log, few enough to need little memory."""
    known = np.flatnonzero(np.isfinite(xyz).all(axis=1))
    return xyz[known[:: max(1, known.size // _CHECKED_SAMPLES)]].astype(np.float64)


def _check_size(kind: Kind, xyz: Samples, what: str) -> None:
    known = _some_known(xyz)
    # Up to a thousandth of the samples may be spikes; more points to a wrong unit.
    size = float(np.quantile(np.abs(known).max(axis=1), 0.999))
    if size > _LARGEST[kind]:
        raise SensorError(
            f"{what}: values reach {size:.4g} {SI_UNITS[kind]} in the unit stated; a hand stays "
            f"below {_LARGEST[kind]:g}. Correct the unit in the file or its sidecar"
        )


def _check_gravity(xyz: Samples, what: str) -> None:
    length = float(np.median(np.linalg.norm(_some_known(xyz), axis=1)))
    if 0.9 < length < 1.1:
        raise SensorError(
            f"{what}: the length of the vector is mostly {length:.3f} m/s^2, where gravity would "
            'be 9.81; the values seem to be in g. Correct "Units": {"acc": "g"}, or set '
            '"GravityRemoved": true in the sidecar'
        )
