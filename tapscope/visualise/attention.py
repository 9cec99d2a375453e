"""What P-MSDSNet looks at: its attention maps, every stage and scale, on stills and videos."""

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
from tapscope.pose.settings import DEFAULTS
from tapscope.pose.tracker import track_hand
from tapscope.records import FloatArray, FrameBatch, Keypoints
from tapscope.video.stream import VideoStream

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
STEADY_FRAMES = 15
"""Frames over which the box of a video is steadied."""
HIDING_BLOCKS = 8
"""What is not the hand is shown in so many blocks a side."""
HAND_MARGIN = 0.1
"""Of the box, by which the hand reaches beyond its keypoints."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What the network made of one image of a hand."""

    pixels: NDArray[np.uint8]
    """The crop as it is shown, RGB, shape (size, size, 3)."""
    maps: list[list[NDArray[np.float32]]]
    """Attention by stage and scale, 0 to 1, shape (size / 2^scale, size / 2^scale)."""
    final: NDArray[np.float32]
    """Highest of the final heatmaps at every place, shape (size, size)."""
    position_px: FloatArray
    """Where the keypoints were placed in the crop, shape (keypoints, 2)."""
    truth_px: FloatArray | None
    """Their labels in the crop, where there are some."""


def require_attention(weights: Weights) -> PMSDSNet:
    """Return the network if it is one that has attention maps.

    Raises
    ------
    WeightsError
        It is another one.
    """
    if not isinstance(weights.network, PMSDSNet):
        raise WeightsError(
            f"{weights.path}: a {weights.card.architecture} has no attention maps; use weights of "
            "P-MSDSNet"
        )
    return weights.network


def attend(
    network: PMSDSNet,
    image: NDArray[np.uint8],
    box: CropBox,
    size_px: int,
    *,
    truth_px: FloatArray | None = None,
    background: bool = False,
) -> Attention:
    """Show an image's box to the network and keep what it looked at.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        RGB, shape (height, width, 3).
    box, size_px
        What is shown, and its side in pixels.
    truth_px
        Labels in the image, shape (keypoints, 2).
    background
        Show what lies around the hand; else it is made unrecognisable in `Attention.pixels`, for
        faces lie behind hands.
    """
    crop = take_crop(image, box, size_px)
    with torch.inference_mode():
        final, maps = network.attention(normalise(torch.from_numpy(crop[None])))
    place = decode(final).position_px[0].double().numpy()
    truth = None
    if truth_px is not None:
        truth = transform_points(truth_px, inverse(box.to_image(size_px)))
    return Attention(
        crop if background else _hidden(crop, place),
        [[one[0, 0].numpy() for one in stage] for stage in maps],
        final[0].amax(dim=0).numpy(),
        place,
        truth,
    )


def _hidden(crop: NDArray[np.uint8], place: FloatArray) -> NDArray[np.uint8]:
    """Return a crop in which all but the hull of the keypoints is shown in large blocks."""
    size = len(crop)
    blocks = cv2.resize(crop, (HIDING_BLOCKS, HIDING_BLOCKS), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(blocks, (size, size), interpolation=cv2.INTER_NEAREST)
    hull = np.zeros((size, size), np.uint8)
    inside = place.clip(0, size - 1).round().astype(np.int32)
    cv2.fillConvexPoly(hull, cv2.convexHull(inside), 1)
    reach = 2 * round(HAND_MARGIN * size) + 1
    hull = cv2.dilate(hull, np.ones((reach, reach), np.uint8)).astype(np.uint8)
    return np.where(hull[:, :, None] > 0, crop, coarse).astype(np.uint8)


def attend_still(
    path: Path, weights: Weights, finder: Engine, size_px: int, *, background: bool = False
) -> Attention:
    """Show the surest hand of an image to the network.

    Labels are taken from an annotations.json in the image's folder or the one above.

    Raises
    ------
    AnnotationError
        The image cannot be read, or no hand is found in it.
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
    return attend(network, image, boxes[0], size_px, truth_px=truth, background=background)


def labels_of(path: Path, keypoints: tuple[str, ...], box: CropBox) -> FloatArray | None:
    """Return the labels of the hand in a box, (keypoints, 2) in the image; None without any."""
    wanted = path.resolve()
    for folder in (wanted.parent, wanted.parent.parent):
        if not (folder / "annotations.json").is_file():
            continue
        images = annotations.load(folder)
        for image in images.images:
            if image.path.resolve() == wanted:
                hands = annotations.adopt(image, images.keypoints, keypoints).hands
                middles = [(hand.box_px[:2] + hand.box_px[2:]) / 2 for hand in hands]
                away = [float(np.hypot(*(m - (box.x, box.y)))) for m in middles]
                return hands[int(np.argmin(away))].position_px
    return None


def smoothed_boxes(keypoints: Keypoints) -> list[CropBox | None]:
    """Return a box for each frame of a video, moving smoothly; None where no hand was seen.

    Parameters
    ----------
    keypoints
        As followed.
    """
    boxes: list[CropBox | None] = [None] * len(keypoints.time_s)
    seen = np.flatnonzero(np.isfinite(keypoints.position_px).all(axis=(1, 2)))
    if not len(seen):
        return boxes
    low, high = (f(keypoints.position_px[seen], axis=1) for f in (np.min, np.max))
    side = float(np.median((high - low).max(axis=1))) / DEFAULTS.hand_to_crop_ratio
    middle = median_filter((low + high) / 2, size=(STEADY_FRAMES, 1), mode="nearest")
    for n, (x, y) in zip(seen, middle, strict=True):
        boxes[n] = CropBox(float(x), float(y), side)
    return boxes


def follow(path: Path, engine: Engine) -> tuple[list[CropBox | None], float]:
    """Return a box for each frame of a video, see `smoothed_boxes`, and its frames a second.

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


def attend_video(
    path: Path,
    network: PMSDSNet,
    boxes: Sequence[CropBox | None],
    size_px: int,
    *,
    background: bool = False,
) -> Iterator[Attention | None]:
    """Show every frame of a video to the network; None where there is no box.

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
                    yield attend(network, image, box, size_px, background=background)
