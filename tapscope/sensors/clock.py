"""Repair a sensor's time stamps until they rise strictly, and count each repair."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import SensorError
from tapscope.records import FloatArray

# A counter of 32 bits in microseconds or in milliseconds starts again after this many seconds.
_WRAPS_S: Final = (2.0**32 * 1e-6, 2.0**32 * 1e-3)
_RESET_S: Final = 1.0  # a larger step back is a reset of the clock, a smaller one a disorder
_MOST_REORDERED: Final = 0.05
_MOST_DUPLICATES: Final = 0.2


def unwrap_counter(counter: FloatArray, bits: int) -> tuple[FloatArray, int]:
    """Undo the wrap-around of an unsigned counter of `bits` bits.

    A step back by more than half the range is a wrap; a smaller one is left to `repair_clock`.

    Parameters
    ----------
    counter
        Counts as logged, NaN allowed (left NaN); shape (samples,).

    Returns
    -------
    unwrapped, wraps
        Counts that keep rising, and how many wraps were undone.
    """
    span = 2.0**bits
    known = np.flatnonzero(np.isfinite(counter))
    wraps = np.cumsum(np.diff(counter[known], prepend=counter[known[:1]]) < -span / 2)
    unwrapped = counter.astype(np.float64)
    unwrapped[known] += span * wraps
    return unwrapped, int(wraps[-1]) if wraps.size else 0


def repair_clock(
    time_s: FloatArray, path: Path
) -> tuple[NDArray[np.intp] | slice, FloatArray, dict[str, int]]:
    """Choose and order the samples so that time rises strictly.

    Samples without a time are dropped; a wrap of a 32-bit microsecond or millisecond counter is
    undone; of the stretches between clock resets the longest is kept; samples in the wrong order
    are sorted; of equal times the first is kept. Gaps stay gaps.

    Parameters
    ----------
    time_s
        Time as logged, seconds, NaN where missing; shape (samples,).

    Returns
    -------
    keep, time_s, repairs
        Rows to take from the log, in order; their times; number of each repair.

    Raises
    ------
    SensorError
        Fewer than two times, time that never rises, or too much disorder to be sorted.
    """
    repairs: dict[str, int] = {}
    keep = np.flatnonzero(np.isfinite(time_s))
    _count(repairs, "rows_without_time_dropped", time_s.size - keep.size)
    times = time_s[keep].astype(np.float64)
    if times.size < 2:
        raise SensorError(f"{path}: {times.size} samples with a time; at least 2 are needed")
    steps = np.diff(times)
    if not (steps > 0).any():
        raise SensorError(f"{path}: the time column never rises; expected seconds that do")
    if (steps > 0).all():
        whole = keep.size == time_s.size
        return (slice(None) if whole else keep), times, repairs

    times, wraps = _undo_wraps(times)
    _count(repairs, "counter_wraps_undone", wraps)
    start, stop, resets = _longest_stretch(times)
    _count(repairs, "clock_resets", resets)
    _count(repairs, "rows_outside_longest_stretch_dropped", times.size - (stop - start))
    keep, times = keep[start:stop], times[start:stop]

    backward = int((np.diff(times) < 0).sum())
    if backward > _MOST_REORDERED * times.size:
        raise SensorError(
            f"{path}: time steps back {backward} times in {times.size} samples; expected time that "
            "rises. Export the log again in order of time"
        )
    _count(repairs, "rows_reordered", backward)
    order = np.argsort(times, kind="stable")
    keep, times = keep[order], times[order]
    fresh = np.diff(times, prepend=-np.inf) > 0
    duplicates = int(times.size - fresh.sum())
    if duplicates > _MOST_DUPLICATES * times.size:
        raise SensorError(
            f"{path}: {duplicates} of {times.size} samples repeat the time of another; the clock "
            "is too coarse for the sampling rate. Export with finer time stamps"
        )
    _count(repairs, "duplicate_times_dropped", duplicates)
    keep, times = keep[fresh], times[fresh]
    if times.size < 2:
        raise SensorError(
            f"{path}: fewer than 2 samples are left after the repair of the clock; export the log "
            "again"
        )
    return keep, times, repairs


def _count(repairs: dict[str, int], name: str, count: int) -> None:
    if count:
        repairs[name] = int(count)


def _undo_wraps(times: FloatArray) -> tuple[FloatArray, int]:
    steps = np.diff(times)
    wraps = 0
    for span in _WRAPS_S:
        wrapped = np.abs(steps + span) < _RESET_S
        wraps += int(wrapped.sum())
        times = times + np.concatenate([[0.0], np.cumsum(wrapped) * span])
    return times, wraps


def _longest_stretch(times: FloatArray) -> tuple[int, int, int]:
    """Return start and stop of the longest run between clock resets, and the resets counted."""
    resets = np.flatnonzero(np.diff(times) < -_RESET_S) + 1
    edges = np.concatenate([[0], resets, [times.size]])
    longest = int(np.argmax(np.diff(edges)))
    return int(edges[longest]), int(edges[longest + 1]), int(resets.size)
