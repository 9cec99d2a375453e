"""Finding, following and choosing a hand, with an engine that sees coloured dots."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from tapscope.hand import INDEX_TIP, KEYPOINTS, MIDDLE_MCP, THUMB_TIP, WRIST, Measured
from tapscope.network.crop import CropBox
from tapscope.pose.detector import (
    HAND_TO_CROP_RATIO,
    HandDetection,
    box_around,
    find_hands,
    overlaps_any,
)
from tapscope.pose.hand_selection import RESTING_SHARE, choose_track, is_at_rest, tapping_score
from tapscope.pose.motion_blur import edge_smear_px
from tapscope.pose.track import Track
from tapscope.pose.tracker import HandTracker, track_hand
from tapscope.records import FrameBatch, Keypoints
from tests.hands import DotEngine, hand_shape, paint

Place = Callable[[int], tuple[float, float] | None]


def tapping(n: int, hz: float = 3.0) -> float:
    return 0.35 + 0.3 * np.sin(2 * np.pi * hz * n / 30)


def film(frames: int, *hands: Callable[[int], np.ndarray | None]) -> Iterator[FrameBatch]:
    """Yield frames 1/30 s apart, each hand drawn where its function says."""
    for start in range(0, frames, 16):
        numbers = range(start, min(frames, start + 16))
        shown = [[j for h in hands if (j := h(n)) is not None] for n in numbers]
        yield FrameBatch(
            np.stack([paint(keypoints) for keypoints in shown]), np.array(numbers) / 30.0, start
        )


def moving(n: int) -> np.ndarray:
    return hand_shape(110 + 1.5 * n, 120, aperture=tapping(n), size=90)


def resting(n: int) -> np.ndarray:
    return hand_shape(250, 120, aperture=0.3, size=90)


def tip_error(found: Keypoints, truth: Callable[[int], np.ndarray]) -> np.ndarray:
    tips = [THUMB_TIP, INDEX_TIP]
    expected = np.stack([truth(n)[tips] for n in range(len(found.time_s))])
    error: np.ndarray = np.linalg.norm(found.position_px[:, tips] - expected, axis=2).max(axis=1)
    return error


def test_hands_are_found_in_a_whole_image() -> None:
    places = [hand_shape(80, 120, size=90), hand_shape(250, 100, size=60)]
    found = find_hands(DotEngine(), paint(places), 96)
    assert len(found) == 2
    for keypoints in places:
        errors = [np.linalg.norm(h.position_px - keypoints, axis=1).max() for h in found]
        assert min(errors) < 3
    assert find_hands(DotEngine(), paint([]), 96) == []


def test_hand_that_is_followed_is_not_looked_at_again() -> None:
    image = paint([hand_shape(80, 120, size=90), hand_shape(250, 100, size=60)])
    all_new, one_new = DotEngine(), DotEngine()
    first, second = find_hands(all_new, image, 96)
    (found,) = find_hands(one_new, image, 96, followed=[first.box])
    assert found.position_px == pytest.approx(second.position_px, abs=1.0)
    assert one_new.images_seen < all_new.images_seen


def test_moving_hand_is_followed_in_every_frame() -> None:
    found = track_hand(film(64, moving), DotEngine())
    assert (found.reason == "").all()
    assert np.percentile(tip_error(found, moving), 95) < 2.0
    assert found.info["hand_choice"] == "only_hand"
    assert np.allclose(found.time_s, np.arange(64) / 30)


def test_hand_that_taps_is_taken_not_the_one_that_rests() -> None:
    def still_moving(n: int) -> np.ndarray:
        return hand_shape(80, 120, aperture=tapping(n), size=70)

    for hands in ((still_moving, resting), (resting, still_moving)):
        found = track_hand(film(48, *hands), DotEngine(), hand="left", hand_source="file name")
        assert np.nanmax(tip_error(found, still_moving)) < 3.5
        assert found.info["hand_choice"] == "taps_most"
        assert found.info["hands_seen"] == "2"


def test_lost_hand_is_unknown_and_taken_up_again() -> None:
    def hides(n: int) -> np.ndarray | None:
        return None if 24 <= n < 48 else hand_shape(160, 120, aperture=tapping(n), size=90)

    found = track_hand(film(80, hides), DotEngine())
    assert (found.reason[:22] == "").all()
    assert (found.reason[24:48] == "no_hand").all()
    assert np.isnan(found.position_px[24:48]).all()
    assert (found.confidence[24:48] == 0).all()
    assert (found.reason[64:] == "").all()


def test_other_hand_far_away_does_not_take_over() -> None:
    def first(n: int) -> np.ndarray | None:
        return hand_shape(50, 80, aperture=tapping(n), size=60) if n < 40 else None

    def second(n: int) -> np.ndarray | None:
        return None if n < 48 else hand_shape(270, 160, aperture=0.3, size=60)

    found = track_hand(film(88, first, second), DotEngine())
    assert (found.reason[:38] == "").all()
    assert (found.reason[41:] == "no_hand").all()


def test_empty_video_has_no_hand_anywhere() -> None:
    found = track_hand(film(20), DotEngine())
    assert (found.reason == "no_hand").all()
    assert found.info["hand_choice"] == "none_seen"
    nothing = track_hand(iter(()), DotEngine())
    assert len(nothing.time_s) == 0


class LeaningEngine(DotEngine):
    """Sees the index tip to the right of where it is, so elsewhere in a mirror."""

    def heatmaps(self, pixels: np.ndarray) -> torch.Tensor:
        answer = super().heatmaps(pixels)
        answer[:, INDEX_TIP] = answer[:, INDEX_TIP].roll(12, dims=2)
        return answer


@pytest.mark.parametrize(("engine", "agreed"), [(DotEngine(), 1.0), (LeaningEngine(), 0.0)])
def test_tips_that_a_mirror_moves_are_disputed(engine: DotEngine, agreed: float) -> None:
    found = track_hand(film(48, moving), engine)
    asked = found.agreement[np.isfinite(found.agreement)]
    assert asked.tolist() == [agreed] * 3


def test_part_of_a_hand_that_is_followed_is_no_other_hand() -> None:
    whole, part = CropBox(100, 100, 150), CropBox(120, 85, 60)
    assert overlaps_any(part, [whole])
    assert overlaps_any(whole, [part])
    assert not overlaps_any(CropBox(190, 100, 150), [whole])  # hands side by side
    assert not overlaps_any(part, [])


def test_of_two_tracks_on_one_hand_the_younger_ends() -> None:
    first, second, *rest = film(64, moving)
    tracker = HandTracker(DotEngine())
    tracker.add(first)
    (track,) = tracker._tracks
    double = Track.begun(replace(track.box, side=0.8 * track.box.side), 16)
    tracker._tracks.insert(0, double)
    for batch in (second, *rest):
        tracker.add(batch)
    assert (track.state, track.seen) == ("followed", 64)
    assert (double.state, double.seen) == ("ended", 8)
    assert np.percentile(tip_error(tracker.finish(), moving), 95) < 2.0


def test_search_of_the_whole_image_is_rare() -> None:
    engine = DotEngine()
    list_of_frames = list(film(96, moving))
    track_hand(list_of_frames, engine)
    # One look a frame, some searches and second looks besides.
    assert engine.images_seen < 96 * 1.7


@pytest.mark.parametrize(
    ("taps", "mean_x", "hand", "expected"),
    [
        ([], [], "", (None, "none_seen")),
        ([0.2], [10.0], "left", (0, "only_hand")),
        ([0.1, 0.5], [10.0, 90.0], "right", (1, "taps_most")),
        ([0.4, 0.5], [10.0, 90.0], "right", (0, "side_by_place")),
        ([0.4, 0.5], [10.0, 90.0], "left", (1, "side_by_place")),
        ([0.4, 0.5], [10.0, 90.0], "", (1, "taps_most")),
    ],
)
def test_choice(
    taps: list[float], mean_x: list[float], hand: str, expected: tuple[int | None, str]
) -> None:
    assert choose_track(taps, mean_x, hand) == expected


def opened(aperture_px: np.ndarray, confidence: float = 0.9) -> list[HandDetection | None]:
    """Return views of a hand with a palm of 50 px, frame after frame."""
    return [
        HandDetection(
            CropBox(100, 100, 150),
            np.array([[100, 30 + px], [100, 30], [100, 150], [100, 100]]),
            np.full(4, confidence),
            np.full(4, confidence),
            Measured(0, 1, 2, 3),
        )
        for px in aperture_px
    ]


def taps(views: list[HandDetection | None]) -> float:
    return tapping_score(views, [True] * len(views))


def test_jitter_of_unsure_tips_is_no_tapping() -> None:
    wide, narrow = (30 + px * (np.arange(30) % 2) for px in (40.0, 10.0))
    assert taps(opened(wide, 0.4)) == 0.0
    assert taps(opened(wide)) > taps(opened(narrow)) > 0
    assert taps([*opened(narrow), *[None] * 30]) < taps(opened(narrow))
    few = [n % 8 < 2 for n in range(30)]
    every = zip(opened(narrow), few, strict=True)
    some = [view if is_watched else None for view, is_watched in every]
    assert tapping_score(some, few) == pytest.approx(taps(opened(narrow)))


def test_hand_with_jitter_rests_beside_slow_taps() -> None:
    frame = np.arange(64)
    slow_px = 60 * np.sin(np.pi * 0.8 * frame / 30) ** 2
    jitter_px = 30 + np.random.default_rng(0).normal(0, 0.9, 64)
    # From one frame to the next they move nearly alike.
    steps = [np.percentile(np.abs(np.diff(px)), 75) for px in (slow_px, jitter_px)]
    assert steps[1] > RESTING_SHARE * steps[0]
    assert is_at_rest(taps(opened(jitter_px)), [taps(opened(slow_px))])
    assert not is_at_rest(taps(opened(slow_px)), [taps(opened(slow_px * 3))])


def test_opening_seen_for_too_short_a_time_is_no_tapping() -> None:
    assert taps(opened(np.array([0.0, 60.0]))) == 0.0


def test_hand_that_rests_beside_one_that_taps_is_seldom_looked_at() -> None:
    def still_moving(n: int) -> np.ndarray:
        return hand_shape(80, 120, aperture=tapping(n), size=70)

    def tapping_too(n: int) -> np.ndarray:
        return hand_shape(250, 120, aperture=tapping(n, 2.0), size=90)

    looks = []
    for other in (resting, tapping_too):
        engine = DotEngine()
        found = track_hand(film(160, still_moving, other), engine)
        assert (found.reason == "").all()
        if other is resting:
            assert np.nanmax(tip_error(found, still_moving)) < 3.5
        looks.append(engine.images_seen)
    assert looks[0] < 0.8 * looks[1]


def test_hand_that_rested_is_watched_again_once_it_taps() -> None:
    def first(n: int) -> np.ndarray:
        return hand_shape(80, 120, aperture=tapping(n) if n < 112 else 0.3, size=70)

    def later(n: int) -> np.ndarray:
        return hand_shape(250, 120, aperture=0.3 if n < 112 else tapping(n), size=90)

    found = track_hand(film(400, first, later), DotEngine())
    assert found.info["hand_choice"] == "taps_most"
    assert np.nanmax(tip_error(found, later)) < 3.5
    not_watched = np.flatnonzero(found.reason == "not_watched")
    assert 64 <= not_watched.min() < 80
    assert not_watched.max() < 112 + 32
    assert (found.reason[112 + 32 :] == "").all()


def test_window_needs_three_keypoints_and_keeps_the_palm() -> None:
    keypoints = hand_shape(size=100)
    confidence = np.zeros(21)
    confidence[[4, 8]] = 1
    assert box_around(keypoints, confidence, Measured.among(KEYPOINTS)) is None
    confidence[:] = 1
    whole = box_around(keypoints, confidence, Measured.among(KEYPOINTS))
    assert whole is not None
    assert whole.side == pytest.approx(
        np.ptp(keypoints, axis=0).max() / HAND_TO_CROP_RATIO, rel=0.01
    )


def turned(keypoints: np.ndarray, degrees: float) -> np.ndarray:
    """Turn a hand about its middle, clockwise as it is seen."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = keypoints.mean(axis=0)
    result: np.ndarray = (keypoints - middle) @ turn.T + middle
    return result


@pytest.mark.parametrize(
    ("leans_deg", "before_deg", "expected_deg"),
    [
        (0, 0, 0), (50, 0, 0), (-50, 0, 0), (70, 0, 90), (-70, 0, 270), (180, 0, 180),
        (50, 90, 90), (20, 90, 0), (-150, 270, 270), (-170, 270, 180), (-10, 0, 0),
    ],
)  # fmt: skip
def test_window_turns_by_quarters_only_if_the_hand_lies_across(
    leans_deg: float, before_deg: float, expected_deg: float
) -> None:
    keypoints = turned(hand_shape(100, 100), leans_deg)
    box = box_around(keypoints, np.ones(21), Measured.among(KEYPOINTS), before_deg)
    assert box is not None
    assert box.rotation_deg == expected_deg
    up = np.linalg.inv(box.to_image(64)[:, :2]) @ (keypoints[9] - keypoints[0])
    assert np.degrees(np.arctan2(abs(up[0]), -up[1])) <= 60.01


def test_hand_that_points_at_the_camera_turns_no_window() -> None:
    keypoints = hand_shape(100, 100)
    keypoints[9] = keypoints[0] + (8, 0)
    box = box_around(keypoints, np.ones(21), Measured.among(KEYPOINTS))
    assert box is not None
    assert box.rotation_deg == 0


class UprightEngine(DotEngine):
    """Sees clearly only hands whose wrist is below the middle knuckle, and others as too faint to
    be sure of but clear enough to be looked at."""

    def heatmaps(self, pixels: np.ndarray) -> torch.Tensor:
        heat = super().heatmaps(pixels)
        row, column = (heat[:, [WRIST, MIDDLE_MCP]].amax(axis).argmax(-1) for axis in (3, 2))
        upright = row[:, 0] - row[:, 1] > (column[:, 0] - column[:, 1]).abs()
        result: torch.Tensor = torch.where(upright[:, None, None, None], heat, 0.19 * heat)
        return result


@pytest.mark.parametrize("degrees", [0, 80, 180, 275])
def test_hand_that_lies_across_is_found_by_who_knows_upright_ones_only(degrees: float) -> None:
    keypoints = turned(hand_shape(160, 120, size=100), degrees)
    (found,) = find_hands(UprightEngine(), paint([keypoints]), 96)
    assert found.box.rotation_deg == round(degrees / 90) * 90 % 360
    assert np.linalg.norm(found.position_px - keypoints, axis=1).max() < 3


def test_hand_that_turns_over_is_followed() -> None:
    def turning(n: int) -> np.ndarray:
        return turned(hand_shape(160, 120, aperture=tapping(n), size=90), 2.0 * n)

    found = track_hand(film(96, turning), DotEngine())
    assert np.percentile(tip_error(found, turning), 95) < 2.0
    assert np.isfinite(found.position_px[:, THUMB_TIP]).all()


def test_smear_grows_with_motion() -> None:
    image = np.full((80, 80, 3), 60, dtype=np.uint8)
    image[30:50, 30:] = 200
    tips = np.array([[40.0, 40.0]])
    lengths = []
    for length in (1, 5, 11):
        kernel = np.ones(length) / length
        smeared = np.apply_along_axis(lambda c, k=kernel: np.convolve(c, k, "same"), 0, image)
        lengths.append(edge_smear_px(smeared.astype(np.uint8), tips, 100))
    assert lengths[0] < lengths[1] < lengths[2]
    assert lengths[2] == pytest.approx(11, rel=0.5)
    assert np.isnan(edge_smear_px(np.zeros((80, 80, 3), np.uint8), tips, 100))
    assert np.isnan(edge_smear_px(image, np.array([[np.nan, 3.0]]), 100))
