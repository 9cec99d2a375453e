"""Two clocks, one movement: how a sensor's clock relates to a video's.

The movement is the common mark: opening and speed of opening, 0.3 to 8 Hz, are correlated over
every lag, normalised by what both sides know there. Taps repeat, so a lag that is wrong by a whole
cycle fits nearly as well; how much worse is the margin, and what is not clear is flagged.

Deviations from plain correlation of speeds, each measured to lower slips (tests/bench):
the correlation of the apertures takes part, since the noise of a video is white in position and its
derivative is mostly noise; the band ends at 2.3 times the tapping rate where that is under 8 Hz;
of two peaks alike the one with the longer overlap wins.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from scipy.signal import argrelmax

from tapscope.records import Trajectory
from tapscope.signal.spectrum import parabola_peak, spectral_rate_hz
from tapscope.sync.clock_relation import (
    DRIFT_FROM_S,
    UNKNOWN_INTERVAL,
    Synchronisation,
    fit_line,
    no_overlap,
)
from tapscope.sync.motion_grid import GRID_HZ, GridMotion, correlation, on_grid

ACCEPT_R: Final = 0.9
ACCEPT_MARGIN: Final = 0.05
PATTERN_R: Final = 0.8
PATTERN_EVIDENCE: Final = 10.0
_BAND_HZ: Final = (0.3, 8.0)
_BAND_RATES: Final = 2.3
_OPENING_SHARE: Final = 0.7
_LEAST_OVERLAP_S: Final = 2.5
_LEAST_OVERLAP_SHARE: Final = 1.0 / 3.0
_RIVAL_SHARE: Final = 0.5  # peaks that high, relative to the best, tell what a wrong lag gives
_LEAST_RESIDUAL: Final = 0.01  # two views of a hand agree no better than r = 0.995 can tell
_DRIFT_WINDOW_S: Final = 10.0
_DRIFT_REACH_S: Final = 0.1
_DRIFT_LEAST_R: Final = 0.8
_DRIFT_WIDEST_PPM: Final = 50.0


class _Peak(NamedTuple):
    lag_s: float
    r: float
    margin: float
    evidence: float
    overlap_s: float


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
        Opening over presentation time, the video's first frame at 0; NaN unknown.
    sensor
        Opening over the sensor's own clock; any unit, open = large.
    approximate_offset_s
        A rough offset, from a file's clock say; None searches every lag with enough overlap.
    within_s
        How far from the rough offset to look.

    Returns
    -------
    Synchronisation
        Never raises on poor data: see its `flag`.
    """
    band_hz = _band(video)
    video_motion, sensor_motion = on_grid(video, band_hz), on_grid(sensor, band_hz)
    if video_motion is None or sensor_motion is None:
        return no_overlap()
    window = None
    if approximate_offset_s is not None:
        window = approximate_offset_s - within_s, approximate_offset_s + within_s
    best = _best_peak(video_motion, sensor_motion, window, band_hz[1])
    if best is None:
        return no_overlap()
    offset_s, drift_ppm, interval = best.lag_s, math.nan, UNKNOWN_INTERVAL
    if best.overlap_s > DRIFT_FROM_S:
        fitted = _drift(video_motion, sensor_motion, best.lag_s)
        if fitted is not None:
            offset_s, drift_ppm, interval = fitted
    return Synchronisation(
        offset_s=offset_s,
        drift_ppm=drift_ppm,
        drift_interval_ppm=interval,
        r=best.r,
        margin=best.margin,
        evidence=best.evidence,
        overlap_s=best.overlap_s,
        aligned_from_data=True,
        flag=_flag(best.r, best.margin, best.evidence),
    )


def choose_sign(
    video: Trajectory,
    candidates: Sequence[Trajectory],
    *,
    approximate_offset_s: float | None = None,
    within_s: float = 2.0,
) -> tuple[int, Synchronisation]:
    """Tell from the video which of several readings of a sensor opens when the hand does.

    A gyroscope whose axis sign nobody stated gives two trajectories, one for each sign; only with
    the right one do speeds and apertures agree at one lag. The margin of the result also counts the
    best of the wrong sign as a rival, so that a half-cycle slip is flagged as well.

    Parameters
    ----------
    candidates
        The same signal read with one sign and with the other.

    Returns
    -------
    index, synchronisation
        Which candidate fits, and how.
    """
    found = [
        synchronise(video, each, approximate_offset_s=approximate_offset_s, within_s=within_s)
        for each in candidates
    ]
    r = np.array([each.r for each in found])
    if np.isnan(r).any():
        index = int(np.argmax(np.nan_to_num(r, nan=-2.0)))
        return index, found[index]
    rival, index = (int(n) for n in np.argsort(r)[-2:])
    best = found[index]
    margin = min(best.margin, best.r - found[rival].r)
    evidence = min(
        best.evidence, _evidence(best.r, found[rival].r, best.overlap_s, _band(video)[1])
    )
    flag = _flag(best.r, margin, evidence)
    return index, replace(best, margin=margin, evidence=evidence, flag=flag)


def _band(video: Trajectory) -> tuple[float, float]:
    """Return the pass band: 0.3 to 8 Hz, or to 2.3 times the tapping rate if that is less."""
    known = np.isfinite(video.aperture)
    rate_hz = spectral_rate_hz(video.time_s[known], video.aperture[known])
    top_hz = _BAND_RATES * rate_hz if math.isfinite(rate_hz) else _BAND_HZ[1]
    return _BAND_HZ[0], float(np.clip(top_hz, 2.0, max(_BAND_HZ[1], 1.5 * rate_hz)))


def _best_peak(
    video: GridMotion, sensor: GridMotion, window_s: tuple[float, float] | None, top_hz: float
) -> _Peak | None:
    """Return the best offset and how far it is from the next; None where nothing overlaps."""
    lag, r, overlap = correlation(video, sensor, _OPENING_SHARE)
    least_s = max(_LEAST_OVERLAP_S, _LEAST_OVERLAP_SHARE * min(video.known_s, sensor.known_s))
    allowed = overlap >= least_s * GRID_HZ
    if window_s is not None:
        allowed &= (lag >= window_s[0] * GRID_HZ) & (lag <= window_s[1] * GRID_HZ)
    r = np.where(allowed, r, -1.0)
    peaks = argrelmax(r)[0]
    peaks = peaks[r[peaks] > 0]
    if not peaks.size:
        return None
    information = -np.log1p(-(np.minimum(r[peaks], 1 - 1e-9) ** 2))
    rivals = information[r[peaks] > _RIVAL_SHARE * r[peaks].max()]
    # What counts is how much better than a typical wrong lag a peak is, over what length.
    score = np.sqrt(overlap[peaks]) * (information - np.quantile(rivals, 0.75))
    best = int(peaks[np.argmax(score)])
    shift, height = parabola_peak(r, best)
    others = r[peaks[peaks != best]]
    rival_r = float(others.max()) if others.size else 0.0
    overlap_s = float(overlap[best] / GRID_HZ)
    return _Peak(
        lag_s=float(lag[best] + shift) / GRID_HZ,
        r=min(height, 1.0),
        margin=min(height, 1.0) - rival_r,
        evidence=_evidence(height, rival_r, overlap_s, top_hz),
        overlap_s=overlap_s,
    )


def _evidence(r: float, rival_r: float, overlap_s: float, top_hz: float) -> float:
    """Return the log likelihood ratio of two lags under white residuals within the band."""
    independent = 2.0 * top_hz * overlap_s
    kept, rival = (max(1.0 - each**2, _LEAST_RESIDUAL) for each in (r, rival_r))
    return 0.5 * independent * math.log(rival / kept)


def _flag(r: float, margin: float, evidence: float) -> str:
    if r > ACCEPT_R and margin > ACCEPT_MARGIN:
        return ""
    if r > PATTERN_R and evidence > PATTERN_EVIDENCE:
        return "by_pattern"
    return "cycle_ambiguous" if r > PATTERN_R else "low_correlation"


def _drift(
    video: GridMotion, sensor: GridMotion, lag_s: float
) -> tuple[float, float, tuple[float, float]] | None:
    """Fit a line to the offsets of windows; None where it would not be known to 50 ppm.

    Returns
    -------
    offset_s, drift_ppm, interval_ppm
        Offset at video time 0, slope and its 95 % interval.
    """
    width = int(_DRIFT_WINDOW_S * GRID_HZ)
    reach = int(_DRIFT_REACH_S * GRID_HZ)
    centre = round(lag_s * GRID_HZ)
    times_s: list[float] = []
    offsets_s: list[float] = []
    for start in range(video.first, video.first + video.known.size - width + 1, width):
        here = video.part(start, start + width)
        there = sensor.part(start + centre - reach, start + width + centre + reach)
        if not here.known.any() or not there.known.any():
            continue
        lag, r, overlap = correlation(here, there, _OPENING_SHARE)
        r = np.where((np.abs(lag - centre) <= reach) & (overlap > width / 2), r, -1.0)
        best = int(np.argmax(r))
        if r[best] > _DRIFT_LEAST_R and abs(lag[best] - centre) < reach:
            shift, _ = parabola_peak(r, best)
            times_s.append((start + width / 2) / GRID_HZ)
            offsets_s.append(float(lag[best] + shift) / GRID_HZ)
    if len(times_s) < 5:
        return None
    offset_s, slope, half = fit_line(np.array(times_s), np.array(offsets_s))
    ppm, half_ppm = 1e6 * slope, 1e6 * half
    if not half_ppm <= _DRIFT_WIDEST_PPM:
        return None
    return offset_s, ppm, (ppm - half_ppm, ppm + half_ppm)
