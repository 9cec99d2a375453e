"""The moments of taps show whether two clocks saw one movement."""

from dataclasses import replace

import numpy as np
import pytest

from tapscope.records import FloatArray, Trajectory
from tapscope.sync.motion_grid import GridMotion, on_grid
from tapscope.sync.tap_pattern import TapPattern, closures, compare_taps
from tapscope.sync.thresholds import SETTINGS
from tests.sync.pairs import Scenario, simulate

BAND_HZ = (0.3, 6.0)
QUIET = Scenario(rate_hz=2.5, interval_cv=(0.08, 0.08))


def on_the_grid(trajectory: Trajectory) -> GridMotion:
    motion = on_grid(trajectory, BAND_HZ)
    assert motion is not None
    return motion


def pattern_at(scenario: Scenario, shift_s: float, seed: int = 1) -> TapPattern:
    pair = simulate(seed, replace(scenario, log="same"))
    sensor = simulate(seed, scenario).sensor
    return compare_taps(
        on_the_grid(pair.video), on_the_grid(sensor), pair.offset_s + shift_s, drift_ppm=0.0
    )


def wave(time_s: FloatArray, closure_s: FloatArray) -> FloatArray:
    """Return an aperture that closes at these moments."""
    phase = np.interp(time_s, closure_s, np.arange(closure_s.size))
    return np.sin(np.pi * phase) ** 2


def test_closures_are_the_middles_of_the_closed_phases() -> None:
    random = np.random.default_rng(2)
    closure_s = np.cumsum(0.4 * (1 + 0.1 * random.normal(size=25)))
    time_s = np.arange(closure_s[0], closure_s[-1], 1 / 200)
    slow = 0.3 * np.sin(2 * np.pi * 0.2 * time_s)
    found_s = closures(
        on_the_grid(Trajectory(time_s, wave(time_s, closure_s) + slow, "px", "video"))
    )
    assert found_s.size == 23
    np.testing.assert_allclose(found_s, closure_s[1:-1], atol=0.03)
    assert np.median(np.abs(found_s - closure_s[1:-1])) < 0.008


def test_one_movement_has_much_evidence() -> None:
    found = pattern_at(QUIET, 0.0)
    assert 23 <= found.taps <= 26
    assert 0.04 < found.interval_cv < 0.1
    assert found.evidence > 20


@pytest.mark.parametrize("cycles", [-2, -1, 1, 2])
def test_another_cycle_has_none(cycles: int) -> None:
    assert pattern_at(QUIET, cycles / 2.5).evidence < SETTINGS.min_tap_evidence


def test_another_trial_has_none() -> None:
    for seed in range(8):
        other = replace(QUIET, log="other trial")
        assert pattern_at(other, 0.0, seed).evidence < SETTINGS.min_tap_evidence


def test_a_metronome_has_none_although_its_moments_agree() -> None:
    time_s = np.arange(0, 10, 1 / 60)
    taps = wave(time_s, np.arange(0, 12, 0.4))
    random = np.random.default_rng(3)
    video, sensor = (
        on_the_grid(
            Trajectory(time_s, taps + 0.05 * random.normal(size=time_s.size), "px", "video")
        )
        for _ in range(2)
    )
    for cycles in (0, 1):
        found = compare_taps(video, sensor, 0.4 * cycles, drift_ppm=0.0)
        assert found.taps > 20
        assert found.interval_cv < SETTINGS.pattern_interval_cv
        assert found.evidence < SETTINGS.min_tap_evidence


def test_motions_apart_share_no_taps() -> None:
    pair = simulate(1, QUIET)
    found = compare_taps(on_the_grid(pair.video), on_the_grid(pair.sensor), 1e4, drift_ppm=0.0)
    assert found.taps == 0
    assert np.isnan(found.interval_cv)
    assert found.evidence == 0.0
