"""Which pieces are one hand."""

import numpy as np
import pytest

from tapscope.pose.stitching import chirality, stitch
from tapscope.pose.track import HandTrack
from tests.hands import detection, hand_shape

TIME_S = [0.1 * n for n in range(100)]


def piece(
    first: int,
    last: int,
    x: float,
    *,
    size: float = 80.0,
    peak: float = 0.8,
    colour: float = 150.0,
    is_mirrored: bool = False,
) -> HandTrack:
    """Return a hand that stays at (x, 100) from sample `first` to `last`."""
    shape = hand_shape(0, 100, size=size)
    shape = shape * (-1 if is_mirrored else 1, 1) + (x, 0)
    samples = range(first, last + 1)
    return HandTrack(
        {n: detection(shape, peak=peak) for n in samples},
        dict.fromkeys(samples, (colour, 100.0, 90.0)),
    )


@pytest.mark.parametrize(
    ("after", "is_one_hand"),
    [
        (piece(13, 40, 130.0), True),  # near in time and place
        (piece(60, 90, 400.0), True),  # left and came back elsewhere
        (piece(20, 40, 400.0), False),  # there while the first one is
        (piece(60, 90, 400.0, size=160), False),
        (piece(60, 90, 400.0, peak=0.3), False),
        (piece(60, 90, 400.0, colour=230.0), False),
        (piece(60, 90, 400.0, is_mirrored=True), False),
        (piece(23, 40, 130.0, peak=0.3), False),  # what was behind the hand
    ],
)
def test_pieces_of_one_hand(after: HandTrack, is_one_hand: bool) -> None:
    before = piece(0, 12 if after.first == 13 else 22, 100.0)
    assert len(stitch([before, after], TIME_S)) == (1 if is_one_hand else 2)


def test_nearest_pieces_are_joined_first() -> None:
    left, right = piece(0, 20, 100.0), piece(0, 22, 300.0)
    left_again, right_again = piece(25, 40, 110.0), piece(26, 40, 290.0)
    assert stitch([left, right, left_again, right_again], TIME_S) == [
        [left, left_again],
        [right, right_again],
    ]


def test_hand_of_three_pieces_is_in_the_order_of_time() -> None:
    pieces = [piece(0, 20, 100.0), piece(30, 50, 300.0), piece(70, 90, 100.0)]
    assert stitch(pieces, TIME_S) == [pieces]
    assert stitch([], TIME_S) == []


def test_chirality_has_the_sign_of_the_thumbs_side() -> None:
    assert chirality(piece(0, 3, 0.0)) < -0.2  # the thumb of `hand_shape` is on the left
    assert chirality(piece(0, 3, 0.0, is_mirrored=True)) == -chirality(piece(0, 3, 0.0))
    assert np.isfinite(chirality(piece(0, 0, 0.0)))
