"""The noise of one sample, where movement is fast for its samples."""

import numpy as np
import pytest

from tapscope.signal.noise import noise_of, shape_of
from tests.signal_path import path_of
from tests.synthetic import filmed, reaches


@pytest.mark.parametrize("noise", [0.01, 0.03])
@pytest.mark.parametrize("true_hz", [1.0, 3.0, 5.0, 6.0])
def test_noise_is_right_at_few_samples_a_tap(true_hz: float, noise: float) -> None:
    motion = reaches(true_hz, jitter=0.04, spread=0.06, seed=1)
    trajectory = filmed(motion, noise=noise, seed=1)
    found = path_of(trajectory)
    assert noise_of(trajectory, found.movement, found.taps) == pytest.approx(noise, rel=0.4)


def test_noise_of_nothing_is_unknown() -> None:
    trajectory = filmed(reaches(3.0))
    trajectory.aperture[:] = np.nan
    found = path_of(trajectory)
    assert np.isnan(noise_of(trajectory, found.movement, found.taps))
    assert shape_of(trajectory, found.movement, found.taps) is None
