"""Taps: cycles from closure to closure, found in the movement of a trajectory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Final

import numpy as np

from tapscope.protocol.rules import TapRules
from tapscope.records import FloatArray, Taps, Task, Trajectory
from tapscope.signal.closures import Closure, closures_of, crossing_s
from tapscope.signal.noise import shape_of
from tapscope.signal.smoothing import Movement, Stretch
from tapscope.signal.spectrum import parabola_peak
from tapscope.signal.task import task_bout
from tapscope.signal.turning_points import Swing, swings_of

_PHASE: Final = (0.1, 0.9)
"""Shares of the amplitude between which the mean speeds are taken."""

_FEW_SAMPLES: Final = 9.0
"""Samples a tap below which amplitudes are corrected by the shape common to all taps ..."""
_MAX_MISFIT: Final = 0.08
"""... where this leaves no more than so much of the range over."""


def taps_of(movement: Movement, trajectory: Trajectory, task: Task, rules: TapRules) -> Taps:
    """Find the taps of a task.

    A tap is a swing of the task. Its closures are the middles of the closed phases beside it; where
    the hand rests before the first or after the last tap, the closed phase begins or ends half of
    a usual closed time away from the movement. NaN makes no tap, and no tap spans an unbridged
    gap.

    Parameters
    ----------
    movement
        Estimated from the trajectory.
    trajectory
        Whose unit the taps have.
    task
        Found in the movement: its swings are the taps.
    rules
        The group of a protocol.

    Returns
    -------
    Taps
        Empty where nothing taps. Flags: 'edge' (a closure lies beside a rest, or is cut off by the
        end of the recording or by a gap; its middle is inferred from the others), 'gap' (a bridged
        gap lies within), 'closure_inferred' (a closure during which the tips were not seen),
        'after_gap' (the first after an unbridged gap), 'interrupted' (the opening falls back or
        stands still on its way).
    """
    cycles = cycles_of(movement, task, rules)
    rows = [measured(cycle) for cycle in cycles]
    flags = [";".join(codes_of(movement, cycle, rules)) for cycle in cycles]
    return taps_from(rows, flags, trajectory, movement)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One tap as it lies in the movement."""

    stretch: Stretch
    left: Closure
    right: Closure
    swing: Swing
    is_after_gap: bool = False
    """Whether it is the first after an unbridged gap."""


def cycles_of(movement: Movement, task: Task, rules: TapRules) -> list[Cycle]:
    """Return the taps of a task in order of time; see `taps_of`."""
    bout = task_bout(task)
    wanted = set(bout.peak_s.tolist()) if bout else set()
    swings = [swing for swing in swings_of(movement, rules) if swing.peak_s in wanted]
    cycles = []
    for number, group in groupby(swings, key=lambda swing: swing.stretch):
        stretch, inside = movement.stretches[number], list(group)
        is_after_gap = number > swings[0].stretch
        sides = pairwise(closures_of(stretch, inside, rules))
        for swing, (left, right) in zip(inside, sides, strict=True):
            if left is None or right is None:
                continue
            if right.middle_s - left.middle_s < rules.min_interval_s:
                continue
            cycles.append(Cycle(stretch, left, right, swing, is_after_gap))
            is_after_gap = False
    return cycles


def taps_from(
    rows: Sequence[tuple[float, ...]],
    flags: Sequence[str],
    trajectory: Trajectory,
    movement: Movement,
) -> Taps:
    """Return the record of taps; the amplitudes of fast ones are corrected.

    Parameters
    ----------
    rows
        Numbers of each tap; see `measured`.
    flags
        Codes of each tap, joined by ';'.
    trajectory, movement
        In which they were measured.
    """
    columns = np.array(rows, dtype=np.float64).reshape(-1, 8).T.copy()
    taps = _record(columns, list(flags), trajectory)
    return replace(taps, amplitude=taps.amplitude * _amplitude_factor(trajectory, movement, taps))


def _amplitude_factor(trajectory: Trajectory, movement: Movement, taps: Taps) -> float:
    """Return what the amplitudes of fast taps are to be multiplied by.

    With few samples a tap the harmonics that make its flat closed phase lie beyond what the samples
    show, and a curve without them overshoots. The shape that fits all taps together knows the
    closed phase from those that were sampled elsewhere. 1 where there are samples enough, or
    where the taps have no common shape.
    """
    if len(taps) == 0:
        return 1.0
    samples = movement.sampling_rate_hz * float(np.median(taps.interval_s))
    if samples > _FEW_SAMPLES:
        return 1.0
    shape = shape_of(trajectory, movement, taps)
    if shape is None or shape.misfit > _MAX_MISFIT:
        return 1.0
    amplitude = taps.amplitude[shape.tap]
    known = np.isfinite(amplitude)
    return float(np.median(shape.height[known]) / np.median(amplitude[known])) if known.any() else 1


def _record(columns: FloatArray, flags: list[str], trajectory: Trajectory) -> Taps:
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


def measured(cycle: Cycle) -> tuple[float, ...]:
    """Return the numbers of one tap in the order of the fields of `Taps`."""
    stretch, left, right, swing = cycle.stretch, cycle.left, cycle.right, cycle.swing
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    shift, height = parabola_peak(stretch.aperture, swing.peak)
    speed = stretch.speed
    means = []
    for closure in (left, right):
        begin_s, end_s = (_crossing_s(stretch, closure, swing, level) for level in _PHASE)
        rise = float(stretch.aperture[swing.peak] - stretch.aperture[closure.index])
        means.append((_PHASE[1] - _PHASE[0]) * rise / abs(end_s - begin_s))
    if (np.abs(stretch.hidden_peak_s - swing.peak_s) < (right.middle_s - left.middle_s) / 4).any():
        # widest while the tips were not seen
        unknown = float("nan")
        return (left.middle_s, right.middle_s, swing.peak_s, *[unknown] * 5)
    return (
        left.middle_s,
        right.middle_s,
        float(stretch.time_s[swing.peak]) + shift * step_s,
        height - (left.level + right.level) / 2,
        means[0],
        float(speed[left.index : swing.peak + 1].max()),
        means[1],
        float(-speed[swing.peak : right.index + 1].min()),
    )


def _crossing_s(stretch: Stretch, closure: Closure, swing: Swing, level: float) -> float:
    return crossing_s(stretch.aperture, stretch.time_s, closure.index, swing.peak, level)


def codes_of(movement: Movement, cycle: Cycle, rules: TapRules) -> list[str]:
    """Return what is to be said of one tap."""
    stretch, left, right, swing = cycle.stretch, cycle.left, cycle.right, cycle.swing
    codes = ["after_gap"] if cycle.is_after_gap else []
    if left.is_cut or right.is_cut:
        codes.append("edge")
    known_s = stretch.sample_s
    around = known_s[(known_s >= left.middle_s - 0.1) & (known_s <= right.middle_s + 0.1)]
    if len(around) > 1 and np.diff(around).max() > movement.usual_gap_s:
        codes.append("gap")
    first_s, last_s = (
        left.middle_s if np.isnan(left.begin_s) else left.begin_s,
        right.middle_s if np.isnan(right.end_s) else right.end_s,
    )
    if ((stretch.inferred_s >= first_s) & (stretch.inferred_s <= last_s)).any():
        codes.append("closure_inferred")
    if _is_interrupted(movement, stretch, left, swing, rules):
        codes.append("interrupted")
    return codes


def _is_interrupted(
    movement: Movement, stretch: Stretch, left: Closure, swing: Swing, rules: TapRules
) -> bool:
    """Return whether the opening falls back or stands still on its way to the peak."""
    first_s, last_s = (_crossing_s(stretch, left, swing, share) for share in (0.15, 0.85))
    inside = (stretch.time_s >= first_s) & (stretch.time_s <= last_s)
    path = stretch.aperture[inside]
    if len(path) < 2:
        return False
    rise = float(stretch.aperture[swing.peak] - stretch.aperture[left.index])
    fall_back = float((np.maximum.accumulate(path) - path).max())
    if fall_back > max(rules.interrupted_share * rise, rules.noise_multiple * movement.noise):
        return True
    # standing still: less than a tenth of the amplitude gained within the time named
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    still = max(int(rules.interrupted_s / step_s), 1)
    return len(path) > still and bool((path[still:] - path[:-still]).min() < 0.1 * rise)
