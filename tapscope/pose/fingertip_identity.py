"""Which fingertip is which, settled over a recording rather than in each frame.

The network answers for one frame at a time, and in a hard one takes the middle finger for the
index finger. But a tip that stays at nearly the same place of the hand from frame to frame is one
tip all along. The answers of its frames are put together: what is clearly middle, ring or little
finger rather than index finger over that time is the index finger in none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import hypot
from typing import Final

import numpy as np

from tapscope.hand import FINGERTIPS
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.records import FloatArray

TAPPING: Final = 2
"""So many fingertips tap, the first: thumb and index finger."""


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
    """Value and place of the peak of each finger that answers here."""
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
    """Peak values summed, one a finger."""

    def vote_weight(self, finger: int, settings: PoseSettings) -> float:
        """Return what an answer that this tip is `finger` is worth, 0 to 1."""
        if self.last_s - self.first_s < settings.min_vote_s:
            return 1.0
        if max(self.sums[TAPPING:]) > settings.vote_ratio * self.sums[finger]:
            return 0.0
        if self.sums[finger] >= max(self.sums[:TAPPING]):
            return 1.0
        return settings.other_tapping_weight


def assign_fingertips(
    frames: Sequence[TipPeaks | None],
    time_s: FloatArray,
    middle_px: FloatArray,
    hand_px: float,
    settings: PoseSettings = DEFAULTS,
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
    tips = _follow(frames, time_s, middle_px, hand_px, settings)
    position = np.full((len(frames), TAPPING, 2), np.nan)
    peak_value, second_peak = np.zeros((len(frames), TAPPING)), np.zeros((len(frames), TAPPING))
    for n, seen in enumerate(tips):
        for finger in range(TAPPING):
            own = sorted(
                (
                    (weight * tip.answers[finger][0], *tip.answers[finger])
                    for tip in seen
                    if finger in tip.answers
                    and (weight := tip.votes.vote_weight(finger, settings)) > 0
                ),
                reverse=True,
            )
            if not own:
                continue
            _, peak_value[n, finger], x, y = own[0]
            position[n, finger] = x, y
            least_px = settings.second_peak_distance * hand_px
            far = (o for o in own if hypot(o[2] - x, o[3] - y) > least_px)
            second_peak[n, finger] = next(far, (0.0,))[0]
    return AssignedTips(position, peak_value, second_peak)


def _follow(
    frames: Sequence[TipPeaks | None],
    time_s: FloatArray,
    middle_px: FloatArray,
    hand_px: float,
    settings: PoseSettings,
) -> list[list[_Tip]]:
    """Return the tips of each frame, those that are one and the same with the same votes."""
    result: list[list[_Tip]] = []
    alive: list[_Votes] = []
    for peaks, now_s, (left, top) in zip(frames, time_s.tolist(), middle_px.tolist(), strict=True):
        alive = [votes for votes in alive if now_s - votes.last_s <= settings.max_tip_missed_s]
        tips = _tips(peaks, now_s, hand_px, settings) if peaks else []
        steps = [
            (hypot(tip.x - left - votes.x, tip.y - top - votes.y), n, m)
            for n, tip in enumerate(tips)
            for m, votes in enumerate(alive)
        ]
        taken: set[int] = set()
        for _, n, m in sorted(s for s in steps if s[0] <= settings.max_tip_step * hand_px):
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


def _tips(peaks: TipPeaks, now_s: float, hand_px: float, settings: PoseSettings) -> list[_Tip]:
    """Gather the peaks of all fingers, highest first, to places where some finger ends."""
    answers = sorted(
        (
            (peak_value, finger, x, y)
            for finger, (peak_values, places) in enumerate(
                zip(peaks.peak_value.tolist(), peaks.position_px.tolist(), strict=True)
            )
            for peak_value, (x, y) in zip(peak_values, places, strict=True)
            if peak_value >= settings.min_tip_peak
        ),
        reverse=True,
    )
    tips: list[_Tip] = []
    for peak_value, finger, x, y in answers:
        near = min(tips, key=lambda tip: hypot(tip.x - x, tip.y - y), default=None)
        if near is None or hypot(near.x - x, near.y - y) > settings.same_place * hand_px:
            near = _Tip(x, y, {}, _Votes(now_s, float("-inf"), 0.0, 0.0))
            tips.append(near)
        near.answers.setdefault(finger, (peak_value, x, y))
    return tips
