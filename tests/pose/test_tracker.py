"""The whole way from frames to keypoints, with an engine that sees coloured dots."""

import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from tapscope.hand import INDEX_TIP, THUMB_TIP
from tapscope.pose.tracker import track_hand
from tapscope.records import FrameBatch, Keypoints
from tests.hands import DotEngine, Shape, film, hand_shape, opening, turned

TIPS = [THUMB_TIP, INDEX_TIP]


def moving(n: int) -> np.ndarray:
    return hand_shape(110 + 1.5 * n, 120, aperture=opening(n), size=90)


def still_moving(n: int) -> np.ndarray:
    return hand_shape(80, 120, aperture=opening(n), size=70)


def resting(n: int) -> np.ndarray:
    return hand_shape(250, 120, aperture=0.3, size=90)


def tip_error_px(found: Keypoints, truth: Shape) -> np.ndarray:
    """Return the larger error of both tips in each frame; NaN where they are not placed."""
    shapes = [truth(n) for n in range(len(found.time_s))]
    expected = np.stack([np.full((2, 2), np.nan) if s is None else s[TIPS] for s in shapes])
    error: np.ndarray = np.linalg.norm(found.position_px[:, TIPS] - expected, axis=2).max(axis=1)
    return error


def assert_placed(found: Keypoints, truth: Shape) -> None:
    """Assert that the tips are placed right where there is a hand, and nowhere else."""
    is_there = np.array([truth(n) is not None for n in range(len(found.time_s))])
    assert np.flatnonzero((found.reason == "") != is_there).tolist() == []
    # Closed tips hide each other's dots.
    assert np.percentile(tip_error_px(found, truth)[is_there], 95) < 3.6
    assert np.isnan(found.position_px[~is_there]).all()
    assert (found.confidence[~is_there] == 0).all()


def test_moving_hand_is_followed_in_every_frame() -> None:
    found = track_hand(film(64, moving), DotEngine())
    assert_placed(found, moving)
    assert found.info["hand_choice"] == "only_hand"
    assert np.allclose(found.time_s, np.arange(64) / 30)


def test_hand_that_taps_is_taken_not_the_one_that_rests() -> None:
    for hands in ((still_moving, resting), (resting, still_moving)):
        found = track_hand(film(48, *hands), DotEngine(), hand="left", hand_source="file name")
        assert_placed(found, still_moving)
        assert found.info == {
            "hand": "left",
            "hand_choice": "taps_most",
            "hands_seen": "2",
            "hand_source": "file name",
            "frames_reassigned": "0",
        }


def test_what_looks_a_little_like_a_hand_hides_none_that_comes_later() -> None:
    def wall(n: int) -> np.ndarray | None:
        return hand_shape(60, 70, aperture=0.3, size=60) if n >= 6 else None

    def patient(n: int) -> np.ndarray | None:
        return hand_shape(220, 130, aperture=opening(n), size=90) if n >= 36 else None

    found = track_hand(film(100, patient, faint=wall), DotEngine(faint_peak=0.35))
    assert_placed(found, patient)


def test_hand_that_begins_to_tap_while_another_rests_is_placed_from_its_first_frame() -> None:
    def late(n: int) -> np.ndarray | None:
        return still_moving(n) if n >= 8 else None

    assert_placed(track_hand(film(80, resting, late), DotEngine()), late)


def test_hand_that_taps_late_is_placed_from_the_beginning() -> None:
    def first(n: int) -> np.ndarray:
        return hand_shape(80, 120, aperture=opening(n) if n < 40 else 0.3, size=70)

    def later(n: int) -> np.ndarray:
        return hand_shape(250, 120, aperture=0.3 if n < 40 else opening(n), size=90)

    assert_placed(track_hand(film(140, first, later), DotEngine()), later)


def test_hand_that_moves_fast_is_one_hand() -> None:
    def darts(n: int) -> np.ndarray:
        x = np.interp(n, [60, 66], [80, 240])
        return hand_shape(float(x), 120, aperture=opening(n), size=70)

    found = track_hand(film(130, darts), DotEngine())
    assert (found.reason == "").mean() > 0.97
    assert np.nanpercentile(tip_error_px(found, darts), 95) < 3.6
    assert found.info["hands_seen"] == "1"


def test_hand_that_leaves_and_returns_elsewhere_is_one_hand() -> None:
    def leaves(n: int) -> np.ndarray | None:
        if 60 <= n < 100:
            return None
        return hand_shape(80 if n < 60 else 240, 120, aperture=opening(n), size=70)

    found = track_hand(film(160, leaves), DotEngine())
    assert_placed(found, leaves)
    assert found.info["hands_seen"] == "1"


def test_other_hand_that_comes_later_does_not_take_over() -> None:
    def first(n: int) -> np.ndarray | None:
        return hand_shape(60, 80, aperture=opening(n), size=60) if n < 40 else None

    def other(n: int) -> np.ndarray | None:  # its thumb is on the other side
        shape = hand_shape(0, 160, aperture=0.3, size=60)
        return None if n < 48 else shape * (-1, 1) + (260, 0)

    found = track_hand(film(88, first, other), DotEngine())
    assert_placed(found, first)
    assert found.info["hands_seen"] == "2"


def test_face_does_not_suppress_the_hand_before_it() -> None:
    def face(n: int) -> np.ndarray:
        return hand_shape(160, 115, aperture=0.3, size=160)

    def hand(n: int) -> np.ndarray | None:
        return hand_shape(150, 125, aperture=opening(n), size=90) if n >= 30 else None

    found = track_hand(film(90, hand, faint=face), DotEngine(faint_peak=0.5))
    assert_placed(found, hand)


def test_hidden_hand_is_unknown_and_found_again_at_once() -> None:
    def hides(n: int) -> np.ndarray | None:
        return None if 24 <= n < 48 else hand_shape(160, 120, aperture=opening(n), size=90)

    assert_placed(track_hand(film(80, hides), DotEngine()), hides)


def test_tracks_do_not_depend_on_the_batch_size() -> None:
    def late(n: int) -> np.ndarray | None:
        return moving(n) if n >= 10 else None

    one, *others = (
        track_hand(film(48, resting, late, batch_size=batch_size), DotEngine(batch_size=batch_size))
        for batch_size in (1, 8, 64)
    )
    assert (one.reason == "").sum() == 38
    for other in others:
        assert one.info == other.info
        for name in ("time_s", "position_px", "confidence", "reason", "blur_px", "agreement"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


def test_samples_alone_are_enough_for_the_first_pass() -> None:
    shown = 0

    def open_samples(wanted: Callable[[float], bool]) -> Iterator[FrameBatch]:
        nonlocal shown
        for batch in film(60, moving)():
            kept = [n for n, time_s in enumerate(batch.time_s.tolist()) if wanted(time_s)]
            shown += len(kept)
            yield FrameBatch(batch.pixels[kept], batch.time_s[kept], batch.first_frame)

    some = track_hand(film(60, moving), DotEngine(), open_samples=open_samples)
    every = track_hand(film(60, moving), DotEngine())
    assert shown == 24
    assert some.info == every.info
    for name in ("time_s", "position_px", "confidence", "reason", "blur_px", "agreement"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name), name)


def test_empty_video_has_no_hand_anywhere() -> None:
    found = track_hand(film(20), DotEngine())
    assert (found.reason == "no_hand").all()
    assert found.info["hand_choice"] == "none_seen"
    assert len(track_hand(film(0), DotEngine()).time_s) == 0


class LeaningEngine(DotEngine):
    """Sees the index tip to the right of where it is, so elsewhere in a mirror."""

    def tensor_heatmaps(self, pixels: np.ndarray) -> torch.Tensor:
        answer = super().tensor_heatmaps(pixels)
        answer[:, INDEX_TIP] = answer[:, INDEX_TIP].roll(12, dims=2)
        return answer


@pytest.mark.parametrize(("engine", "agreed"), [(DotEngine(), 1.0), (LeaningEngine(), 0.0)])
def test_tips_that_a_mirror_moves_are_disputed(engine: DotEngine, agreed: float) -> None:
    found = track_hand(film(48, moving), engine)
    asked = found.agreement[np.isfinite(found.agreement)]
    assert asked.tolist() == [agreed] * 3


def test_hand_that_turns_over_is_followed() -> None:
    def turning(n: int) -> np.ndarray:
        return turned(hand_shape(160, 120, aperture=opening(n), size=90), 2.0 * n)

    assert_placed(track_hand(film(96, turning), DotEngine()), turning)


def test_images_are_let_go() -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def open_frames() -> Iterator[FrameBatch]:
        nonlocal most
        for batch in film(120, still_moving, batch_size=4)():
            alive.append(weakref.ref(batch.pixels))
            most = max(most, sum(reference() is not None for reference in alive))
            yield batch

    track_hand(open_frames, DotEngine())
    assert most <= 7  # 28 frames: three slots of 7.5 frames at most, and one batch


def test_network_sees_few_images_for_each_frame() -> None:
    engine = DotEngine()
    track_hand(film(96, moving), engine)
    # One look a frame, 0.4 for the samples of the first pass, searches and second looks besides.
    assert engine.images_seen < 96 * 2.0
