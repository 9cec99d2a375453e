"""One hand on its way through a video, and what its frames say together."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.ndimage import median_filter

from tapscope.network.crop import CropBox
from tapscope.pose.detector import HAND_TO_CROP_RATIO, HandDetection
from tapscope.pose.fingertip_identity import AssignedTips, assign_fingertips
from tapscope.pose.hand_selection import tapping_score
from tapscope.records import FloatArray

RECENT_FRAMES = 64
"""Frames by which is judged whether a hand rests: two seconds and more."""
MIDDLE_FRAMES = 9
"""Frames over which the middle of the hand is steadied."""
SAME_TIP = 0.1
"""Answers nearer than this share of the hand are the same tip."""


@dataclass(slots=True)
class Track:
    """One hand that is followed."""

    box: CropBox
    """Where it is looked for next."""
    state: Literal["followed", "lost", "ended"] = "followed"
    """Lost hands are searched for; an ended track followed what another one follows, too."""
    frames: list[HandDetection | None] = field(default_factory=list)
    """What was seen in each frame of the video so far."""
    watched: list[bool] = field(default_factory=list)
    """Whether it was looked at in each of these frames, or rested beside a hand that taps."""
    flipped_tips_px: dict[int, FloatArray] = field(default_factory=dict)
    """Thumb and index tip as seen in the mirrored image of some frames; shape (2, 2) each."""

    @classmethod
    def begun(cls, box: CropBox, after: int) -> "Track":
        """Return a track that begins after so many frames of the video."""
        return cls(box, frames=[None] * after, watched=[True] * after)

    @property
    def tapping_score(self) -> float:
        """Return how much it has tapped, see `choice.tapping_score`."""
        return tapping_score(self.frames, self.watched)

    @property
    def recent_tapping_score(self) -> float:
        """Return the same of the last `RECENT_FRAMES`."""
        return tapping_score(self.frames[-RECENT_FRAMES:], self.watched[-RECENT_FRAMES:])

    @property
    def seen(self) -> int:
        """Return in how many frames it was seen."""
        return sum(view is not None for view in self.frames)

    def agreement(self, tips_px: FloatArray) -> FloatArray:
        """Say where the mirrored look found the same tips; see `records.Keypoints.agreement`.

        Parameters
        ----------
        tips_px
            Thumb and index tip of every frame; shape (frames, 2, 2).
        """
        result = np.full(len(tips_px), np.nan)
        for n, again_px in self.flipped_tips_px.items():
            view = self.frames[n]
            if view is not None:
                apart = np.linalg.norm(again_px - tips_px[n], axis=1)
                result[n] = float((apart <= SAME_TIP * HAND_TO_CROP_RATIO * view.box.side).all())
        return result

    def assigned_tips(self, time_s: FloatArray) -> AssignedTips:
        """Settle which fingertips are those of thumb and index finger, over all frames together.

        The steady point of the hand, to which tips are related, is the median of its keypoints. The
        hand must have been seen in some frame, by a network that places all five tips.

        Parameters
        ----------
        time_s
            Time of every frame in seconds.
        """
        seen = [n for n, view in enumerate(self.frames) if view is not None]
        kept = [view for view in self.frames if view is not None]
        middles = np.stack([np.median(view.position_px, axis=0) for view in kept])
        middle_px = np.full((len(self.frames), 2), np.nan)
        middle_px[seen] = median_filter(middles, size=(MIDDLE_FRAMES, 1), mode="nearest")
        hand_px = HAND_TO_CROP_RATIO * float(np.median([view.box.side for view in kept]))
        peaks = [view.tips if view is not None else None for view in self.frames]
        return assign_fingertips(peaks, time_s, middle_px, hand_px)
