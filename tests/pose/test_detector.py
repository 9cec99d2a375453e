"""Finding hands in a whole image, with an engine that sees coloured dots."""

import numpy as np
import pytest
import torch

from tapscope.hand import MIDDLE_MCP, WRIST
from tapscope.pose.detector import find_hands
from tests.hands import DotEngine, hand_shape, paint, turned


def test_hands_are_found_in_a_whole_image() -> None:
    places = [hand_shape(80, 120, size=90), hand_shape(250, 100, size=60)]
    found = find_hands(DotEngine(), paint(places), 96)
    assert len(found) == 2
    for keypoints in places:
        errors = [np.linalg.norm(h.position_px - keypoints, axis=1).max() for h in found]
        assert min(errors) < 3
    assert find_hands(DotEngine(), paint([]), 96) == []


class UprightEngine(DotEngine):
    """Sees clearly only hands whose wrist is below the middle knuckle, and others as too faint to
    be a hand but clear enough to be a candidate."""

    def tensor_heatmaps(self, pixels: np.ndarray) -> torch.Tensor:
        heat = super().tensor_heatmaps(pixels)
        row, column = (heat[:, [WRIST, MIDDLE_MCP]].amax(axis).argmax(-1) for axis in (3, 2))
        upright = row[:, 0] - row[:, 1] > (column[:, 0] - column[:, 1]).abs()
        result: torch.Tensor = torch.where(upright[:, None, None, None], heat, 0.19 * heat)
        return result


@pytest.mark.parametrize("degrees", [0, 80, 180, 275])
def test_hand_that_lies_across_is_found_with_weights_that_know_upright_ones_only(
    degrees: float,
) -> None:
    keypoints = turned(hand_shape(160, 120, size=100), degrees)
    (found,) = find_hands(UprightEngine(), paint([keypoints]), 96)
    assert found.box.rotation_deg == round(degrees / 90) * 90 % 360
    assert np.linalg.norm(found.position_px - keypoints, axis=1).max() < 3
