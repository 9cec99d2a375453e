"""When two squares or two detections in one image show the same hand."""

from collections.abc import Iterable

import numpy as np

from tapscope.network.crop import CropBox
from tapscope.pose.detection import HandDetection
from tapscope.pose.thresholds import DEFAULTS, PoseSettings


def distance(a: CropBox, b: CropBox) -> float:
    """Return the distance of two boxes' centres over the smaller side."""
    return float(np.hypot(a.x - b.x, a.y - b.y)) / min(a.side, b.side)


def size_ratio(a: CropBox, b: CropBox) -> float:
    """Return the larger side over the smaller one."""
    return max(a.side, b.side) / min(a.side, b.side)


def intersection(a: CropBox, b: CropBox, settings: PoseSettings = DEFAULTS) -> float:
    """Return the area in which the squares about two hands overlap, px²."""
    reach = settings.hand_to_crop_ratio * (a.side + b.side) / 2
    smaller = settings.hand_to_crop_ratio * min(a.side, b.side)
    across, down = (min(max(reach - abs(d), 0.0), smaller) for d in (a.x - b.x, a.y - b.y))
    return across * down


def intersection_over_union(a: CropBox, b: CropBox, settings: PoseSettings = DEFAULTS) -> float:
    """Return the intersection over union of the squares about two hands."""
    common = intersection(a, b, settings)
    return common / (settings.hand_to_crop_ratio**2 * (a.side**2 + b.side**2) - common)


def same_hand(a: HandDetection, b: HandDetection, settings: PoseSettings = DEFAULTS) -> bool:
    """Say whether two detections in one image show one hand, or one a part of the other.

    A square within another shows a part of a hand only where the larger one scores at least as
    high. So a face that was taken for a hand does not suppress the hand before it.
    """
    box_a, box_b = a.hand_box(settings), b.hand_box(settings)
    if intersection_over_union(box_a, box_b, settings) > settings.same_hand_iou:
        return True
    tips = a.measured.tips
    apart = np.linalg.norm(a.position_px[tips] - b.position_px[tips], axis=1)
    small_px = settings.hand_to_crop_ratio * min(box_a.side, box_b.side)
    if apart.max() < settings.same_tips * small_px:
        return True
    small, large = (a, b) if box_a.side < box_b.side else (b, a)
    share = intersection(box_a, box_b, settings) / small_px**2
    return share > settings.part_share and large.score >= small.score


def is_another(
    before: HandDetection, now: HandDetection, settings: PoseSettings = DEFAULTS
) -> bool:
    """Say whether a crop suddenly shows another thing: a hand before a followed face, say.

    The two detections, of neighbouring images, differ in score and in place or size.
    """
    scores = sorted((before.score, now.score))
    boxes = before.hand_box(settings), now.hand_box(settings)
    return (
        scores[0] < settings.min_score_ratio * scores[1]
        and intersection_over_union(boxes[0], boxes[1], settings) < settings.same_hand_iou
    )


def distinct_hands(
    views: Iterable[HandDetection], settings: PoseSettings = DEFAULTS
) -> list[HandDetection]:
    """Keep one detection of each hand, the highest-scoring (non-maximum suppression)."""
    kept: list[HandDetection] = []
    for view in sorted(views, key=lambda v: -v.score):
        if not any(same_hand(view, other, settings) for other in kept):
            kept.append(view)
    return kept
