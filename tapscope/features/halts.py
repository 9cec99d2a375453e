"""Hesitations and halts."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d

from tapscope.features.context import UNKNOWN, Context
from tapscope.features.ending import terminal_halt_s
from tapscope.records import FloatArray, Taps
from tapscope.signal.smoothing import Stretch


@dataclass(frozen=True, slots=True)
class StillSpells:
    """Times in which the hand hardly moves, from the first closure to the last."""

    begin_s: FloatArray
    end_s: FloatArray

    @property
    def length_s(self) -> FloatArray:
        """Return how long each of them lasts."""
        return self.end_s - self.begin_s

    def around(self, moment_s: FloatArray) -> FloatArray:
        """Return the length of the spell around each moment; 0 where the hand moves."""
        inside = (self.begin_s <= moment_s[:, None]) & (moment_s[:, None] <= self.end_s)
        length_s: FloatArray = np.where(inside, self.length_s, 0.0).max(axis=1, initial=0.0)
        return length_s


def hesitation_count(context: Context) -> float:
    """Count the hesitations.

    One of: a closed phase that exceeds the tapper's usual one by more than the median interval; a
    tap that lasts over twice the median interval without such excess; an interrupted opening.
    """
    taps = context.taps
    if len(taps) == 0:
        return 0.0
    closure_s = _closures(taps)
    closed_s = still_spells(context).around(closure_s)
    excess_s = np.maximum(closed_s - np.median(closed_s), 0)
    usual_s = float(np.median(taps.interval_s))
    waits = excess_s > (context.halt_rules.hesitation_ratio - 1) * usual_s
    # half of a closed phase belongs to the tap before it, half to the one after: without that
    # excess a pause between two taps lengthens neither
    ends = [np.searchsorted(closure_s, side) for side in (taps.closure_s, taps.next_closure_s)]
    own_s = taps.interval_s - sum(excess_s[end] for end in ends) / 2
    is_long = own_s > context.halt_rules.hesitation_ratio * usual_s
    is_interrupted = np.array(["interrupted" in flags.split(";") for flags in taps.flags])
    return float(np.sum(waits) + np.sum(is_long | is_interrupted))


def halts_s(context: Context) -> FloatArray:
    """Return the length of each halt between the first and the last closure, seconds.

    A halt is a still spell that is long in itself and beside the tapper's usual ones: someone who
    taps once in two seconds rests closed (or open) in every tap.
    """
    taps = context.taps
    if len(taps) == 0:
        return np.zeros(0)
    spells = still_spells(context)
    least_s = np.full(len(spells.begin_s), context.halt_rules.min_halt_s)
    for moment_s in (_closures(taps), taps.peak_s):
        usual_s = float(np.median(spells.around(moment_s)))
        has_moment = [
            bool(((begin_s <= moment_s) & (moment_s <= end_s)).any())
            for begin_s, end_s in zip(spells.begin_s, spells.end_s, strict=True)
        ]
        limit_s = context.halt_rules.usual_ratio * usual_s
        least_s = np.where(has_moment, np.maximum(least_s, limit_s), least_s)
    return spells.length_s[spells.length_s >= least_s]


def _closures(taps: Taps) -> FloatArray:
    return np.unique(np.concatenate([taps.closure_s, taps.next_closure_s]))


def still_spells(context: Context) -> StillSpells:
    """Return the still spells of all stretches of the recording."""
    found = [_still_spells_of(context, stretch) for stretch in context.movement.stretches]
    bounds = np.concatenate([np.zeros((0, 2)), *found])
    return StillSpells(bounds[:, 0], bounds[:, 1])


def _still_spells_of(context: Context, stretch: Stretch) -> FloatArray:
    """Return begin and end of each still spell; shape (spells, 2).

    Within a window the aperture moves less than it would at the slow speed: a share of the range
    a second; where the taps have become smaller than the range, of their amplitude.
    """
    rules, taps = context.halt_rules, context.taps
    step_s = float(stretch.time_s[1] - stretch.time_s[0])
    size = max(round(rules.window_s / step_s), 2)
    moved = maximum_filter1d(stretch.aperture, size) - minimum_filter1d(stretch.aperture, size)
    scale = np.full(len(stretch.time_s), context.range)
    known = np.isfinite(taps.amplitude)
    if known.any():  # one unknown amplitude would hide the halts around it
        usual = median_filter(taps.amplitude[known], size=5, mode="nearest")
        scale = np.minimum(scale, np.interp(stretch.time_s, taps.peak_s[known], usual))
    least = rules.noise_multiple * context.movement.remaining_noise
    still = moved < np.maximum(rules.slow_ranges_per_s * rules.window_s * scale, least)
    still &= (stretch.time_s >= taps.closure_s[0]) & (stretch.time_s <= taps.next_closure_s[-1])
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]]))).reshape(-1, 2)
    # the window reaches half of its length beyond the moments that it is still at
    half_s = rules.window_s / 2
    return np.stack(
        [
            stretch.time_s[bounds[:, 0]] - half_s,
            stretch.time_s[bounds[:, 1] - 1] + step_s + half_s,
        ],
        axis=1,
    )


def halt_count(context: Context) -> float:
    """Count the halts, the terminal one included."""
    return float(len(_all_halts_s(context)))


def longest_halt_s(context: Context) -> float:
    """Return the length of the longest halt; 0 without one."""
    return float(max(_all_halts_s(context), default=0.0)) if len(context.taps) else UNKNOWN


def freeze_share(context: Context) -> float:
    """Return the share spent in halts of the time from first to last closure (or terminal halt)."""
    if len(context.taps) == 0:
        return UNKNOWN
    whole_s = float(context.taps.next_closure_s[-1] - context.taps.closure_s[0])
    return float(_all_halts_s(context).sum()) / (whole_s + terminal_halt_s(context))


def _all_halts_s(context: Context) -> FloatArray:
    terminal_s = terminal_halt_s(context)
    return np.concatenate([halts_s(context), [terminal_s] if terminal_s else []])
