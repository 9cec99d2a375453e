"""How long the hand looks over time: the unit of apertures in hand lengths."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapscope.records import FloatArray

HAND_PERCENTILE: Final = 90.0
"""A hand turned away looks shorter, never longer: its length is near its longest."""

_BIN_S: Final = 1.0
_MIN_BIN_FRAMES: Final = 5
_MIN_BINS: Final = 4
_ROBUST_ROUNDS: Final = 3
_LEAST_SPREAD: Final = 0.01
"""Scatter of the bins, as a share of the length, below which none of them is an outlier."""


def hand_scale_px(time_s: FloatArray, length_px: FloatArray, window_s: float) -> FloatArray:
    """Return the length of the hand at every frame, smooth in time.

    The 90th percentile of each second (the palm is foreshortened within taps, and this evens it
    out), then local linear regression of its logarithm over time (tricube weights) with bisquare
    weights against single seconds in which the hand is turned (Cleveland 1979,
    doi:10.1080/01621459.1979.10481038). Before the first and after the last second it is constant.

    Parameters
    ----------
    time_s
        Time of each frame in seconds; shape (frames,).
    length_px
        Length of the hand in pixels, NaN where not known well enough; shape (frames,).
    window_s
        Width of the regression's window in seconds; 0 = one length for the whole recording.

    Returns
    -------
    FloatArray
        Length in pixels, shape (frames,). One length, the 90th percentile, where the hand is known
        in fewer than four seconds; NaN where it is known in no frame.
    """
    known = np.isfinite(length_px) & (length_px > 0)
    if not known.any():
        return np.full(len(time_s), np.nan)
    bins = _bins(time_s[known], length_px[known])
    if window_s == 0 or len(bins) < _MIN_BINS:
        return np.full(len(time_s), np.percentile(length_px[known], HAND_PERCENTILE))
    bin_s, bin_px = np.array([(part.time_s, part.length_px) for part in bins]).T
    at_s = np.concatenate([[bins[0].first_s], bin_s, [bins[-1].last_s]])
    smooth = _robust_local_line(bin_s, np.log(bin_px), at_s, window_s / 2)
    scale: FloatArray = np.exp(np.interp(time_s, at_s, smooth))
    return scale


class _Bin(NamedTuple):
    """One second of the recording."""

    time_s: float
    length_px: float
    first_s: float
    last_s: float


def _bins(time_s: FloatArray, length_px: FloatArray) -> list[_Bin]:
    """Return the mean time and the upper percentile of the length of each second."""
    number = ((time_s - time_s[0]) // _BIN_S).astype(np.int64)
    parts = [number == n for n in np.unique(number)]
    return [
        _Bin(
            float(time_s[part].mean()),
            float(np.percentile(length_px[part], HAND_PERCENTILE)),
            float(time_s[part][0]),
            float(time_s[part][-1]),
        )
        for part in parts
        if part.sum() >= _MIN_BIN_FRAMES
    ]


def _robust_local_line(
    time_s: FloatArray, values: FloatArray, at_s: FloatArray, reach_s: float
) -> FloatArray:
    """Return the regression of `values` at the moments `at_s`."""
    trust = np.ones(len(values))
    for _ in range(_ROBUST_ROUNDS):
        fitted = np.array([_local_line(time_s - at, values, trust, reach_s) for at in time_s])
        left = values - fitted
        spread = max(float(np.median(np.abs(left))), _LEAST_SPREAD)
        trust = _bisquare(left / (6 * spread))
    return np.array([_local_line(time_s - at, values, trust, reach_s) for at in at_s])


def _local_line(away_s: FloatArray, values: FloatArray, trust: FloatArray, reach_s: float) -> float:
    """Return the value at 0 of the weighted regression line; the mean where one second decides."""
    # at least the neighbour on either side, however long the gap between them
    reach_s = max(reach_s, 1.01 * float(np.sort(np.abs(away_s))[2]))
    weight = np.clip(1 - np.clip(np.abs(away_s) / reach_s, 0, 1) ** 3, 0, 1) ** 3 * trust
    if weight.sum() == 0:
        return float(np.median(values))
    centre = np.average(away_s, weights=weight)
    middle = np.average(values, weights=weight)
    width = np.average((away_s - centre) ** 2, weights=weight)
    if width < 1e-6:
        return float(middle)
    slope = np.average((away_s - centre) * (values - middle), weights=weight) / width
    return float(middle - slope * centre)


def _bisquare(share: FloatArray) -> FloatArray:
    inside: NDArray[np.bool_] = np.abs(share) < 1
    return np.where(inside, (1 - share**2) ** 2, 0.0)
