"""Augmented training samples: random crops of labelled images, with new light, blur and noise.

Each sample depends only on its image and its random generator, so that a run can be resumed and
repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tapscope.datasets.annotations import Label, LabelledHand, LabelledImage
from tapscope.hand import KEYPOINTS, MIDDLE_MCP, WRIST
from tapscope.network.crop import CropBox, inverse, take_crop, transform_points
from tapscope.records import FloatArray

Pixels = NDArray[np.uint8]

BONES = (
    (0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 6), (6, 7), (7, 8), (0, 9), (9, 10), (10, 11),
    (11, 12), (0, 13), (13, 14), (14, 15), (15, 16), (0, 17), (17, 18), (18, 19), (19, 20),
)  # fmt: skip
PALM = (0, 1, 5, 9, 13, 17)


@dataclass(frozen=True, slots=True)
class Sample:
    """One augmented crop of one image, with its labels."""

    pixels: Pixels
    """RGB, shape (size, size, 3)."""
    position_px: FloatArray
    """Keypoints of each hand of the image, in crop pixels; shape (hands, keypoints, 2); NaN where
    there is no label."""
    peak_value: FloatArray
    """Peak of each keypoint's target heatmap: 1 where it is in sight, less where it is hidden;
    shape (hands, keypoints)."""
    weight: FloatArray
    """Trust in the labels of each keypoint: 1 by hand or exact, less for pseudo-labels and hidden
    keypoints, 0 where a hand in the crop has no label for it; shape (keypoints,)."""


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """Strength of the augmentation; shares are probabilities."""

    close_share: float = 0.72
    """Crops that the hand fills as it does in tracking; the others are as in detection."""
    close_hand_ratio: tuple[float, float] = (0.38, 0.85)
    """Range of the hand's longer side over that of the crop, close crops."""
    far_hand_ratio: tuple[float, float] = (0.16, 0.5)
    """The same for all other crops."""
    empty_share: float = 0.03
    """Crops without any hand."""
    full_rotation_share: float = 0.2
    """Crops rotated by any angle; the others by a normally distributed one."""
    rotation_sd_deg: float = 25.0
    background_share: float = 0.15
    """Crops whose background is replaced by that of another image."""
    strength: float = 1.0
    """Factor on the probabilities of occlusion, blur, low resolution, noise and compression."""
    pseudo_label_weight: float = 0.6
    """Weight of labels of another network."""
    hidden_weight: float = 0.5
    """Weight of the labels of hidden keypoints."""
    hidden_peak_value: float = 0.35
    """Peak of the target heatmap of a hidden keypoint, so that its peak in the prediction is low
    and its confidence with it."""


def make_sample(
    image: LabelledImage,
    pixels: Pixels,
    size_px: int,
    rng: np.random.Generator,
    settings: AugmentationSettings,
    *,
    other: Callable[[], tuple[LabelledImage, Pixels]],
) -> Sample:
    """Return an augmented crop of a labelled image, about one of its hands.

    Parameters
    ----------
    image, pixels
        The labels, and the pixels of the image.
    size_px
        Side of the crop.
    other
        Returns another labelled image, for backgrounds and occlusions.
    """
    hand = image.hands[int(rng.integers(len(image.hands)))]
    box = _random_box(hand, rng, settings)
    if rng.random() < settings.empty_share:
        box = _box_without_hand(image, box, rng)
    crop = take_crop(pixels, box, size_px)
    from_image = inverse(box.to_image(size_px))
    position = np.stack([transform_points(h.position_px, from_image) for h in image.hands])
    if rng.random() < settings.background_share and len(image.hands) == 1:
        crop = _replace_background(crop, position[0], size_px, rng, other)
    if rng.random() < 0.18 * settings.strength:
        crop = _occlude(crop, rng, other)
    crop = photometric_changes(crop, rng, settings.strength)
    hidden = np.stack([h.label == Label.HIDDEN for h in image.hands])
    return Sample(
        pixels=crop,
        position_px=position,
        peak_value=np.where(hidden, settings.hidden_peak_value, 1.0),
        weight=_label_weights(image, position, size_px, settings),
    )


def _random_box(
    hand: LabelledHand, rng: np.random.Generator, settings: AugmentationSettings
) -> CropBox:
    if rng.random() < settings.close_share:
        hand_ratio, max_shift = rng.uniform(*settings.close_hand_ratio), 0.5
    else:
        low, high = np.log(settings.far_hand_ratio)
        hand_ratio, max_shift = float(np.exp(rng.uniform(low, high))), 0.9
    side = max(hand.size_px, 8.0) / hand_ratio
    slack = max(side - hand.size_px, 0.12 * side) / 2
    middle = hand.centre_px + rng.uniform(-max_shift, max_shift, 2) * slack
    any_angle = rng.random() < settings.full_rotation_share
    rotation = rng.uniform(-180, 180) if any_angle else settings.rotation_sd_deg * rng.normal()
    return CropBox(middle[0], middle[1], side, float(rotation), bool(rng.random() < 0.5))


def _box_without_hand(image: LabelledImage, box: CropBox, rng: np.random.Generator) -> CropBox:
    """Return a box without a labelled hand, or `box` itself after eight failed attempts."""
    for _ in range(8):
        side = box.side * rng.uniform(0.4, 1.0)
        x, y = rng.uniform(0, [image.width, image.height])
        reach = side * 0.75
        if all(
            x + reach < h.box_px[0]
            or x - reach > h.box_px[2]
            or y + reach < h.box_px[1]
            or y - reach > h.box_px[3]
            for h in image.hands
        ):
            return CropBox(x, y, side, box.rotation_deg, box.mirrored)
    return box


def _label_weights(
    image: LabelledImage, position: FloatArray, size_px: int, settings: AugmentationSettings
) -> FloatArray:
    """Return the weight of each keypoint, see `Sample.weight`."""
    margin = 0.15 * size_px
    weight_of = {
        Label.NONE: 0.0,
        Label.PSEUDO: settings.pseudo_label_weight,
        Label.SURE: 1.0,
        Label.HIDDEN: settings.hidden_weight,
    }
    weight = np.ones(position.shape[1])
    for hand, place in zip(image.hands, position, strict=True):
        known = place[hand.label > Label.NONE]
        in_view = ((known > -margin) & (known < size_px + margin)).all(axis=1).any()
        if in_view:
            weight = np.minimum(weight, [weight_of[Label(code)] for code in hand.label])
    return weight


def hand_mask(position: FloatArray, size_px: int) -> NDArray[np.float32] | None:
    """Draw a soft mask of the hand, 0 to 1, from its 21 keypoints; None if some are missing."""
    if len(position) != len(KEYPOINTS) or not np.isfinite(position).all():
        return None
    extent = float(np.ptp(position, axis=0).max())
    wrist, knuckle = position[WRIST], position[MIDDLE_MCP]
    palm = float(np.linalg.norm(knuckle - wrist))
    thick = max(2, round(0.30 * max(palm, 0.35 * extent)))
    mask = np.zeros((size_px, size_px), dtype=np.uint8)
    points = np.clip(position, -4 * size_px, 4 * size_px).round().astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(points[list(PALM)]), 255)
    for a, b in BONES:
        pair = [tuple(int(v) for v in points[j]) for j in (a, b)]
        cv2.line(mask, pair[0], pair[1], 255, thick)
    arm = wrist + (wrist - knuckle) * 0.8
    cv2.line(
        mask,
        tuple(int(v) for v in wrist),
        tuple(int(v) for v in np.clip(arm, -4 * size_px, 4 * size_px)),
        255,
        max(2, round(0.6 * palm)),
    )
    feathered: NDArray[np.float32] = cv2.GaussianBlur(mask, (0, 0), max(0.6, thick / 8)).astype(
        np.float32
    ) / np.float32(255)
    return feathered


def _background_crop(
    size_px: int, rng: np.random.Generator, other: Callable[[], tuple[LabelledImage, Pixels]]
) -> Pixels | None:
    """Return a crop of another image that shows no labelled hand; None if none is found soon."""
    for _ in range(4):
        image, pixels = other()
        side = rng.uniform(0.3, 0.9) * min(image.width, image.height)
        start = CropBox(0, 0, side, float(rng.uniform(-30, 30)), bool(rng.random() < 0.5))
        box = _box_without_hand(image, start, rng)
        if box is not start:
            return take_crop(pixels, box, size_px)
    return None


def _replace_background(
    crop: Pixels,
    position: FloatArray,
    size_px: int,
    rng: np.random.Generator,
    other: Callable[[], tuple[LabelledImage, Pixels]],
) -> Pixels:
    mask = hand_mask(position, size_px)
    background = _background_crop(size_px, rng, other)
    if mask is None or background is None:
        return crop
    share = mask[:, :, None]
    return (crop * share + background * (1 - share)).astype(np.uint8)


def _occlude(
    crop: Pixels,
    rng: np.random.Generator,
    other: Callable[[], tuple[LabelledImage, Pixels]],
) -> Pixels:
    """Cover a rectangle with one colour or with a piece of another image."""
    size = len(crop)
    height, width = (int(v) for v in rng.uniform(0.08, 0.35, 2) * size)
    top, left = int(rng.integers(0, size - height)), int(rng.integers(0, size - width))
    covered = crop.copy()
    patch = covered[top : top + height, left : left + width]
    piece = _background_crop(size, rng, other) if rng.random() < 0.4 else None
    if piece is None:
        patch[:] = rng.integers(0, 256, 3)
    else:
        patch[:] = piece[top : top + height, left : left + width]
    return covered


def photometric_changes(crop: Pixels, rng: np.random.Generator, strength: float = 1.0) -> Pixels:
    """Change light, colour, sharpness and noise as cameras do; keypoints stay in place."""
    size = len(crop)
    image = crop
    if rng.random() < 0.3 * strength:
        image = motion_blur(image, rng.uniform(2, 0.11 * size), rng.uniform(0, 180))
    if rng.random() < 0.12 * strength:
        image = _ghost(image, rng)
    if rng.random() < 0.2 * strength:
        image = _low_resolution(image, rng.uniform(1.3, 3.0))
    if rng.random() < 0.15 * strength:
        image = _sharpen(image, rng.uniform(0.5, 2.5), rng.uniform(0.7, 2.0))
    level = _colour_jitter(image.astype(np.float32) / np.float32(255), rng)
    if rng.random() < 0.4 * strength:
        spread = np.float32(rng.uniform(0.005, 0.07))
        level += spread * rng.standard_normal(level.shape, dtype=np.float32)
    image = (np.clip(level, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.25 * strength:
        image = _jpeg_artefacts(image, int(rng.integers(12, 70)))
    return image


def _ghost(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Blend in a weaker, displaced copy: the frame before, as webcams do in dim light."""
    share = rng.uniform(0.15, 0.4)
    reach, angle = rng.uniform(0.02, 0.1) * len(image), rng.uniform(0, 2 * np.pi)
    shift = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]])
    side = (len(image), len(image))
    before = cv2.warpAffine(image, shift, side, borderMode=cv2.BORDER_REPLICATE)
    return cv2.addWeighted(image, 1 - share, before, share, 0).astype(np.uint8, copy=False)


def _sharpen(image: Pixels, amount: float, sd_px: float) -> Pixels:
    """Sharpen with halos, as webcams do (unsharp mask)."""
    soft = cv2.GaussianBlur(image, (0, 0), sd_px)
    return cv2.addWeighted(image, 1 + amount, soft, -amount, 0).astype(np.uint8, copy=False)


def _low_resolution(image: Pixels, factor: float) -> Pixels:
    size = len(image)
    small = max(16, round(size / factor))
    shrunk = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    return cv2.resize(shrunk, (size, size)).astype(np.uint8, copy=False)


def _jpeg_artefacts(image: Pixels, quality: int) -> Pixels:
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)


def _colour_jitter(level: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    grey = level.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.06 else rng.uniform(0.4, 1.5)
    level = grey + np.float32(saturation) * (level - grey)
    level *= rng.uniform(0.82, 1.2, 3).astype(np.float32)
    level = np.clip(level, 0, 1) ** np.float32(np.exp(rng.uniform(-0.6, 0.6)))
    contrast = np.float32(rng.uniform(0.6, 1.3))
    level = contrast * level + np.float32(0.5 * (1 - contrast) + rng.uniform(-0.12, 0.12))
    if rng.random() < 0.2:  # overexposed, or a hand lit by nothing but a screen
        level *= np.float32(rng.uniform(1.3, 2.0) if rng.random() < 0.6 else rng.uniform(0.3, 0.7))
    if rng.random() < 0.15:  # light from one side
        slope = np.linspace(rng.uniform(0.4, 1), rng.uniform(1, 1.5), len(level), dtype=np.float32)
        slope = slope if rng.random() < 0.5 else slope[::-1]
        level *= slope[None, :, None] if rng.random() < 0.5 else slope[:, None, None]
    return level


def motion_blur(image: Pixels, length_px: float, direction_deg: float) -> Pixels:
    """Blur an image evenly along a line, symmetrically, so that nothing moves."""
    reach = max(1, int(np.ceil(length_px / 2)))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), dtype=np.float32)
    steps = np.linspace(-length_px / 2, length_px / 2, 4 * reach + 1)
    angle = np.deg2rad(direction_deg)
    columns = np.round(reach + steps * np.cos(angle)).astype(int)
    rows = np.round(reach + steps * np.sin(angle)).astype(int)
    np.add.at(kernel, (rows, columns), np.float32(1))
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return blurred.astype(np.uint8, copy=False)
