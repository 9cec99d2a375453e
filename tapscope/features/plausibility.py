"""Signs that taps were missed or added, from the taps and the movement themselves."""

from typing import Final

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from tapscope.features.context import Context
from tapscope.records import FloatArray

_PAUSE_INTERVALS: Final = 3.0
"""Peaks further apart than so many median intervals have a gap or a halt between them."""
_NEIGHBOURS: Final = 7
"""Intervals whose median an interval is held against."""
_LONG_RATIO: Final = 1.6
"""A missed tap makes one interval of two: somewhat under twice its neighbours or more."""
_LONG_BUMP: Final = 0.05
"""Least height of a second opening within a long interval, in the median amplitude."""
_ANY_BUMP: Final = 0.2
"""The same within any interval."""
_APART_SHARE: Final = 0.3
"""Least time between two openings, in the interval: tremor on a slow tap is faster."""
_BUMP_NOISES: Final = 3.5
"""Least height of both in standard deviations of the noise that smoothing leaves."""


def suspected_missed_taps(context: Context) -> float:
    """Count the intervals in which the aperture opens a second time.

    In an interval much longer than its neighbours a small second opening counts, in any other only
    a large one. A halt or a slow tap makes a long interval, too, but with one opening.
    """
    taps = context.taps
    if len(taps) < 3:
        return 0.0
    is_long = taps.interval_s > _LONG_RATIO * local_interval_s(taps.interval_s)
    share = np.where(is_long, _LONG_BUMP, _ANY_BUMP)
    least = np.maximum(
        share * float(np.median(context.amplitude)),
        _BUMP_NOISES * context.movement.remaining_noise,
    )
    spans_s = zip(taps.closure_s, taps.next_closure_s, least, strict=True)
    return float(sum(_openings(context, *span_s) > 1 for span_s in spans_s))


def peak_rate_hz(context: Context) -> float:
    """Return the rate from widest aperture to widest aperture, which needs no closure.

    Pauses over three median intervals (gaps of the recording) are left out.
    """
    if len(context.taps) < 3:
        return float("nan")
    between_s = np.diff(context.taps.peak_s)
    usual_s = between_s[between_s < _PAUSE_INTERVALS * np.median(context.interval_s)]
    return float(1 / usual_s.mean()) if len(usual_s) else float("nan")


def local_interval_s(interval_s: FloatArray) -> FloatArray:
    """Return the median of each interval and its neighbours, seconds."""
    local: FloatArray = median_filter(interval_s, size=_NEIGHBOURS, mode="nearest")
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
    """Count the openings of at least a height within an interval, well apart from one another."""
    for stretch in context.movement.stretches:
        inside = (stretch.time_s >= first_s) & (stretch.time_s <= last_s)
        if inside.sum() > 2:
            path = stretch.aperture[inside]
            ends = [float(path.min())]
            path = np.concatenate([ends, path, ends])
            apart = max(_APART_SHARE * len(path), 1)
            return len(find_peaks(path, prominence=least, distance=apart)[0])
    return 0
