"""The crop in which a hand is seen best."""

import numpy as np
import pytest

from tapscope.hand import KEYPOINTS, Measured
from tapscope.network.crop import CropBox
from tapscope.pose.detection import box_around, predict_crops
from tapscope.pose.thresholds import DEFAULTS
from tests.hands import DotEngine, hand_shape, paint, turned

MEASURED = Measured.among(KEYPOINTS)


def test_crop_needs_three_keypoints_and_keeps_the_palm() -> None:
    keypoints = hand_shape(size=100)
    peak_value = np.zeros(21)
    peak_value[[4, 8]] = 1
    assert box_around(keypoints, peak_value, MEASURED) is None
    peak_value[:] = 1
    whole = box_around(keypoints, peak_value, MEASURED)
    assert whole is not None
    size_px = np.ptp(keypoints, axis=0).max()
    assert whole.side == pytest.approx(size_px / DEFAULTS.hand_to_crop_ratio)
    peak_value[1:] = 0
    peak_value[[5, 9]] = 1  # wrist and two knuckles: folded fingers are hidden, but there
    folded = box_around(keypoints, peak_value, MEASURED)
    assert folded is not None
    palm_px = np.linalg.norm(keypoints[9] - keypoints[0])
    assert folded.side == pytest.approx(1.3 * palm_px / DEFAULTS.hand_to_crop_ratio)


@pytest.mark.parametrize(
    ("leans_deg", "before_deg", "expected_deg"),
    [
        (0, 0, 0), (50, 0, 0), (-50, 0, 0), (70, 0, 90), (-70, 0, 270), (180, 0, 180),
        (50, 90, 90), (20, 90, 0), (-150, 270, 270), (-170, 270, 180), (-10, 0, 0),
    ],
)  # fmt: skip
def test_crop_rotates_by_quarters_only_if_the_hand_lies_across(
    leans_deg: float, before_deg: float, expected_deg: float
) -> None:
    keypoints = turned(hand_shape(100, 100), leans_deg)
    box = box_around(keypoints, np.ones(21), MEASURED, before_deg)
    assert box is not None
    assert box.rotation_deg == expected_deg
    up = np.linalg.inv(box.to_image(64)[:, :2]) @ (keypoints[9] - keypoints[0])
    assert np.degrees(np.arctan2(abs(up[0]), -up[1])) <= 60.01


def test_hand_that_points_at_the_camera_rotates_no_crop() -> None:
    keypoints = hand_shape(100, 100)
    keypoints[9] = keypoints[0] + (8, 0)
    box = box_around(keypoints, np.ones(21), MEASURED)
    assert box is not None
    assert box.rotation_deg == 0


def test_crops_are_given_to_the_network_in_its_batches() -> None:
    engine = DotEngine(batch_size=4)
    sizes: list[int] = []
    answer = engine.tensor_heatmaps
    engine.tensor_heatmaps = lambda pixels: (sizes.append(len(pixels)), answer(pixels))[1]  # type: ignore[method-assign,func-returns-value]
    image = paint([hand_shape(100, 100)])
    views = predict_crops(engine, [image] * 6, [CropBox(100, 100, 120 + n) for n in range(6)], 80)
    assert sizes == [4, 2]
    assert [view.box.side for view in views] == [120, 121, 122, 123, 124, 125]
