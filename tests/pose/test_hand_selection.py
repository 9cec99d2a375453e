"""Which hand taps."""

import numpy as np
import pytest

from tapscope.hand import Measured
from tapscope.network.crop import CropBox
from tapscope.pose.detection import HandDetection
from tapscope.pose.hand_selection import choose_track, mean_x, tapping_score


@pytest.mark.parametrize(
    ("taps", "x_px", "hand", "expected"),
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
    taps: list[float], x_px: list[float], hand: str, expected: tuple[int | None, str]
) -> None:
    assert choose_track(taps, x_px, hand) == expected


def opened(aperture_px: np.ndarray, confidence: float = 0.9) -> list[HandDetection | None]:
    """Return views of a hand with a palm of 50 px, sample after sample."""
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


def test_score_is_the_range_of_the_aperture_in_palms() -> None:
    # A quarter of 0.375 x 0.76 x 150 px is less than the palm of 50 px, which is the unit.
    assert tapping_score(opened(30 + 20.0 * (np.arange(30) % 2))) == pytest.approx(0.4)
    assert tapping_score(opened(np.full(30, 30.0))) == 0


def test_jitter_of_unsure_tips_is_no_tapping() -> None:
    wide, narrow = (30 + px * (np.arange(30) % 2) for px in (40.0, 10.0))
    assert tapping_score(opened(wide, 0.4)) == 0.0
    assert tapping_score(opened(wide)) > tapping_score(opened(narrow)) > 0
    half = tapping_score([*opened(narrow), *[None] * 27])
    assert half == pytest.approx(tapping_score(opened(narrow)) / 2)


def test_hand_with_jitter_scores_far_below_slow_taps() -> None:
    sample_s = np.arange(64) / 12
    slow_px = 60 * np.sin(np.pi * 0.8 * sample_s) ** 2
    jitter_px = 30 + np.random.default_rng(0).normal(0, 0.9, 64)
    assert tapping_score(opened(jitter_px)) < 0.2 * tapping_score(opened(slow_px))


def test_opening_seen_for_too_short_a_time_is_no_tapping() -> None:
    assert tapping_score(opened(np.array([0.0, 60.0]))) == 0.0


def test_place_of_a_hand_is_the_mean_of_its_crops() -> None:
    assert mean_x([*opened(np.zeros(3)), None]) == 100
    assert np.isnan(mean_x([None]))
