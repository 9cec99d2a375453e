"""Which fingertip is which, settled over a recording rather than in each frame.

The network answers for one frame at a time, and in a hard one takes the middle finger for the
index finger. But a tip that stays at nearly the same place of the hand from frame to frame is one
tip all along. The answers of its frames are put together: what is clearly middle, ring or little
finger rather than index finger over that time is the index finger in none of them. The limits below
were tried on four rendered recordings, none of them in a test set.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot
from typing import Final

import numpy as np

from tapscope.hand import FINGERTIPS
from tapscope.records import FloatArray

TAPPING: Final = 2
"""So many fingertips tap, the first: thumb and index finger."""
OTHER_TAPPING: Final = 0.5
"""What an answer is worth where the other tapping finger was voted to be: the two do meet."""
LOWEST: Final = 0.08
"""Height from which a peak counts at all."""
SAME_PLACE: Final = 0.067
"""Peaks of several fingers nearer than this share of the hand are answers about one tip."""
MOST_STEP: Final = 0.083
"""A tip further than this share of the hand from where it was one frame ago is another one, or
one that taps fast; either way it is not voted on."""
SECOND_PEAK_DISTANCE: Final = 0.1
"""A peak nearer than this share of the hand is the same blurred tip, no second peak."""
MOST_MISSED_S: Final = 0.1
"""A tip may be out of sight so long and be the same."""
LEAST_SEEN_S: Final = 0.25
"""Time that a tip must be followed to be voted on."""
VOTE_RATIO: Final = 3.0
"""A tip is another finger's if that has so many times the votes; a folded middle finger, say, often
answers at the index finger's tip as loudly as this one. Between 3 and 4 the fewest tips were wrong
on six rendered recordings, none of them in a test set."""


@dataclass(frozen=True, slots=True)
class TipPeaks:
    """Where each fingertip may be in one frame."""

    position_px: FloatArray
    """Places of the highest peaks in the order of `hand.FINGERTIPS`; shape (5, peaks, 2)."""
    peak_value: FloatArray
    """Their values, falling; shape (5, peaks)."""


@dataclass(frozen=True, slots=True)
class AssignedTips:
    """Thumb and index tip in every frame."""

    position_px: FloatArray
    """Shape (frames, 2, 2); NaN where no peak is left."""
    peak_value: FloatArray
    """Of the peak that is left; shape (frames, 2), 0 without one."""
    second_peak: FloatArray
    """Of the next best that is left, shape (frames, 2), 0 without one."""


@dataclass(slots=True)
class _Tip:
    """A place in one frame where some finger ends."""

    x: float
    y: float
    answers: dict[int, tuple[float, float, float]]
    """Height and place of the peak of each finger that answers here."""
    votes: "_Votes"


@dataclass(slots=True)
class _Votes:
    """What the frames in which one tip was followed say together."""

    first_s: float
    last_s: float
    x: float
    y: float
    """Last place, from the middle of the hand."""
    sums: list[float] = field(default_factory=lambda: [0.0] * len(FINGERTIPS))
    """Heights summed, one a finger."""

    def vote_weight(self, finger: int) -> float:
        """Return what an answer that this tip is `finger` is worth, 0 to 1."""
        if self.last_s - self.first_s < LEAST_SEEN_S:
            return 1.0
        if max(self.sums[TAPPING:]) > VOTE_RATIO * self.sums[finger]:
            return 0.0
        return 1.0 if self.sums[finger] >= max(self.sums[:TAPPING]) else OTHER_TAPPING


def assign_fingertips(
    frames: Sequence[TipPeaks | None], time_s: FloatArray, middle_px: FloatArray, hand_px: float
) -> AssignedTips:
    """Choose thumb and index tip among the peaks of a recording.

    Parameters
    ----------
    frames
        The peaks of each frame; None where the hand was not seen.
    time_s
        Time of each frame in seconds; shape (frames,).
    middle_px
        Where the hand is: a steady point of it; shape (frames, 2).
    hand_px
        Longer side of the hand.
    """
    tips = _follow(frames, time_s, middle_px, hand_px)
    position = np.full((len(frames), TAPPING, 2), np.nan)
    peak_value, second_peak = np.zeros((len(frames), TAPPING)), np.zeros((len(frames), TAPPING))
    for n, seen in enumerate(tips):
        for finger in range(TAPPING):
            own = sorted(
                (
                    (tip.votes.vote_weight(finger) * tip.answers[finger][0], *tip.answers[finger])
                    for tip in seen
                    if finger in tip.answers and tip.votes.vote_weight(finger) > 0
                ),
                reverse=True,
            )
            if not own:
                continue
            _, peak_value[n, finger], x, y = own[0]
            position[n, finger] = x, y
            far = (o for o in own if hypot(o[2] - x, o[3] - y) > SECOND_PEAK_DISTANCE * hand_px)
            second_peak[n, finger] = next(far, (0.0,))[0]
    return AssignedTips(position, peak_value, second_peak)


def _follow(
    frames: Sequence[TipPeaks | None], time_s: FloatArray, middle_px: FloatArray, hand_px: float
) -> list[list[_Tip]]:
    """Return the tips of each frame, those that are one and the same with the same votes."""
    result: list[list[_Tip]] = []
    alive: list[_Votes] = []
    for peaks, now_s, (left, top) in zip(frames, time_s.tolist(), middle_px.tolist(), strict=True):
        alive = [votes for votes in alive if now_s - votes.last_s <= MOST_MISSED_S]
        tips = _tips(peaks, now_s, SAME_PLACE * hand_px) if peaks else []
        steps = [
            (hypot(tip.x - left - votes.x, tip.y - top - votes.y), n, m)
            for n, tip in enumerate(tips)
            for m, votes in enumerate(alive)
        ]
        taken: set[int] = set()
        for _, n, m in sorted(s for s in steps if s[0] <= MOST_STEP * hand_px):
            if m not in taken and tips[n].votes.last_s < now_s:
                tips[n].votes = alive[m]
                tips[n].votes.last_s = now_s
                taken.add(m)
        for tip in tips:
            votes = tip.votes
            if votes.last_s < now_s:
                votes.last_s = now_s
                alive.append(votes)
            votes.x, votes.y = tip.x - left, tip.y - top
            for finger, (peak_value, _, _) in tip.answers.items():
                votes.sums[finger] += peak_value
        result.append(tips)
    return result


def _tips(peaks: TipPeaks, now_s: float, reach_px: float) -> list[_Tip]:
    """Gather the peaks of all fingers, highest first, to places where some finger ends."""
    answers = sorted(
        (
            (peak_value, finger, x, y)
            for finger, (peak_values, places) in enumerate(
                zip(peaks.peak_value.tolist(), peaks.position_px.tolist(), strict=True)
            )
            for peak_value, (x, y) in zip(peak_values, places, strict=True)
            if peak_value >= LOWEST
        ),
        reverse=True,
    )
    tips: list[_Tip] = []
    for peak_value, finger, x, y in answers:
        near = min(tips, key=lambda tip: hypot(tip.x - x, tip.y - y), default=None)
        if near is None or hypot(near.x - x, near.y - y) > reach_px:
            near = _Tip(x, y, {}, _Votes(now_s, float("-inf"), 0.0, 0.0))
            tips.append(near)
        near.answers.setdefault(finger, (peak_value, x, y))
    return tips
