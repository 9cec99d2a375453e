"""Tests of the boxes in which a hand is followed."""

import numpy as np
import pytest

from tapscope.hand import KEYPOINTS, Measured
from tapscope.network.crop import CropBox
from tapscope.pose.crop_motion import (
    LEAST_FILL,
    MOST_REACH,
    MOST_STEP,
    crop_contains,
    predict_motion,
)
from tapscope.pose.detector import HAND_TO_CROP_RATIO, HandDetection

BOX = CropBox(100.0, 80.0, 64.0)


def seen_at(x: float, y: float) -> HandDetection:
    """Return a hand whose keypoints all lie in one place."""
    keypoints = len(KEYPOINTS)
    ones = np.ones(keypoints)
    return HandDetection(
        BOX, np.tile([x, y], (keypoints, 1)), ones, ones, Measured.among(KEYPOINTS)
    )


@pytest.mark.parametrize(
    ("hand_px", "away_px", "kept"),
    [
        (HAND_TO_CROP_RATIO * BOX.side, 0.0, True),
        (1.01 * LEAST_FILL * BOX.side, 0.0, True),
        (0.99 * LEAST_FILL * BOX.side, 0.0, False),
        (0.6 * BOX.side, (MOST_REACH - 0.3) * BOX.side - 0.1, True),
        (0.6 * BOX.side, (MOST_REACH - 0.3) * BOX.side + 0.1, False),
    ],
)
def test_window_is_kept_while_it_shows_the_hand(hand_px: float, away_px: float, kept: bool) -> None:
    for dx, dy in ((away_px, 0.0), (0.0, -away_px)):
        better = CropBox(BOX.x + dx, BOX.y + dy, hand_px / HAND_TO_CROP_RATIO)
        assert crop_contains(BOX, better) is kept


def test_window_turned_otherwise_is_not_kept() -> None:
    assert not crop_contains(BOX, CropBox(BOX.x, BOX.y, BOX.side, rotation_deg=30.0))


def test_window_goes_on_as_the_palm_did() -> None:
    views = [seen_at(100.0 + 0.5 * n, 80.0 - 0.25 * n) for n in range(8)]
    found = predict_motion(BOX, views)
    assert (found.x, found.y) == pytest.approx((104.0, 78.0))
    assert found.side == BOX.side


def test_leap_of_the_palm_moves_the_window_no_further_than_its_limit() -> None:
    found = predict_motion(BOX, [seen_at(100.0 + 50.0 * n, 80.0) for n in range(8)])
    assert found.x == pytest.approx(BOX.x + MOST_STEP * BOX.side)
    assert found.y == BOX.y


def test_window_stays_where_the_way_is_not_known() -> None:
    views = [seen_at(100.0 + n, 80.0) for n in range(8)]
    assert predict_motion(BOX, [*views[:3], None, *views[4:]]) == BOX
    assert predict_motion(BOX, views[:2]) == BOX
