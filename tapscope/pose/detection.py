"""A hand as the network sees it in a crop, and the crop in which it is seen best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tapscope.hand import Measured
from tapscope.network.crop import CropBox, take_crop, transform_points
from tapscope.network.engine import Engine
from tapscope.pose.fingertip_identity import TipPeaks
from tapscope.pose.thresholds import DEFAULTS, PoseSettings
from tapscope.records import FloatArray


@dataclass(frozen=True, slots=True)
class HandDetection:
    """A hand as seen in a crop, in image coordinates."""

    box: CropBox
    """The crop in which it was seen."""
    position_px: FloatArray
    """Shape (keypoints, 2)."""
    confidence: FloatArray
    """Shape (keypoints,)."""
    peak_value: FloatArray
    """Of the peaks, see `engine.KeypointPrediction`; shape (keypoints,)."""
    measured: Measured
    tips: TipPeaks | None = None
    """Where each fingertip may be; None where the network does not place all five."""

    @property
    def score(self) -> float:
        """Mean value of the peaks of the measured keypoints: is there a hand?"""
        return float(self.peak_value[list(self.measured)].mean())

    def palm_px(self) -> FloatArray:
        """Return the middle between wrist and middle knuckle, which does not tap; shape (2,)."""
        ends = [self.measured.wrist, self.measured.middle_mcp]
        middle: FloatArray = self.position_px[ends].mean(axis=0)
        return middle

    def hand_box(self, settings: PoseSettings = DEFAULTS) -> CropBox:
        """Return the crop that the hand fills as it should; its own with under three keypoints."""
        return self.refined_bbox(settings) or self.box

    def refined_bbox(self, settings: PoseSettings = DEFAULTS) -> CropBox | None:
        """Return the crop in which to see it again; None with under three keypoints."""
        return box_around(
            self.position_px, self.peak_value, self.measured, self.box.rotation_deg, settings
        )


def predict_crops(
    engine: Engine,
    images: Sequence[NDArray[np.uint8]],
    boxes: Sequence[CropBox],
    size_px: int,
    *,
    sure: float = 0.0,
) -> list[HandDetection]:
    """See each image in its crop.

    Parameters
    ----------
    engine
        Is given `engine.batch_size` crops at once; no answer depends on it.
    images, boxes
        RGB images and the crop of each.
    size_px
        Side of the crops that the network sees.
    sure
        As in `Engine.keypoints`.
    """
    views: list[HandDetection] = []
    for start in range(0, len(boxes), max(engine.batch_size, 1)):
        part = slice(start, start + max(engine.batch_size, 1))
        crops = [take_crop(p, w, size_px) for p, w in zip(images[part], boxes[part], strict=True)]
        seen = engine.keypoints(np.stack(crops), sure=sure)
        for n, box in enumerate(boxes[part]):
            to_image = box.to_image(size_px)
            tips = None
            if engine.fingertips:
                place = transform_points(seen.tip_position_px[n], to_image)
                tips = TipPeaks(place, seen.tip_peak_value[n])
            views.append(
                HandDetection(
                    box,
                    transform_points(seen.position_px[n], to_image),
                    seen.confidence[n],
                    seen.peak_value[n],
                    engine.measured,
                    tips,
                )
            )
    return views


def predict_mirrored(
    engine: Engine,
    images: Sequence[NDArray[np.uint8]],
    boxes: Sequence[CropBox],
    size_px: int,
) -> list[HandDetection]:
    """See each image in its crop, mirrored; the answers are in coordinates of the image."""
    mirrored = [replace(box, mirrored=True) for box in boxes]
    return predict_crops(engine, images, mirrored, size_px)


def hand_extent(
    position_px: FloatArray,
    peak_value: FloatArray,
    measured: Measured,
    settings: PoseSettings = DEFAULTS,
) -> tuple[FloatArray, FloatArray] | None:
    """Return the corners (left, top), (right, bottom) of a square about a hand, px.

    The wrist to knuckle distance keeps it from shrinking to two fingers when the others are
    hidden. None with under three keypoints of `keypoint_threshold`.
    """
    places = position_px[peak_value >= settings.keypoint_threshold]
    if len(places) < 3:
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    size = max(float((high - low).max()), 8.0)
    palm = _palm(position_px, peak_value, measured, settings)
    if palm is not None:
        size = max(size, settings.min_palm_size * float(np.hypot(*palm)))
    middle = (low + high) / 2
    return middle - size / 2, middle + size / 2


def box_around(
    position_px: FloatArray,
    peak_value: FloatArray,
    measured: Measured,
    rotation_deg: float = 0.0,
    settings: PoseSettings = DEFAULTS,
) -> CropBox | None:
    """Return the crop of a hand of these keypoints; None with under three of them.

    Parameters
    ----------
    position_px, peak_value
        Places and values of the peaks, shapes (keypoints, 2) and (keypoints,).
    measured
        Which of them are wrist and knuckle.
    rotation_deg
        Rotation of the crop in which they were seen; kept unless the hand clearly lies across it.
    """
    extent = hand_extent(position_px, peak_value, measured, settings)
    if extent is None:
        return None
    low, high = extent
    size = float(high[0] - low[0])
    palm = _palm(position_px, peak_value, measured, settings)
    if palm is not None and np.hypot(*palm) > settings.min_palm_ratio * size:
        direction = float(np.degrees(np.arctan2(palm[0], -palm[1])))
        rotation_deg = _upright(direction, rotation_deg, settings.rotate_from_deg)
    x, y = ((low + high) / 2).tolist()
    return CropBox(x, y, size / settings.hand_to_crop_ratio, rotation_deg)


def _palm(
    position_px: FloatArray, peak_value: FloatArray, measured: Measured, settings: PoseSettings
) -> FloatArray | None:
    """Return the vector wrist to middle knuckle, px; None where either is not seen."""
    ends = [measured.wrist, measured.middle_mcp]
    if peak_value[ends].min() < settings.keypoint_threshold:
        return None
    palm: FloatArray = position_px[measured.middle_mcp] - position_px[measured.wrist]
    return palm


def _upright(direction_deg: float, rotation_deg: float, rotate_from_deg: float) -> float:
    """Return the quarter rotation of a crop in which a hand points up, the present one if it may.

    Parameters
    ----------
    direction_deg
        Where wrist to knuckle points in the image: 0 up, 90 to the right.
    rotation_deg
        The present rotation of the crop.
    rotate_from_deg
        See `PoseSettings`.
    """
    lean = (direction_deg - rotation_deg + 180) % 360 - 180
    if abs(lean) <= rotate_from_deg:
        return rotation_deg
    return 90.0 * round(direction_deg / 90) % 360
