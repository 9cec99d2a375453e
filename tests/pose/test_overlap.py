"""When two detections in one image show one hand."""

import pytest

from tapscope.network.crop import CropBox
from tapscope.pose.overlap import (
    distance,
    distinct_hands,
    intersection_over_union,
    is_another,
    same_hand,
    size_ratio,
)
from tapscope.records import FloatArray
from tests.hands import detection, hand_shape


def test_intersection_over_union_is_that_of_the_squares_about_the_hands() -> None:
    whole = CropBox(100, 100, 100)
    assert intersection_over_union(whole, whole) == pytest.approx(1)
    # Hands of 76 px, half a hand apart: a half in common, one and a half together.
    assert intersection_over_union(whole, CropBox(138, 100, 100)) == pytest.approx(1 / 3)
    assert intersection_over_union(whole, CropBox(100, 100, 50)) == pytest.approx(1 / 4)
    assert intersection_over_union(whole, CropBox(180, 100, 100)) == 0
    assert distance(whole, CropBox(130, 140, 50)) == pytest.approx(1)
    assert size_ratio(whole, CropBox(0, 0, 50)) == pytest.approx(2)


@pytest.mark.parametrize(
    ("shape", "peak", "expected"),
    [
        (hand_shape(105, 100, size=95), 0.5, True),  # nearly the same square
        (hand_shape(190, 100, size=100), 0.5, False),  # hands side by side
        (hand_shape(110, 90, size=50), 0.5, True),  # a part of the hand
        (hand_shape(110, 90, size=50), 0.9, False),  # a hand before a face
    ],
)
def test_one_hand_or_two(shape: FloatArray, peak: float, expected: bool) -> None:
    large = detection(hand_shape(100, 100, size=100), peak=0.7)
    other = detection(shape, peak=peak)
    assert same_hand(large, other) is expected
    assert same_hand(other, large) is expected
    assert len(distinct_hands([large, other])) == 2 - expected


def test_hands_with_the_same_tips_are_one_hand() -> None:
    whole = hand_shape(100, 100, size=100)
    fingers = hand_shape(100, 75, size=50)
    fingers[[4, 8]] = whole[[4, 8]]
    assert same_hand(detection(whole, peak=0.5), detection(fingers, peak=0.9))


def test_higher_scoring_detection_is_kept() -> None:
    kept = distinct_hands([detection(hand_shape(100, 100), peak=p) for p in (0.5, 0.8, 0.6)])
    assert [view.score for view in kept] == [pytest.approx(0.8)]


def test_sudden_change_of_score_and_place_is_another_thing() -> None:
    face = detection(hand_shape(100, 100, size=160), peak=0.4)
    before_it = hand_shape(100, 110, size=80)
    assert is_another(face, detection(before_it, peak=0.9))
    assert not is_another(face, detection(before_it, peak=0.5))
    assert not is_another(face, detection(hand_shape(100, 100, size=150), peak=0.9))
