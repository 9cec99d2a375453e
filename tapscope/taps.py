"""Taps: cycles from closure to closure, found in the movement of a trajectory."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import percentile_filter

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
    index: int
    """Where on the grid the opening is least."""


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
    parts = _recording_range(found)
    rows: list[tuple[float, ...]] = []
    flags: list[str] = []
    for number, stretch in enumerate(found.stretches):
        threshold = _threshold(found, stretch, parts, rules)
        valleys, peaks = _reversals(stretch.opening, threshold)
        closures = _closures(stretch, valleys, peaks, rules)
        for left, right, peak in _cycles(closures, peaks):
            if right.middle_s - left.middle_s < rules.min_interval_s:
                continue
            rows.append(_measure(stretch, left, right, peak))
            flags.append("")
    table = np.array(rows, dtype=np.float64).reshape(-1, 8)
    return Taps(*table.T.copy(), flags=np.array(flags, dtype=np.str_), unit=trajectory.unit)


def _recording_range(found: Movement) -> float:
    if not found.stretches:
        return float("nan")
    every = np.concatenate([part.opening for part in found.stretches])
    low, high = np.percentile(every, [5, 95])
    return float(high - low)


def _threshold(
    found: Movement, stretch: Stretch, recording_range: float, rules: TapRules
) -> FloatArray:
    """Return the least rise and fall that counts, at each moment of the grid."""
    grid_hz = 1.0 / float(stretch.time_s[1] - stretch.time_s[0])
    step = max(int(grid_hz / _RANGE_POINTS_HZ), 1)
    few = stretch.opening[::step]
    half_s = max(rules.window_s, 1.5 / found.spectral_rate_hz)
    size = int(2 * half_s * grid_hz / step) + 1
    high = percentile_filter(few, 95, size=size, mode="nearest")
    low = percentile_filter(few, 5, size=size, mode="nearest")
    local = np.interp(stretch.time_s, stretch.time_s[::step], high - low)
    floor = max(rules.floor_share * recording_range, rules.noise_multiple * found.noise)
    return np.maximum(rules.swing_share * local, floor)


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
    result = []
    for valley in valleys:
        before = max((peak for peak in peaks if peak < valley), default=None)
        after = min((peak for peak in peaks if peak > valley), default=None)
        begin_s = _edge(stretch, valley, before, rules)
        end_s = _edge(stretch, valley, after, rules)
        level = float(stretch.opening[valley])
        result.append(_Closure(begin_s, end_s, (begin_s + end_s) / 2, level, valley))
    return [closure for closure in result if np.isfinite(closure.middle_s)]


def _edge(stretch: Stretch, valley: int, peak: int | None, rules: TapRules) -> float:
    """Return the moment where the closed phase around `valley` ends towards `peak`."""
    if peak is None:
        return float("nan")
    sign = 1 if peak > valley else -1
    path = (
        stretch.opening[valley : peak + sign : sign]
        if peak > valley
        else (stretch.opening[peak : valley + 1][::-1])
    )
    path_s = (
        stretch.time_s[valley : peak + 1]
        if peak > valley
        else (stretch.time_s[peak : valley + 1][::-1])
    )
    share = (path - path[0]) / (path[-1] - path[0])
    moments = []
    for level in rules.closed_levels:
        # from the peak inwards, so that a tremor of the closed hand stays within the closed phase
        outside = int(np.flatnonzero(share <= level)[-1])
        moments.append(
            float(np.interp(level, share[outside : outside + 2], path_s[outside : outside + 2]))
        )
    phases = [float(np.arcsin(np.sqrt(level))) for level in rules.closed_levels]
    return moments[0] - (moments[1] - moments[0]) / (phases[1] - phases[0]) * phases[0]


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
