"""What a training run depends on besides its images, and how it changes over its epochs."""

import math
from dataclasses import dataclass, field
from typing import Literal

from tapscope.training.augmentation import AugmentationSettings


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """Settings of a training run; together with the images they decide its result."""

    epochs: int = 20
    size_px: int = 128
    batch_size: int = 8
    muon_lr: float = 0.02
    """Peak learning rate of the convolutions, reached after warm-up, then cosine decay."""
    adam_lr: float = 2e-3
    """The same of all other parameters; the paper's 5e-5 needs many times the epochs."""
    warm_up_share: float = 0.03
    weight_decay: float = 0.01
    small_crop_share: float = 0.4
    """Share of the epochs, the first, with views of two thirds of the side: more than twice as
    many a minute, while the network learns what a hand is."""
    alpha: float = 0.5
    """Weight of the deep supervision; 0.5 was the paper's best on CMU."""
    tip_weight: float = 4.0
    """Weight in the loss of thumb and index tip, which are what is measured; of the others 1."""
    early_foreground_weight: float = 50.0
    """Extra weight of a pixel at a keypoint's very place, against the collapse to all-zero maps."""
    late_foreground_weight: float = 1.0
    """The same once there is nothing left to collapse: while a false peak costs next to nothing
    the network answers at every finger tip alike."""
    early_foreground_share: float = 0.53
    """Share of the epochs with the early weight."""
    ema_decay: float = 0.998
    weight_interpolation: float = 0.5
    """Share of the weights given in those that are measured and returned; fine-tuning only."""
    seed: int = 1
    loader_workers: int = 1
    compiled: bool = False
    """Fuse the step with torch.compile: minutes at the start, then 1.7 times the speed on two cores
    without bfloat16; on one with it nothing was gained."""
    max_validation_images: int = 400
    keep: Literal["best", "last"] | None = None
    """Which epoch's weights to return; None is the best, when fine-tuning the last: on a handful of
    held-out images it is chance which of twenty epochs is best."""
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    late_augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(
            close_share=0.8, full_rotation_share=0.06, rotation_sd_deg=20.0, strength=0.5
        )
    )
    """Gentler views, when what is left to learn is which finger is which."""
    strong_augmentation_share: float = 0.66
    """Share of the epochs before those."""
    tracking_augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(
            close_share=0.88,
            close_hand_ratio=(0.6, 0.92),
            far_hand_ratio=(0.2, 0.6),
            full_rotation_share=0.03,
            rotation_sd_deg=12.0,
            strength=0.5,
        )
    )
    """Most views as a hand is seen while it is followed, which is what is measured on."""
    tracking_augmentation_share: float = 0.15
    """Share of the epochs, the last, with those."""


def lr_schedule(step: int, steps: int, settings: TrainSettings) -> float:
    """Return the share of the peak rate: linear warm-up, then half a cosine to a hundredth."""
    warm_up = max(1, round(settings.warm_up_share * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def foreground_weight_in_epoch(epoch: int, settings: TrainSettings) -> float:
    """Return the weight of a keypoint's place in an epoch (from 0)."""
    if epoch < round(settings.early_foreground_share * settings.epochs):
        return settings.early_foreground_weight
    return settings.late_foreground_weight


def augmentation_in_epoch(epoch: int, settings: TrainSettings) -> AugmentationSettings:
    """Return how far the views of an epoch (from 0) stray."""
    if epoch < round(settings.strong_augmentation_share * settings.epochs):
        return settings.augmentation
    if epoch < round((1 - settings.tracking_augmentation_share) * settings.epochs):
        return settings.late_augmentation
    return settings.tracking_augmentation


def crop_size_in_epoch(epoch: int, stride: int, settings: TrainSettings) -> int:
    """Return the side of the views of an epoch (from 0), a multiple of the network's stride."""
    if epoch >= round(settings.small_crop_share * settings.epochs):
        return settings.size_px
    smaller = max(settings.size_px * 2 // 3 // stride, 2) * stride
    return min(smaller, settings.size_px)
