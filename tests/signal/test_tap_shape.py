"""Shapes fitted to all taps against the ones that made the samples."""

import numpy as np
import pytest

from tapscope.signal.tap_shape import fit_taps
from tests.synthetic import filmed, reaches


@pytest.mark.parametrize("dwell", [0.1, 0.3])
@pytest.mark.parametrize("true_hz", [2.0, 5.0])
def test_the_shape_of_minimum_jerk_taps_is_found(true_hz: float, dwell: float) -> None:
    motion = reaches(true_hz, dwell=dwell, jitter=0.04, spread=0.06, seed=1)
    trajectory = filmed(motion, drift=0.2, seed=1)
    closure_s = motion.every_closure_s
    spans_s = np.stack([closure_s[:-1], closure_s[1:]], axis=1)
    shape = fit_taps(trajectory.time_s, trajectory.aperture, spans_s, 0.85)
    assert shape.moving_share == pytest.approx(1 - dwell, abs=0.04)
    np.testing.assert_allclose(shape.height, motion.amplitude[shape.tap], rtol=0.08)
    assert np.median(shape.height / motion.amplitude[shape.tap]) == pytest.approx(1, abs=0.03)
    middle_s = trajectory.time_s[-1] / 2
    assert shape.level_at(middle_s) == pytest.approx(0.1, abs=0.03)
    assert shape.noise == pytest.approx(0.01, rel=0.4)
