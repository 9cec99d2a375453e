"""Taps: cycles from closure to closure, found in the movement of a trajectory."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import percentile_filter, uniform_filter1d

from tapscope import movement
from tapscope.movement import Movement, Stretch
from tapscope.protocol import GapRules, SmoothingRules, TapRules
from tapscope.records import FloatArray, Taps, Trajectory
from tapscope.signals import parabola_peak

_RANGE_POINTS_HZ = 40.0


@dataclass(frozen=True, slots=True)
class _Closure:
    """One closed phase."""

    begin_s: float
    """Where the closing before it ends; NaN where the stretch begins closed."""
    end_s: float
    """Where the opening after it begins; NaN where the stretch ends closed."""
    middle_s: float
    level: float
    """Opening while closed."""
    rise: float
    """Height of the higher neighbouring peak above it."""
    index: int
    """Where on the grid the opening is least."""

    @property
    def is_cut(self) -> bool:
        """Whether the stretch ends within the closed phase."""
        return bool(np.isnan(self.middle_s))


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

    A tap rises and falls by a share of the range of movement around it. Its closures are the
    middles of the closed phases, whose edges are extrapolated from the crossings of two levels
    under the law by which a movement leaves rest (opening ~ sin²).
    """
    found = movement.estimate(trajectory, smoothing, gaps)
    return taps_of(found, trajectory, rules)


def taps_of(found: Movement, trajectory: Trajectory, rules: TapRules) -> Taps:
    """Find the taps of an estimated movement of a trajectory."""
    ranges = [_local_range(found, stretch, rules) for stretch in found.stretches]
    floor = rules.noise_multiple * found.noise
    if ranges:
        floor = max(floor, rules.floor_share * float(np.percentile(np.concatenate(ranges), 75)))
    rows: list[tuple[float, ...]] = []
    flags: list[str] = []
    for stretch, local_range in zip(found.stretches, ranges, strict=True):
        threshold = np.maximum(rules.swing_share * local_range, floor)
        valleys, peaks = _reversals(stretch.opening, threshold)
        closures = _closures(stretch, valleys, peaks, rules)
        for left, right, peak in _cycles(closures, peaks):
            if right.middle_s - left.middle_s < rules.min_interval_s:
                continue
            rows.append(_measure(stretch, left, right, peak))
            flags.append("")
    table = np.array(rows, dtype=np.float64).reshape(-1, 8)
    return Taps(*table.T.copy(), flags=np.array(flags, dtype=np.str_), unit=trajectory.unit)


def _local_range(found: Movement, stretch: Stretch, rules: TapRules) -> FloatArray:
    """Return the range of the movement around each moment of the grid, drift left out."""
    grid_hz = 1.0 / float(stretch.time_s[1] - stretch.time_s[0])
    step = max(int(grid_hz / _RANGE_POINTS_HZ), 1)
    few = stretch.opening[::step]
    few_hz = grid_hz / step
    # a mean over two cycles holds nothing of the tapping, so it is the drift
    few = few - uniform_filter1d(few, int(2 * few_hz / found.spectral_rate_hz) + 1)
    half_s = max(rules.window_s, 1.5 / found.spectral_rate_hz)
    size = int(2 * half_s * few_hz) + 1
    high, low = (percentile_filter(few, share, size=size, mode="nearest") for share in (95, 5))
    return np.interp(stretch.time_s, stretch.time_s[::step], high - low)


def _reversals(opening: FloatArray, threshold: FloatArray) -> tuple[list[int], list[int]]:
    """Return alternating valleys and peaks between which the opening moves by the threshold."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(opening))) != 0) + 1
    turns = np.concatenate([[0], turns, [len(opening) - 1]])
    valleys: list[int] = []
    peaks: list[int] = []
    low = high = int(turns[0])
    rising = 0
    for here in (int(turn) for turn in turns):
        if opening[here] > opening[high]:
            high = here
        if opening[here] < opening[low]:
            low = here
        if rising >= 0 and opening[high] - opening[here] > threshold[here]:
            peaks.append(high)
            rising, low, high = -1, here, here
        elif rising <= 0 and opening[here] - opening[low] > threshold[here]:
            valleys.append(low)
            rising, low, high = 1, here, here
    if rising < 0:
        valleys.append(low)
    return valleys, peaks


def _closures(
    stretch: Stretch, valleys: list[int], peaks: list[int], rules: TapRules
) -> list[_Closure]:
    """Return the closed phase around each valley that the stretch shows whole or nearly so."""
    order = np.searchsorted(peaks, valleys)
    found = [
        _closure(
            stretch,
            peaks[place - 1] if place > 0 else None,
            valley,
            peaks[place] if place < len(peaks) else None,
            rules,
        )
        for valley, place in zip(valleys, order, strict=True)
    ]
    whole = [closure for closure in found if not closure.is_cut]
    typical_half_s = max(
        float(np.median([closure.end_s - closure.begin_s for closure in whole])) / 2
        if whole
        else 0.0,
        0.0,
    )
    kept = []
    for closure in found:
        if closure.is_cut:
            height = np.ptp(stretch.opening)
            near = sorted(whole, key=lambda other: abs(other.index - closure.index))[:3]
            if (
                near
                and closure.level
                > np.median([o.level for o in near]) + rules.edge_share * closure.rise
            ):
                continue
            middle_s = (
                closure.end_s - typical_half_s
                if np.isnan(closure.begin_s)
                else closure.begin_s + typical_half_s
            )
            if not stretch.time_s[0] <= middle_s <= stretch.time_s[-1]:
                continue
            closure = replace(closure, middle_s=middle_s)
        kept.append(closure)
    return kept


def _closure(
    stretch: Stretch, before: int | None, valley: int, after: int | None, rules: TapRules
) -> _Closure:
    level = float(stretch.opening[valley])
    left, right = (_edge(stretch, valley, peak, rules) for peak in (before, after))
    begin_s, end_s = left.extrapolated_s, right.extrapolated_s
    if before is not None and after is not None:
        # noise can throw the extrapolation beyond the far side of a short closed phase
        begin_s, end_s = min(begin_s, right.crossing_s), max(end_s, left.crossing_s)
    rise = max(float(stretch.opening[peak]) - level for peak in (before, after) if peak is not None)
    return _Closure(begin_s, end_s, (begin_s + end_s) / 2, level, rise, valley)


def _edge(stretch: Stretch, valley: int, peak: int | None, rules: TapRules) -> _Edge:
    """Return where the closed phase around `valley` ends towards `peak`."""
    if peak is None:
        return _Edge(float("nan"), float("nan"))
    way = slice(valley, peak + 1) if peak > valley else slice(peak, valley + 1)
    turn = 1 if peak > valley else -1
    path, path_s = stretch.opening[way][::turn], stretch.time_s[way][::turn]
    share = (path - path[0]) / (path[-1] - path[0])
    moments = []
    for level in rules.closed_levels:
        # from the peak inwards, so that a tremor of the closed hand stays within the closed phase
        last = int(np.flatnonzero(share <= level)[-1])
        moments.append(float(np.interp(level, share[last : last + 2], path_s[last : last + 2])))
    lower, upper = (float(np.arcsin(np.sqrt(level))) for level in rules.closed_levels)
    return _Edge(moments[0] - (moments[1] - moments[0]) * lower / (upper - lower), moments[0])


def _cycles(closures: list[_Closure], peaks: list[int]) -> list[tuple[_Closure, _Closure, int]]:
    result = []
    for left, right in pairwise(closures):
        between = [peak for peak in peaks if left.index < peak < right.index]
        if between:
            result.append((left, right, between[0]))
    return result


def _measure(stretch: Stretch, left: _Closure, right: _Closure, peak: int) -> tuple[float, ...]:
    shift, height = parabola_peak(stretch.opening, peak)
    grid_step_s = float(stretch.time_s[1] - stretch.time_s[0])
    peak_s = float(stretch.time_s[peak]) + shift * grid_step_s
    amplitude = height - (left.level + right.level) / 2
    speed = stretch.speed
    opening = speed[left.index : peak + 1]
    closing = speed[peak : right.index + 1]
    return (
        left.middle_s,
        right.middle_s,
        peak_s,
        amplitude,
        amplitude / (peak_s - left.end_s),
        float(opening.max()),
        amplitude / (right.begin_s - peak_s),
        float(-closing.min()),
    )
