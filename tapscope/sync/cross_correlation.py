"""The offset between the clocks of a video and a sensor, found from the movement that both saw.

Aperture and its speed are correlated over every offset, normalised by what both sides know there.
Taps repeat, so an offset that is wrong by a whole cycle fits nearly as well, and so does another
trial of the same rate. `tapscope.sync.trust` says which offsets may be trusted.

Measured choices (tests/bench/sync_simulated.py): the correlation of the apertures takes part, since
the noise of a video is white in position and its derivative is mostly noise; the band ends at 2.3
times the tapping rate where that is under 8 Hz; of two equal peaks the longer overlap wins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tapscope.records import FloatArray, Trajectory
from tapscope.signal.spectrum import parabola_peak, spectral_rate_hz
from tapscope.sync.clock_drift import fit_drift
from tapscope.sync.clock_relation import UNKNOWN_INTERVAL, Synchronisation, no_overlap
from tapscope.sync.motion_grid import GridMotion, correlation, on_grid
from tapscope.sync.tap_pattern import compare_taps
from tapscope.sync.thresholds import SETTINGS
from tapscope.sync.trust import Support, flag_of


@dataclass(frozen=True, slots=True)
class _Peak:
    """The best offset of a search."""

    offset_s: float
    r: float
    second_r: float
    """Correlation at the second peak; 0 where there is none."""
    overlap_s: float
    at_search_edge: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    """The best offset between two movements and what speaks for it."""

    offset_s: float
    drift_ppm: float
    drift_interval_ppm: tuple[float, float]
    overlap_s: float
    top_hz: float
    """End of the pass band."""
    support: Support

    def against(self, second_r: float) -> "_Candidate":
        """Return the candidate where another offset or sign correlates with `second_r`."""
        margin = self.support.r - second_r
        evidence = _evidence(self.support.r, second_r, self.overlap_s, self.top_hz)
        support = replace(
            self.support,
            margin=min(margin, self.support.margin),
            evidence=min(evidence, self.support.evidence),
        )
        return replace(self, support=support)

    def relation(self) -> Synchronisation:
        """Return the relation of the clocks, flagged."""
        return Synchronisation(
            offset_s=self.offset_s,
            drift_ppm=self.drift_ppm,
            drift_interval_ppm=self.drift_interval_ppm,
            r=self.support.r,
            margin=self.support.margin,
            evidence=self.support.evidence,
            overlap_s=self.overlap_s,
            taps=self.support.taps,
            interval_cv=self.support.interval_cv,
            tap_evidence=self.support.tap_evidence,
            aligned_from_data=True,
            flag=flag_of(self.support),
        )


def synchronise(
    video: Trajectory,
    sensor: Trajectory,
    *,
    approximate_offset_s: float | None = None,
    within_s: float = 2.0,
) -> Synchronisation:
    """Find the offset and, over a minute and more, the drift between two clocks.

    Parameters
    ----------
    video
        Aperture over presentation time, the video's first frame at 0; NaN unknown.
    sensor
        Aperture over the sensor's own clock; any unit, open = large.
    approximate_offset_s
        A rough offset, from a file's clock say; None searches every offset with enough overlap.
    within_s
        How far from the rough offset to look.

    Returns
    -------
    Synchronisation
        Never raises on poor data: see its `flag`.
    """
    found = _search(video, sensor, _window(approximate_offset_s, within_s))
    return no_overlap() if found is None else found.relation()


def choose_sign(
    video: Trajectory,
    candidates: Sequence[Trajectory],
    *,
    approximate_offset_s: float | None = None,
    within_s: float = 2.0,
) -> tuple[int, Synchronisation]:
    """Choose the sign of a sensor whose aperture grows when the hand in the video opens.

    A gyroscope whose axis sign nobody stated gives two trajectories, one for each sign; only with
    the right one do speeds and apertures agree at one offset. The best offset of the wrong sign
    also counts as a second peak, so that half a cycle's slip is flagged as well.

    Parameters
    ----------
    candidates
        The same signal read with one sign and with the other.

    Returns
    -------
    index, synchronisation
        Which candidate fits, and how.
    """
    window = _window(approximate_offset_s, within_s)
    found = [_search(video, each, window) for each in candidates]
    r = [-math.inf if each is None else each.support.r for each in found]
    index = int(np.argmax(r))
    best = found[index]
    if best is None:
        return index, no_overlap()
    second_r = max((r[n] for n in range(len(r)) if n != index), default=-math.inf)
    if math.isfinite(second_r):
        best = best.against(second_r)
    return index, best.relation()


def _window(rough_s: float | None, within_s: float) -> tuple[float, float]:
    """Return the lowest and the highest offset to look at, seconds."""
    if rough_s is None:
        return -math.inf, math.inf
    return rough_s - within_s, rough_s + within_s


def _search(
    video: Trajectory, sensor: Trajectory, window_s: tuple[float, float]
) -> _Candidate | None:
    """Return the best offset; None where nothing overlaps."""
    band_hz = _band(video)
    video_motion, sensor_motion = on_grid(video, band_hz), on_grid(sensor, band_hz)
    if video_motion is None or sensor_motion is None:
        return None
    peak = _best_peak(video_motion, sensor_motion, window_s)
    if peak is None:
        return None
    offset_s, drift_ppm, interval = peak.offset_s, math.nan, UNKNOWN_INTERVAL
    if peak.overlap_s > SETTINGS.drift_from_s:
        fitted = fit_drift(video_motion, sensor_motion, offset_s)
        if fitted is not None:
            offset_s, drift_ppm, interval = fitted
    drift = 0.0 if math.isnan(drift_ppm) else drift_ppm
    pattern = compare_taps(video_motion, sensor_motion, offset_s, drift)
    support = Support(
        r=peak.r,
        margin=peak.r - peak.second_r,
        evidence=_evidence(peak.r, peak.second_r, peak.overlap_s, band_hz[1]),
        at_search_edge=peak.at_search_edge,
        taps=pattern.taps,
        interval_cv=pattern.interval_cv,
        tap_evidence=pattern.evidence,
    )
    return _Candidate(offset_s, drift_ppm, interval, peak.overlap_s, band_hz[1], support)


def _band(video: Trajectory) -> tuple[float, float]:
    """Return the pass band, which ends earlier where the taps are slow."""
    known = np.isfinite(video.aperture)
    rate_hz = spectral_rate_hz(video.time_s[known], video.aperture[known])
    low_hz, high_hz = SETTINGS.band_hz
    top_hz = SETTINGS.band_top_rates * rate_hz if math.isfinite(rate_hz) else high_hz
    least_hz, fast_rates = SETTINGS.band_top_range
    return low_hz, float(np.clip(top_hz, least_hz, max(high_hz, fast_rates * rate_hz)))


def _best_peak(
    video: GridMotion, sensor: GridMotion, window_s: tuple[float, float]
) -> _Peak | None:
    """Return the best offset within the window; None where nothing there overlaps or agrees.

    An offset at the edge of the window counts as a peak where the correlation rises towards it; no
    parabola is put through it, since the maximum lies beyond.
    """
    lag, r, overlap = correlation(video, sensor)
    lag_s = lag / SETTINGS.grid_hz
    least_s = max(
        SETTINGS.min_overlap_s, SETTINGS.min_overlap_share * min(video.known_s, sensor.known_s)
    )
    allowed = overlap >= least_s * SETTINGS.grid_hz
    allowed &= (lag_s >= window_s[0]) & (lag_s <= window_s[1])
    within = np.where(allowed, r, -1.0)
    padded = np.concatenate(([-1.0], within, [-1.0]))
    peaks = np.flatnonzero((within > padded[:-2]) & (within > padded[2:]) & (within > 0))
    if not peaks.size:
        return None
    best = int(peaks[np.argmax(_scores(within[peaks], overlap[peaks]))])
    at_edge = not allowed[max(best - 1, 0) : best + 2].all() or best in (0, r.size - 1)
    shift, height = (0.0, float(r[best])) if at_edge else parabola_peak(r, best)
    others = within[peaks[peaks != best]]
    return _Peak(
        offset_s=float(lag[best] + shift) / SETTINGS.grid_hz,
        r=min(height, 1.0),
        second_r=float(others.max()) if others.size else 0.0,
        overlap_s=float(overlap[best] / SETTINGS.grid_hz),
        at_search_edge=at_edge,
    )


def _scores(r: FloatArray, overlap: FloatArray) -> FloatArray:
    """Return how much better than a typical wrong offset each peak is, over what overlap."""
    information = -np.log1p(-(np.minimum(r, 1 - 1e-9) ** 2))
    high = information[r > SETTINGS.second_peak_share * r.max()]
    scores: FloatArray = np.sqrt(overlap) * (information - np.quantile(high, 0.75))
    return scores


def _evidence(r: float, second_r: float, overlap_s: float, top_hz: float) -> float:
    """Return the log likelihood ratio of two offsets under white residuals within the band."""
    independent = 2.0 * top_hz * overlap_s
    best, second = (max(1.0 - each**2, SETTINGS.min_residual) for each in (r, second_r))
    return 0.5 * independent * math.log(second / best)
