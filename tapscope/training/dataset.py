"""Batches of augmented samples for training, and fixed crops for validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from tapscope.datasets.annotations import Label, LabelledHand, LabelledImage, LabelledSet
from tapscope.network.crop import CropBox, inverse, take_crop, transform_points
from tapscope.training.augmentation import AugmentationSettings, Sample, make_sample

MAX_CACHED_BYTES = 4 * 2**30
VALIDATION_HAND_TO_CROP_RATIO = 0.76
"""Longer side of the hand over that of a validation crop: as in tracking. Scores of two runs can be
compared only if it is the same."""
TRACKED_SHIFT = 0.08
"""Standard deviation of the distance of a tracked hand from the middle of its crop, in the crop's
side, along each axis."""
TRACKED_SCALE = 0.12
"""The same of the logarithm of its size."""
TRACKED_ROTATION_DEG = 15.0
"""The same of its direction."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one size, stacked."""

    pixels: Tensor
    """uint8 RGB, shape (n, size, size, 3)."""
    position_px: Tensor
    """Shape (n, hands, keypoints, 2); NaN where there is no such hand or keypoint."""
    peak_value: Tensor
    """Peaks of the target heatmaps, see `Sample`; shape (n, hands, keypoints)."""
    weight: Tensor
    """Shape (n, keypoints)."""

    @staticmethod
    def stack(samples: Sequence[Sample]) -> "Batch":
        """Stack samples; those with fewer hands are filled up with NaN."""
        hands = max(len(s.position_px) for s in samples)
        position = np.full(
            (len(samples), hands, *samples[0].position_px.shape[1:]), np.nan, dtype=np.float32
        )
        peak_value = np.zeros(position.shape[:3], dtype=np.float32)
        for row, sample in enumerate(samples):
            position[row, : len(sample.position_px)] = sample.position_px
            peak_value[row, : len(sample.position_px)] = sample.peak_value
        return Batch(
            torch.from_numpy(np.stack([s.pixels for s in samples])),
            torch.from_numpy(position),
            torch.from_numpy(peak_value),
            torch.from_numpy(np.stack([s.weight for s in samples]).astype(np.float32)),
        )

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        parts = (self.pixels, self.position_px, self.peak_value, self.weight)
        return Batch(*(part.to(device) for part in parts))


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """Everything that a sample depends on, besides images and settings."""

    index: int
    """Of the image."""
    size_px: int
    seed: tuple[int, ...]


class ImageCache:
    """Labelled images with their pixels, kept in memory if all fit in `MAX_CACHED_BYTES`."""

    def __init__(self, images: Sequence[LabelledImage]) -> None:
        self._images = images
        self._kept: dict[Path, NDArray[np.uint8]] = {}
        different = {image.path: image for image in images}
        total = sum(i.width * i.height * 3 for i in different.values())
        if total <= MAX_CACHED_BYTES:
            self._kept = {path: image.pixels() for path, image in different.items()}

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[LabelledImage, NDArray[np.uint8]]:
        image = self._images[index]
        kept = self._kept.get(image.path)
        return image, image.pixels() if kept is None else kept


class TrainingSamples(Dataset[Sample]):
    """Augmented samples; `samples[spec]` depends on nothing but `spec`, images and settings."""

    def __init__(self, images: ImageCache, settings: AugmentationSettings) -> None:
        self._images = images
        self._settings = settings

    def __getitem__(self, spec: SampleSpec) -> Sample:
        rng = np.random.default_rng(spec.seed)
        image, pixels = self._images[spec.index]
        return make_sample(
            image,
            pixels,
            spec.size_px,
            rng,
            self._settings,
            other=lambda: self._images[int(rng.integers(len(self._images)))],
        )


class BatchSampler(Sampler[list[SampleSpec]]):
    """The batches of one epoch: as many draws of each dataset as it has images.

    Within a dataset the draws of a group are proportional to the square root of its size: often a
    group is one person, and no person should be most of what the network sees.
    """

    def __init__(
        self, images: LabelledSet, *, batch_size: int, size_px: int, seed: int, epoch: int
    ) -> None:
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(_balanced_draws(images, rng))
        # Drop the last, partial batch: its batch statistics could be those of a single image.
        steps = max(1, len(order) // batch_size)
        self._batches = []
        for step in range(steps):
            members = order[step * batch_size : (step + 1) * batch_size]
            self._batches.append(
                [
                    SampleSpec(int(index), size_px, (seed, epoch, step, place))
                    for place, index in enumerate(members)
                ]
            )

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[SampleSpec]]:
        return iter(self._batches)


def _balanced_draws(images: LabelledSet, rng: np.random.Generator) -> NDArray[np.int_]:
    """Return the indices of the images that one epoch draws, see `BatchSampler`."""
    members: dict[str, dict[str, list[int]]] = {}
    for number, image in enumerate(images.images):
        members.setdefault(image.dataset, {}).setdefault(image.group, []).append(number)
    draws = []
    for groups in members.values():
        share = np.sqrt([len(group) for group in groups.values()])
        ends = np.round(np.cumsum(share / share.sum()) * sum(map(len, groups.values())))
        counts = np.diff(ends, prepend=0).astype(int)
        for group, count in zip(groups.values(), counts, strict=True):
            rounds = -(-count // len(group))  # no image is drawn again before all were drawn
            draws += [rng.permutation(group) for _ in range(rounds - 1)]
            draws.append(rng.permutation(group)[: count - (rounds - 1) * len(group)])
    return np.concatenate(draws)


@dataclass(frozen=True, slots=True)
class ValidationCrop:
    """One hand of a validation image, without augmentation."""

    pixels: NDArray[np.uint8]
    """RGB, shape (size, size, 3)."""
    position_px: NDArray[np.float64]
    """Keypoints in crop pixels, NaN without label; shape (keypoints, 2)."""
    hidden: NDArray[np.bool_]
    """Keypoints that something hides in the image, shape (keypoints,)."""
    hand_px: float
    """Longer side of the hand in crop pixels."""
    dataset: str


def validation_crops(images: LabelledSet, size_px: int, *, most: int) -> list[ValidationCrop]:
    """Return a crop of the first hand of at most `most` images, evenly spread over the set."""
    return [
        _validation_crop(image, _centred_box(image.hands[0]), size_px)
        for image in _evenly_spread(images, most)
    ]


def tracked_crops(
    images: LabelledSet, size_px: int, *, most: int, seed: int
) -> list[ValidationCrop]:
    """Return the same hands in crops as tracking takes them, to calibrate the confidence.

    Tracking knows the place of a hand from the frames around, so the hand is off the middle,
    turned, and not quite as large as it should be.
    """
    crops = []
    for number, image in enumerate(_evenly_spread(images, most)):
        rng = np.random.default_rng([seed, number])
        box = _centred_box(image.hands[0])
        x, y = np.array([box.x, box.y]) + TRACKED_SHIFT * box.side * rng.normal(size=2)
        side = box.side * float(np.exp(TRACKED_SCALE * rng.normal()))
        rotation_deg = TRACKED_ROTATION_DEG * float(rng.normal())
        crops.append(_validation_crop(image, CropBox(x, y, side, rotation_deg), size_px))
    return crops


def _evenly_spread(images: LabelledSet, most: int) -> Sequence[LabelledImage]:
    return images.images[:: max(1, -(-len(images) // most))]


def _centred_box(hand: LabelledHand) -> CropBox:
    x, y = hand.centre_px
    return CropBox(x, y, max(hand.size_px, 8.0) / VALIDATION_HAND_TO_CROP_RATIO)


def _validation_crop(image: LabelledImage, box: CropBox, size_px: int) -> ValidationCrop:
    hand = image.hands[0]
    return ValidationCrop(
        take_crop(image.pixels(), box, size_px),
        transform_points(hand.position_px, inverse(box.to_image(size_px))),
        hand.label == Label.HIDDEN,
        max(hand.size_px, 8.0) / box.side * size_px,
        image.dataset,
    )
