"""Trajectories on a grid that is common to all clocks, and their correlation over lags."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

from tapscope.records import FloatArray, Trajectory
from tapscope.sync.thresholds import SETTINGS


@dataclass(frozen=True, slots=True)
class GridMotion:
    """Band-limited aperture and its speed at the times index / grid_hz."""

    first: int
    """Index of the first sample on the grid."""
    aperture: FloatArray
    """Scaled to a standard deviation of 1, 0 where unknown; shape (samples,)."""
    speed: FloatArray
    """Likewise."""
    known: NDArray[np.bool_]
    """Which samples lie within a stretch without gaps; shape (samples,)."""

    @property
    def last(self) -> int:
        """Index of the last sample on the grid."""
        return self.first + self.known.size - 1

    @property
    def known_s(self) -> float:
        """Seconds known."""
        return float(self.known.sum() / SETTINGS.grid_hz)

    def knows(self, time_s: FloatArray) -> NDArray[np.bool_]:
        """Return whether the motion is known at each of these times."""
        place = np.rint(time_s * SETTINGS.grid_hz).astype(np.int64) - self.first
        inside = (place >= 0) & (place < self.known.size)
        known = np.zeros(time_s.size, dtype=bool)
        known[inside] = self.known[place[inside]]
        return known

    def part(self, start: int, stop: int) -> "GridMotion":
        """Return the samples whose grid index lies from `start` to before `stop`."""
        cut = slice(max(start - self.first, 0), max(stop - self.first, 0))
        first = max(start, self.first)
        return GridMotion(first, self.aperture[cut], self.speed[cut], self.known[cut])


def on_grid(trajectory: Trajectory, band_hz: tuple[float, float]) -> GridMotion | None:
    """Put aperture and speed on the grid, band-limited without phase shift.

    Each stretch between gaps is interpolated on its true time stamps, filtered on a grid at least
    as fine as its samples (so that nothing folds), and only then thinned to grid_hz.

    Parameters
    ----------
    trajectory
        NaN and steps longer than `SETTINGS.gap_s` and `SETTINGS.gap_steps` are gaps.
    band_hz
        Pass band, Hz.

    Returns
    -------
    GridMotion or None
        None where no stretch is as long as `SETTINGS.min_stretch_s` or nothing moves.
    """
    finite = np.isfinite(trajectory.aperture)
    time_s, aperture = trajectory.time_s[finite], trajectory.aperture[finite]
    if time_s.size < 8:
        return None
    step_s = float(np.median(np.diff(time_s)))
    finer = max(1, math.ceil(1.0 / (step_s * SETTINGS.grid_hz)))
    limit_s = max(SETTINGS.gap_s, SETTINGS.gap_steps * step_s)
    cuts = np.flatnonzero(np.diff(time_s) > limit_s) + 1
    first = math.ceil(time_s[0] * SETTINGS.grid_hz)
    count = math.floor(time_s[-1] * SETTINGS.grid_hz) - first + 1
    band = np.zeros((2, max(count, 0)))
    known = np.zeros(max(count, 0), dtype=bool)
    for part in np.split(np.arange(time_s.size), cuts):
        if time_s[part[-1]] - time_s[part[0]] < SETTINGS.min_stretch_s:
            continue
        start = math.ceil(time_s[part[0]] * SETTINGS.grid_hz)
        stretch = _filtered(time_s[part], aperture[part], start, finer, band_hz)
        place = slice(start - first, start - first + stretch.shape[1])
        band[:, place] = stretch
        known[place] = True
    spread = band[:, known].std(axis=1) if known.any() else np.zeros(2)
    if not (spread > 0).all():
        return None
    return GridMotion(first, band[0] / spread[0], band[1] / spread[1], known)


def _filtered(
    time_s: FloatArray, aperture: FloatArray, start: int, finer: int, band_hz: tuple[float, float]
) -> FloatArray:
    """Return aperture and speed of one stretch from grid index `start`; shape (2, samples)."""
    stop = math.floor(time_s[-1] * SETTINGS.grid_hz)
    rate_hz = finer * SETTINGS.grid_hz
    fine_s = np.arange(start * finer, stop * finer + 1) / rate_hz
    # A spline rebuilds what lies between video frames; between dense samples it only rings.
    if finer == 1 and time_s.size > 3:
        values = CubicSpline(time_s, aperture)(fine_s)
    else:
        values = np.interp(fine_s, time_s, aperture)
    top_hz = min(band_hz[1], 0.45 * rate_hz)
    sections = butter(
        SETTINGS.filter_order, (band_hz[0], top_hz), "bandpass", fs=rate_hz, output="sos"
    )
    smooth = sosfiltfilt(sections, values - values.mean())
    return np.stack([smooth, np.gradient(smooth) * rate_hz])[:, ::finer]


def correlation(
    video: GridMotion, sensor: GridMotion
) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
    """Correlate two motions at every lag, normalised by the overlap of what is known.

    The correlation is the weighted mean of that of the apertures and that of the speeds.

    Returns
    -------
    lag, r, overlap
        Sensor time less video time in grid steps; Pearson correlation over the samples that both
        know at that lag (-1 where it is undefined); how many these are.
    """
    size = next_fast_len(video.known.size + sensor.known.size - 1, real=True)
    mask = _Spectra(video.known.astype(np.float64), sensor.known.astype(np.float64), size)
    overlap = np.rint(mask.product())
    r = np.zeros(overlap.size)
    for weight, of_video, of_sensor in (
        (SETTINGS.aperture_weight, video.aperture, sensor.aperture),
        (1.0 - SETTINGS.aperture_weight, video.speed, sensor.speed),
    ):
        value = _Spectra(of_video, of_sensor, size)
        square = _Spectra(of_video**2, of_sensor**2, size)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_video, mean_sensor = (
                value.with_other(mask) / overlap,
                mask.with_other(value) / overlap,
            )
            covariance = value.product() / overlap - mean_video * mean_sensor
            of_both = (square.with_other(mask) / overlap - mean_video**2) * (
                mask.with_other(square) / overlap - mean_sensor**2
            )
            r += weight * covariance / np.sqrt(of_both)
    r[~np.isfinite(r) | (overlap < 3)] = -1.0
    lag = np.arange(overlap.size) - (video.known.size - 1) + sensor.first - video.first
    return lag, np.clip(r, -1.0, 1.0), overlap


class _Spectra:
    """Spectra of one pair of signals, to be multiplied into sums over all lags."""

    def __init__(self, video: FloatArray, sensor: FloatArray, size: int) -> None:
        self._lengths = video.size, sensor.size
        self._size = size
        self._video = rfft(video, size).conj()
        self._sensor = rfft(sensor, size)

    def product(self) -> FloatArray:
        """Return the sum of video times sensor at each lag."""
        return self.with_other(self)

    def with_other(self, other: "_Spectra") -> FloatArray:
        """Return the sum of this pair's video times the other pair's sensor at each lag."""
        sums = irfft(self._video * other._sensor, self._size)
        before = self._lengths[0] - 1
        return np.concatenate([sums[sums.size - before :], sums[: self._lengths[1]]])
