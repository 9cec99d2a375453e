"""Pure functions on unevenly sampled signals: rates, spectra, noise, smoothness."""

import numpy as np

from tapscope.records import FloatArray

_SUM_SAMPLES = 4096
"""Samples whose waves are in memory at a time."""


def median_rate_hz(time_s: FloatArray) -> float:
    """Return the median sampling rate in Hz, NaN with fewer than two samples."""
    if len(time_s) < 2:
        return float("nan")
    return float(1.0 / np.median(np.diff(time_s)))


def power_spectrum(time_s: FloatArray, values: FloatArray, frequency_hz: FloatArray) -> FloatArray:
    """Return the power of an unevenly sampled signal at evenly spaced frequencies.

    A Hann window in true time over the direct Fourier sum; white noise of variance v gives a
    mean power of v at each frequency. No NaN allowed.

    The waves of K frequencies are products of two sets of about sqrt(K) waves, so the sum is one
    matrix product: exact, with some 10 MB for a minute of samples where the full matrix of waves
    takes gigabytes.
    """
    step = float(np.median(np.diff(time_s)))
    phase = (time_s - time_s[0] + step / 2) / (time_s[-1] - time_s[0] + step)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    centred = values - np.sum(window * values) / np.sum(window)
    count = len(frequency_hz)
    if count == 0:
        return np.zeros(0)
    spacing_hz = float(frequency_hz[1] - frequency_hz[0]) if count > 1 else 0.0
    inner = int(np.ceil(np.sqrt(count)))
    turns = -2j * np.pi * (time_s - time_s[0])
    total = np.zeros((int(np.ceil(count / inner)), inner), dtype=np.complex128)
    for first in range(0, len(time_s), _SUM_SAMPLES):
        some = slice(first, first + _SUM_SAMPLES)
        coarse_hz = frequency_hz[0] + spacing_hz * inner * np.arange(len(total))
        coarse = np.exp(np.outer(coarse_hz, turns[some])) * (window * centred)[some]
        fine = np.exp(np.outer(turns[some], spacing_hz * np.arange(inner)))
        total += coarse @ fine
    power: FloatArray = np.abs(total.ravel()[:count]) ** 2 / np.sum(window**2)
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


def strongest_line(
    time_s: FloatArray, values: FloatArray, low_hz: float = 0.3, high_hz: float = 12.0
) -> tuple[float, float]:
    """Return frequency (Hz, interpolated) and power of the strongest line; NaN where there is none.

    Power is in variances of the signal: a third of the number of samples for a lasting cosine,
    under 12 for white noise of a minute.

    A positive pulse that repeats has its strongest line at its fundamental (the harmonics of a
    non-negative single hump never exceed it), so no guess between harmonics is needed.
    """
    if len(time_s) < 8 or np.ptp(values) == 0:
        return float("nan"), float("nan")
    frequency_hz = _grid_hz(time_s, low_hz, high_hz, 10)
    if len(frequency_hz) < 3:
        return float("nan"), float("nan")
    power = power_spectrum(time_s, values, frequency_hz)
    best = int(power.argmax())
    shift, height = parabola_peak(power, best)
    step_hz = float(frequency_hz[1] - frequency_hz[0])
    return float(frequency_hz[best]) + shift * step_hz, height / float(values.var())


def spectral_rate_hz(
    time_s: FloatArray, values: FloatArray, low_hz: float = 0.3, high_hz: float = 12.0
) -> float:
    """Return the frequency of the strongest spectral line, see `strongest_line`."""
    return strongest_line(time_s, values, low_hz, high_hz)[0]


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


def decimate(
    time_s: FloatArray, values: FloatArray, rate_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Average groups of neighbours so that at least `rate_hz` samples a second stay."""
    group = int(median_rate_hz(time_s) // rate_hz) if len(time_s) > 1 else 1
    if group < 2:
        return time_s, values
    usable = len(time_s) // group * group
    shape = (-1, group)
    return time_s[:usable].reshape(shape).mean(1), values[:usable].reshape(shape).mean(1)


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
