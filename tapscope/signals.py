"""Pure functions on unevenly sampled signals: spectra, noise, band-limited reconstruction."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_factor, cho_solve, eigh

from tapscope.records import FloatArray

_ROLL_OFF_ORDER: Final = 6
_BLOCK_SAMPLES: Final = 192
_MARGIN_SAMPLES: Final = 24


def median_rate_hz(time_s: FloatArray) -> float:
    """Return the median sampling rate in Hz, NaN with fewer than two samples."""
    if len(time_s) < 2:
        return float("nan")
    return float(1.0 / np.median(np.diff(time_s)))


def power_spectrum(time_s: FloatArray, values: FloatArray, frequency_hz: FloatArray) -> FloatArray:
    """Return the power of an unevenly sampled signal at any frequencies.

    A Hann window in true time over the direct Fourier sum; white noise of variance v gives a
    mean power of v at each frequency. No NaN allowed.
    """
    step = float(np.median(np.diff(time_s)))
    phase = (time_s - time_s[0] + step / 2) / (time_s[-1] - time_s[0] + step)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    centred = values - np.sum(window * values) / np.sum(window)
    waves = np.exp(-2j * np.pi * np.outer(frequency_hz, time_s))
    power: FloatArray = np.abs(waves @ (window * centred)) ** 2 / np.sum(window**2)
    return power


def _grid_hz(time_s: FloatArray, low_hz: float, high_hz: float, per_bin: float) -> FloatArray:
    duration_s = float(time_s[-1] - time_s[0])
    top = min(high_hz, 0.5 * median_rate_hz(time_s))
    return np.arange(low_hz, max(top, low_hz), 1.0 / (per_bin * duration_s))


def noise_sd(time_s: FloatArray, values: FloatArray) -> float:
    """Estimate the standard deviation of white noise under a signal of few spectral lines.

    The lower quartile of the power spectrum up to the Nyquist frequency, over the lower quartile
    of the unit exponential distribution that the power of white noise follows. Signal in over half
    of the spectrum makes the estimate too large. NaN with fewer than 8 samples.
    """
    if len(time_s) < 8:
        return float("nan")
    nyquist_hz = 0.5 * median_rate_hz(time_s)
    frequency_hz = _grid_hz(time_s, 1.0 / float(time_s[-1] - time_s[0]), nyquist_hz, 2)
    power = power_spectrum(time_s, values, frequency_hz)
    return float(np.sqrt(np.quantile(power, 0.25) / -np.log(0.75)))


def spectral_rate_hz(
    time_s: FloatArray, values: FloatArray, low_hz: float = 0.3, high_hz: float = 12.0
) -> float:
    """Return the frequency of the strongest spectral line, interpolated; NaN where there is none.

    A positive pulse that repeats has its strongest line at its fundamental (the harmonics of a
    non-negative single hump never exceed it), so no guess between harmonics is needed.
    """
    if len(time_s) < 8 or np.ptp(values) == 0:
        return float("nan")
    frequency_hz = _grid_hz(time_s, low_hz, high_hz, 10)
    if len(frequency_hz) < 3:
        return float("nan")
    power = power_spectrum(time_s, values, frequency_hz)
    best = int(power.argmax())
    shift, _ = parabola_peak(power, best)
    return float(frequency_hz[best] + shift * (frequency_hz[1] - frequency_hz[0]))


def parabola_peak(values: FloatArray, index: int) -> tuple[float, float]:
    """Return offset (samples) and height of the parabola through an extremum and its neighbours.

    At either end, and where the three points do not bend, the sample itself: (0, value).
    """
    if not 0 < index < len(values) - 1:
        return 0.0, float(values[index])
    before, at, after = (float(v) for v in values[index - 1 : index + 2])
    bend = before - 2 * at + after
    if bend == 0:
        return 0.0, at
    shift = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
    return shift, at - 0.25 * (before - after) * shift


def bandwidth_hz(
    time_s: FloatArray, values: FloatArray, noise: float, share: float = 0.98
) -> float:
    """Return the frequency below which `share` of the power above the noise lies (from 0.2 Hz)."""
    nyquist_hz = 0.5 * median_rate_hz(time_s)
    frequency_hz = _grid_hz(time_s, 0.2, nyquist_hz, 4)
    if len(frequency_hz) == 0:
        return float("nan")
    power = np.maximum(power_spectrum(time_s, values, frequency_hz) - 4 * noise**2, 0)
    total = np.cumsum(power)
    if total[-1] == 0:
        return float("nan")
    return float(frequency_hz[np.searchsorted(total, share * total[-1])])


@dataclass(frozen=True)
class _Prior:
    """Correlation of the movement with itself and with its samples, as functions of lag."""

    of_movement: CubicSpline
    of_samples: CubicSpline


def _prior(passband_hz: float, limit_hz: float, exposure_s: float, reach_s: float) -> _Prior:
    """Return the correlations of a movement whose spectrum is flat to `passband_hz`.

    Power falls with the sixth power of frequency beyond it (a movement without jumps in
    acceleration has harmonics that fall so) and ends at `limit_hz`. A sample is the mean over
    `exposure_s`.
    """
    step_s = 1.0 / (16.0 * limit_hz)
    count = int(reach_s / step_s) + 4
    length = int(2 ** np.ceil(np.log2(max(2.2 * count, 4096))))
    frequency_hz = np.arange(length // 2 + 1) / (length * step_s)
    end = np.clip((1.02 * limit_hz - frequency_hz) / (0.08 * limit_hz), 0, 1)
    spectrum = 0.5 - 0.5 * np.cos(np.pi * end)
    spectrum /= 1.0 + (frequency_hz / passband_hz) ** _ROLL_OFF_ORDER
    spectrum /= spectrum.sum()
    exposure = np.sinc(frequency_hz * exposure_s)
    lag_s = np.arange(count) * step_s
    correlations = [
        CubicSpline(lag_s, np.fft.irfft(spectrum * exposure**power)[:count] * length / 2)
        for power in (1, 2)
    ]
    return _Prior(*correlations)


def thin(time_s: FloatArray, values: FloatArray, rate_hz: float) -> tuple[FloatArray, FloatArray]:
    """Average groups of neighbours so that at least `rate_hz` samples a second stay."""
    group = int(median_rate_hz(time_s) // rate_hz) if len(time_s) > 1 else 1
    if group < 2:
        return time_s, values
    usable = len(time_s) // group * group
    shape = (-1, group)
    return time_s[:usable].reshape(shape).mean(1), values[:usable].reshape(shape).mean(1)


def reconstruct(
    time_s: FloatArray,
    values: FloatArray,
    grid_s: FloatArray,
    *,
    passband_hz: float,
    noise: float,
    exposure_s: float = 0.0,
    twice: bool = False,
) -> FloatArray:
    """Interpolate and smooth in one step: the expected signal at `grid_s` given the samples.

    Wiener interpolation (Gaussian-process regression) for a signal whose spectrum is flat up to
    `passband_hz`, falls with the sixth power beyond and ends just under the Nyquist frequency.
    It has no phase shift, uses the true time stamps, bridges lost samples as well as the spectrum
    allows, and keeps the height of peaks that fall between two samples, where splines clip them.

    Parameters
    ----------
    time_s, values
        Samples, shape (n,), no NaN.
    grid_s
        Moments wanted, rising; shape (m,). Outside the samples the result is not to be trusted.
    passband_hz
        Highest frequency to pass unharmed.
    noise
        Standard deviation of the noise of one sample; more means smoother.
    exposure_s
        Time over which each sample is a mean (a shutter); its damping of fast movement is undone.
    twice
        Estimate what the first estimate left over, too (twicing, Tukey 1977): shrinking noise
        shrinks movement, and this makes that loss one of second order, at the price of more noise.
    """
    rate_hz = median_rate_hz(time_s)
    limit_hz = min(0.475 * rate_hz, 4 * passband_hz)
    mean, variance = float(values.mean()), float(values.var())
    samples = len(time_s)
    time_s, values = thin(time_s, values, 8 * limit_hz)
    group = samples // len(time_s)
    noise_ratio = max(noise**2 / (group * max(variance - noise**2, 0.25 * variance)), 1e-4)
    if group > 1:
        exposure_s = float(np.hypot(exposure_s, group / rate_hz))
    reach_s = _longest_block_s(time_s) + max(time_s[0] - grid_s[0], grid_s[-1] - time_s[-1], 0)
    prior = _prior(passband_hz, limit_hz, exposure_s, reach_s)
    result, weight = np.zeros_like(grid_s), np.zeros_like(grid_s)
    for first, last in _blocks(len(time_s)):
        is_first, is_last = first == 0, last == len(time_s)
        inside = (is_first | (grid_s >= time_s[first])) & (is_last | (grid_s <= time_s[last - 1]))
        part = _expected(
            prior,
            time_s[first:last],
            values[first:last] - mean,
            grid_s[inside],
            noise_ratio=noise_ratio,
            twice=twice,
        )
        share = _fade(grid_s[inside], time_s[first:last], is_first, is_last)
        result[inside] += share * part
        weight[inside] += share
    return mean + result / weight


def likely_noise(time_s: FloatArray, values: FloatArray, passband_hz: float) -> float:
    """Return the standard deviation of the noise of one sample that makes the samples most likely.

    Maximum likelihood for the movement that `reconstruct` assumes plus white noise, the median over
    blocks of samples. Unlike the floor of a spectrum it is not misled by uneven sampling or
    by a rhythm that wavers. NaN with fewer than 8 samples or without any movement.
    """
    if len(time_s) < 8 or np.ptp(values) == 0:
        return float("nan")
    rate_hz = median_rate_hz(time_s)
    limit_hz = min(0.475 * rate_hz, 4 * passband_hz)
    samples = len(time_s)
    time_s, values = thin(time_s, values, 8 * limit_hz)
    group = samples // len(time_s)
    ratios = np.geomspace(1e-6, 1.0, 61)
    found = []
    for first, last in _blocks(len(time_s)):
        block_s, block = time_s[first:last], values[first:last]
        if np.ptp(block) == 0:
            continue
        prior = _prior(passband_hz, limit_hz, 0.0, float(np.ptp(block_s)))
        own = prior.of_samples(np.abs(block_s[:, None] - block_s[None, :]))
        powers, vectors = eigh(own)
        parts = (vectors.T @ (block - block.mean())) ** 2
        spread = np.maximum(powers, 0)[None, :] + ratios[:, None]
        variance = np.mean(parts / spread, axis=1)
        likelihood = -np.log(variance) - np.mean(np.log(spread), axis=1)
        best = int(likelihood.argmax())
        found.append(np.sqrt(group * ratios[best] * variance[best]))
    return float(np.median(found))


def _blocks(count: int) -> list[tuple[int, int]]:
    """Return overlapping stretches of samples that are solved one by one."""
    stride = _BLOCK_SAMPLES - 2 * _MARGIN_SAMPLES
    starts = range(0, max(count - 2 * _MARGIN_SAMPLES, 1), stride)
    return [(start, min(start + _BLOCK_SAMPLES, count)) for start in starts]


def _longest_block_s(time_s: FloatArray) -> float:
    return max(float(time_s[last - 1] - time_s[first]) for first, last in _blocks(len(time_s)))


def _expected(
    prior: _Prior,
    time_s: FloatArray,
    values: FloatArray,
    grid_s: FloatArray,
    *,
    noise_ratio: float,
    twice: bool,
) -> FloatArray:
    own = prior.of_samples(np.abs(time_s[:, None] - time_s[None, :]))
    own[np.diag_indices(len(time_s))] += noise_ratio
    factor = cho_factor(own, lower=True)
    weights = cho_solve(factor, values)
    if twice:  # what the estimate left over at the samples is the noise ratio times the weights
        weights += cho_solve(factor, noise_ratio * weights)
    expected: FloatArray = prior.of_movement(np.abs(grid_s[:, None] - time_s[None, :])) @ weights
    return expected


def _fade(grid_s: FloatArray, block_s: FloatArray, is_first: bool, is_last: bool) -> FloatArray:
    """Return the weight of a block at each moment: small within its margins, where it guesses."""
    margin = min(2 * _MARGIN_SAMPLES, len(block_s) - 1)
    share = np.ones_like(grid_s)
    if not is_first:
        share = np.minimum(share, (grid_s - block_s[0]) / (block_s[margin] - block_s[0]))
    if not is_last:
        fall = (block_s[-1] - grid_s) / (block_s[-1] - block_s[-1 - margin])
        share = np.minimum(share, fall)
    return np.clip(share, 1e-6, 1) ** 4


def spectral_arc_length(
    speed: FloatArray, sampling_rate_hz: float, top_hz: float = 10.0, floor: float = 0.05
) -> float:
    """Return the smoothness of a speed profile (SPARC): nearer to zero is smoother.

    Minus the arc length of the amplitude spectrum, normalised by its value at 0 Hz and to the
    band that ends where it stays under `floor`, at most `top_hz` (Balasubramanian et al. 2015,
    doi:10.1186/s12984-015-0090-9). NaN without movement.
    """
    length = int(2 ** (np.ceil(np.log2(len(speed))) + 4))
    frequency_hz = np.arange(length // 2 + 1) * sampling_rate_hz / length
    amplitude = np.abs(np.fft.rfft(speed, length))
    if amplitude[0] == 0:
        return float("nan")
    inside = frequency_hz <= top_hz
    frequency_hz, amplitude = frequency_hz[inside], amplitude[inside] / amplitude[0]
    above = np.flatnonzero(amplitude >= floor)
    band = slice(0, int(above[-1]) + 1)
    step = np.diff(frequency_hz[band]) / max(float(frequency_hz[band][-1]), 1e-12)
    return -float(np.sum(np.hypot(step, np.diff(amplitude[band]))))
