"""Channel labels as devices write them: 'Mini sensor 10: GYRO.X', 'Thumb_Accel_Y' ..."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from tapscope.sensors.recording import Kind

_LABEL: Final = re.compile(
    r"(?P<place>.*?)[\W_]*"
    r"(?P<kind>gyroscope|gyro|gyr|accelerometer|accel|acc|position|pos)"
    r"(?P<variant>[\W_]+[a-z]{2})?[\W_]*(?P<axis>[xyz])",
    re.IGNORECASE,
)
_KINDS: Final[dict[str, Kind]] = {"gyr": "gyro", "acc": "acc", "pos": "pos"}


class Channel(NamedTuple):
    """Sensor and axis of one channel."""

    place: str
    kind: Kind
    axis: str
    variant: str
    """A second sensor of the same kind ('LN', 'WR' for low noise, wide range); '' usually."""


def parse_label(label: str) -> Channel | None:
    """Return the sensor and axis that a label names; None where it is not of a motion sensor."""
    match = _LABEL.fullmatch(label.strip())
    if match is None:
        return None
    return Channel(
        match["place"].strip(" _:.-"),
        _KINDS[match["kind"].lower()[:3]],
        match["axis"].lower(),
        (match["variant"] or "").strip(" _:.-").upper(),
    )


def group_axes(labels: Iterable[tuple[int, Channel]]) -> dict[tuple[str, Kind, str], list[int]]:
    """Group channels into x, y, z of one sensor.

    Parameters
    ----------
    labels
        Column index and channel.

    Returns
    -------
    dict
        (place, kind, variant) -> column indices of x, y and z. Sensors without three axes, or
        with an axis named twice, are left out.
    """
    found: dict[tuple[str, Kind, str], dict[str, list[int]]] = {}
    for index, channel in labels:
        axes = found.setdefault((channel.place, channel.kind, channel.variant), {})
        axes.setdefault(channel.axis, []).append(index)
    return {
        key: [axes[axis][0] for axis in "xyz"]
        for key, axes in found.items()
        if sorted(axes) == ["x", "y", "z"] and all(len(indices) == 1 for indices in axes.values())
    }
