"""Whether the task ended as it should, or the tapper stopped before."""

import math
from dataclasses import replace
from typing import Final, Literal

import numpy as np

from tapscope.features.context import UNKNOWN, Context, Expected

Ending = Literal["complete", "stopped_early", "hand_lost", "recording_ends", "not_asked", ""]

ENDINGS: Final[dict[str, str]] = {
    "complete": "the taps or the time that the protocol expects were reached",
    "stopped_early": "they were not, and the hand rests in view afterwards: a terminal halt",
    "hand_lost": "they were not, and the hand is out of view afterwards",
    "recording_ends": "they were not, and the recording ends with the tapping",
    "not_asked": "the protocol expects neither a number of taps nor a time",
}


def task_ending(context: Context) -> Ending:
    """Return how the task ended, a key of `ENDINGS`; '' where nothing taps."""
    least, taps = least_expected(context), context.taps
    if len(taps) == 0:
        return ""
    if not least.taps and not least.duration_s:
        return "not_asked"
    if least.taps and len(taps) >= least.taps:
        return "complete"
    if least.duration_s and _tapping_s(context) >= least.duration_s:
        return "complete"
    if rest_s(context) >= context.halt_rules.min_rest_s:
        return "stopped_early"
    until_end_s = float(context.recording.time_s[-1] - taps.next_closure_s[-1])
    is_cut_off = until_end_s < context.halt_rules.min_rest_s
    return "recording_ends" if is_cut_off else "hand_lost"


def least_expected(context: Context) -> Expected:
    """Return how many taps, or what time of tapping, are enough to be complete; 0 = not said."""
    share, expected = context.halt_rules.complete_share, context.expected
    taps = math.ceil(round(share * expected.taps, 6))  # 0.9 of 10 is 9 taps, whatever the rounding
    return replace(expected, taps=taps, duration_s=share * expected.duration_s)


def stopped_early_s(context: Context) -> float:
    """Return how long before the expected end the tapper stopped.

    The expected time less the time tapped; where a number of taps is expected, the missing taps
    times the median interval. 0 where nothing was missing or asked for; NaN where it is not known,
    because the hand or the recording was lost first.
    """
    ending = task_ending(context)
    if ending in ("complete", "not_asked"):
        return 0.0
    if ending != "stopped_early":
        return UNKNOWN
    expected = context.expected
    if expected.duration_s:
        return expected.duration_s - _tapping_s(context)
    return (expected.taps - len(context.taps)) * float(np.median(context.interval_s))


def terminal_halt_s(context: Context) -> float:
    """Return how long the hand rests where it should tap on; 0 where it did not stop early."""
    if task_ending(context) != "stopped_early":
        return 0.0
    return min(rest_s(context), max(stopped_early_s(context), context.halt_rules.min_rest_s))


def rest_s(context: Context) -> float:
    """Return how long the hand is seen at rest after the last tap, until it is lost or taps on."""
    end_s = float(context.taps.next_closure_s[-1])
    time_s = context.recording.time_s[np.isfinite(context.recording.aperture)]
    seen_s = np.concatenate([[end_s], time_s[time_s > end_s]])
    gaps = np.flatnonzero(np.diff(seen_s) > context.halt_rules.min_halt_s)
    seen_until_s = float(seen_s[gaps[0]] if len(gaps) else seen_s[-1])
    later_s = [bout.start_s for bout in context.task.bouts if bout.start_s > end_s]
    return min([seen_until_s, *later_s]) - end_s


def _tapping_s(context: Context) -> float:
    return float(context.taps.next_closure_s[-1] - context.taps.closure_s[0])
