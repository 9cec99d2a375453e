"""Figures of the paper, on errors whose answer is plain."""

import numpy as np
import pytest

from tapscope.training.metrics import (
    MIN_OF_EACH,
    calibrate,
    can_calibrate,
    mpjpe,
    pck,
    summary,
)


def test_undetected_counts_as_wrong_and_the_threshold_itself_does_not_pass() -> None:
    error = np.array([1.0, 5.0, np.nan, 4.9])
    assert pck(error, 5) == 0.5
    assert np.isnan(pck(np.array([]), 5))
    assert pck(error, 20) == 0.75


def test_mpjpe_is_the_mean_of_the_near_ones_with_their_number() -> None:
    assert mpjpe(np.array([1.0, 3.0, 7.0, np.nan]), 5) == (2.0, 2)
    value, count = mpjpe(np.array([np.nan]), 5)
    assert np.isnan(value)
    assert count == 0


def test_summary_scales_by_the_hand() -> None:
    row = summary(np.array([4.0, 30.0]), np.array([100.0, 400.0]), np.array([True, False]))
    assert row["found"] == 0.5
    assert row["pck@5"] == 0.5
    assert row["pck@0.1"] == 1.0
    assert row["mpjpe@20"] == {"error_px": 4.0, "count": 1}
    empty = summary(np.array([np.nan]), np.array([1.0]), np.array([False]))
    assert empty["median_error_px"] is None
    assert empty["mpjpe@5"] == {"error_px": None, "count": 0}


def test_calibration_recovers_a_known_curve() -> None:
    rng = np.random.default_rng(3)
    heights = rng.uniform(0, 1, (20000, 2))
    good = rng.random(20000) < 1 / (1 + np.exp(-(heights @ [8, -5] - 1)))
    assert calibrate(heights, good) == pytest.approx([8, -5, -1], rel=0.1)


def test_calibration_needs_good_and_bad_keypoints() -> None:
    good = np.repeat([True, False], [100, MIN_OF_EACH])
    assert can_calibrate(good)
    assert can_calibrate(~good)
    assert not can_calibrate(good[:-1])
    assert not can_calibrate(np.ones(500, dtype=bool))
    assert not can_calibrate(np.empty(0, dtype=bool))


def test_calibration_of_separated_keypoints_is_finite() -> None:
    height = np.array([[0.1], [0.2], [0.8], [0.9]])
    slope, intercept = calibrate(height, height[:, 0] > 0.5)
    assert np.isfinite([slope, intercept]).all()
    assert slope > 0
