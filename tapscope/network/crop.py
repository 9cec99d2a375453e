"""Square crops of an image, and the affine maps between crop and image coordinates.

A crop box has a centre, a side and a rotation in image coordinates (centre of the top left
pixel = 0). The crop is a square of `size_px` pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.errors import WeightsError
from tapscope.records import FloatArray

BORDER = (114, 114, 114)
"""Colour beyond the edge of an image: neutral grey."""


# OpenCV's threads gain nothing on small crops and compete with the network's for the cores.
cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class CropBox:
    """A square part of an image; it may be rotated, mirrored or reach beyond the image's edges."""

    x: float
    y: float
    side: float
    rotation_deg: float = 0.0
    mirrored: bool = False

    def to_image(self, size_px: int) -> FloatArray:
        """Return the 2 x 3 affine matrix from crop pixels to image pixels."""
        step = self.side / size_px
        angle = np.deg2rad(self.rotation_deg)
        linear = step * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        if self.mirrored:
            linear[:, 0] *= -1
        middle = (size_px - 1) / 2
        shift = np.array([self.x, self.y]) - linear @ np.array([middle, middle])
        return np.column_stack([linear, shift])


def require_crop_size(size_px: int, divisor: int, network: str) -> None:
    """Check the side of the crops that a network named `network` is to see.

    Raises
    ------
    WeightsError
        It is no multiple of the network's `size_divisor`.
    """
    if size_px % divisor:
        near = max(round(size_px / divisor), 2) * divisor
        raise WeightsError(
            f"crops of {size_px} px do not suit {network}; give a multiple of {divisor}, such as "
            f"--size {near}"
        )


def transform_points(points: FloatArray, matrix: FloatArray) -> FloatArray:
    """Apply a 2 x 3 affine matrix to points of shape (..., 2); NaN stays NaN."""
    moved: FloatArray = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def inverse(matrix: FloatArray) -> FloatArray:
    """Invert a 2 x 3 affine matrix."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def take_crop(image: NDArray[np.uint8], box: CropBox, size_px: int) -> NDArray[np.uint8]:
    """Resample the part of an image within a crop box, without aliasing.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).

    Returns
    -------
    ndarray
        RGB, shape (size_px, size_px, 3); `BORDER` beyond the image.
    """
    matrix = box.to_image(size_px)
    # Bilinear warping aliases when it shrinks to less than half; shrink the part around the box
    # by area first.
    reach = box.side * (0.5 if box.rotation_deg == 0 else np.sqrt(0.5)) + 2
    left, top = (max(0, int(v - reach)) for v in (box.x, box.y))
    right = min(image.shape[1], int(box.x + reach) + 2)
    bottom = min(image.shape[0], int(box.y + reach) + 2)
    if right - left < 2 or bottom - top < 2:
        return np.full((size_px, size_px, 3), BORDER, dtype=np.uint8)
    part = image[top:bottom, left:right]
    shrink = box.side / size_px
    if shrink > 1.5:
        width = max(1, round(part.shape[1] / shrink))
        height = max(1, round(part.shape[0] / shrink))
        scale = np.array([width / part.shape[1], height / part.shape[0]])
        part = np.asarray(
            cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    else:
        scale = np.ones(2)
    to_part = np.column_stack([matrix[:, :2], matrix[:, 2] - np.array([left, top])])
    to_part = scale[:, None] * to_part
    to_part[:, 2] += 0.5 * scale - 0.5
    warped = cv2.warpAffine(
        part,
        to_part,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=BORDER,
    )
    return warped.astype(np.uint8, copy=False)
