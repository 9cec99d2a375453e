"""Which of the hands in a recording is the one that taps."""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tapscope.pose.detection import HandDetection
from tapscope.pose.thresholds import DEFAULTS, PoseSettings


def choose_track(
    tapping_score: Sequence[float],
    mean_x: Sequence[float],
    hand: str,
    settings: PoseSettings = DEFAULTS,
) -> tuple[int | None, str]:
    """Choose among the hands of a recording.

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
    least = settings.both_tap_ratio * tapping_score[first]
    if hand and tapping_score[second] > least > 0:
        left, right = sorted((first, second), key=lambda n: mean_x[n])
        return (left if hand == "right" else right), "side_by_place"
    return first, "taps_most"


def tapping_score(
    views: Sequence[HandDetection | None], settings: PoseSettings = DEFAULTS
) -> float:
    """Return how much a hand taps: the range of its aperture, in palms, over a few samples.

    A hand that rests or travels scores near zero, and a hand seen in half the recording half; where
    tips are unsure nothing is known.

    Parameters
    ----------
    views
        What was seen in each sample of the recording.
    """
    aperture = np.full(len(views), np.nan)
    for n, view in enumerate(views):
        if view is None or view.confidence[view.measured.tips].min() < settings.min_tip_confidence:
            continue
        thumb, index, wrist, knuckle = view.position_px[list(view.measured)]
        tips, palm = np.linalg.norm(thumb - index), np.linalg.norm(knuckle - wrist)
        least_px = settings.min_palm_share * settings.hand_to_crop_ratio * view.box.side
        aperture[n] = min(float(tips) / max(float(palm), least_px), settings.max_aperture_palms)
    if len(aperture) < settings.span_samples:
        return 0.0
    change = np.ptp(sliding_window_view(aperture, settings.span_samples), axis=1)
    known = np.isfinite(change)
    if not known.any():
        return 0.0
    # The upper half of the changes: a halt or a slow opening must not hide the tapping.
    return float(np.percentile(change[known], 75) * known.mean())


def mean_x(views: Sequence[HandDetection | None]) -> float:
    """Return where a hand was in the image, in pixels from its left; NaN if never seen."""
    xs = [v.box.x for v in views if v is not None]
    return float(np.mean(xs)) if xs else float("nan")
