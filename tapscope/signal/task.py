"""Where in a recording the task is done: the bout of tapping among rests and other movements."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from tapscope.protocol.rules import TapRules, TaskRules
from tapscope.records import Bout, FloatArray, Task
from tapscope.signal.closures import edge
from tapscope.signal.smoothing import Movement, Stretch
from tapscope.signal.turning_points import Swing, swings_of

_LARGE_RANK: Final = 3
"""The third largest swing is a large tap: two larger ones may be the hand entering and leaving."""
_BEFORE: Final = 4
"""Taps before a further one, against whose smallest it is held ..."""
_LATE: Final = 2.0
"""Usual intervals after which a tap is late: nearer, patients tap irregularly."""
_BEFORE_LATE: Final = 8
"""... and, where it is late, those against whose median: some may look small because a tip was
lost, and a hand at rest must not follow them."""
_IN_RHYTHM: Final = (0.6, 1.6)
"""Intervals in the rhythm of a bout, in its usual ones."""
_RUN: Final = 3
"""Taps in a row that make a rhythm."""
_PAUSE_INTERVALS: Final = 2.5
_ALIKE: Final = (0.5, 1.5)
"""Sizes of taps of one hand in one bout, as shares of the usual one."""


@dataclass(frozen=True, slots=True)
class _Swings:
    """Peaks and sizes of all swings, and how long of each interval nothing is known."""

    peak_s: FloatArray
    rise: FloatArray
    open_s: FloatArray
    """Time over half of its rise."""
    unknown_s: FloatArray
    """Unknown time before each swing since the one before it."""

    def pause_s(self, one: int, other: int) -> float:
        """Return the known time between two swings."""
        unknown_s = float(self.unknown_s[one + 1 : other + 1].sum())
        return float(self.peak_s[other] - self.peak_s[one]) - unknown_s


def find_task(
    movement: Movement,
    taps: TapRules = TapRules(),  # noqa: B008 - frozen
    rules: TaskRules = TaskRules(),  # noqa: B008 - frozen
) -> Task:
    """Find the bouts of tapping and the longest of them, which is the task.

    The large swings of a recording make the cores of bouts. Smaller ones that follow on without a
    pause belong to them as long as they fall off step by step (a decrement), or keep to the rhythm;
    the restless movements of a hand at rest do neither. A pause in the middle is a halt
    where tapping resumes, unless it is longer than the protocol allows: then another bout begins.
    One or two swings beyond a pause are no tapping but a hand that enters, leaves or shows how.
    Time of which nothing is known is no pause, unless it is as long by itself.

    Parameters
    ----------
    movement
        Of the whole recording.
    taps, rules
        The groups of a protocol. With `rules.find` false the whole recording is the task.
    """
    swings = swings_of(movement, taps)
    if not rules.find:
        return _whole(movement, swings)
    if not swings:
        return Task(float("nan"), float("nan"))
    bouts = tuple(
        _bout(movement, [swings[place] for place in members], taps)
        for members in _members(_columns(movement, swings), rules)
    )
    longest = max(bouts, key=lambda bout: bout.end_s - bout.start_s)
    return Task(longest.start_s, longest.end_s, bouts)


def task_bout(task: Task) -> Bout | None:
    """Return the bout that is the task; None where nothing taps."""
    return next((bout for bout in task.bouts if bout.start_s == task.start_s), None)


def _whole(movement: Movement, swings: Sequence[Swing]) -> Task:
    if not movement.stretches:
        return Task(float("nan"), float("nan"))
    start_s = float(movement.stretches[0].time_s[0])
    end_s = float(movement.stretches[-1].time_s[-1])
    return Task(start_s, end_s, (Bout(start_s, end_s, np.array([s.peak_s for s in swings])),))


def _columns(movement: Movement, swings: Sequence[Swing]) -> _Swings:
    unknown_s = np.zeros(len(swings))
    for place in range(1, len(swings)):
        one, other = swings[place - 1].stretch, swings[place].stretch
        for number in range(one, other):
            left, right = movement.stretches[number], movement.stretches[number + 1]
            unknown_s[place] += float(right.time_s[0] - left.time_s[-1])
    return _Swings(
        np.array([swing.peak_s for swing in swings]),
        np.array([swing.rise for swing in swings]),
        np.array([_open_s(movement, swing) for swing in swings]),
        unknown_s,
    )


def _open_s(movement: Movement, swing: Swing) -> float:
    """Return how long a swing is over half of its rise."""
    stretch = movement.stretches[swing.stretch]
    low = stretch.smoothed[swing.before : swing.after + 1] < (
        stretch.smoothed[swing.peak] - swing.rise / 2
    )
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    return float(np.sum(~low)) * step_s


def _members(swings: _Swings, rules: TaskRules) -> list[list[int]]:
    """Return the numbers of the swings of each bout."""
    large = float(np.sort(swings.rise)[-min(_LARGE_RANK, len(swings.rise))])
    core = np.flatnonzero(swings.rise >= rules.core_share * large).tolist()
    usual_s = float(np.median(np.diff(swings.peak_s[core]))) if len(core) > 1 else 0.0
    groups = _grown(_split(core, swings, rules.min_rest_s), swings, large, rules)
    groups = _joined(groups, swings, rules.min_rest_s)
    chains: list[list[list[int]]] = [[groups[0]]]
    for group in groups[1:]:
        # from widest to widest there is a tap besides the pause
        last = chains[-1][-1][-1]
        pause_s = swings.pause_s(last, group[0]) - usual_s
        unknown_s = swings.unknown_s[last + 1 : group[0] + 1].sum()
        if max(pause_s, unknown_s) > rules.max_halt_s:
            chains.append([group])
        else:
            chains[-1].append(group)
    whole = [
        _without_open_rests(_without_fragments(chain, swings, rules), swings, rules)
        for chain in chains
    ]
    bouts = [[number for group in chain for number in group] for chain in whole]
    tapping = [bout for bout in bouts if len(bout) >= rules.min_bout_taps]
    return tapping or [max(bouts, key=len)]


def _split(numbers: list[int], swings: _Swings, min_rest_s: float) -> list[list[int]]:
    """Return groups of swings without a pause between them."""
    pauses_s = np.array([swings.pause_s(a, b) for a, b in pairwise(numbers)])
    usual_s = float(np.median(pauses_s)) if len(pauses_s) else 0.0
    least_s = max(min_rest_s, _PAUSE_INTERVALS * usual_s)
    cuts = np.flatnonzero(pauses_s > least_s) + 1
    return [part.tolist() for part in np.split(np.array(numbers), cuts)]


def _joined(groups: list[list[int]], swings: _Swings, min_rest_s: float) -> list[list[int]]:
    """Return the groups after joining those that have grown until no pause is left between them."""
    unbroken = _split([number for group in groups for number in group], swings, min_rest_s)
    last = {part[-1] for part in unbroken}
    result: list[list[int]] = [[]]
    for group in groups:
        result[-1] = [*result[-1], *group]
        if group[-1] in last:
            result.append([])
    return result[:-1]


def _grown(
    groups: list[list[int]], swings: _Swings, large: float, rules: TaskRules
) -> list[list[int]]:
    """Return the groups with the smaller swings within them and those that follow on."""
    result: list[list[int]] = []
    for place, group in enumerate(groups):
        first = result[-1][-1] + 1 if result else 0
        last = groups[place + 1][0] if place + 1 < len(groups) else len(swings.rise)
        members = list(range(group[0], group[-1] + 1))
        after = list(range(group[-1] + 1, last))
        before = list(range(group[0] - 1, first - 1, -1))
        members += _following(members, after, swings, large, rules)
        result.append(_following(members[::-1], before, swings, large, rules)[::-1] + members)
    return result


def _following(
    members: list[int], further: list[int], swings: _Swings, large: float, rules: TaskRules
) -> list[int]:
    """Return those of the further swings, outwards from the members, that belong to them."""
    if len(members) < 2:
        return []
    usual_s = float(np.median(np.abs(np.diff(swings.peak_s[members]))))
    taken: list[int] = []
    for place, number in enumerate(further):
        last = taken[-1] if taken else members[-1]
        so_far = swings.rise[[*members, *taken]]
        interval_s = abs(swings.peak_s[number] - swings.peak_s[last])
        if interval_s > max(_PAUSE_INTERVALS * usual_s, rules.min_rest_s):
            break
        is_late = interval_s > _LATE * usual_s
        like = float(np.median(so_far[-_BEFORE_LATE:])) if is_late else so_far[-_BEFORE:].min()
        if swings.rise[number] < rules.follow_share * like:
            run = [last, *further[place : place + _RUN]]
            if not _is_rhythm(run, swings, usual_s, rules.least_share * large):
                break
        taken.append(number)
    return taken


def _is_rhythm(run: list[int], swings: _Swings, usual_s: float, least: float) -> bool:
    gaps = np.abs(np.diff(swings.peak_s[run])) / usual_s
    in_time = (gaps >= _IN_RHYTHM[0]) & (gaps <= _IN_RHYTHM[1])
    return len(run) > _RUN and bool(in_time.all() and (swings.rise[run[1:]] >= least).all())


def _without_fragments(
    chain: list[list[int]], swings: _Swings, rules: TaskRules
) -> list[list[int]]:
    """Return a chain of groups without the first and last that hold too few taps.

    A few taps before a pause are a demonstration or a hand that enters. A few after one are a
    patient who resumes, unless their size is another: then the hand leaves.
    """
    while len(chain) > 1 and len(chain[0]) < rules.min_bout_taps:
        chain = chain[1:]
    while len(chain) > 1 and len(chain[-1]) < rules.min_bout_taps:
        sizes = swings.rise[chain[-1]] / np.median(swings.rise[chain[-2]])
        if sizes.min() > _ALIKE[0] and sizes.max() < _ALIKE[1]:
            break
        chain = chain[:-1]
    return chain


def _without_open_rests(
    chain: list[list[int]], swings: _Swings, rules: TaskRules
) -> list[list[int]]:
    """Return a chain without the long swings at its ends and beside gaps.

    There the hand rests open; in the middle it halts.
    """
    every = [number for group in chain for number in group]
    usual_s = float(np.median(swings.open_s[every]))
    rests = swings.open_s > max(rules.min_rest_s, 2 * _PAUSE_INTERVALS * usual_s)
    result: list[list[int]] = []
    for place, group in enumerate(chain):
        members = group
        is_first = not result or swings.unknown_s[group[0]] > 0
        is_last = place + 1 == len(chain) or swings.unknown_s[chain[place + 1][0]] > 0
        while is_last and members and rests[members[-1]]:
            members = members[:-1]
        while is_first and members and rests[members[0]]:
            members = members[1:]
        result += [members] if members else []
    return result or chain


def _bout(movement: Movement, swings: Sequence[Swing], rules: TapRules) -> Bout:
    first, last = swings[0], swings[-1]
    begins, ends = movement.stretches[first.stretch], movement.stretches[last.stretch]
    start_s = edge(begins, first.before, first.peak, rules).extrapolated_s
    end_s = edge(ends, last.after, last.peak, rules).extrapolated_s
    first_s, last_s = float(begins.time_s[0]), float(ends.time_s[-1])
    peak_s = np.array([swing.peak_s for swing in swings])
    usual_s = float(np.median(np.diff(peak_s))) if len(peak_s) > 1 else 0.0
    # a recording that begins or ends within a tap shows no rest there
    before, after = begins.smoothed[: first.before], ends.smoothed[last.after :]
    if len(before) and before.max() > _half(begins, first, first.before):
        start_s = first_s if start_s - first_s < usual_s else start_s
    if after.max() > _half(ends, last, last.after):
        end_s = last_s if last_s - end_s < usual_s else end_s
    return Bout(max(start_s, first_s), min(end_s, last_s), peak_s)


def _half(stretch: Stretch, swing: Swing, valley: int) -> float:
    """Return the aperture halfway from a valley to the peak beside it."""
    return float(stretch.smoothed[valley] + stretch.smoothed[swing.peak]) / 2
