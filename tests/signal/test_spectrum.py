"""Rates, spectra, noise and smoothness against known signals."""

import tracemalloc

import numpy as np
import pytest

from tapscope.signal import spectrum
from tests.synthetic import cosine, frames


@pytest.mark.parametrize("rate_hz", [0.5, 2.0, 5.0, 8.0])
@pytest.mark.parametrize("lost", [0.0, 0.05])
def test_spectral_rate_is_right_on_even_and_uneven_samples(rate_hz: float, lost: float) -> None:
    time_s = frames(lost=lost)
    aperture = cosine(time_s, rate_hz) + 0.02 * np.random.default_rng(1).normal(size=len(time_s))
    assert spectrum.spectral_rate_hz(time_s, aperture) == pytest.approx(rate_hz, abs=0.02)


def test_spectral_rate_takes_the_fundamental_of_short_pulses() -> None:
    time_s = frames()
    aperture = np.maximum(np.cos(2 * np.pi * time_s), 0.8) - 0.8
    assert spectrum.spectral_rate_hz(time_s, aperture) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("sd", [0.01, 0.05])
def test_noise_is_found_under_a_rhythm(sd: float) -> None:
    time_s = frames(20.0)
    aperture = cosine(time_s, 3.0) + sd * np.random.default_rng(2).normal(size=len(time_s))
    assert spectrum.noise_sd(time_s, aperture) == pytest.approx(sd, rel=0.25)


def test_parabola_finds_a_peak_between_samples() -> None:
    values = np.array([-((place - 2.3) ** 2) for place in range(5)])
    shift, height = spectrum.parabola_peak(values, 2)
    assert (2 + shift, height) == pytest.approx((2.3, 0.0))
    assert spectrum.parabola_peak(values, 0) == (0.0, values[0])
    assert spectrum.parabola_peak(np.ones(3), 1) == (0.0, 1.0)


def test_spectral_arc_length_is_shorter_for_smooth_movements() -> None:
    phase = np.linspace(0, 1, 200)
    bell = np.sin(np.pi * phase) ** 2
    jerky = bell * (1 + 0.8 * np.sin(2 * np.pi * 6 * phase))
    assert (
        spectrum.spectral_arc_length(jerky, 200.0) < spectrum.spectral_arc_length(bell, 200.0) < -1
    )
    assert np.isnan(spectrum.spectral_arc_length(np.zeros(50), 200.0))


@pytest.mark.parametrize("values", [np.zeros(3), np.ones(100)])
def test_too_little_to_say_is_nan(values: np.ndarray) -> None:
    time_s = np.arange(len(values)) / 30
    assert np.isnan(spectrum.spectral_rate_hz(time_s, values))
    assert np.isnan(spectrum.noise_sd(time_s[:3], values[:3]))
    assert np.isnan(spectrum.median_rate_hz(time_s[:1]))


def test_bandwidth_covers_the_power_and_is_nan_without() -> None:
    time_s = frames()
    found_hz = spectrum.bandwidth_hz(time_s, cosine(time_s, 2.0), 0.0)
    assert 2.0 <= found_hz < 2.5
    assert np.isnan(spectrum.bandwidth_hz(time_s, cosine(time_s, 2.0), 10.0))


def test_spectra_of_too_slow_samples_are_unknown() -> None:
    time_s = np.arange(10) * 4.0
    values = np.sin(time_s)
    assert np.isnan(spectrum.spectral_rate_hz(time_s, values))
    assert np.isnan(spectrum.bandwidth_hz(time_s, values, 0.0))


def test_the_spectrum_is_the_direct_fourier_sum() -> None:
    time_s = frames(10.0, lost=0.1)
    values = cosine(time_s, 3.0)
    frequency_hz = np.arange(0.3, 12.0, 0.01)
    step = float(np.median(np.diff(time_s)))
    phase = (time_s - time_s[0] + step / 2) / (time_s[-1] - time_s[0] + step)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    centred = window * (values - np.sum(window * values) / np.sum(window))
    direct = np.abs(np.exp(-2j * np.pi * np.outer(frequency_hz, time_s)) @ centred) ** 2
    found = spectrum.power_spectrum(time_s, values, frequency_hz)
    np.testing.assert_allclose(found, direct / np.sum(window**2), atol=1e-9)


def test_the_spectrum_of_two_minutes_at_a_high_rate_needs_little_memory() -> None:
    time_s = np.arange(0, 120, 1 / 119)
    frequency_hz = np.arange(0.3, 59.0, 1 / 1200)
    tracemalloc.start()
    spectrum.power_spectrum(time_s, cosine(time_s, 3.0), frequency_hz)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6


def test_a_lasting_rhythm_has_a_strong_line_and_noise_has_none() -> None:
    time_s = frames(20.0)
    noise = np.random.default_rng(1).normal(size=len(time_s))
    assert spectrum.strongest_line(time_s, cosine(time_s, 3.0))[1] == pytest.approx(200, rel=0.05)
    assert spectrum.strongest_line(time_s, noise)[1] < 12
