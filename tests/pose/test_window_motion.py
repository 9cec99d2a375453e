"""Tests of the windows in which a hand is followed."""

import numpy as np
import pytest

from tapscope.hand import KEYPOINTS, Measured
from tapscope.network.crop import Window
from tapscope.pose.detector import FILL, HandView
from tapscope.pose.window_motion import LEAST_FILL, MOST_REACH, MOST_STEP, fits, moved_on

WINDOW = Window(100.0, 80.0, 64.0)


def seen_at(x: float, y: float) -> HandView:
    """Return a hand whose keypoints all lie in one place."""
    keypoints = len(KEYPOINTS)
    ones = np.ones(keypoints)
    return HandView(WINDOW, np.tile([x, y], (keypoints, 1)), ones, ones, Measured.among(KEYPOINTS))


@pytest.mark.parametrize(
    ("hand_px", "away_px", "kept"),
    [
        (FILL * WINDOW.side, 0.0, True),
        (1.01 * LEAST_FILL * WINDOW.side, 0.0, True),
        (0.99 * LEAST_FILL * WINDOW.side, 0.0, False),
        (0.6 * WINDOW.side, (MOST_REACH - 0.3) * WINDOW.side - 0.1, True),
        (0.6 * WINDOW.side, (MOST_REACH - 0.3) * WINDOW.side + 0.1, False),
    ],
)
def test_window_is_kept_while_it_shows_the_hand(hand_px: float, away_px: float, kept: bool) -> None:
    for dx, dy in ((away_px, 0.0), (0.0, -away_px)):
        better = Window(WINDOW.x + dx, WINDOW.y + dy, hand_px / FILL)
        assert fits(WINDOW, better) is kept


def test_window_turned_otherwise_is_not_kept() -> None:
    assert not fits(WINDOW, Window(WINDOW.x, WINDOW.y, WINDOW.side, turn_deg=30.0))


def test_window_goes_on_as_the_palm_did() -> None:
    views = [seen_at(100.0 + 0.5 * n, 80.0 - 0.25 * n) for n in range(8)]
    found = moved_on(WINDOW, views)
    assert (found.x, found.y) == pytest.approx((104.0, 78.0))
    assert found.side == WINDOW.side


def test_leap_of_the_palm_moves_the_window_no_further_than_its_limit() -> None:
    found = moved_on(WINDOW, [seen_at(100.0 + 50.0 * n, 80.0) for n in range(8)])
    assert found.x == pytest.approx(WINDOW.x + MOST_STEP * WINDOW.side)
    assert found.y == WINDOW.y


def test_window_stays_where_the_way_is_not_known() -> None:
    views = [seen_at(100.0 + n, 80.0) for n in range(8)]
    assert moved_on(WINDOW, [*views[:3], None, *views[4:]]) == WINDOW
    assert moved_on(WINDOW, views[:2]) == WINDOW
