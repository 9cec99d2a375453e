"""What of an image is shown, and what is blurred away."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tapscope.hand import KEYPOINTS
from tapscope.visualise.privacy import (
    FINGER_RADIUS,
    HandShape,
    blurred,
    hand_mask,
    only_hand,
)
from tests.filmed_study import noise_image
from tests.hands import hand_shape

HAND = HandShape(KEYPOINTS, hand_shape(160, 120, size=120), np.ones(21), 66.0)


def test_the_mask_holds_the_hand_and_half_a_finger_around_it() -> None:
    mask = hand_mask(HAND, 240, 320)
    x, y = HAND.position_px.round().astype(int).T
    assert (mask[y, x] == 255).all()
    bare = np.zeros_like(mask)
    hull = cv2.convexHull(HAND.position_px.round().astype(np.int32))
    cv2.fillConvexPoly(bare, hull, 255)
    reach = 2 * round(FINGER_RADIUS * HAND.length_px + 2) + 1
    around = cv2.dilate(bare, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    assert not (mask[around == 0]).any()


@pytest.mark.parametrize(
    "doubt",
    [
        {"confidence": np.full(21, 0.4)},
        {"position_px": np.full((21, 2), np.nan)},
        {"length_px": float("nan")},
    ],
    ids=lambda doubt: next(iter(doubt)),
)
def test_what_is_not_sure_uncovers_nothing(doubt: dict[str, object]) -> None:
    assert not hand_mask(replace(HAND, **doubt), 240, 320).any()  # type: ignore[arg-type]


def test_a_keypoint_far_off_uncovers_nothing() -> None:
    away = HAND.position_px.copy()
    away[KEYPOINTS.index("little_tip")] = (10, 10)
    mask = hand_mask(replace(HAND, position_px=away), 240, 320)
    assert not mask[:30, :30].any()
    away[KEYPOINTS.index("little_mcp")] = (10, 10)
    assert not hand_mask(replace(HAND, position_px=away), 240, 320)[:30, :30].any()


def test_a_face_beside_or_behind_the_hand_is_gone() -> None:
    image = noise_image()
    shown = only_hand(image, HAND, HAND.length_px)
    mask = hand_mask(HAND, 240, 320) > 0
    assert (shown[mask] == image[mask]).all()
    assert (shown[~mask] == blurred(image, HAND.length_px / 2)[~mask]).all()
    assert (only_hand(image, None, HAND.length_px) != image).any(axis=2).mean() > 0.99


@pytest.mark.parametrize("block_px", [0.0, 5.0, 33.0])
def test_what_is_blurred_away_cannot_be_told(block_px: float) -> None:
    """Two images with the same means of blocks are the same when they are blurred."""
    image = np.full((240, 320, 3), 128, np.uint8)
    striped = image.copy()
    striped[:, ::2], striped[:, 1::2] = 28, 228
    difference = blurred(striped, block_px).astype(int) - blurred(image, block_px)
    assert np.abs(difference).max() <= 12
