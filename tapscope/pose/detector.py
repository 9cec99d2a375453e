"""Find hands in a whole image with the network that places their keypoints.

The image is seen whole at two low resolutions. Where many keypoints answer together a hand may be;
each such place is cut out, seen again closely, and kept if the network is sure of what it sees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.hand import Measured
from tapscope.network.crop import BORDER, CropBox, take_crop, transform_points
from tapscope.network.engine import Engine, KeypointPrediction
from tapscope.pose.fingertip_identity import TipPeaks
from tapscope.records import FloatArray

LONG_SIDES_PX = (128, 256)
"""Sizes at which the whole image is seen: large hands first, then small ones."""
MOST_CANDIDATES = 4
MOST_TURNED = 2
"""Of these the surest are seen turned by quarters where no hand was seen upright."""
HAND_TO_CROP_RATIO = 0.76
"""Longer side of the hand over the box in which it is followed. What lies about the hand told
the network nothing: filling 0.6 of views of 80 px and 0.8 of views of 64 px hands have the same
size; as many keypoints of held-out images were placed right, and the latter are a third cheaper."""
SAME_HAND = 0.5
"""Hands of which the smaller lies by more than this share within the other are one."""
DETECTION_THRESHOLD = 0.2
"""Score from which a place counts as a hand."""
KEYPOINT_THRESHOLD = 0.1
"""Value of a peak from which a keypoint helps to say where the hand is, even on a wrong finger."""
ROTATE_FROM_DEG = 60.0
"""Boxes are turned by quarters, so that the hand stands upright as in most training images; one
that leans less than this is left as it is, lest its box turn to and fro."""
SHORTEST_PALM = 0.2
"""Wrist to middle knuckle over the hand's longer side, below which it says nothing of direction:
the hand points at the camera."""


@dataclass(frozen=True, slots=True)
class HandDetection:
    """A hand as seen through a box, in image coordinates."""

    box: CropBox
    position_px: FloatArray
    """Shape (keypoints, 2)."""
    confidence: FloatArray
    """Shape (keypoints,)."""
    peak_value: FloatArray
    """Of the peaks, see `engine.KeypointPrediction`; shape (keypoints,)."""
    measured: Measured
    tips: TipPeaks | None = None
    """Where each fingertip may be; None where the network does not place all five."""

    @property
    def score(self) -> float:
        """Mean value of the peaks of the keypoints that are measured: is there a hand?"""
        return float(self.peak_value[list(self.measured)].mean())

    def refined_bbox(self) -> CropBox | None:
        """Return the box in which to see it again; None where too little of it is seen."""
        return box_around(self.position_px, self.peak_value, self.measured, self.box.rotation_deg)


def predict_crops(
    engine: Engine,
    images: Sequence[NDArray[np.uint8]],
    boxes: Sequence[CropBox],
    size_px: int,
    *,
    sure: float = 0.0,
) -> list[HandDetection]:
    """See each image through its box; `sure` as in `Engine.keypoints`."""
    crops = np.stack([take_crop(p, w, size_px) for p, w in zip(images, boxes, strict=True)])
    seen: KeypointPrediction = engine.keypoints(crops, sure=sure)
    views = []
    for n, box in enumerate(boxes):
        to_image = box.to_image(size_px)
        tips = None
        if engine.fingertips:
            tips = TipPeaks(
                transform_points(seen.tip_position_px[n], to_image), seen.tip_peak_value[n]
            )
        place = transform_points(seen.position_px[n], to_image)
        views.append(
            HandDetection(box, place, seen.confidence[n], seen.peak_value[n], engine.measured, tips)
        )
    return views


def box_around(
    position_px: FloatArray, peak_value: FloatArray, measured: Measured, rotation_deg: float = 0.0
) -> CropBox | None:
    """Return the box of a hand of these keypoints; None with under three of them.

    The wrist to knuckle line keeps the box from shrinking to two fingers when the others are
    hidden.

    Parameters
    ----------
    position_px, height
        Places and values of the peaks, shapes (..., keypoints, 2) and (..., keypoints): one
        frame or several together.
    measured
        Which of them are wrist and knuckle.
    rotation_deg
        Turn of the box in which they were seen; kept unless the hand clearly lies across it.
    """
    places = position_px.reshape(-1, 2)[(peak_value >= KEYPOINT_THRESHOLD).ravel()]
    if len(places) < 3:
        return None
    # A few stray keypoints of a long run of frames must not widen the box.
    low, high = np.percentile(places, [1, 99] if peak_value.ndim > 1 else [0, 100], axis=0)
    side = float((high - low).max())
    wrist, knuckle = measured.wrist, measured.middle_mcp
    palms = position_px[..., knuckle, :] - position_px[..., wrist, :]
    sure = (peak_value[..., knuckle] >= KEYPOINT_THRESHOLD) & (
        peak_value[..., wrist] >= KEYPOINT_THRESHOLD
    )
    if np.any(sure):
        side = max(side, 1.3 * float(np.median(np.linalg.norm(palms[sure], axis=-1))))
        across, down = np.median(palms[sure].reshape(-1, 2), axis=0)
        if np.hypot(across, down) > SHORTEST_PALM * side:
            rotation_deg = _upright(float(np.degrees(np.arctan2(across, -down))), rotation_deg)
    middle = (low + high) / 2
    return CropBox(
        float(middle[0]), float(middle[1]), max(side, 8.0) / HAND_TO_CROP_RATIO, rotation_deg
    )


def _upright(direction_deg: float, rotation_deg: float) -> float:
    """Return the quarter turn of a box in which a hand points up, the present one if it may.

    Parameters
    ----------
    direction_deg
        Where wrist to knuckle points in the image: 0 up, 90 to the right.
    rotation_deg
        The present turn of the box.
    """
    lean = (direction_deg - rotation_deg + 180) % 360 - 180
    if abs(lean) <= ROTATE_FROM_DEG:
        return rotation_deg
    return 90.0 * round(direction_deg / 90) % 360


def find_hands(
    engine: Engine,
    image: NDArray[np.uint8],
    size_px: int,
    *,
    most: int = MOST_CANDIDATES,
    followed: Sequence[CropBox] = (),
    long_sides_px: Sequence[int] = LONG_SIDES_PX,
) -> list[HandDetection]:
    """Return the hands in an image, the surest first.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    size_px
        Side of the crops in which candidates are looked at.
    most
        How many candidates are looked at closely.
    followed
        Boxes of hands that are known already; what they show is not looked at again.
    long_sides_px
        Sizes at which the whole image is seen.
    """
    boxes = [
        box
        for long_side in long_sides_px
        for box in _candidates(engine, image, long_side)
        if not overlaps_any(box, followed)
    ]
    boxes = _non_max_suppression(boxes)[: 2 * most]
    hands: list[HandDetection] = []
    for attempt in range(3):  # each look corrects the box for the next
        if not boxes:
            break
        hands = predict_crops(engine, [image] * len(boxes), boxes, size_px)
        hands.sort(key=lambda h: -h.score)
        if (
            attempt == 0 and hands[0].score < DETECTION_THRESHOLD
        ):  # it may lie across, or be upside down
            boxes = [
                replace(hand.box, rotation_deg=turn)
                for hand in hands[:MOST_TURNED]
                for turn in (90.0, 180.0, 270.0)
            ]
            hands += predict_crops(engine, [image] * len(boxes), boxes, size_px)
        hands = [h for h in hands if h.score >= DETECTION_THRESHOLD / 2]
        hands.sort(key=lambda h: -h.score)
        corrected = (hand.refined_bbox() for hand in hands)
        boxes = _non_max_suppression([w for w in corrected if w is not None])[:most]
    found: list[HandDetection] = []
    for hand in hands:
        if hand.score >= DETECTION_THRESHOLD and not overlaps_any(
            hand.box, [other.box for other in found]
        ):
            found.append(hand)
    return found


def distance(a: CropBox, b: CropBox) -> float:
    """Return the distance of two boxes' centres over the smaller side."""
    return float(np.hypot(a.x - b.x, a.y - b.y)) / min(a.side, b.side)


def overlaps_any(box: CropBox, others: Iterable[CropBox]) -> bool:
    """Say whether a box shows the hand, or a part of the hand, that another one shows."""
    return any(_intersection_over_min(box, other) > SAME_HAND for other in others)


def _intersection_over_min(a: CropBox, b: CropBox) -> float:
    """Return which share of the smaller hand's square lies within the other's."""
    reach = HAND_TO_CROP_RATIO * (a.side + b.side) / 2
    smaller = HAND_TO_CROP_RATIO * min(a.side, b.side)
    across, down = (min(max(reach - abs(d), 0.0), smaller) for d in (a.x - b.x, a.y - b.y))
    return across * down / smaller**2


def _non_max_suppression(boxes: Sequence[CropBox]) -> list[CropBox]:
    """Drop boxes that show nearly the same as an earlier one."""
    kept: list[CropBox] = []
    for box in boxes:
        if all(
            distance(box, other) > 0.25 or not 0.6 < box.side / other.side < 1.7 for other in kept
        ):
            kept.append(box)
    return kept


def _candidates(engine: Engine, image: NDArray[np.uint8], long_side: int) -> list[CropBox]:
    """Return boxes around places where keypoints answer in the whole image."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    small_height, small_width = max(1, round(height * scale)), max(1, round(width * scale))
    small = cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_AREA)
    stride = engine.size_divisor
    sides = (-(-small_height // stride) * stride, -(-small_width // stride) * stride)
    padded = np.empty((*sides, 3), np.uint8)
    padded[:] = BORDER
    padded[:small_height, :small_width] = small
    heat = engine.heatmaps(padded[None])[0].clamp(0, 1).cpu().numpy()
    heat = heat.repeat(engine.stride, axis=1).repeat(engine.stride, axis=2)
    # Keypoints of one hand lie within a few dozen pixels: blurred together they make one hill.
    hill = cv2.GaussianBlur(heat.sum(axis=0), (0, 0), 5)
    boxes = []
    for _ in range(MOST_CANDIDATES):
        row, column = (int(v) for v in np.unravel_index(int(hill.argmax()), hill.shape))
        if hill[row, column] < 0.02:
            break
        box = _group_peaks(heat, row, column, engine.measured)
        cv2.circle(hill, (column, row), 14, 0.0, -1)
        if box is not None:
            x, y = ((v + 0.5) / scale - 0.5 for v in (box.x, box.y))
            boxes.append(CropBox(x, y, box.side / scale))
    return boxes


def _group_peaks(
    heat: NDArray[np.float32], row: int, column: int, measured: Measured
) -> CropBox | None:
    """Gather the keypoints about a place, widening the reach as long as new ones lie at its rim."""
    height, width = heat.shape[1:]
    rows, columns = np.ogrid[:height, :width]
    away = np.hypot(rows - row, columns - column)
    near = np.where(away < 48, heat * np.exp(-0.5 * (away / 30) ** 2), 0)
    flat = near.reshape(len(heat), -1)
    index = flat.argmax(axis=1)
    place = np.column_stack([index % width, index // width]).astype(float)
    value = heat.reshape(len(heat), -1)[np.arange(len(heat)), index]
    return box_around(place, np.where(value > 0.15, 1.0, 0.0), measured)
