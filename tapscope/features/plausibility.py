"""Signs that taps were missed or added, from the taps and the movement themselves."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, percentile_filter
from scipy.signal import find_peaks

from tapscope.features.context import Context
from tapscope.records import FloatArray


@dataclass(frozen=True, slots=True)
class PlausibilityLimits:
    """What makes an interval implausible; chosen on real gyroscope recordings of patients."""

    neighbours: int = 7
    """Intervals whose median an interval is held against."""
    long_ratio: float = 1.6
    """A missed tap makes one interval of two: somewhat under twice its neighbours or more."""
    long_bump: float = 0.05
    """Least height of a second opening within a long interval, in the median amplitude."""
    any_bump: float = 0.25
    """The same within any interval."""
    double: tuple[float, float] = (1.7, 2.3)
    """Length of an interval, in its neighbours, in which one closure may be missing ..."""
    double_open: float = 1.5
    """... if the fingers are open in it for so many times as long as usual ..."""
    doubles: int = 2
    """... and there are so many of them: one may be a hesitation that lasts just so long."""
    apart_share: float = 0.3
    """Least time between two openings, in the interval: tremor on a slow tap is faster."""
    bump_noises: float = 3.5
    """Least height of both in standard deviations of the noise of a sample."""
    pause_intervals: float = 3.0
    """Peaks further apart than so many median intervals have a halt between them."""
    open_level: float = 0.3
    """Fingers are open at a closure this far above those around it, in the median amplitude."""
    closures_around: int = 9
    """Closures whose lower quartile a closure is held against: several may be open in a row."""
    closure_samples: float = 1.05
    """How far from a closure its lowest sample is looked for, in samples."""
    gap_intervals: float = 0.5
    """Closures of neighbouring taps further apart than this have a gap between them."""


LIMITS: Final = PlausibilityLimits()


def suspected_missed_taps(context: Context) -> float:
    """Count the intervals in which the aperture opens a second time, or seems to.

    In an interval much longer than its neighbours a small second opening counts, in any other only
    a large one. A halt or a slow tap makes a long interval, too, but with one opening. Where a tip
    was misplaced at a closure, there is one opening of twice the usual length.
    """
    taps = context.taps
    if len(taps) < 3:
        return 0.0
    if len(context.amplitude) == 0:  # contacts have none
        return float("nan")
    is_long = taps.interval_s > LIMITS.long_ratio * local_interval_s(taps.interval_s)
    share = np.where(is_long, LIMITS.long_bump, LIMITS.any_bump)
    least = np.maximum(
        share * float(np.median(context.amplitude)),
        LIMITS.bump_noises * context.movement.noise,
    )
    spans_s = zip(taps.closure_s, taps.next_closure_s, least, strict=True)
    missed = np.array([_openings(context, *span_s) > 1 for span_s in spans_s])
    doubled = _doubled(context)
    if doubled.sum() >= LIMITS.doubles:
        missed |= doubled
    return float(missed.sum())


def _doubled(context: Context) -> NDArray[np.bool_]:
    """Return which intervals are twice as long as their neighbours and open for longer than usual.

    A hesitation with open fingers is, too, but hardly ever for just one more interval.
    """
    taps, time_s = context.taps, context.recording.time_s
    aperture = context.recording.aperture
    inside = [
        (time_s >= first_s) & (time_s <= last_s) & np.isfinite(aperture)
        for first_s, last_s in zip(taps.closure_s, taps.next_closure_s, strict=True)
    ]
    seen = [aperture[samples].min() for samples in inside if samples.any()]
    closed = float(np.median(seen)) if seen else float("nan")
    half = closed + float(np.median(context.amplitude)) / 2
    open_samples = np.array([(aperture[samples] > half).sum() for samples in inside])
    ratio = taps.interval_s / local_interval_s(taps.interval_s)
    least, most = LIMITS.double
    is_open: NDArray[np.bool_] = open_samples > LIMITS.double_open * np.median(open_samples)
    return is_open & (ratio >= least) & (ratio <= most)


def open_closures(context: Context) -> float:
    """Count the closures at which the fingers are open, beside the closures around them.

    A tip that is misplaced while the fingers are open makes one tap look like two. The lowest
    sample near a closure counts: between few samples a tap the estimated movement rings. Closures
    that were inferred are left out: the aperture there was not seen.
    """
    taps = context.taps
    if len(taps) < LIMITS.closures_around:
        return 0.0
    if len(context.amplitude) == 0:  # contacts have none
        return float("nan")
    seen = np.array(["closure_inferred" not in flags.split(";") for flags in taps.flags])
    time_s, aperture = context.recording.time_s, context.recording.aperture
    known = np.isfinite(aperture)
    time_s, aperture = time_s[known], aperture[known]
    near_s = LIMITS.closure_samples * float(np.median(np.diff(time_s)))
    level = np.array(
        [_lowest(aperture, np.abs(time_s - at_s) <= near_s) for at_s in taps.closure_s]
    )
    seen &= np.isfinite(level)
    if not seen.any():
        return 0.0
    filled = np.where(seen, level, np.median(level[seen]))
    usual = percentile_filter(filled, 25, size=LIMITS.closures_around, mode="nearest")
    is_open = filled - usual > LIMITS.open_level * float(np.median(context.amplitude))
    return float((is_open & seen).sum())


def peak_rate_hz(context: Context) -> float:
    """Return the rate from widest aperture to widest aperture, which needs no closure.

    Taps with a gap of the recording or a long pause between them are left out.
    """
    taps = context.taps
    if len(taps) < 3:
        return float("nan")
    usual_s = float(np.median(taps.interval_s))
    between_s = np.diff(taps.peak_s)
    unknown_s = taps.closure_s[1:] - taps.next_closure_s[:-1]
    is_whole = (between_s < LIMITS.pause_intervals * usual_s) & (
        unknown_s < LIMITS.gap_intervals * usual_s
    )
    return float(1 / between_s[is_whole].mean()) if is_whole.any() else float("nan")


def local_interval_s(interval_s: FloatArray) -> FloatArray:
    """Return the median of each interval and its neighbours, seconds."""
    local: FloatArray = median_filter(interval_s, size=LIMITS.neighbours, mode="nearest")
    return local


def robust_interval_cv(context: Context) -> float:
    """Return the spread of the intervals without outliers, as a share of their median.

    1.48 times the median absolute deviation over the median: that of a normal distribution is its
    coefficient of variation.
    """
    if len(context.taps) < 3:
        return float("nan")
    usual_s = np.median(context.interval_s)
    return float(1.4826 * np.median(np.abs(context.interval_s - usual_s)) / usual_s)


def _openings(context: Context, first_s: float, last_s: float, least: float) -> int:
    """Count the openings of at least a height within an interval, well apart from one another.

    They are looked for in the samples: between few samples a tap the estimated movement rings.
    """
    time_s, aperture = context.recording.time_s, context.recording.aperture
    inside = (time_s >= first_s) & (time_s <= last_s) & np.isfinite(aperture)
    if inside.sum() < 3:
        return 0
    path = aperture[inside]
    ends = [float(path.min())]
    path = np.concatenate([ends, path, ends])
    apart = max(LIMITS.apart_share * len(path), 1)
    return len(find_peaks(path, prominence=least, distance=apart)[0])


def _lowest(values: FloatArray, chosen: NDArray[np.bool_]) -> float:
    """Return the lowest of the chosen values; NaN without any."""
    return float(values[chosen].min()) if chosen.any() else float("nan")
