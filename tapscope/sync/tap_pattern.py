"""Whether two clocks saw the same taps: the moments of the taps, compared one by one.

The waveform of regular taps correlates at every cycle and with every trial of the same rate. The
moments of the taps tell more: of one movement they differ by the error of measurement, which does
not accumulate; of two movements each interval adds its own difference, which does.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst

from tapscope.records import FloatArray
from tapscope.sync.motion_grid import GridMotion
from tapscope.sync.thresholds import SETTINGS

_LEAST_ERROR_S = 1e-3
_ERROR_VARIANCES = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.3])
_STEP_VARIANCES = np.array([0.25, 0.5, 1.0])


class TapPattern(NamedTuple):
    """How the taps of both sides agree."""

    taps: int
    """Taps seen by both."""
    interval_cv: float
    """Coefficient of variation of the intervals, that of the steadier side; NaN unknown."""
    evidence: float
    """Log likelihood ratio of one movement against two unrelated ones; 0 where unknown."""


def compare_taps(
    video: GridMotion, sensor: GridMotion, offset_s: float, drift_ppm: float
) -> TapPattern:
    """Compare the taps of two motions whose clocks are related as stated.

    Parameters
    ----------
    offset_s, drift_ppm
        Sensor time = video time + offset + drift x video time.
    """
    rate = 1.0 + 1e-6 * drift_ppm
    first, last = video.first / SETTINGS.grid_hz, video.last / SETTINGS.grid_hz
    near = sensor.part(
        math.floor((first * rate + offset_s) * SETTINGS.grid_hz),
        math.ceil((last * rate + offset_s) * SETTINGS.grid_hz) + 1,
    )
    video_s, sensor_s = closures(video), (closures(near) - offset_s) / rate
    video_s = video_s[near.knows(video_s * rate + offset_s)]
    sensor_s = sensor_s[video.knows(sensor_s)]
    pairs = _matches(video_s, sensor_s)
    intervals = [
        _consecutive(times, pairs) for times in (video_s[pairs[:, 0]], sensor_s[pairs[:, 1]])
    ]
    if np.isfinite(intervals[0]).sum() < 4:
        return TapPattern(len(pairs), math.nan, 0.0)
    deviations = [_clipped(each) for each in intervals]
    median_s = float(np.nanmedian(intervals[0]))
    interval_cv = min(float(np.nanstd(each)) for each in deviations) / median_s
    difference_s = _clipped(video_s[pairs[:, 0]] - sensor_s[pairs[:, 1]])
    evidence = _evidence(difference_s, _shared_variance(*deviations))
    return TapPattern(len(pairs), interval_cv, evidence)


def closures(motion: GridMotion) -> FloatArray:
    """Return the middle of each closed phase between two openings, seconds.

    It is the middle between the fall of the aperture through its mean and the rise that follows; a
    slow change of the aperture moves one earlier, the other later, and the middle not at all.
    """
    level = SETTINGS.crossing_level
    side = np.where(motion.aperture > level, 1, np.where(motion.aperture < -level, -1, 0))
    clear = np.flatnonzero(side)
    turns = np.flatnonzero(np.diff(side[clear]) != 0)
    moments = []
    fall: float | None = None
    for before, after in zip(clear[turns], clear[turns + 1], strict=True):
        if not motion.known[before : after + 1].all():
            fall = None
            continue
        between = motion.aperture[before : after + 1]
        at = int(np.flatnonzero(np.signbit(between[1:]) != np.signbit(between[:-1]))[-1])
        share = between[at] / (between[at] - between[at + 1])
        crossing = motion.first + before + at + float(share)
        if side[after] < 0:
            fall = crossing
        elif fall is not None:
            moments.append((fall + crossing) / 2 / SETTINGS.grid_hz)
            fall = None
    return np.array(moments)


def _matches(video_s: FloatArray, sensor_s: FloatArray) -> NDArray[np.int64]:
    """Return places of taps that are each other's nearest and near enough; shape (n, 2)."""
    if video_s.size < 2 or not sensor_s.size:
        return np.empty((0, 2), dtype=np.int64)
    apart = np.abs(video_s[:, None] - sensor_s[None])
    nearest, back = apart.argmin(axis=1), apart.argmin(axis=0)
    place = np.arange(video_s.size)
    limit_s = SETTINGS.match_share * float(np.median(np.diff(video_s)))
    kept = (back[nearest] == place) & (apart[place, nearest] <= limit_s)
    return np.stack([place[kept], nearest[kept]], axis=1)


def _consecutive(times_s: FloatArray, pairs: NDArray[np.int64]) -> FloatArray:
    """Return the intervals of matched taps, NaN where a tap of either side lies between."""
    return np.where((np.diff(pairs, axis=0) == 1).all(axis=1), np.diff(times_s), np.nan)


def _clipped(times_s: FloatArray) -> FloatArray:
    """Return deviations from the median, clipped so that one halt or one bad moment weighs little.

    NaN stays NaN.
    """
    deviation_s = times_s - np.nanmedian(times_s)
    low, high = np.nanquantile(deviation_s, (0.25, 0.75))
    limit_s = SETTINGS.clip_sds * (high - low) / 1.349
    clipped: FloatArray = np.clip(deviation_s, -limit_s, limit_s)
    return clipped


def _shared_variance(video: FloatArray, sensor: FloatArray) -> float:
    """Return the variance of the intervals that both sides share and a shifted tap does not.

    What a shift by two taps shares as well, such as slowing or a rhythm of two, cannot tell one
    trial from another; nor can what unrelated intervals share by chance.
    """

    def covariance(shift: int) -> float:
        here = video[max(shift, 0) : video.size + min(shift, 0)]
        there = sensor[max(-shift, 0) : sensor.size + min(-shift, 0)]
        both = np.isfinite(here) & np.isfinite(there)
        if both.sum() < 3:
            return 0.0
        return float(np.cov(here[both], there[both])[0, 1])

    by_chance = float(np.nanstd(video) * np.nanstd(sensor)) / math.sqrt(np.isfinite(video).sum())
    shifted = max(0.0, (covariance(-2) + covariance(2)) / 2)
    return covariance(0) - shifted - SETTINGS.chance_sds * by_chance


def _evidence(difference_s: FloatArray, shared_variance: float) -> float:
    """Return the log likelihood ratio of white differences against accumulating ones.

    White: the moments differ by an unknown constant and an error of measurement. Accumulating:
    each tap adds a random step as well, whose variance is twice that of the intervals. The steps
    from tap to tap then have a tridiagonal covariance, which the sine transform diagonalises.
    """
    if not shared_variance > 0:
        return 0.0
    step_s = np.diff(difference_s)
    power = dst(step_s, type=1, norm="ortho") ** 2
    wave = 2.0 - 2.0 * np.cos(np.pi * np.arange(1, step_s.size + 1) / (step_s.size + 1))
    error = np.maximum(_ERROR_VARIANCES * difference_s.var(), _LEAST_ERROR_S**2)

    def best(step_variance: float) -> float:
        variance = error[:, None] * wave + step_variance
        return float((-0.5 * (np.log(variance) + power / variance)).sum(axis=1).max())

    return best(0.0) - max(best(share * 2.0 * shared_variance) for share in _STEP_VARIANCES)
