"""Sensor recordings to trajectories: angle, distance, contacts."""

from pathlib import Path

import numpy as np
import pytest

from tapscope.errors import SensorError
from tapscope.records import FloatArray
from tapscope.sensors import SensorRecording, read
from tapscope.sensors.recording import Kind, Signal
from tapscope.sensors.trajectory import both_signs, contact_taps, to_trajectory
from tests.signal_path import find_taps

RATE_HZ, TAPS_HZ = 200.0, 2.0
TIME_S: FloatArray = np.arange(0, 10, 1 / RATE_HZ)
ANGLE_DEG: FloatArray = 40 * np.sin(np.pi * TAPS_HZ * TIME_S) ** 2
CLOSURE_S: FloatArray = np.arange(0, 10, 1 / TAPS_HZ)


def recording(*signals: Signal, **fields: object) -> SensorRecording:
    """Return a recording of these signals."""
    return SensorRecording(Path("log.csv"), "neutral", signals, **fields)  # type: ignore[arg-type]


def signal(place: str, kind: Kind, xyz: FloatArray, time_s: FloatArray = TIME_S) -> Signal:
    """Return a signal of a place."""
    return Signal(place, kind, time_s, xyz.astype(np.float32))


def gyro(axis: tuple[float, float, float] = (0.2, 0.9, -0.1), offset: float = 0.05) -> Signal:
    """Return the index gyroscope of the angle about an axis, with an offset that would drift."""
    direction = np.array(axis) / np.linalg.norm(axis)
    velocity = np.gradient(np.radians(ANGLE_DEG)) * RATE_HZ
    return signal("index", "gyro", velocity[:, None] * direction + offset)


def knocks(rate_hz: float = RATE_HZ) -> Signal:
    """Return an accelerometer with a knock of 10 ms at each closure and one far larger."""
    time_s = np.arange(0, 10, 1 / rate_hz)
    random = np.random.default_rng(1)
    xyz = np.array([0, 9.81, 0]) + 0.05 * random.normal(size=(time_s.size, 3))
    for closure_s in CLOSURE_S[1:]:
        since = time_s - closure_s
        height = 300 if closure_s == 5 else 20
        xyz[:, 0] += height * np.exp(-((since / 0.004) ** 2))
    return signal("index", "acc", xyz, time_s)


def test_angle_is_free_of_drift_and_zero_at_closure() -> None:
    trajectory = to_trajectory(recording(gyro(), signal("thumb", "gyro", 0 * gyro().xyz)))
    assert (trajectory.unit, trajectory.source) == ("deg", "gyroscope")
    assert trajectory.info["sign"] == "assumed"
    inner = (TIME_S > 1) & (TIME_S < 9)
    at_closure = np.interp(CLOSURE_S[2:-1], TIME_S, trajectory.aperture)
    assert np.abs(at_closure).max() < 1.0
    assert trajectory.aperture[inner].max() == pytest.approx(40, abs=1.5)
    assert np.corrcoef(trajectory.aperture[inner], ANGLE_DEG[inner])[0, 1] > 0.999


def test_same_taps_code_finds_the_taps_of_the_angle() -> None:
    taps = find_taps(to_trajectory(recording(gyro())))
    assert len(taps) >= 18
    nearest = np.abs(taps.closure_s[:, None] - CLOSURE_S).min(axis=1)
    assert nearest.max() < 0.01
    assert np.median(taps.amplitude) == pytest.approx(40, rel=0.05)


def test_opening_axis_of_the_sidecar_sets_the_sign() -> None:
    signal_of_axis = gyro((0.2, 0.9, -0.1))
    opened = to_trajectory(recording(signal_of_axis, opening_axis={"index": (0.0, 1.0, 0.0)}))
    closed = to_trajectory(recording(signal_of_axis, opening_axis={"index": (0.0, -1.0, 0.0)}))
    plus, minus = both_signs(recording(signal_of_axis))
    assert opened.info["sign"] == "sidecar"
    np.testing.assert_array_equal(opened.aperture, plus.aperture)
    np.testing.assert_array_equal(closed.aperture, minus.aperture)
    unstated = to_trajectory(recording(signal_of_axis))
    assert unstated.info["sign"] == "assumed"
    np.testing.assert_array_equal(unstated.aperture, plus.aperture)


def test_gap_in_a_gyroscope_splits_the_angle() -> None:
    whole = gyro()
    xyz = whole.xyz.copy()
    xyz[800:1000] = np.nan
    trajectory = to_trajectory(recording(Signal("index", "gyro", TIME_S, xyz)))
    assert trajectory.info["stretches"] == "2"
    assert np.diff(trajectory.time_s).max() == pytest.approx(1.0, abs=0.02)
    xyz[:] = np.nan
    xyz[:100] = whole.xyz[:100]
    with pytest.raises(SensorError, match="without a gap"):
        to_trajectory(recording(Signal("index", "gyro", TIME_S, xyz)))


def test_positions_give_the_distance_in_millimetres() -> None:
    thumb = np.zeros((TIME_S.size, 3))
    index = np.stack([ANGLE_DEG / 1000 + 0.005, 0 * TIME_S, 0 * TIME_S], axis=1)
    index[100:110] = np.nan
    both = recording(signal("thumb", "pos", thumb), signal("index", "pos", index), gyro())
    trajectory = to_trajectory(both)
    assert (trajectory.unit, trajectory.source) == ("mm", "position")
    assert np.isnan(trajectory.aperture).sum() == 10
    np.testing.assert_allclose(trajectory.aperture[:100], ANGLE_DEG[:100] + 5, atol=1e-3)


def test_positions_on_two_clocks_are_brought_together() -> None:
    thumb = np.stack([TIME_S, 0 * TIME_S, 0 * TIME_S], axis=1)
    later_s = TIME_S[:-400] + 0.0025
    index = np.stack([later_s + 0.03, 0 * later_s, 0 * later_s], axis=1)
    gap = np.r_[0:500, 600:2000]
    both = recording(
        signal("thumb", "pos", thumb[gap], TIME_S[gap]), signal("index", "pos", index, later_s)
    )
    aperture = to_trajectory(both).aperture
    np.testing.assert_allclose(aperture[np.isfinite(aperture)], 30, atol=0.01)
    assert 95 <= np.isnan(aperture).sum() <= 102


@pytest.mark.parametrize("scale", [1000.0, 1e-3])
def test_impossible_distances_are_refused(scale: float) -> None:
    index = np.stack([scale * ANGLE_DEG / 1000, 0 * TIME_S, 0 * TIME_S], axis=1)
    thumb = signal("thumb", "pos", np.zeros_like(index))
    with pytest.raises(SensorError, match="mm apart"):
        to_trajectory(recording(thumb, signal("index", "pos", index)))
    never = recording(thumb, signal("index", "pos", np.full_like(index, np.nan)))
    with pytest.raises(SensorError, match="never seen at the same time"):
        to_trajectory(never)


def test_contacts_give_taps_without_amplitude() -> None:
    taps = contact_taps(recording(knocks()))
    np.testing.assert_allclose(taps.closure_s, CLOSURE_S[1:-1], atol=0.006)
    assert np.isnan(taps.amplitude).all()
    trajectory = to_trajectory(recording(knocks()))
    assert (trajectory.unit, trajectory.source) == ("none", "accelerometer")
    found = find_taps(trajectory)
    assert np.abs(found.closure_s[:, None] - CLOSURE_S).min(axis=1).max() < 0.01


def test_contacts_need_100_hz_and_something_to_hear() -> None:
    with pytest.raises(SensorError, match="100 Hz or more"):
        contact_taps(recording(knocks(60.0)))
    quiet = np.random.default_rng(1).normal((0.0, 9.81, 0.0), 0.01, (TIME_S.size, 3))
    still = signal("index", "acc", quiet)
    assert len(contact_taps(recording(still))) == 0
    assert np.isnan(to_trajectory(recording(still)).aperture).all()
    brief = signal("index", "acc", still.xyz[:100], TIME_S[:100])
    assert len(contact_taps(recording(brief))) == 0
    with pytest.raises(SensorError, match="does not vary"):
        contact_taps(recording(signal("index", "acc", np.ones((TIME_S.size, 3)))))


def test_log_without_a_finger_says_what_to_add() -> None:
    unplaced = recording(signal("marker_1", "pos", gyro().xyz), signal("head", "gyro", gyro().xyz))
    with pytest.raises(SensorError, match=r'"Placement": \{"index": "marker_1"\}'):
        to_trajectory(unplaced)
    with pytest.raises(SensorError, match="no acc signal is known to sit on thumb or index"):
        contact_taps(unplaced)


def test_records_check_themselves() -> None:
    with pytest.raises(ValueError, match="rise strictly"):
        signal("index", "gyro", np.zeros((3, 3)), np.array([0.0, 2.0, 1.0]))
    with pytest.raises(ValueError, match="do not fit"):
        signal("index", "gyro", np.zeros((3, 2)), np.arange(3.0))
    with pytest.raises(ValueError, match="is none of"):
        signal("index", "mag", np.zeros((3, 3)), np.arange(3.0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no signal"):
        recording()
    with pytest.raises(ValueError, match="repeat"):
        recording(gyro(), gyro())
    with pytest.raises(ValueError, match="hand"):
        recording(gyro(), hand="both")
    assert gyro().unit == "rad/s"
    assert np.isnan(signal("index", "acc", np.zeros((1, 3)), np.zeros(1)).sampling_rate_hz)


def test_every_leap_recording_is_analysed(shared_data: Path) -> None:
    paths = sorted((shared_data / "leap").glob("*.csv"))
    assert len(paths) == 3
    for path in paths:
        taps = find_taps(to_trajectory(read(path)))
        assert len(taps) > 40
        assert 40 < np.median(taps.amplitude) < 110
