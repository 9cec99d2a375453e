"""What lies within short gaps: closures that hide the tips, peaks and single branches."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from tapscope.protocol.rules import GapRules
from tapscope.records import FloatArray
from tapscope.signal.tap_shape import fit_taps

_NEAR_CYCLES: Final = 1.5
"""Time beside a gap, in cycles, whose samples say where the tips close and how wide they open."""
_TREND_SAMPLES: Final = 3
_TREND_CYCLES: Final = 0.3
"""Samples further from a gap than so many cycles do not say whether it rises or falls there."""
_TREND_SHARE: Final = 0.05
"""Least rise or fall beside a gap, as a share of the range around it."""
_END_SHARE: Final = 0.25
"""Share of the range within which an aperture that does not change is closed."""
_CLOSED_SHARE: Final = 0.6
"""How long beyond a completed branch the hand is taken to stay closed, in phases of movement."""
_TOP_SHARE: Final = 0.2
"""Share of the range within which the aperture is wide open, rising or falling."""
_FLOOR_SHARE: Final = 0.1
"""Share of the range within which the tips are together, rising or falling, where their direction
does not go with the length of a gap."""
_LOCKED_SHARE: Final = 0.3
"""Where so many of the closures lie in gaps, closing itself hides the tips."""
_MOVING_SHARE: Final = 0.85
"""Share of a cycle that is movement, unless the samples say otherwise."""
_FITTED_TAPS: Final = 3
"""Fewest taps from which the level of hidden closures is fitted."""


@dataclass(frozen=True, slots=True)
class Bridges:
    """Samples that stand for the movement within gaps, and the gaps that nothing bridges."""

    time_s: FloatArray
    """Seconds, rising; shape (n,)."""
    aperture: FloatArray
    """In the unit of the trajectory; shape (n,)."""
    is_peak: FloatArray
    """1 where the tips were widest unseen, so that no amplitude is known; shape (n,)."""
    cut_s: FloatArray
    """A moment within each gap that is not bridged, seconds; shape (gaps,)."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """One gap between the samples `left` and `left + 1`."""

    left: int
    begin_s: float
    end_s: float
    sides: tuple[float, float]
    """Aperture of the last sample before it and the first after it."""
    before: float
    """Where in a cycle the movement is before it: low 0, rising 0.25, high 0.5, falling 0.75."""
    after: float
    """The same after it; NaN where it is in none of these."""
    low: float
    """About the least aperture seen around it."""
    high: float
    """About the widest."""

    @property
    def length_s(self) -> float:
        """Return its length."""
        return self.end_s - self.begin_s

    hides_peak: bool
    """Whether the aperture still widens into it, or narrows out of it."""
    cycles: float
    """Its length in cycles of the rhythm of the recording."""

    @property
    def steps(self) -> float:
        """Return the share of a cycle from before it to after it, 0 to 1; NaN unclear."""
        if self.before == self.after == 0.5 and self.cycles > 0.5:
            return 1.0
        return (self.after - self.before) % 1.0

    @property
    def is_plain(self) -> bool:
        """Return whether its length goes with that share, so that no whole cycle hides in it."""
        return round(self.cycles - self.steps) == 0 if self.steps >= 0 else False

    @property
    def is_valley(self) -> bool:
        """Return whether the movement comes from above and goes up again, as in a closure."""
        middle = (self.before + self.steps / 2) % 1.0
        return self.steps > 0 and not self.is_branch and min(middle, 1 - middle) < 0.25

    @property
    def is_peak(self) -> bool:
        """Return whether the movement comes from below and goes down again."""
        if self.before == self.after == 0.5:
            return self.steps == 0
        return self.steps > 0 and not self.is_branch and not self.is_valley

    @property
    def is_branch(self) -> bool:
        """Return whether the movement goes on in one direction, or stays where it is."""
        rise = self.sides[1] - self.sides[0]
        if self.steps == 0:
            return {0.0: True, 0.25: rise >= 0, 0.75: rise <= 0}.get(self.before, False)
        return {self.before, self.after} == {0.0, 0.5}


def bridge(
    time_s: FloatArray,
    values: FloatArray,
    *,
    step_s: float,
    rate_hz: float,
    max_gap_s: float,
    rules: GapRules,
) -> Bridges:
    """Infer the movement in the gaps that smoothing cannot bridge, from their neighbours.

    A gap between a closing and an opening branch is a closure, one between an opening and a closing
    branch a peak, and where the movement goes on in one direction it is that branch. Of any other
    gap, and of one longer than a share of a cycle, only the closing before it and the opening after
    it are completed, so that the taps beside it are whole. Where many closures lie in gaps the tips
    hide one another; then their level is not seen, and the level and the duration of the movement
    that fit the visible parts of all taps best are taken (minimum-jerk taps, least squares).

    Parameters
    ----------
    time_s, values
        Known samples, no NaN.
    step_s
        Sampling interval.
    rate_hz
        Rate of tapping.
    max_gap_s
        Longest gap that smoothing bridges by itself.
    rules
        The longest gap that is bridged here.
    """
    gaps = [
        _gap(time_s, values, int(left), rate_hz, step_s)
        for left in np.flatnonzero(np.diff(time_s) > 1.6 * step_s)
    ]
    limit_s = min(rules.max_inferred_cycles / rate_hz, rules.max_inferred_s)
    valleys = [gap for gap in gaps if gap.is_valley and gap.is_plain and gap.length_s <= limit_s]
    span_s = valleys[-1].end_s - valleys[0].begin_s if len(valleys) > 1 else 0.0
    is_locked = len(valleys) > 3 and len(valleys) >= _LOCKED_SHARE * span_s * rate_hz
    moving_s = 0.5 * _MOVING_SHARE / rate_hz
    if is_locked:
        gaps, moving_s = _with_hidden_level(time_s, values, gaps, valleys, rate_hz)
    parts, cut_s = [np.zeros((3, 0))], []
    for gap in gaps:
        if gap.length_s <= max_gap_s and not (is_locked and gap.is_valley):
            continue
        count = max(round(gap.length_s / step_s) - 1, 1)
        inside_s = np.linspace(gap.begin_s, gap.end_s, count + 2)[1:-1]
        is_clear = gap.is_plain and gap.length_s <= limit_s
        filled = _filled(gap, inside_s, moving_s) if is_clear else None
        if filled is None:
            cut_s.append(_middle_s(gap))
            filled = _completed(gap, inside_s, moving_s)
        seen = np.isfinite(filled)
        is_peak = np.full(count, float(gap.is_peak or gap.hides_peak))
        parts.append(np.stack([inside_s, filled, is_peak])[:, seen])
    inferred_s, aperture, is_peak = np.concatenate(parts, axis=1)
    return Bridges(inferred_s, aperture, is_peak, np.array(cut_s))


def _gap(time_s: FloatArray, values: FloatArray, left: int, rate_hz: float, step_s: float) -> _Gap:
    begin_s, end_s = float(time_s[left]), float(time_s[left + 1])
    reach_s = _NEAR_CYCLES / rate_hz
    near = values[(time_s >= begin_s - reach_s) & (time_s <= end_s + reach_s)]
    low, high = (float(value) for value in np.percentile(near, [10, 95]))
    within_s = max(min((_TREND_SAMPLES + 1.5) * step_s, _TREND_CYCLES / rate_hz), 1.6 * step_s)
    earlier = slice(max(left - _TREND_SAMPLES, 0), left)
    later = slice(left + 2, left + 2 + _TREND_SAMPLES)
    beyond = (
        values[earlier][time_s[earlier] > begin_s - within_s][::-1],
        values[later][time_s[later] < end_s + within_s],
    )
    sides = (float(values[left]), float(values[left + 1]))
    least = _TREND_SHARE * (high - low)
    falls, rises = (_trend(side, some, least) for side, some in zip(sides, beyond, strict=True))
    cycles = (end_s - begin_s) * rate_hz

    def read(floor_share: float) -> _Gap:
        before, after = (
            _place((side - low) / max(high - low, 1e-12), trend, floor_share)
            for side, trend in zip(sides, (-falls, rises), strict=True)
        )
        hides_peak = (before == 0.5 and falls < 0) or (after == 0.5 and rises < 0)
        return _Gap(left, begin_s, end_s, sides, before, after, low, high, hides_peak, cycles)

    gap = read(-np.inf)
    return gap if gap.is_plain else read(_FLOOR_SHARE)


def _trend(at: float, beyond: FloatArray, least: float) -> int:
    """Return whether the samples beyond one rise from it (1), fall (-1) or neither."""
    if len(beyond) and beyond.max() - at > least and beyond[0] > at - least:
        return 1
    if len(beyond) and at - beyond.min() > least and beyond[0] < at + least:
        return -1
    return 0


def _place(share: float, trend: int, floor_share: float) -> float:
    """Return where in a cycle a sample is, by its height and direction; NaN where it is unclear."""
    if share > 1 - _TOP_SHARE:
        return 0.5
    if share < floor_share:
        return 0.0
    if trend:
        return 0.25 if trend > 0 else 0.75
    return 0.0 if share < _END_SHARE else float("nan")


def _filled(gap: _Gap, inside_s: FloatArray, moving_s: float) -> FloatArray | None:
    """Return the movement within a gap; None where it cannot be said."""
    left, right = gap.sides
    if gap.is_branch:
        return np.interp(inside_s, [gap.begin_s, gap.end_s], [left, right])
    if gap.is_valley:
        return _branches(gap, (left, right), inside_s, gap.low, moving_s)
    if gap.is_peak:
        top = max(gap.high, left, right)
        return top - _branches(gap, (top - left, top - right), inside_s, 0.0, moving_s)
    return None


def _completed(gap: _Gap, inside_s: FloatArray, moving_s: float) -> FloatArray:
    """Return the end of a closing and the beginning of an opening beside a gap; NaN between."""
    level, height = gap.low, gap.high - gap.low
    found = np.full(len(inside_s), np.nan)
    away_s = (inside_s - gap.begin_s, gap.end_s - inside_s)
    wanted = (gap.before in (0.5, 0.75, 0.0), gap.after in (0.0, 0.25, 0.5))
    for side, side_s, is_wanted in zip(gap.sides, away_s, wanted, strict=True):
        branch, left_s = _branch(side, side_s, level, height, moving_s)
        kept = (left_s > -_CLOSED_SHARE * moving_s) & is_wanted
        found = np.where(kept, np.fmax(found, branch), found)
    return found


def _branches(
    gap: _Gap, sides: tuple[float, float], inside_s: FloatArray, level: float, moving_s: float
) -> FloatArray:
    """Return a movement that falls from one side to a level and rises to the other (~ sin²)."""
    height = gap.high - gap.low
    away_s = (inside_s - gap.begin_s, gap.end_s - inside_s)
    left, right = (
        _branch(side, side_s, level, height, moving_s)[0]
        for side, side_s in zip(sides, away_s, strict=True)
    )
    return np.maximum(left, right)


def _branch(
    side: float, away_s: FloatArray, level: float, height: float, moving_s: float
) -> tuple[FloatArray, FloatArray]:
    """Return the fall from one side to a level (~ sin²), and how long it still moves."""
    share = np.clip((side - level) / max(height, 1e-12), 0, 1)
    left_s = np.arcsin(np.sqrt(share)) / (np.pi / 2) * moving_s - away_s
    angle = np.pi / 2 * np.maximum(left_s, 0) / moving_s
    return level + height * np.sin(angle) ** 2, left_s


def _with_hidden_level(
    time_s: FloatArray, values: FloatArray, gaps: list[_Gap], valleys: list[_Gap], rate_hz: float
) -> tuple[list[_Gap], float]:
    """Return the gaps with the level at which hidden tips close, and how long a movement takes."""
    taps = [
        (one, other)
        for one, other in pairwise(valleys)
        if other.begin_s - one.end_s < 1.6 / rate_hz and other.left - one.left >= 3
    ]
    if len(taps) < _FITTED_TAPS:
        return gaps, 0.5 * _MOVING_SHARE / rate_hz
    spans_s = np.array([(_middle_s(one), _middle_s(other)) for one, other in taps])
    fitted = fit_taps(time_s, values, spans_s, _MOVING_SHARE)
    leveled = [replace(gap, low=fitted.level_at(_middle_s(gap))) for gap in gaps]
    return leveled, 0.5 * fitted.moving_share * float(np.median(np.diff(spans_s)))


def _middle_s(gap: _Gap) -> float:
    return (gap.begin_s + gap.end_s) / 2
