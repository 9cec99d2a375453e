"""The crop of the chosen hand over time."""

import numpy as np
import pytest

from tapscope.pose.crop_path import CropPath, crop_path
from tapscope.pose.survey import SurveyResult
from tapscope.pose.thresholds import DEFAULTS
from tapscope.pose.track import HandTrack
from tests.hands import Shape, detection, hand_shape

TIME_S = [0.0833 * n for n in range(60)]


def track(shape: Shape, first: int = 0, last: int = 59) -> HandTrack:
    shapes = {n: shape(n) for n in range(first, last + 1)}
    return HandTrack({n: detection(s) for n, s in shapes.items() if s is not None})


def path(*pieces: HandTrack, scale: float = 1.0) -> CropPath:
    return crop_path(pieces, SurveyResult(TIME_S, list(pieces), scale))


def tapping(n: int) -> np.ndarray:
    return hand_shape(150, 100, aperture=0.3 + 0.3 * (n % 2), size=100)


def test_crop_shows_an_open_hand_while_it_is_closed() -> None:
    found = path(track(tapping))
    whole = np.concatenate([tapping(0), tapping(1)])
    for time_s in TIME_S:
        box = found.box(time_s)
        assert box is not None
        reach_px = np.abs(whole - (box.x, box.y)).max()
        assert reach_px < DEFAULTS.max_reach * box.side
        assert np.ptp(whole, axis=0).max() > 0.7 * box.side  # and little else


def test_crop_of_a_tapping_hand_hardly_moves() -> None:
    found_path = path(track(tapping))
    boxes = [found for t in np.arange(0, 4.9, 1 / 30) if (found := found_path.box(t))]
    steps = np.abs(np.diff([(b.x, b.y, b.side) for b in boxes], axis=0))
    assert steps.max() < 0.5


def test_crop_goes_with_a_moving_hand_without_lag() -> None:
    found = path(track(lambda n: hand_shape(100 + 6.0 * n, 100, aperture=0.4, size=100)))
    for n in (0, 20, 40, 59):
        box = found.box(TIME_S[n])
        still = path(track(lambda _, x=100 + 6.0 * n: hand_shape(x, 100, aperture=0.4, size=100)))  # type: ignore[misc]
        expected = still.box(TIME_S[n])
        assert box is not None
        assert expected is not None
        assert (box.x, box.y) == pytest.approx((expected.x, expected.y), abs=1.0)


def test_stray_sample_does_not_move_the_crop() -> None:
    def stray(n: int) -> np.ndarray:
        return hand_shape(150 if n != 30 else 250, 100, aperture=0.4, size=100)

    box, other = path(track(stray)).box(TIME_S[30]), path(track(stray)).box(TIME_S[5])
    assert box is not None
    assert other is not None
    assert box.x == pytest.approx(other.x, abs=2)


def test_pixels_of_the_reduced_image_become_those_of_the_image() -> None:
    box, large = (path(track(tapping), scale=s).box(1.0) for s in (1.0, 3.0))
    assert box is not None
    assert large is not None
    assert large.side == pytest.approx(3 * box.side)
    assert (large.x + 0.5, large.y + 0.5) == pytest.approx((3 * (box.x + 0.5), 3 * (box.y + 0.5)))


def test_no_crop_where_the_hand_is_away() -> None:
    found = path(track(tapping, 5, 20), track(tapping, 40, 50))
    assert [found.box(TIME_S[n]) is None for n in (0, 10, 30, 45, 55)] == [
        True, False, True, False, True,
    ]  # fmt: skip
    assert path().box(0.0) is None


def test_crop_crosses_a_short_gap_beside_itself() -> None:
    found = path(track(tapping, 5, 20), track(tapping, 25, 50))
    assert found.box(TIME_S[22]) is not None
