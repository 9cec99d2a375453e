"""Band-limited reconstruction of unevenly sampled, noisy movements (Wiener interpolation)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.linalg import cho_factor, cho_solve, eigh

from tapscope.records import FloatArray
from tapscope.signal.spectrum import decimate, median_rate_hz

_ROLL_OFF_ORDER: Final = 6
_BLOCK_SAMPLES: Final = 192
_MARGIN_SAMPLES: Final = 24


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A movement at the moments wanted, estimated in two ways."""

    plain: FloatArray
    """The expected movement: with noise, fast movement comes out a little smaller; shape (m,)."""
    twiced: FloatArray
    """With what the plain estimate left over estimated as well (twicing, Tukey 1977): what
    shrinking noise takes from the movement becomes a loss of second order, at the price of more
    noise; shape (m,)."""


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


def reconstruct(
    time_s: FloatArray,
    values: FloatArray,
    grid_s: FloatArray,
    *,
    passband_hz: float,
    noise: float,
    exposure_s: float = 0.0,
) -> Reconstruction:
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
    """
    rate_hz = median_rate_hz(time_s)
    limit_hz = min(0.475 * rate_hz, 4 * passband_hz)
    mean, variance = float(values.mean()), float(values.var())
    samples = len(time_s)
    time_s, values = decimate(time_s, values, 8 * limit_hz)
    group = samples // len(time_s)
    noise_ratio = max(noise**2 / (group * max(variance - noise**2, 0.25 * variance)), 1e-4)
    if group > 1:
        exposure_s = float(np.hypot(exposure_s, group / rate_hz))
    reach_s = _longest_block_s(time_s) + max(time_s[0] - grid_s[0], grid_s[-1] - time_s[-1], 0)
    prior = _prior(passband_hz, limit_hz, exposure_s, reach_s)
    result, weight = np.zeros((2, len(grid_s))), np.zeros_like(grid_s)
    for first, last in _blocks(len(time_s)):
        is_first, is_last = first == 0, last == len(time_s)
        inside = (is_first | (grid_s >= time_s[first])) & (is_last | (grid_s <= time_s[last - 1]))
        part = _expected(
            prior,
            time_s[first:last],
            values[first:last] - mean,
            grid_s[inside],
            noise_ratio=noise_ratio,
        )
        share = _fade(grid_s[inside], time_s[first:last], is_first, is_last)
        result[:, inside] += share * part
        weight[inside] += share
    return Reconstruction(*(mean + result / weight))


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
    time_s, values = decimate(time_s, values, 8 * limit_hz)
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
) -> FloatArray:
    """Return the estimate of a block at each moment, plain and twiced; shape (2, moments)."""
    own = prior.of_samples(np.abs(time_s[:, None] - time_s[None, :]))
    own[np.diag_indices(len(time_s))] += noise_ratio
    factor = cho_factor(own, lower=True)
    plain = cho_solve(factor, values)
    # what the plain estimate left over at the samples is the noise ratio times its weights
    twiced = plain + cho_solve(factor, noise_ratio * plain)
    reach = prior.of_movement(np.abs(grid_s[:, None] - time_s[None, :]))
    return np.stack([reach @ plain, reach @ twiced])


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
