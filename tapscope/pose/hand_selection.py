"""Which of the hands that were followed is the one that taps."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tapscope.pose.detector import HAND_TO_CROP_RATIO, HandDetection

MIN_TIP_CONFIDENCE = 0.5
"""Confidence of both tips from which a frame says anything of tapping: where they are more likely
wrong than right, their jitter beats the taps of a hand that is seen well."""

SPAN_FRAMES = 4
"""Frames watched over which a change of aperture is taken. From one frame to the next a slow tap
moves little more than the jitter of a hand that rests; over these it moves thrice as far, the
jitter hardly further. Their range, not their ends: fast taps are back again by then."""
RESTING_SHARE = 0.2
"""Of the tapping of another hand, below which a hand rests."""
LEAST_PALM = 0.375
"""Palm over the hand's longer side that is believed: less is a palm that points at the camera, and
would make any jitter of the tips a tap."""


def choose_track(
    tapping_score: list[float], mean_x: list[float], hand: str
) -> tuple[int | None, str]:
    """Choose among hands that were followed.

    Parameters
    ----------
    tapping_score
        How much each one taps.
    mean_x
        Where it stood in the image.
    hand
        Side asked for, or ''.

    Returns
    -------
    index, why
        `why` is written into the record: only_hand, taps_most, or side_by_place (two hands tap;
        a person who faces the camera has the right hand on the image's left).
    """
    if not tapping_score:
        return None, "none_seen"
    if len(tapping_score) == 1:
        return 0, "only_hand"
    order = sorted(range(len(tapping_score)), key=lambda n: -tapping_score[n])
    first, second = order[:2]
    if hand and tapping_score[second] > 0.5 * tapping_score[first] > 0:
        left, right = sorted((first, second), key=lambda n: mean_x[n])
        return (left if hand == "right" else right), "side_by_place"
    return first, "taps_most"


def tapping_score(views: Sequence[HandDetection | None], watched: Sequence[bool]) -> float:
    """Return how much a hand taps: the range of its aperture, in hand lengths, over a few frames.

    A hand that rests or travels scores near zero, and a hand seen in half the video half; where
    tips are unsure nothing is known, frames that were not watched are as if they were not there.

    Parameters
    ----------
    views
        What was seen in each frame.
    watched
        Whether the hand was looked at in each frame.
    """
    aperture = np.full(len(views), np.nan)
    for n, view in enumerate(views):
        if view is not None and view.confidence[view.measured.tips].min() >= MIN_TIP_CONFIDENCE:
            thumb, index, wrist, knuckle = view.position_px[list(view.measured)]
            tips, palm = np.linalg.norm(thumb - index), np.linalg.norm(knuckle - wrist)
            least_px = LEAST_PALM * HAND_TO_CROP_RATIO * view.box.side
            aperture[n] = min(float(tips) / max(float(palm), least_px), 3.0)
    aperture = aperture[np.array(watched, dtype=np.bool_)]
    if len(aperture) < SPAN_FRAMES:
        return 0.0
    change = np.ptp(sliding_window_view(aperture, SPAN_FRAMES), axis=1)
    known = np.isfinite(change)
    if not known.any():
        return 0.0
    # The upper half of the changes: a halt or a slow opening must not hide the tapping.
    return float(np.percentile(change[known], 75) * known.mean())


def is_at_rest(tapping_score: float, others: Sequence[float]) -> bool:
    """Say whether a hand keeps so still beside another that it can hardly be the one that taps."""
    return tapping_score < RESTING_SHARE * max(others, default=0.0)


def mean_x(views: Sequence[HandDetection | None]) -> float:
    """Return where a hand stood in the image, in pixels from its left; NaN if never seen."""
    xs = [v.box.x for v in views if v is not None]
    return float(np.mean(xs)) if xs else float("nan")
