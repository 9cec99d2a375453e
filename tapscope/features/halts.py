"""Hesitations and halts."""

from typing import Final

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d

from tapscope.features.context import UNKNOWN, Context
from tapscope.records import FloatArray
from tapscope.signal.smoothing import Stretch

_SLOW_RANGES_PER_S: Final = 0.5
_HALT_S: Final = 0.5
_WINDOW_S: Final = 0.15


def hesitation_count(context: Context) -> float:
    """Count the taps that last over twice the median, or whose opening is interrupted."""
    if len(context.taps) == 0:
        return 0.0
    long = context.interval_s > 2 * np.median(context.interval_s)
    interrupted = np.array(["interrupted" in flags.split(";") for flags in context.taps.flags])
    return float(np.sum(long | interrupted))


def halts_s(context: Context) -> FloatArray:
    """Return the length of each halt between the first and the last closure, seconds.

    Within each 0.15 s of a halt the aperture moves slower than half the range a
    second; where the taps have become smaller than the range, half their amplitude a second.
    """
    if len(context.taps) == 0:
        return np.zeros(0)
    found = [_halts_of(context, stretch) for stretch in context.movement.stretches]
    return np.concatenate(found) if found else np.zeros(0)


def _halts_of(context: Context, stretch: Stretch) -> FloatArray:
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    size = max(round(_WINDOW_S / step_s), 2)
    moved = maximum_filter1d(stretch.aperture, size) - minimum_filter1d(stretch.aperture, size)
    taps = context.taps
    usual = median_filter(taps.amplitude, size=5, mode="nearest")
    scale = np.minimum(context.range, np.interp(stretch.time_s, taps.peak_s, usual))
    least = 3.5 * context.movement.remaining_noise
    still = moved < np.maximum(_SLOW_RANGES_PER_S * _WINDOW_S * scale, least)
    still &= (stretch.time_s >= taps.closure_s[0]) & (stretch.time_s <= taps.next_closure_s[-1])
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]])))
    lengths_s: FloatArray = (bounds[1::2] - bounds[::2]).astype(np.float64) * step_s + _WINDOW_S
    return np.asarray(lengths_s[lengths_s >= _HALT_S])


def halt_count(context: Context) -> float:
    """Count the halts."""
    return float(len(halts_s(context)))


def longest_halt_s(context: Context) -> float:
    """Return the length of the longest halt; 0 without one."""
    return float(max(halts_s(context), default=0.0)) if len(context.taps) else UNKNOWN


def freeze_share(context: Context) -> float:
    """Return the share of the time from first to last closure spent in halts."""
    if len(context.taps) == 0:
        return UNKNOWN
    whole_s = float(context.taps.next_closure_s[-1] - context.taps.closure_s[0])
    return float(halts_s(context).sum()) / whole_s
