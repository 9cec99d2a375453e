"""Find hands in a whole image with the network that places their keypoints.

The image is seen whole at two low resolutions. Where many keypoints answer together there may be a
hand: a candidate. Each candidate is verified in a crop, and kept if its score is high enough.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.hand import Measured
from tapscope.network.crop import BORDER, CropBox
from tapscope.network.engine import Engine
from tapscope.pose.detection import HandDetection, box_around, predict_crops
from tapscope.pose.overlap import distance, distinct_hands, size_ratio
from tapscope.pose.thresholds import DEFAULTS, PoseSettings

_REACH_PX: Final = 48
"""Pixels of the reduced image, from the middle of a candidate, within which its keypoints lie."""
_FADING_PX: Final = 30
"""Standard deviation of the Gaussian by which peaks further from the middle count less."""


def find_hands(
    engine: Engine,
    image: NDArray[np.uint8],
    size_px: int,
    settings: PoseSettings = DEFAULTS,
) -> list[HandDetection]:
    """Return the hands in an image, the highest-scoring first.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    size_px
        Side of the crops in which candidates are verified.
    """
    boxes = [
        box
        for long_side_px in settings.long_sides_px
        for box in find_candidates(engine, image, long_side_px, settings)
    ]
    return verify_candidates(engine, image, boxes, size_px, settings, most=settings.max_candidates)


def verify_candidates(
    engine: Engine,
    image: NDArray[np.uint8],
    boxes: Sequence[CropBox],
    size_px: int,
    settings: PoseSettings = DEFAULTS,
    *,
    most: int,
) -> list[HandDetection]:
    """Return the hands that are seen in crops of an image, the highest-scoring first.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    boxes
        Candidates.
    size_px
        Side of the crops.
    most
        How many are followed up in corrected crops; twice as many are seen at first.
    """
    threshold = settings.detection_threshold
    boxes = _distinct_boxes(boxes)[: 2 * most]
    hands: list[HandDetection] = []
    for attempt in range(3):  # each answer corrects the crop for the next
        if not boxes:
            break
        hands = predict_crops(engine, [image] * len(boxes), boxes, size_px)
        hands.sort(key=lambda h: -h.score)
        if attempt == 0 and hands[0].score < threshold:  # it may lie across, or be upside down
            boxes = [
                replace(hand.box, rotation_deg=rotation_deg)
                for hand in hands[: settings.max_rotated]
                for rotation_deg in (90.0, 180.0, 270.0)
            ]
            hands += predict_crops(engine, [image] * len(boxes), boxes, size_px)
        hands = [h for h in hands if h.score >= threshold / 2]
        hands.sort(key=lambda h: -h.score)
        corrected = (hand.refined_bbox(settings) for hand in hands)
        boxes = _distinct_boxes([b for b in corrected if b is not None])[:most]
    return distinct_hands((h for h in hands if h.score >= threshold), settings)


def find_candidates(
    engine: Engine,
    image: NDArray[np.uint8],
    long_side_px: int,
    settings: PoseSettings = DEFAULTS,
) -> list[CropBox]:
    """Return crops about the places where keypoints answer in the whole image.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    long_side_px
        Longer side of the image as the network sees it.
    """
    height, width = image.shape[:2]
    scale = long_side_px / max(height, width)
    small_height, small_width = max(1, round(height * scale)), max(1, round(width * scale))
    small = cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_AREA)
    divisor = engine.size_divisor
    sides = (-(-small_height // divisor) * divisor, -(-small_width // divisor) * divisor)
    padded = np.empty((*sides, 3), np.uint8)
    padded[:] = BORDER
    padded[:small_height, :small_width] = small
    heat = engine.heatmaps(padded[None])[0].clip(0, 1)
    heat = heat.repeat(engine.stride, axis=1).repeat(engine.stride, axis=2)
    # Keypoints of one hand lie within a few dozen pixels: blurred together they make one hill.
    hill = cv2.GaussianBlur(heat.sum(axis=0), (0, 0), 5)
    boxes = []
    for _ in range(settings.max_candidates):
        row, column = (int(v) for v in np.unravel_index(int(hill.argmax()), hill.shape))
        if hill[row, column] < settings.candidate_sum:
            break
        box = _group_peaks(heat, row, column, engine.measured, settings)
        cv2.circle(hill, (column, row), 14, 0.0, -1)
        if box is not None:
            x, y = ((v + 0.5) / scale - 0.5 for v in (box.x, box.y))
            boxes.append(CropBox(x, y, box.side / scale))
    return boxes


def _distinct_boxes(boxes: Sequence[CropBox]) -> list[CropBox]:
    """Drop crops that show nearly the same as an earlier one."""
    kept: list[CropBox] = []
    for box in boxes:
        if all(distance(box, other) > 0.25 or size_ratio(box, other) > 1.7 for other in kept):
            kept.append(box)
    return kept


def _group_peaks(
    heat: NDArray[np.float32], row: int, column: int, measured: Measured, settings: PoseSettings
) -> CropBox | None:
    """Return a crop about the keypoints near a place; None with under three of them."""
    top, left = max(0, row - _REACH_PX), max(0, column - _REACH_PX)
    part = heat[:, top : row + _REACH_PX + 1, left : column + _REACH_PX + 1]
    height, width = part.shape[1:]
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows + top - row, columns + left - column).astype(np.float32)
    fades = np.where(away < _REACH_PX, np.exp(-0.5 * (away / _FADING_PX) ** 2), np.float32(0))
    near = (part * fades).reshape(len(part), -1)
    index = near.argmax(axis=1)
    place = np.column_stack([index % width + left, index // width + top]).astype(float)
    each = np.arange(len(part))
    value = np.where(near[each, index] > 0, part.reshape(len(part), -1)[each, index], 0)
    seen = np.where(value > settings.candidate_peak, 1.0, 0.0)
    return box_around(place, seen, measured, settings=settings)
