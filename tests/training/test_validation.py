"""What tells two networks in training apart."""

import numpy as np
import pytest

from tapscope.training.validation import area_within, share_within


def test_area_under_the_curve_is_that_of_pck() -> None:
    error = np.random.default_rng(0).gamma(1.0, 0.06, 500)
    limits = np.linspace(0, 0.1, 2001)
    curve = [share_within(error, limit) for limit in limits]
    assert area_within(error, 0.1) == pytest.approx(np.trapezoid(curve, limits) / 0.1, abs=1e-3)


def test_area_tells_apart_what_pck_does_not() -> None:
    rough, fine = np.array([0.04, 0.04, 0.3]), np.array([0.01, 0.02, 0.3])
    assert share_within(rough, 0.05) == share_within(fine, 0.05)
    assert area_within(fine, 0.1) == pytest.approx((0.9 + 0.8 + 0.0) / 3)
    assert area_within(rough, 0.1) < area_within(fine, 0.1)


def test_keypoints_without_label_do_not_count() -> None:
    assert area_within(np.array([[0.05, np.nan]]), 0.1) == pytest.approx(0.5)
    assert np.isnan(area_within(np.array([np.nan]), 0.1))
