"""How far moving tips smear."""

import numpy as np
import pytest

from tapscope.pose.motion_blur import edge_smear_px


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
