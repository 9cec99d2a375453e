"""Signs that taps were missed or added, from the taps and the movement themselves."""

from typing import Final

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from tapscope.features.context import Context
from tapscope.records import FloatArray

_NEIGHBOURS: Final = 7
"""Intervals whose median an interval is held against."""
_LONG_RATIO: Final = 1.6
"""A missed tap makes one interval of two: somewhat under twice its neighbours or more."""
_BUMP_SHARE: Final = 0.05
"""Least height of an opening that was not counted, in the median amplitude ..."""
_BUMP_NOISES: Final = 3.5
"""... and in standard deviations of the noise that smoothing leaves."""


def suspected_missed_taps(context: Context) -> float:
    """Count the long intervals in which the aperture opens more than once.

    A halt or a slow tap makes a long interval, too, but with one opening.
    """
    taps = context.taps
    if len(taps) < 3:
        return 0.0
    is_long = taps.interval_s > _LONG_RATIO * local_interval_s(taps.interval_s)
    least = max(
        _BUMP_SHARE * float(np.median(taps.amplitude)),
        _BUMP_NOISES * context.movement.remaining_noise,
    )
    return float(
        sum(
            _openings(context, float(taps.closure_s[tap]), float(taps.next_closure_s[tap]), least)
            > 1
            for tap in np.flatnonzero(is_long)
        )
    )


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
    """Count the rises and falls of at least a height within a time."""
    for stretch in context.movement.stretches:
        inside = (stretch.time_s >= first_s) & (stretch.time_s <= last_s)
        if inside.sum() > 2:
            path = stretch.aperture[inside]
            ends = [float(path.min())]
            return len(find_peaks(np.concatenate([ends, path, ends]), prominence=least)[0])
    return 0
