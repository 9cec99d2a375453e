"""Dead, clipped and swapped sensors."""

from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors.plausibility import doubts
from tapscope.sensors.recording import SensorRecording, Signal
from tapscope.sensors.trajectory import to_trajectory

TIME_S = np.arange(0, 10, 0.01)
TAPPING_RAD_S = np.outer(8 * np.sin(2 * np.pi * 2 * TIME_S), (0.2, 0.9, -0.3))


def recording(thumb: FloatArray, index: FloatArray) -> SensorRecording:
    signals = [
        Signal(place, "gyro", TIME_S, xyz.astype(np.float32))
        for place, xyz in (("thumb", thumb), ("index", index))
    ]
    return SensorRecording(Path("log.csv"), "neutral", tuple(signals))


def doubts_of(thumb: FloatArray, index: FloatArray) -> tuple[str, ...]:
    log = recording(thumb, index)
    return doubts(log, to_trajectory(log))


def test_sound_sensors_raise_no_doubt() -> None:
    assert doubts_of(0.3 * TAPPING_RAD_S, TAPPING_RAD_S) == ()


def test_constant_signal_is_refused() -> None:
    with pytest.raises(SensorError, match=r"log.csv: index_gyro does not vary: all 1000 samples"):
        to_trajectory(recording(TAPPING_RAD_S, np.full_like(TAPPING_RAD_S, 0.5)))


def test_clipped_signal_is_named_with_its_limit() -> None:
    limit = np.radians(250)
    clipped = TAPPING_RAD_S.clip(-limit, limit)
    (doubt,) = doubts_of(0.3 * TAPPING_RAD_S, clipped)
    share = max((clipped[:, 1] == limit).mean(), (clipped[:, 1] == -limit).mean())
    assert f"index_gyro is clipped: {100 * share:.0f} %" in doubt
    assert "limit of 250 deg/s" in doubt


def test_resting_sensor_of_coarse_resolution_is_not_clipped() -> None:
    coarse = np.round(np.random.default_rng(1).normal(0, 0.01, TAPPING_RAD_S.shape), 2)
    assert doubts_of(0.3 * coarse, coarse) == ()


def test_swapped_sensors_are_suspected() -> None:
    (doubt,) = doubts_of(TAPPING_RAD_S, 0.25 * TAPPING_RAD_S)
    assert "moved 4.0 times as much" in doubt
    assert "swapped" in doubt
