"""One hand as the first pass follows it from sample to sample."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tapscope.network.crop import CropBox
from tapscope.pose.detection import HandDetection
from tapscope.pose.thresholds import DEFAULTS, PoseSettings


@dataclass(slots=True, eq=False)
class HandTrack:
    """A piece of one hand's way through a recording, without a long break."""

    views: dict[int, HandDetection] = field(default_factory=dict)
    """What was seen in each sample of the first pass; samples without the hand are left out."""
    colour: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    """Mean colour of the palm in some of these samples, RGB, levels of 255."""
    alive: bool = True
    """Whether it is followed on."""

    @property
    def first(self) -> int:
        """Return the first sample in which the hand was seen."""
        return min(self.views)

    @property
    def last(self) -> int:
        """Return the last sample in which the hand was seen."""
        return max(self.views)

    def mean_score(self, since: int = 0) -> float:
        """Return the mean score of the samples from `since` on; 0 without any."""
        scores = [view.score for n, view in self.views.items() if n >= since]
        return float(np.mean(scores)) if scores else 0.0

    def nearest(self, sample: int, count: int, *, before: bool) -> list[int]:
        """Return up to `count` samples with the hand next to one, the nearest first."""
        if before:
            return sorted((n for n in self.views if n < sample), reverse=True)[:count]
        return sorted(n for n in self.views if n > sample)[:count]


def expected_box(
    views: Sequence[HandDetection],
    times_s: Sequence[float],
    time_s: float,
    settings: PoseSettings = DEFAULTS,
) -> CropBox:
    """Return the crop in which a hand is expected at a time.

    It goes on as the palm did between the two nearest samples, for the fingers tap, and is as large
    as the largest of all given, for a closed hand opens again.

    Parameters
    ----------
    views, times_s
        Samples in which the hand was seen, the nearest first; earlier or later than `time_s`.
    """
    boxes = [view.hand_box(settings) for view in views]
    nearest = boxes[0]
    side = min(max(box.side for box in boxes), 1.5 * nearest.side)
    shift = np.zeros(2)
    if len(views) > 1 and times_s[0] != times_s[1]:
        speed = (views[0].palm_px() - views[1].palm_px()) / (times_s[0] - times_s[1])
        limit = settings.max_step * nearest.side
        shift = np.clip(speed * (time_s - times_s[0]), -limit, limit)
    return replace(nearest, x=nearest.x + float(shift[0]), y=nearest.y + float(shift[1]), side=side)
