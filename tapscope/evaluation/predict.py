"""Predict the keypoints of labelled still images, and compute their errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.datasets.annotations import Label, LabelledHand, LabelledImage, LabelledSet
from tapscope.errors import AnnotationError
from tapscope.hand import TIPS
from tapscope.network.crop import CropBox, take_crop, transform_points
from tapscope.network.engine import Engine
from tapscope.pose.detector import find_hands
from tapscope.pose.motion_blur import edge_smear_px
from tapscope.records import FloatArray

SKIN_CR, SKIN_CB = (133, 173), (77, 127)
"""Range of skin in YCrCb at any lightness (Chai and Ngan 1999, doi 10.1109/76.767122)."""
MAX_ENLARGED_STILL_PX = 80
"""Largest side of still crops that are larger than those of training, see `still_size_px`."""
MIN_SKIN_SHARE = 0.05
"""Share of the hand's box with the colour of skin below which the whole box is averaged."""


@dataclass(frozen=True, slots=True)
class HandPrediction:
    """A detected hand and its predicted keypoints."""

    box: CropBox
    position_px: FloatArray
    """In the image, shape (keypoints, 2)."""


@dataclass(frozen=True, slots=True)
class HandError:
    """Errors of the keypoints of one labelled hand."""

    dataset: str
    group: str
    error_px: FloatArray
    """Distance from the label, shape (keypoints,); NaN where the hand was not detected or the
    keypoint has no label."""
    labelled: NDArray[np.bool_]
    """Shape (keypoints,)."""
    hand_px: float
    """Longer side of the hand; NaN where its labels do not tell."""
    found: bool
    luminance: float
    """Mean luminance of the skin in the hand's box, 0 to 255."""
    smear: float
    """Motion blur at the labelled tips over the hand's longer side; NaN where it is unknown."""


def find_boxes(engine: Engine, image: NDArray[np.uint8]) -> list[CropBox]:
    """Return a box around each hand of a still image, the highest-scoring first.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    """
    found = find_hands(engine, image, still_size_px(engine))
    return [hand.refined_bbox() or hand.box for hand in found]


def predict_keypoints(
    engine: Engine,
    image: NDArray[np.uint8],
    boxes: Sequence[CropBox] | None = None,
    size_px: int | None = None,
) -> list[HandPrediction]:
    """Predict the keypoints of the hands in a still image, each with a flip test.

    Parameters
    ----------
    engine
        Predicts the keypoints.
    image
        RGB, shape (height, width, 3).
    boxes
        Crop boxes of the hands; by default those of `find_boxes`.
    size_px
        Side of the crops; by default see `still_size_px`.
    """
    boxes = find_boxes(engine, image) if boxes is None else boxes
    if not boxes:
        return []
    size = size_px or still_size_px(engine)
    predicted = engine.keypoints(np.stack([take_crop(image, box, size) for box in boxes]), sure=1.0)
    return [
        HandPrediction(box, transform_points(position, box.to_image(size)))
        for box, position in zip(boxes, predicted.position_px, strict=True)
    ]


def still_size_px(engine: Engine) -> int:
    """Return the side of the crops of still images.

    It is that of training or four thirds of it, up to `MAX_ENLARGED_STILL_PX`: enlarging helps
    weights trained on 64 px, and harms those trained on 96 px.
    """
    trained, stride = engine.card.input_size_px, engine.size_divisor
    return max(trained, min(trained * 4 // 3, MAX_ENLARGED_STILL_PX) // stride * stride)


def match_hands(
    labels: Sequence[LabelledHand], found: Sequence[HandPrediction]
) -> list[HandPrediction | None]:
    """Return for each labelled hand the detected hand at its place, or None.

    The highest-scoring detections are matched first, each at most once, to the nearest label
    within one hand size, or within the side of the crop where the labels tell no size. With a
    single label the highest-scoring detection is taken wherever it is: a hand detected in the wrong
    place is an error, not an undetected hand.
    """
    if len(labels) == 1:
        return [found[0] if found else None]
    taken: dict[int, HandPrediction] = {}
    for hand in found:
        centre = np.array([hand.box.x, hand.box.y])
        free = [n for n in range(len(labels)) if n not in taken]
        if free:
            distance = {n: float(np.linalg.norm(labels[n].centre_px - centre)) for n in free}
            nearest = min(free, key=lambda n: distance[n])
            size_px = labels[nearest].size_px
            if distance[nearest] < (size_px if np.isfinite(size_px) else hand.box.side):
                taken[nearest] = hand
    return [taken.get(n) for n in range(len(labels))]


def evaluate_set(
    engine: Engine,
    images: LabelledSet,
    on_image: Callable[[int, int], None] = lambda done, total: None,
    *,
    boxes: Sequence[Sequence[CropBox]] | None = None,
    size_px: int | None = None,
) -> list[HandError]:
    """Predict the keypoints of every image and return the errors of every labelled hand.

    Parameters
    ----------
    engine
        Predicts the keypoints.
    images
        Labelled images.
    on_image
        Called after each image with the number of images done and their total.
    boxes, size_px
        See `predict_keypoints`; boxes for each image.

    Raises
    ------
    AnnotationError
        The images have keypoints that the weights do not predict.
    """
    unknown = set(images.keypoints) - set(engine.card.keypoints)
    if unknown:
        raise AnnotationError(
            f"the weights place no {', '.join(sorted(unknown))}; evaluate weights that were "
            "trained for these keypoints, or name with --joint those that they place"
        )
    order = [engine.card.keypoints.index(name) for name in images.keypoints]
    tips = [n for n, name in enumerate(images.keypoints) if name in TIPS]
    errors: list[HandError] = []
    for number, image in enumerate(images.images):
        pixels = image.pixels()
        found = predict_keypoints(engine, pixels, boxes[number] if boxes else None, size_px)
        errors += [
            _error(image, pixels, hand, detected.position_px[order] if detected else None, tips)
            for hand, detected in zip(image.hands, match_hands(image.hands, found), strict=True)
        ]
        on_image(number + 1, len(images))
    return errors


def _error(
    image: LabelledImage,
    pixels: NDArray[np.uint8],
    hand: LabelledHand,
    position_px: FloatArray | None,
    tips: list[int],
) -> HandError:
    error = np.full(len(hand.position_px), np.nan)
    if position_px is not None:
        error = np.linalg.norm(position_px - hand.position_px, axis=1)
    size_px, smear = hand.size_px, float("nan")
    if np.isfinite(size_px):
        smear = edge_smear_px(pixels, hand.position_px[tips], size_px) / size_px
    return HandError(
        dataset=image.dataset,
        group=image.group,
        error_px=error,
        labelled=hand.label > Label.NONE,
        hand_px=size_px,
        found=position_px is not None,
        luminance=skin_luminance(pixels, hand.box_px),
        smear=smear,
    )


def skin_luminance(image: NDArray[np.uint8], box_px: FloatArray) -> float:
    """Return the mean luminance of the skin-coloured pixels in a box, 0 to 255.

    Parameters
    ----------
    image
        RGB, shape (height, width, 3).
    box_px
        Left, top, right, bottom.
    """
    left, top = (max(0, int(v)) for v in box_px[:2])
    part = image[top : int(box_px[3]) + 1, left : int(box_px[2]) + 1]
    if not part.size:
        return float("nan")
    y, cr, cb = (plane.astype(int) for plane in cv2.split(cv2.cvtColor(part, cv2.COLOR_RGB2YCrCb)))
    is_skin = (SKIN_CR[0] <= cr) & (cr <= SKIN_CR[1]) & (SKIN_CB[0] <= cb) & (cb <= SKIN_CB[1])
    return float(y[is_skin].mean() if is_skin.mean() >= MIN_SKIN_SHARE else y.mean())
