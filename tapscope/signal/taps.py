"""Taps: cycles from closure to closure, found in the movement of a trajectory."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import percentile_filter, uniform_filter1d

from tapscope.protocol.rules import GapRules, SmoothingRules, TapRules
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.signal.smoothing import Movement, Stretch, estimate
from tapscope.signal.spectrum import parabola_peak

_RANGE_POINTS_HZ: Final = 40.0
_PHASE: Final = (0.1, 0.9)
"""Shares of the amplitude between which the mean speeds are taken."""


@dataclass(frozen=True, slots=True)
class _Closure:
    """One closed phase."""

    begin_s: float
    """Where the closing before it ends; NaN where the stretch begins closed."""
    end_s: float
    """Where the opening after it begins; NaN where the stretch ends closed."""
    middle_s: float
    """Middle of both; NaN where one is unknown."""
    level: float
    """Aperture while closed."""
    rise: float
    """Height of the higher neighbouring peak above it."""
    index: int
    """Where on the grid the aperture is least."""
    is_cut: bool = False
    """Whether the stretch ends within the closed phase."""


@dataclass(frozen=True, slots=True)
class _Edge:
    """One side of a closed phase."""

    extrapolated_s: float
    """Where the movement comes to rest."""
    crossing_s: float
    """Where it crosses the lower level."""


def find_taps(
    trajectory: Trajectory,
    rules: TapRules = TapRules(),  # noqa: B008 - frozen
    smoothing: SmoothingRules = SmoothingRules(),  # noqa: B008 - frozen
    gaps: GapRules = GapRules(),  # noqa: B008 - frozen
) -> Taps:
    """Find the taps of a trajectory.

    A tap rises and falls by a share of the range of movement around it, so that a decrement is
    followed and a tremor on a slow tap is passed over. Its closures are the middles of the closed
    phases, whose edges are extrapolated from the crossings of two levels under the law by which a
    movement leaves rest (aperture ~ sin²). NaN makes no tap, and no tap spans an unbridged gap.

    Parameters
    ----------
    trajectory
        Opening over time; uneven sampling and NaN are allowed.
    rules, smoothing, gaps
        The groups of a protocol.

    Returns
    -------
    Taps
        Empty where nothing taps. Flags: 'edge' (a closure is cut off by the end of the recording or
        by a gap, its middle inferred from the others), 'gap' (a bridged gap lies within),
        'after_gap' (the first after an unbridged gap), 'interrupted' (the opening falls back or
        stands still on its way).
    """
    return taps_of(estimate(trajectory, smoothing, gaps), trajectory, rules)


def taps_of(found: Movement, trajectory: Trajectory, rules: TapRules) -> Taps:
    """Find the taps of an already estimated movement; see `find_taps`."""
    ranges = [_local_range(found, stretch, rules) for stretch in found.stretches]
    floor = _floor(found, ranges, rules)
    rows: list[tuple[float, ...]] = []
    flags: list[str] = []
    for number, (stretch, local_range) in enumerate(zip(found.stretches, ranges, strict=True)):
        threshold = np.maximum(rules.swing_share * local_range, floor)
        valleys, peaks = _reversals(stretch.steady, threshold)
        is_after_gap = number > 0
        for left, right in pairwise(_closures(stretch, valleys, peaks, rules)):
            peak = next(peak for peak in peaks if peak > left.index)
            if right.middle_s - left.middle_s < rules.min_interval_s:
                continue
            rows.append(_measure(stretch, left, right, peak))
            codes = _codes(found, stretch, (left, right, peak), rules)
            flags.append(";".join(["after_gap", *codes] if is_after_gap else codes))
            is_after_gap = False
    columns = np.array(rows, dtype=np.float64).reshape(-1, 8).T.copy()
    return Taps(
        closure_s=columns[0],
        next_closure_s=columns[1],
        peak_s=columns[2],
        amplitude=columns[3],
        opening_speed_mean=columns[4],
        opening_speed_peak=columns[5],
        closing_speed_mean=columns[6],
        closing_speed_peak=columns[7],
        flags=np.array(flags, dtype=np.str_),
        unit=trajectory.unit,
    )


def _local_range(found: Movement, stretch: Stretch, rules: TapRules) -> FloatArray:
    """Return the range of the movement around each moment of the grid, drift left out."""
    grid_hz = 1.0 / float(stretch.time_s[1] - stretch.time_s[0])
    step = max(int(grid_hz / _RANGE_POINTS_HZ), 1)
    few = stretch.aperture[::step]
    few_hz = grid_hz / step
    # a mean over two cycles holds nothing of the tapping, so it is the drift
    few = few - uniform_filter1d(few, int(2 * few_hz / found.spectral_rate_hz) + 1)
    half_s = max(rules.window_s, 1.5 / found.spectral_rate_hz)
    size = int(2 * half_s * few_hz) + 1
    high, low = (percentile_filter(few, share, size=size, mode="nearest") for share in (95, 5))
    return np.interp(stretch.time_s, stretch.time_s[::step], high - low)


def _floor(found: Movement, ranges: list[FloatArray], rules: TapRules) -> float:
    """Return the least rise and fall that counts anywhere in the recording."""
    if not ranges:
        return float("nan")
    least = rules.floor_share * float(np.percentile(np.concatenate(ranges), 75))
    # noise swings by five standard deviations within some seconds of rest and must not tap; yet
    # much noise must not hide taps grown small
    most = max(2 * least, rules.least_noise_multiple * found.noise)
    return float(np.clip(rules.noise_multiple * found.noise, least, most))


def _reversals(aperture: FloatArray, threshold: FloatArray) -> tuple[list[int], list[int]]:
    """Return alternating valleys and peaks between which the aperture moves by the threshold."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(aperture))) != 0) + 1
    turns = np.concatenate([[0], turns, [len(aperture) - 1]])
    valleys: list[int] = []
    peaks: list[int] = []
    low = high = int(turns[0])
    direction = 0
    for here in (int(turn) for turn in turns):
        if aperture[here] > aperture[high]:
            high = here
        if aperture[here] < aperture[low]:
            low = here
        if direction >= 0 and aperture[high] - aperture[here] > threshold[here]:
            peaks.append(high)
            direction, low, high = -1, here, here
        elif direction <= 0 and aperture[here] - aperture[low] > threshold[here]:
            valleys.append(low)
            direction, low, high = 1, here, here
    if direction < 0:
        valleys.append(low)
    return valleys, peaks


def _closures(
    stretch: Stretch, valleys: list[int], peaks: list[int], rules: TapRules
) -> list[_Closure]:
    """Return the closed phase around each valley that the stretch shows whole or nearly so."""
    found = []
    for valley, place in zip(valleys, np.searchsorted(peaks, valleys), strict=True):
        before = peaks[place - 1] if place > 0 else None
        after = peaks[place] if place < len(peaks) else None
        if before is not None or after is not None:
            found.append(_closure(stretch, before, valley, after, rules))
    whole = [closure for closure in found if not closure.is_cut]
    kept = [_completed(closure, whole, stretch, rules) for closure in found]
    return [closure for closure in kept if closure is not None]


def _completed(
    closure: _Closure, whole: list[_Closure], stretch: Stretch, rules: TapRules
) -> _Closure | None:
    """Infer the middle of a closed phase that is cut off; None where it may be no closure.

    Its known edge and half of its length place it; the length is what is seen of it, yet at least
    the usual and at most the longest closed time of the others, however long the hand rested
    before the first tap or after the last.
    """
    if not closure.is_cut:
        return closure
    near = sorted(whole, key=lambda other: abs(other.index - closure.index))[:3]
    usual_level = np.median([other.level for other in near]) if near else closure.level
    if closure.level > usual_level + rules.edge_share * closure.rise:
        return None
    closed_s = [max(other.end_s - other.begin_s, 0.0) for other in whole]
    begins_cut = bool(np.isnan(closure.begin_s))
    seen_s = (
        closure.end_s - stretch.time_s[0] if begins_cut else stretch.time_s[-1] - closure.begin_s
    )
    usual_s, longest_s = (np.median(closed_s), max(closed_s)) if closed_s else (0.0, 0.0)
    half_s = float(np.clip(seen_s, usual_s, longest_s)) / 2
    middle_s = closure.end_s - half_s if begins_cut else closure.begin_s + half_s
    if not stretch.time_s[0] <= middle_s <= stretch.time_s[-1]:
        return None
    return replace(closure, middle_s=middle_s)


def _closure(
    stretch: Stretch, before: int | None, valley: int, after: int | None, rules: TapRules
) -> _Closure:
    """Return the closed phase between two peaks, one of which may be missing."""
    left, right = (_edge(stretch, valley, peak, rules) for peak in (before, after))
    begin_s, end_s = left.extrapolated_s, right.extrapolated_s
    is_cut = before is None or after is None
    if not is_cut:
        # noise can throw the extrapolation beyond the far side of a short closed phase
        begin_s, end_s = min(begin_s, right.crossing_s), max(end_s, left.crossing_s)
    lowest = float(stretch.aperture[valley])
    closed = stretch.aperture[(stretch.time_s >= begin_s) & (stretch.time_s <= end_s)]
    level = float(closed.mean()) if len(closed) else lowest
    rise = max(
        float(stretch.aperture[peak]) - lowest for peak in (before, after) if peak is not None
    )
    return _Closure(begin_s, end_s, (begin_s + end_s) / 2, level, rise, valley, is_cut)


def _edge(stretch: Stretch, valley: int, peak: int | None, rules: TapRules) -> _Edge:
    """Return where the closed phase around `valley` ends towards `peak`."""
    if peak is None:
        return _Edge(float("nan"), float("nan"))
    moments = [_crossing_s(stretch, valley, peak, level) for level in rules.closed_levels]
    lower, upper = (float(np.arcsin(np.sqrt(level))) for level in rules.closed_levels)
    rest_s = moments[0] - (moments[1] - moments[0]) * lower / (upper - lower)
    return _Edge(rest_s, moments[0])


def _crossing_s(stretch: Stretch, valley: int, peak: int, level: float) -> float:
    """Return when the aperture last has a share of the rise from `valley`, before it peaks.

    Looked for from the peak inwards, so that a tremor of the closed hand stays within the closed
    phase.
    """
    way = slice(valley, peak + 1) if peak > valley else slice(peak, valley + 1)
    turn = 1 if peak > valley else -1
    path, path_s = stretch.aperture[way][::turn], stretch.time_s[way][::turn]
    share = (path - path[0]) / (path[-1] - path[0])
    last = int(np.flatnonzero(share <= level)[-1])
    return float(np.interp(level, share[last : last + 2], path_s[last : last + 2]))


def _measure(stretch: Stretch, left: _Closure, right: _Closure, peak: int) -> tuple[float, ...]:
    """Return the numbers of one tap in the order of the fields of `Taps`."""
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    shift, height = parabola_peak(stretch.aperture, peak)
    speed = stretch.speed
    means = []
    for closure in (left, right):
        begin_s, end_s = (_crossing_s(stretch, closure.index, peak, level) for level in _PHASE)
        rise = float(stretch.aperture[peak] - stretch.aperture[closure.index])
        means.append((_PHASE[1] - _PHASE[0]) * rise / abs(end_s - begin_s))
    return (
        left.middle_s,
        right.middle_s,
        float(stretch.time_s[peak]) + shift * step_s,
        height - (left.level + right.level) / 2,
        means[0],
        float(speed[left.index : peak + 1].max()),
        means[1],
        float(-speed[peak : right.index + 1].min()),
    )


def _codes(
    found: Movement, stretch: Stretch, cycle: tuple[_Closure, _Closure, int], rules: TapRules
) -> list[str]:
    """Return what is to be said of one tap."""
    left, right, peak = cycle
    codes = []
    if left.is_cut or right.is_cut:
        codes.append("edge")
    known_s = stretch.sample_s
    around = known_s[(known_s >= left.middle_s - 0.1) & (known_s <= right.middle_s + 0.1)]
    if len(around) > 1 and np.diff(around).max() > found.usual_gap_s:
        codes.append("gap")
    if _is_interrupted(found, stretch, left, peak, rules):
        codes.append("interrupted")
    return codes


def _is_interrupted(
    found: Movement, stretch: Stretch, left: _Closure, peak: int, rules: TapRules
) -> bool:
    """Return whether the opening falls back or stands still on its way to the peak."""
    first_s, last_s = (_crossing_s(stretch, left.index, peak, share) for share in (0.15, 0.85))
    inside = (stretch.time_s >= first_s) & (stretch.time_s <= last_s)
    path = stretch.aperture[inside]
    if len(path) < 2:
        return False
    rise = float(stretch.aperture[peak] - stretch.aperture[left.index])
    fall_back = float((np.maximum.accumulate(path) - path).max())
    if fall_back > max(rules.interrupted_share * rise, rules.noise_multiple * found.noise):
        return True
    # standing still: less than a tenth of the amplitude gained within the time named
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    still = max(int(rules.interrupted_s / step_s), 1)
    return len(path) > still and bool((path[still:] - path[:-still]).min() < 0.1 * rise)
