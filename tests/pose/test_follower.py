"""Following one hand from frame to frame, without looking ahead."""

import numpy as np

from tapscope.pose.follower import HandFollower
from tests.hands import DotEngine, Shape, hand_shape, opening, paint


def hand_at(x: float, y: float = 120.0, size: float = 100.0) -> Shape:
    return lambda n: hand_shape(x, y, aperture=opening(n), size=size)


def test_a_tapping_hand_is_followed_without_another_search() -> None:
    engine = DotEngine()
    follower = HandFollower(engine)
    first = follower.see(paint([hand_at(150)(0)]), 0.0)
    assert first is not None
    seen_before = engine.images_seen
    for n in range(1, 40):
        shape = hand_shape(150 + 2 * n, 120, aperture=opening(n), size=100.0)
        view = follower.see(paint([shape]), n / 30)
        assert view is not None, n
        assert np.linalg.norm(view.position_px[[4, 8]] - shape[[4, 8]], axis=1).max() < 3
    assert engine.images_seen - seen_before == 39  # one crop a frame


def test_frames_may_be_left_out() -> None:
    follower = HandFollower(DotEngine())
    seen = [
        follower.see(paint([hand_shape(150 + n, 120, aperture=opening(n))]), n / 30)
        for n in range(0, 60, 3)
    ]
    assert all(view is not None for view in seen)


def test_a_hand_that_leaves_is_lost_and_found_again() -> None:
    follower = HandFollower(DotEngine())
    empty = np.zeros((240, 320, 3), np.uint8)
    follower.see(paint([hand_at(100)(0)]), 0.0)
    seen = [follower.see(empty, n / 30) for n in range(1, 20)]
    assert seen == [None] * 19
    found = [follower.see(paint([hand_at(220)(n)]), n / 30) for n in range(20, 23)]
    assert found[-1] is not None
    assert abs(found[-1].box.x - 220) < 30


def test_what_scores_too_low_over_a_second_is_no_hand() -> None:
    follower = HandFollower(DotEngine(faint_peak=0.25))
    faint = paint([], faint=[hand_shape(150, 120)])
    assert [follower.see(faint, n / 30) for n in range(5)] == [None] * 5
    follower.see(paint([hand_at(150)(0)]), 0.2)
    seen = [follower.see(faint, 0.2 + n / 30) is not None for n in range(1, 45)]
    assert not any(seen[-10:])


def test_a_better_hand_elsewhere_is_taken_when_asked_for() -> None:
    follower = HandFollower(DotEngine(faint_peak=0.45))
    behind = hand_shape(80, 120, size=90.0)
    for n in range(3):
        view = follower.see(paint([], faint=[behind]), n / 30)
    assert view is not None
    both = paint([hand_shape(230, 120, size=90.0)], faint=[behind])
    kept = follower.see(both, 3 / 30)
    assert kept is not None
    assert abs(kept.box.x - 80) < 30
    taken = [follower.look_elsewhere(both, n / 30) for n in (4, 5)][-1]
    assert taken is not None
    assert abs(taken.box.x - 230) < 30
    followed = follower.see(both, 6 / 30)
    assert followed is not None
    assert abs(followed.box.x - 230) < 30


def test_the_engine_is_made_ready_for_all_sizes() -> None:
    engine = DotEngine()
    HandFollower(engine).warm_up(np.zeros((240, 320, 3), np.uint8))
    assert engine.images_seen == 3
