"""Signs that a sensor was dead, at the limit of its range, or on the other finger."""

from pathlib import Path
from typing import Final

import numpy as np

from tapscope.errors import SensorError
from tapscope.records import Trajectory
from tapscope.sensors.recording import SensorRecording, Signal

_MAX_LIMIT_SHARE: Final = 0.01
"""Share of samples at one extreme value. In 142 gyroscope recordings of patients and controls the
largest was 0.0008; a clipped signal stays at its limit in every movement."""
_MIN_LIMIT_RAD_S: Final = 2.0
"""No gyroscope sold has a smaller range (125 deg/s); a resting one repeats smaller extremes."""
_MAX_THUMB_RATIO: Final = 1.0
"""Movement of the thumb over that of the index finger. Largest in the same recordings: 0.87."""


def check_varies(signal: Signal, source: Path) -> None:
    """Refuse a signal that has the same value in every sample.

    Raises
    ------
    SensorError
        All three axes are constant: the sensor was off or broken.
    """
    known = signal.xyz[np.isfinite(signal.xyz).all(axis=1)]
    if not np.ptp(known, axis=0).any():
        values = " ".join(f"{value:g}" for value in known[0])
        raise SensorError(
            f"{source}: {signal.name} does not vary: all {len(known)} samples are {values}; "
            "expected a moving finger. The sensor was off or broken: leave this log out"
        )


def doubts(recording: SensorRecording, trajectory: Trajectory) -> tuple[str, ...]:
    """Return what contradicts a gyroscope's range or placement, for the reader of the result.

    Parameters
    ----------
    recording
        The log.
    trajectory
        Its aperture, as `to_trajectory` returns it.
    """
    if trajectory.source != "gyroscope":
        return ()
    found = []
    for signal in recording.signals:
        if signal.name == trajectory.info["signal"]:
            limit, share = _at_limit(signal)
            if share > _MAX_LIMIT_SHARE and limit >= _MIN_LIMIT_RAD_S:
                found.append(
                    f"{signal.name} is clipped: {100 * share:.0f} % of its samples are at its "
                    f"limit of {np.degrees(limit):.0f} deg/s, so amplitudes are too small"
                )
    ratio = float(trajectory.info["thumb_to_index_movement"])
    if ratio > _MAX_THUMB_RATIO:
        found.append(
            f"the thumb's sensor moved {ratio:.1f} times as much as the index finger's; were the "
            "sensors swapped?"
        )
    return tuple(found)


def _at_limit(signal: Signal) -> tuple[float, float]:
    """Return the extreme value, rad/s, that most samples of an axis have, and their share."""
    known = signal.xyz[np.isfinite(signal.xyz).all(axis=1)]
    extremes = np.stack((known.max(axis=0), known.min(axis=0)))
    shares = np.isclose(known[None], extremes[:, None], rtol=1e-6, atol=0.0).mean(axis=1)
    place = np.unravel_index(int(shares.argmax()), shares.shape)
    return abs(float(extremes[place])), float(shares[place])
