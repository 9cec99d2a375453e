"""The attention maps of P-MSDSNet, of every stage and scale, on images and videos."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tapscope.datasets import annotations
from tapscope.errors import AnnotationError, WeightsError
from tapscope.evaluation.predict import find_boxes
from tapscope.network.crop import CropBox, inverse, take_crop, transform_points
from tapscope.network.engine import Engine
from tapscope.network.heatmap import decode
from tapscope.network.pmsdsnet import PMSDSNet, normalise
from tapscope.network.weights import Weights
from tapscope.pose.thresholds import DEFAULTS
from tapscope.pose.tracker import track_hand
from tapscope.records import FloatArray, FrameBatch, Keypoints
from tapscope.video.stream import VideoStream

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
BOX_MEDIAN_FRAMES = 15
"""Length of the median filter on the position of a video's crop boxes."""
BACKGROUND_BLOCKS = 8
"""Blocks along each side of a crop in which the background is pixelated."""
HAND_MARGIN = 0.1
"""Margin around the hull of the keypoints that is not pixelated, over the side of the crop."""


@dataclass(frozen=True, slots=True)
class Attention:
    """Attention maps and keypoints of one crop."""

    pixels: NDArray[np.uint8]
    """The crop as it is displayed, RGB, shape (size, size, 3)."""
    maps: list[list[NDArray[np.float32]]]
    """Attention by stage and scale, 0 to 1, shape (size / 2^scale, size / 2^scale)."""
    final: NDArray[np.float32]
    """Maximum of the final heatmaps over the keypoints, shape (size, size)."""
    position_px: FloatArray
    """Predicted keypoints in the crop, shape (keypoints, 2)."""
    truth_px: FloatArray | None
    """Their labels in the crop; None without labels."""


def require_attention(weights: Weights) -> PMSDSNet:
    """Return the network of the weights if it has attention maps.

    Raises
    ------
    WeightsError
        It is not a P-MSDSNet.
    """
    if not isinstance(weights.network, PMSDSNet):
        raise WeightsError(
            f"{weights.path}: a {weights.card.architecture} has no attention maps; use weights of "
            "P-MSDSNet"
        )
    return weights.network


def attention_of(
    network: PMSDSNet,
    image: NDArray[np.uint8],
    box: CropBox,
    size_px: int,
    *,
    truth_px: FloatArray | None = None,
    background: bool = False,
) -> Attention:
    """Return the attention maps of a crop.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        RGB, shape (height, width, 3).
    box, size_px
        The box in the image, and the side of the crop.
    truth_px
        Labels in the image, shape (keypoints, 2).
    background
        Whether the displayed crop shows the background; by default it is pixelated, because there
        may be faces in it.
    """
    crop = take_crop(image, box, size_px)
    with torch.inference_mode():
        final, maps = network.attention(normalise(torch.from_numpy(crop[None])))
    position = decode(final).position_px[0].double().numpy()
    truth = None
    if truth_px is not None:
        truth = transform_points(truth_px, inverse(box.to_image(size_px)))
    return Attention(
        crop if background else _hide_background(crop, position),
        [[one[0, 0].numpy() for one in stage] for stage in maps],
        final[0].amax(dim=0).numpy(),
        position,
        truth,
    )


def _hide_background(crop: NDArray[np.uint8], position: FloatArray) -> NDArray[np.uint8]:
    """Return a crop that is pixelated outside the hull of the keypoints."""
    size = len(crop)
    blocks = cv2.resize(crop, (BACKGROUND_BLOCKS, BACKGROUND_BLOCKS), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(blocks, (size, size), interpolation=cv2.INTER_NEAREST)
    hull = np.zeros((size, size), np.uint8)
    inside = position.clip(0, size - 1).round().astype(np.int32)
    cv2.fillConvexPoly(hull, cv2.convexHull(inside), 1)
    reach = 2 * round(HAND_MARGIN * size) + 1
    hull = cv2.dilate(hull, np.ones((reach, reach), np.uint8)).astype(np.uint8)
    return np.where(hull[:, :, None] > 0, crop, coarse).astype(np.uint8)


def still_attention(
    path: Path, weights: Weights, finder: Engine, size_px: int, *, background: bool = False
) -> Attention:
    """Return the attention maps of the highest-scoring hand of an image.

    Labels are read from an annotations.json in the image's folder or in its parent folder.

    Raises
    ------
    AnnotationError
        The image cannot be read, or no hand is detected in it.
    WeightsError
        The weights have no attention maps.
    """
    network = require_attention(weights)
    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise AnnotationError(f"{path}: cannot be read as an image; give a PNG, a JPEG or a video")
    image = np.ascontiguousarray(read[:, :, ::-1]).astype(np.uint8, copy=False)
    boxes = find_boxes(finder, image)
    if not boxes:
        raise AnnotationError(f"{path}: no hand was found in it; give an image that shows one")
    truth = labels_of(path, weights.card.keypoints, boxes[0])
    return attention_of(network, image, boxes[0], size_px, truth_px=truth, background=background)


def labels_of(path: Path, keypoints: tuple[str, ...], box: CropBox) -> FloatArray | None:
    """Return the labels of the hand nearest to a box, (keypoints, 2) in the image, or None."""
    wanted = path.resolve()
    for folder in (wanted.parent, wanted.parent.parent):
        if not (folder / "annotations.json").is_file():
            continue
        images = annotations.load(folder)
        for image in images.images:
            if image.path.resolve() == wanted:
                hands = annotations.with_keypoints(image, images.keypoints, keypoints).hands
                distance = [float(np.hypot(*(h.centre_px - (box.x, box.y)))) for h in hands]
                return hands[int(np.argmin(distance))].position_px
    return None


def smoothed_boxes(keypoints: Keypoints) -> list[CropBox | None]:
    """Return a box of one size for each frame, median filtered; None without a tracked hand."""
    boxes: list[CropBox | None] = [None] * len(keypoints.time_s)
    tracked = np.flatnonzero(np.isfinite(keypoints.position_px).all(axis=(1, 2)))
    if not len(tracked):
        return boxes
    low, high = (f(keypoints.position_px[tracked], axis=1) for f in (np.min, np.max))
    side = float(np.median((high - low).max(axis=1))) / DEFAULTS.hand_to_crop_ratio
    middle = median_filter((low + high) / 2, size=(BOX_MEDIAN_FRAMES, 1), mode="nearest")
    for n, (x, y) in zip(tracked, middle, strict=True):
        boxes[n] = CropBox(float(x), float(y), side)
    return boxes


def track_boxes(path: Path, engine: Engine) -> tuple[list[CropBox | None], float]:
    """Return a box for each frame of a video, see `smoothed_boxes`, and its frames per second.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    streams: list[VideoStream] = []

    def frames() -> Iterator[FrameBatch]:
        with VideoStream(path) as stream:
            streams.append(stream)
            yield from stream

    keypoints = track_hand(frames, engine)
    return smoothed_boxes(keypoints), streams[-1].summary.measured_fps


def video_attention(
    path: Path,
    network: PMSDSNet,
    boxes: Sequence[CropBox | None],
    size_px: int,
    *,
    background: bool = False,
) -> Iterator[Attention | None]:
    """Yield the attention maps of every frame of a video; None where there is no box.

    Raises
    ------
    VideoError
        The video cannot be read.
    """
    remaining = iter(boxes)
    with VideoStream(path) as stream:
        for batch in stream:
            for image, box in zip(batch.pixels, remaining, strict=False):
                if box is None:
                    yield None
                else:
                    yield attention_of(network, image, box, size_px, background=background)
