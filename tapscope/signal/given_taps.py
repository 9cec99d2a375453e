"""Taps whose closures are given, as a person saw them, measured as those that are found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from tapscope.protocol.rules import TapRules
from tapscope.records import Bout, Taps, Task, Trajectory
from tapscope.signal.closures import closed_phase, edge
from tapscope.signal.smoothing import Movement
from tapscope.signal.taps import Cycle, codes_of, cycles_of, measured, taps_from
from tapscope.signal.turning_points import Swing, swings_of

_SAME_S = 1e-6
_UNKNOWN = float("nan")

Span = tuple[float, float]
"""Start and end, seconds."""


@dataclass(frozen=True, slots=True)
class _Tap:
    """A given tap, and where it lies in the movement, if it can be measured there."""

    closure_s: float
    next_closure_s: float
    cycle: Cycle | None

    @property
    def peak_s(self) -> float:
        """Return the widest moment; the middle where it is not known."""
        inner_s = self.cycle.swing.peak_s if self.cycle else _UNKNOWN
        is_inside = self.closure_s < inner_s < self.next_closure_s
        return inner_s if is_inside else (self.closure_s + self.next_closure_s) / 2


def task_between(movement: Movement, span_s: Span, task: Task, rules: TapRules) -> Task:
    """Return the task with its start and end as given; its taps are the swings within.

    Parameters
    ----------
    movement
        Of the whole recording.
    span_s
        Start and end, seconds.
    task
        As found; its other bouts are kept where they lie outside.
    rules
        The group of a protocol.
    """
    peaks_s = [s.peak_s for s in swings_of(movement, rules) if span_s[0] <= s.peak_s <= span_s[1]]
    return _with_bout(task, Bout(*span_s, np.array(peaks_s)))


def given_taps(
    closures_s: Sequence[float],
    movement: Movement,
    trajectory: Trajectory,
    found: Task,
    rules: TapRules,
    *,
    placed_s: Sequence[float] = (),
    span_s: Span | None = None,
) -> tuple[Task, Taps]:
    """Measure the taps between given closures.

    Two closures that follow each other make a tap, unless a gap that nothing bridges lies between
    them or they are nearer than a tap can be. A tap that was found with the same closures keeps its
    numbers. Where the tips were not seen, or the aperture does not open between two closures, the
    tap counts and its size is unknown.

    Parameters
    ----------
    closures_s
        Moments in seconds, rising.
    movement, trajectory
        Of the whole recording.
    found
        The task as found.
    rules
        The group of a protocol.
    placed_s
        Those of the closures that somebody placed: their taps have the flag 'corrected'.
    span_s
        Start and end of the task where they are given, too: taps whose widest aperture lies outside
        are left out. Otherwise start and end follow the first and the last tap.
    """
    own = {_key(c.left.middle_s, c.right.middle_s): c for c in cycles_of(movement, found, rules)}
    pairs = [
        pair for pair in pairwise(closures_s)
        if pair[1] - pair[0] >= rules.min_interval_s and not _holds_gap(movement, pair)
    ]  # fmt: skip
    placed = {round(moment_s / _SAME_S) for moment_s in placed_s}
    swings = [_swing(movement, pair) for pair in pairs]
    taps = []
    for place, (pair, swing) in enumerate(zip(pairs, swings, strict=True)):
        cycle = own.get(_key(*pair))
        if cycle is None and swing is not None:
            beside = [
                swings[other] if 0 <= other < len(pairs) and _meet(pairs[other], pair) else None
                for other in (place - 1, place + 1)
            ]
            cycle = _cycle(movement, pair, swing, beside, rules)
        taps.append(_Tap(*pair, cycle))
    if span_s is not None:
        taps = [tap for tap in taps if span_s[0] <= tap.peak_s <= span_s[1]]
    rows = [_row(tap) for tap in taps]
    flags = [_flags(movement, tap, placed, rules) for tap in taps]
    bout = Bout(*(span_s or _bounds(taps, found, rules)), np.array([tap.peak_s for tap in taps]))
    return _with_bout(found, bout), taps_from(rows, flags, trajectory, movement)


def _key(closure_s: float, next_closure_s: float) -> tuple[int, int]:
    return round(closure_s / _SAME_S), round(next_closure_s / _SAME_S)


def _meet(one: Span, other: Span) -> bool:
    """Return whether one of two taps begins where the other ends."""
    return one[1] == other[0] or other[1] == one[0]


def _holds_gap(movement: Movement, pair: Span) -> bool:
    """Return whether a whole gap that nothing bridges lies between two closures."""
    return any(
        pair[0] <= left.time_s[-1] + _SAME_S and right.time_s[0] - _SAME_S <= pair[1]
        for left, right in pairwise(movement.stretches)
    )


def _swing(movement: Movement, pair: Span) -> Swing | None:
    """Return the opening between two closures; None where none was seen."""
    for number, stretch in enumerate(movement.stretches):
        if not (stretch.time_s[0] - _SAME_S <= pair[0] and pair[1] <= stretch.time_s[-1] + _SAME_S):
            continue
        first, last = (int(place) for place in np.searchsorted(stretch.time_s, pair))
        last = min(last, len(stretch.time_s) - 1)
        values = stretch.smoothed
        peak = first + int(values[first : last + 1].argmax())
        if not first < peak < last:
            return None
        before = first + int(values[first : peak + 1].argmin())
        after = peak + int(values[peak : last + 1].argmin())
        rise = float(values[peak] - (values[before] + values[after]) / 2)
        return Swing(number, before, peak, after, float(stretch.time_s[peak]), rise)
    return None


def _cycle(
    movement: Movement, pair: Span, swing: Swing, beside: Sequence[Swing | None], rules: TapRules
) -> Cycle | None:
    """Return a tap between given closures as it lies in the movement; None where it is flat."""
    stretch = movement.stretches[swing.stretch]
    closures = []
    for moment_s, other, is_left in zip(pair, beside, (True, False), strict=True):
        lowest = swing.before if is_left else swing.after
        neighbour = other if other is not None and other.stretch == swing.stretch else None
        if neighbour is not None:
            first, last = sorted((neighbour.peak, swing.peak))
            lowest = first + int(stretch.smoothed[first : last + 1].argmin())
        peaks = [None if neighbour is None else neighbour.peak, swing.peak]
        heights = stretch.aperture[[peak for peak in peaks if peak is not None]]
        if not (heights > stretch.aperture[lowest]).all():
            return None
        before, after = peaks if is_left else peaks[::-1]
        closure = closed_phase(stretch, before, lowest, after, rules)
        closures.append(replace(closure, middle_s=moment_s))
    return Cycle(stretch, closures[0], closures[1], swing)


def _row(tap: _Tap) -> tuple[float, ...]:
    unmeasured = (tap.closure_s, tap.next_closure_s, tap.peak_s, *[_UNKNOWN] * 5)
    if tap.cycle is None:
        return unmeasured
    row = measured(tap.cycle)
    is_inside = tap.closure_s < row[2] < tap.next_closure_s
    return (tap.closure_s, tap.next_closure_s, *row[2:]) if is_inside else unmeasured


def _flags(movement: Movement, tap: _Tap, placed: set[int], rules: TapRules) -> str:
    codes = codes_of(movement, tap.cycle, rules) if tap.cycle else []
    is_placed = bool(placed & set(_key(tap.closure_s, tap.next_closure_s)))
    return ";".join([*codes, "corrected"] if is_placed else codes)


def _bounds(taps: Sequence[_Tap], found: Task, rules: TapRules) -> Span:
    """Return start and end of the task: those found where they belong to the first and last tap."""
    if not taps:
        return _UNKNOWN, _UNKNOWN
    first, last = taps[0], taps[-1]
    start_s, end_s = found.start_s, found.end_s
    if not first.closure_s <= start_s <= first.peak_s:
        start_s = _edge_s(first, rules, is_first=True)
    if not last.peak_s <= end_s <= last.next_closure_s:
        end_s = _edge_s(last, rules, is_first=False)
    return start_s, end_s


def _edge_s(tap: _Tap, rules: TapRules, *, is_first: bool) -> float:
    """Return where the opening of a tap begins or its closing ends."""
    closure_s = tap.closure_s if is_first else tap.next_closure_s
    if tap.cycle is None:
        return closure_s
    closure = tap.cycle.left if is_first else tap.cycle.right
    peak = tap.cycle.swing.peak
    found_s = edge(tap.cycle.stretch, closure.index, peak, rules).extrapolated_s
    low_s, high_s = sorted((closure_s, tap.peak_s))
    return min(max(found_s, low_s), high_s)


def _with_bout(task: Task, bout: Bout) -> Task:
    """Return a task that is this bout; other bouts are kept where they lie outside it."""
    if not np.isfinite([bout.start_s, bout.end_s]).all():
        return Task(_UNKNOWN, _UNKNOWN)
    others = [
        other for other in task.bouts
        if other.start_s != task.start_s
        and (other.end_s <= bout.start_s or other.start_s >= bout.end_s)
    ]  # fmt: skip
    bouts = sorted([*others, bout], key=lambda each: each.start_s)
    return Task(bout.start_s, bout.end_s, tuple(bouts))
