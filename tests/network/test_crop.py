"""Boxes: points and pixels go the same way, and come back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapscope.network.crop import BORDER, CropBox, inverse, take_crop, transform_points

boxes = st.builds(
    CropBox,
    x=st.floats(20, 100),
    y=st.floats(20, 80),
    side=st.floats(16, 300),
    rotation_deg=st.floats(-180, 180),
    mirrored=st.booleans(),
)


@given(boxes, st.floats(-50, 150), st.floats(-50, 150))
def test_points_come_back(box: CropBox, x: float, y: float) -> None:
    matrix = box.to_image(96)
    point = np.array([[x, y]])
    assert np.allclose(
        transform_points(transform_points(point, inverse(matrix)), matrix), point, atol=1e-6
    )


@pytest.mark.parametrize("side", [40.0, 90.0, 260.0])
@pytest.mark.parametrize("rotation_deg", [0.0, 30.0, -120.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pixels_go_where_points_go(side: float, rotation_deg: float, mirrored: bool) -> None:
    """The centre of a soft spot in the image is found in the crop where `move` puts it."""
    spot = np.array([261.3, 248.7])
    rows, columns = np.mgrid[:500, :530]
    away = (columns - spot[0]) ** 2 + (rows - spot[1]) ** 2
    image = np.repeat((250 * np.exp(-away / 60))[:, :, None], 3, axis=2).astype(np.uint8)
    box = CropBox(264, 250, side, rotation_deg, mirrored)
    crop = take_crop(image, box, 64).astype(float)[:, :, 0]
    crop[np.abs(crop - BORDER[0]) < 1] = 0
    weight = np.where(crop > 0.35 * crop.max(), crop, 0)
    rows, columns = np.mgrid[:64, :64]
    found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    expected = transform_points(spot[None], inverse(box.to_image(64)))[0]
    assert np.abs(found - expected).max() < 0.25


def test_whole_image_is_itself() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.array_equal(take_crop(image, CropBox(15.5, 15.5, 32), 32), image)


def test_beyond_the_edge_is_grey() -> None:
    image = np.zeros((20, 20, 3), dtype=np.uint8)
    crop = take_crop(image, CropBox(500, 500, 30), 16)
    assert (crop == BORDER).all()
    half = take_crop(image, CropBox(-1, 9.5, 20), 16)
    assert (half[:, :7] == BORDER).all()
    assert (half[:, 9:] == 0).all()


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((200, 200, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    crop = take_crop(stripes, CropBox(99.5, 99.5, 200), 25).astype(float)
    assert np.abs(crop[2:-2, 2:-2] - 127.5).max() < 20
