"""The JSON sidecar of a sensor log: facts that the log itself does not hold.

A log `x.csv` has its sidecar in `x.json` beside it. Keys that are read:

SamplingFrequency
    Hz; checked against the time stamps, or used as the clock where a format has no times.
Units
    Object with 'time', 'gyro', 'acc', 'pos' as far as they occur: {"gyro": "rad/s"}.
Hand
    'left' or 'right'.
Placement
    Where the sensors are worn. An object gives each finger's place as the file calls it:
    {"thumb": "Marker_1", "index": "Marker_2"}. For a file with one sensor, a text that names one
    finger ("index finger, distal phalanx") is enough.
OpeningAxis
    Per finger, the axis in sensor coordinates about which positive rotation opens the hand:
    {"index": [0, 1, 0], "thumb": [0, -1, 0]}.
GravityRemoved
    true where gravity has been removed from the accelerations.
Device
    Free text.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tapscope.errors import SensorError
from tapscope.files import read_json
from tapscope.sensors.recording import FINGERS

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Checked contents of a sidecar; a key that is absent leaves the field at its default."""

    path: Path | None = None
    """The JSON file, None where there is none."""
    sampling_rate_hz: float = float("nan")
    units: Mapping[str, str] = field(default_factory=dict)
    hand: str = ""
    placement: Mapping[str, str] = field(default_factory=dict)
    """Finger -> the place as the file calls it."""
    placement_text: str = ""
    opening_axis: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    gravity_removed: bool = False
    device: str = ""


def read_sidecar(path: Path) -> Sidecar:
    """Read and check the sidecar at `path`; an absent file gives an empty sidecar.

    Raises
    ------
    SensorError
        The file is not a JSON object or a key has a value of the wrong kind.
    """
    if not path.is_file():
        return Sidecar()
    content: Json = read_json(path, SensorError)
    if not isinstance(content, dict):
        raise SensorError(f"{path}: the sidecar must be a JSON object ({{...}})")
    placement, placement_text = _placement(content.get("Placement"), path)
    return Sidecar(
        path=path,
        sampling_rate_hz=_rate(content.get("SamplingFrequency"), path),
        units=_texts(content.get("Units"), "Units", path),
        hand=_hand(content.get("Hand"), path),
        placement=placement,
        placement_text=placement_text,
        opening_axis=_axes(content.get("OpeningAxis"), path),
        gravity_removed=content.get("GravityRemoved") is True,
        device=_text(content.get("Device", content.get("Manufacturer")), "Device", path),
    )


def _wrong(path: Path, key: str, expected: str, found: Json) -> SensorError:
    return SensorError(f"{path}: {key} must be {expected}, is {str(found)[:60]!r}")


def _number(value: Json) -> float:
    """Return a finite float, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return float("nan")
    try:
        number = float(value)
    except OverflowError:
        return float("nan")
    return number if math.isfinite(number) else float("nan")


def _rate(value: Json, path: Path) -> float:
    if value is None or value == "n/a":
        return float("nan")
    rate_hz = _number(value)
    if not 0 < rate_hz < 1e6:
        raise _wrong(path, "SamplingFrequency", "a number of Hz above 0", value)
    return rate_hz


def _text(value: Json, key: str, path: Path) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong(path, key, "a text", value)
    return value


def _texts(value: Json, key: str, path: Path) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(path, key, "an object of texts", value)
    return {name: _text(unit, f"{key}.{name}", path) for name, unit in value.items()}


def _hand(value: Json, path: Path) -> str:
    hand = _text(value, "Hand", path).strip().lower()
    if hand not in {"", "left", "right"}:
        raise _wrong(path, "Hand", "'left' or 'right'", value)
    return hand


def _placement(value: Json, path: Path) -> tuple[dict[str, str], str]:
    if value is None or isinstance(value, str):
        return {}, value or ""
    places = _texts(value, "Placement", path)
    if not set(places) <= set(FINGERS):
        raise _wrong(path, "Placement", "an object with the keys thumb and index, or a text", value)
    return places, ""


def _axes(value: Json, path: Path) -> dict[str, tuple[float, float, float]]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not set(value) <= set(FINGERS):
        raise _wrong(path, "OpeningAxis", "an object with the keys thumb and index", value)
    axes: dict[str, tuple[float, float, float]] = {}
    for finger, axis in value.items():
        numbers = [_number(part) for part in axis] if isinstance(axis, list) else []
        length = math.hypot(*numbers)
        if len(numbers) != 3 or not 0 < length < math.inf:
            raise _wrong(path, f"OpeningAxis.{finger}", "three numbers, not all 0", axis)
        axes[finger] = (numbers[0] / length, numbers[1] / length, numbers[2] / length)
    return axes
