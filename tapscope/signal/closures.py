"""Closed phases: where the tips come to rest on one another and where they part."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from tapscope.protocol.rules import TapRules
from tapscope.records import FloatArray
from tapscope.signal.smoothing import Stretch
from tapscope.signal.turning_points import Swing

_NEAR: Final = 5
"""Closed phases beside a cut one that say how long one lasts."""
_CONTACT_RISE: Final = 0.7
"""Height, in that of the tap, from which a hand must come for its contact to be a closed phase."""
_LOW_SHARE: Final = 0.2
"""Height, in that of the tap, up to which the middle of a closed phase is low."""
_CONTACT_LENGTHS: Final = 2.0
"""A closed phase beside a tap that lasts longer than so many usual ones is a rest."""


@dataclass(frozen=True, slots=True)
class Closure:
    """One closed phase."""

    begin_s: float
    """Where the closing before it ends; NaN where the hand rested before."""
    end_s: float
    """Where the opening after it begins; NaN where the hand rested after."""
    middle_s: float
    """Middle of both; inferred where one is unknown, and the lowest moment where the aperture at
    the middle is not low."""
    level: float
    """Aperture while closed."""
    rise: float
    """Height of the higher neighbouring peak above it."""
    index: int
    """Where on the grid the aperture is least."""
    is_cut: bool = False
    """Whether the stretch ends within the closed phase, or the hand rests there."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One side of a closed phase."""

    extrapolated_s: float
    """Where the movement comes to rest."""
    crossing_s: float
    """Where it crosses the lower level."""


def closures_of(stretch: Stretch, swings: Sequence[Swing], rules: TapRules) -> list[Closure | None]:
    """Return the closed phase before, between and after the swings of a stretch.

    The first and the last are None where the stretch shows too little of them.

    Parameters
    ----------
    swings
        In order of time, all of one stretch; others between them are passed over.
    """
    values = stretch.smoothed
    inner = []
    for left, right in pairwise(swings):
        valley = left.peak + int(values[left.peak : right.peak + 1].argmin())
        inner.append(closed_phase(stretch, left.peak, valley, right.peak, rules))
    first, last = (
        _outer(stretch, swing, inner, is_first, rules)
        for swing, is_first in ((swings[0], True), (swings[-1], False))
    )
    return [first, *inner, last]


def _outer(
    stretch: Stretch, swing: Swing, inner: list[Closure], is_first: bool, rules: TapRules
) -> Closure | None:
    """Return the closed phase before the first tap or after the last; None where it may be none.

    Where the hand rests there, or the stretch ends, only the edge on the side of the tap is known.
    The closed phase is taken to be as long as the usual one of its neighbours, because the middle
    of a rest is no closure, and an edge alone would make the first and the last interval of a
    regular tapper shorter than the others.
    """
    valley = swing.before if is_first else swing.after
    beyond = _peak_beyond(stretch, swing, valley, is_first)
    near = inner[:_NEAR] if is_first else inner[-_NEAR:]
    usual_s = float(np.median([closed.end_s - closed.begin_s for closed in near])) if near else 0.0
    usual_s = max(usual_s, 0.0)
    if beyond is not None:
        one, other = (beyond, swing.peak) if is_first else (swing.peak, beyond)
        whole = closed_phase(stretch, one, valley, other, rules)
        if whole.end_s - whole.begin_s <= max(_CONTACT_LENGTHS * usual_s, rules.contact_s):
            return whole
    sides = (None, swing.peak) if is_first else (swing.peak, None)
    closure = closed_phase(stretch, sides[0], valley, sides[1], rules)
    edge_s = closure.end_s if is_first else closure.begin_s
    side = -1 if is_first else 1
    seen = np.abs(stretch.time_s - (edge_s + side * max(usual_s, rules.contact_s) / 2))
    rest = stretch.aperture[seen <= max(usual_s, rules.contact_s) / 2]
    level = float(rest.mean()) if len(rest) else closure.level
    usual_level = float(np.median([closed.level for closed in near[:3]])) if near else level
    if min(level, closure.level) > usual_level + rules.edge_share * closure.rise:
        return None
    middle_s = edge_s + side * usual_s / 2
    inside_s = float(np.clip(middle_s, stretch.time_s[0], stretch.time_s[-1]))
    if abs(middle_s - inside_s) > usual_s / 2:
        return None
    return replace(closure, middle_s=inside_s, level=level)


def _peak_beyond(stretch: Stretch, swing: Swing, valley: int, is_first: bool) -> int | None:
    """Return the peak from which the hand came, or to which it went; None where it rested."""
    values = stretch.smoothed
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    reach = round(2 * abs(swing.peak - valley) + 0.3 / step_s)
    start = max(valley - reach, 0) if is_first else valley
    part = values[start : valley + 1] if is_first else values[start : valley + reach + 1]
    beyond = start + int(part.argmax())
    rise = values[beyond] - values[valley]
    return beyond if rise > _CONTACT_RISE * (values[swing.peak] - values[valley]) else None


def closed_phase(
    stretch: Stretch, before: int | None, valley: int, after: int | None, rules: TapRules
) -> Closure:
    """Return the closed phase between two peaks, one of which may be missing.

    Parameters
    ----------
    before, after
        Where on the grid the peaks are; at least one of them is known.
    valley
        Where on the grid the aperture is least between them.
    """
    left, right = (
        edge(stretch, valley, before, rules) if before is not None else None,
        edge(stretch, valley, after, rules) if after is not None else None,
    )
    begin_s = left.extrapolated_s if left else float("nan")
    end_s = right.extrapolated_s if right else float("nan")
    if left and right:
        # noise can throw the extrapolation beyond the far side of a short closed phase
        begin_s, end_s = min(begin_s, right.crossing_s), max(end_s, left.crossing_s)
    lowest = float(stretch.aperture[valley])
    closed = stretch.aperture[(stretch.time_s >= begin_s) & (stretch.time_s <= end_s)]
    level = float(closed.mean()) if len(closed) else lowest
    rise = max(
        float(stretch.aperture[peak]) - lowest for peak in (before, after) if peak is not None
    )
    middle_s = (begin_s + end_s) / 2
    if float(np.interp(middle_s, stretch.time_s, stretch.aperture)) > lowest + _LOW_SHARE * rise:
        # between few samples the sides are not extrapolated to the same closed phase
        middle_s = float(stretch.time_s[valley])
    is_cut = before is None or after is None
    return Closure(begin_s, end_s, middle_s, level, rise, valley, is_cut)


def edge(stretch: Stretch, valley: int, peak: int, rules: TapRules) -> Edge:
    """Return where the closed phase around `valley` ends towards `peak`.

    Extrapolated from the crossings of two levels under the law by which a movement leaves rest
    (aperture ~ sin²).
    """
    moments = [
        crossing_s(stretch.aperture, stretch.time_s, valley, peak, level)
        for level in rules.closed_levels
    ]
    lower, upper = (float(np.arcsin(np.sqrt(level))) for level in rules.closed_levels)
    rest_s = moments[0] - (moments[1] - moments[0]) * lower / (upper - lower)
    return Edge(rest_s, moments[0])


def crossing_s(
    aperture: FloatArray, time_s: FloatArray, valley: int, peak: int, level: float
) -> float:
    """Return when the aperture last has a share of the rise from `valley`, before it peaks.

    Looked for from the peak inwards, so that a tremor of the closed hand stays within the closed
    phase.
    """
    way = slice(valley, peak + 1) if peak > valley else slice(peak, valley + 1)
    turn = 1 if peak > valley else -1
    path, path_s = aperture[way][::turn], time_s[way][::turn]
    share = (path - path[0]) / (path[-1] - path[0])
    last = int(np.flatnonzero(share <= level)[-1])
    return float(np.interp(level, share[last : last + 2], path_s[last : last + 2]))
