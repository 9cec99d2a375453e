"""Reconstruction of movements and their noise against known signals."""

import numpy as np
import pytest

from tapscope.signal.wiener import likely_noise, reconstruct
from tests.synthetic import cosine, frames


@pytest.mark.parametrize("sd", [0.01, 0.05])
def test_likely_noise_is_found_under_a_rhythm(sd: float) -> None:
    time_s = frames(20.0)
    aperture = cosine(time_s, 3.0) + sd * np.random.default_rng(2).normal(size=len(time_s))
    assert likely_noise(time_s, aperture, 4.5) == pytest.approx(sd, rel=0.25)


@pytest.mark.parametrize("values", [np.zeros(3), np.ones(100)])
def test_likely_noise_of_too_little_is_nan(values: np.ndarray) -> None:
    assert np.isnan(likely_noise(np.arange(len(values)) / 30, values, 3.0))


def test_likely_noise_is_not_misled_by_uneven_sampling() -> None:
    time_s = frames(20.0, lost=0.05)
    aperture = cosine(time_s, 5.0) + 0.02 * np.random.default_rng(3).normal(size=len(time_s))
    assert likely_noise(time_s, aperture, 7.5) == pytest.approx(0.02, rel=0.35)


@pytest.mark.parametrize("rate_hz", [1.0, 4.0, 8.0])
def test_reconstruction_keeps_the_height_between_samples(rate_hz: float) -> None:
    time_s = frames(20.0)
    grid_s = np.arange(1.0, 19.0, 1 / 480)
    found = reconstruct(
        time_s, cosine(time_s, rate_hz), grid_s, passband_hz=1.5 * rate_hz, noise=0.0
    )
    assert np.abs(found.plain - cosine(grid_s, rate_hz)).max() < 0.02


def test_smoothing_noise_away_twice_shrinks_no_movement() -> None:
    time_s = frames(20.0, lost=0.05)
    grid_s = np.arange(1.0, 19.0, 1 / 480)
    noisy = cosine(time_s, 5.0) + 0.1 * np.random.default_rng(5).normal(size=len(time_s))
    found = reconstruct(time_s, noisy, grid_s, passband_hz=7.5, noise=0.1)
    plain, twiced = (
        np.polyfit(cosine(grid_s, 5.0), estimate, 1)[0] for estimate in (found.plain, found.twiced)
    )
    assert twiced == pytest.approx(1.0, abs=0.02)
    assert plain < twiced


def test_reconstruction_undoes_a_known_exposure() -> None:
    time_s = frames()
    exposure_s = 0.9 / 30
    damped = np.sinc(6.0 * exposure_s)
    seen = 0.5 - 0.5 * damped * np.cos(2 * np.pi * 6.0 * time_s)
    grid_s = np.arange(1.0, 7.0, 1 / 480)
    plain, undone = (
        reconstruct(time_s, seen, grid_s, passband_hz=9.0, noise=0.0, exposure_s=assumed_s).plain
        for assumed_s in (0.0, exposure_s)
    )
    assert np.ptp(plain) < 0.97
    assert np.ptp(undone) == pytest.approx(1.0, abs=0.01)


def test_reconstruction_of_many_samples_thins_without_damping() -> None:
    time_s = np.arange(0, 10, 1 / 1000)
    grid_s = np.arange(1.0, 9.0, 1 / 480)
    found = reconstruct(time_s, cosine(time_s, 3.0), grid_s, passband_hz=4.5, noise=0.0)
    assert np.abs(found.plain - cosine(grid_s, 3.0)).max() < 0.01
