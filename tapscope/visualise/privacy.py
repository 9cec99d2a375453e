"""Images of a hand in which nobody can be recognised: all but the hand itself is blurred away.

No face detector decides what is hidden, because a face that it misses would be shown. What is shown
is the hand: the keypoints joined as the bones of the fingers and the palm, with a margin of half a
finger. So a face behind or beside the hand is blurred, too.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.hand import KEYPOINTS
from tapscope.records import FloatArray

FINGERS: Final = tuple(KEYPOINTS[n : n + 4] for n in range(1, len(KEYPOINTS), 4))
"""The joints of each finger, from the palm to the tip."""
PALM: Final = ("wrist", "thumb_cmc", "thumb_mcp", *(finger[0] for finger in FINGERS[1:]))

MIN_CONFIDENCE: Final = 0.5
"""A keypoint that is less sure uncovers nothing."""
FINGER_RADIUS: Final = 0.14
"""What is shown around a bone, over the length of the hand (wrist to middle knuckle): half a finger
is 0.09, and the keypoints are not exact."""
LONGEST_BONE: Final = 0.9
"""Bones of a finger that seem longer, over the length of the hand, are mistakes."""
BLOCK: Final = 0.5
"""Side of the blocks of which the mean is left, over the length of the hand: a face is about twice
as wide."""
SMALLEST_BLOCK: Final = 1 / 12
"""The same over the shorter side of the image: a face that fills the image is 6 blocks wide."""


@dataclass(frozen=True, slots=True)
class HandShape:
    """Where the network saw a hand in one image."""

    names: tuple[str, ...]
    position_px: FloatArray
    """Shape (keypoints, 2), NaN unknown."""
    confidence: FloatArray
    """Shape (keypoints,)."""
    length_px: float
    """From wrist to middle knuckle as it is seen from the front; NaN unknown."""

    def known(self, names: tuple[str, ...]) -> FloatArray:
        """Return those of some keypoints that are sure, in their order, shape (known, 2)."""
        places = [self.names.index(name) for name in names if name in self.names]
        sure = [
            n
            for n in places
            if self.confidence[n] >= MIN_CONFIDENCE and np.isfinite(self.position_px[n]).all()
        ]
        return self.position_px[sure]


def hand_mask(hand: HandShape, height: int, width: int) -> NDArray[np.uint8]:
    """Return where an image shows the hand: 255 there, 0 elsewhere, shape (height, width)."""
    mask = np.zeros((height, width), np.uint8)
    if not np.isfinite(hand.length_px):
        return mask
    thickness = max(2, round(2 * FINGER_RADIUS * hand.length_px))
    palm = hand.known(PALM)
    if len(palm) > 2 and _is_compact(palm, hand.length_px):
        hull = cv2.convexHull(_pixels(palm))
        cv2.fillConvexPoly(mask, hull, 255)
        cv2.polylines(mask, [hull], True, 255, thickness)
    for finger in FINGERS:
        for bone in pairwise(finger):
            ends = hand.known(bone)
            if len(ends) == 2 and np.hypot(*(ends[1] - ends[0])) <= LONGEST_BONE * hand.length_px:
                start, end = _pixels(ends).tolist()
                cv2.line(mask, start, end, 255, thickness)
    return mask


def _is_compact(palm: FloatArray, length_px: float) -> bool:
    return bool((np.ptp(palm, axis=0) <= 2 * LONGEST_BONE * length_px).all())


def _pixels(points: FloatArray) -> NDArray[np.int32]:
    return points.clip(-1e4, 1e4).round().astype(np.int32)


def blurred(image: NDArray[np.uint8], block_px: float) -> NDArray[np.uint8]:
    """Return an image of which only the means of blocks are left, with smooth transitions."""
    height, width = image.shape[:2]
    block = max(block_px, SMALLEST_BLOCK * min(height, width), 1)
    small = cv2.resize(
        image,
        (max(1, round(width / block)), max(1, round(height / block))),
        interpolation=cv2.INTER_AREA,
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def only_hand(
    image: NDArray[np.uint8], hand: HandShape | None, usual_length_px: float
) -> NDArray[np.uint8]:
    """Return an image that is blurred away everywhere but at the hand.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    hand
        The hand in it; None where it is not known: then all is blurred.
    usual_length_px
        Length of the hand in most images of the recording; it gives the size of the blocks, which
        must not flicker. NaN unknown.
    """
    hidden = blurred(image, BLOCK * usual_length_px if np.isfinite(usual_length_px) else 0)
    if hand is None:
        return hidden
    mask = hand_mask(hand, *image.shape[:2])
    return np.where(mask[:, :, None] > 0, image, hidden)
