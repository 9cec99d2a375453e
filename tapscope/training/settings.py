"""Settings of a training run, and how learning rate, crops and loss change over its epochs."""

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
    """Peak learning rate of the convolutions; see `lr_schedule`."""
    adam_lr: float = 2e-3
    """Peak learning rate of all other parameters; the paper's 5e-5 needs many times the epochs."""
    warm_up_share: float = 0.03
    """Share of the steps."""
    weight_decay: float = 0.01
    """Decoupled, of the convolutions only."""
    small_crop_share: float = 0.4
    """Share of the epochs, the first ones, with crops of two thirds of the side, which are more
    than twice as fast."""
    alpha: float = 0.5
    """Weight of the deep supervision; 0.5 was the paper's best on CMU."""
    tip_weight: float = 4.0
    """Weight of thumb and index tip in the loss, because these tips are measured."""
    palm_weight: float = 3.0
    """Weight of wrist and middle knuckle, which give the unit of length; other keypoints have 1."""
    early_foreground_weight: float = 50.0
    """Extra weight of the pixels at a keypoint: high at first, to prevent all-zero heatmaps."""
    late_foreground_weight: float = 1.0
    """Extra weight later: with the early one false peaks are so cheap that the network predicts
    every fingertip at all five."""
    early_foreground_share: float = 0.53
    """Share of the epochs with the early foreground weight."""
    ema_decay: float = 0.998
    """Decay per step of the exponential moving average of the weights."""
    weight_interpolation: float = 0.5
    """Fine-tuning: share of the initial weights in the weights that are validated and returned."""
    thorough: bool = False
    """Fine-tuning on thousands of images: the augmentation of a training from random weights, new
    batch statistics, and none of the initial weights in the result."""
    seed: int = 1
    loader_workers: int = 1
    """Subprocesses that make samples; 0 makes them between the steps."""
    compiled: bool = False
    """Use torch.compile, which takes minutes at the start and speeds up CPUs without bfloat16."""
    max_validation_images: int = 400
    keep: Literal["best", "last"] | None = None
    """Which epoch's weights to return. None is the best, or the last when fine-tuning, because
    with a handful of validation images the best epoch is random."""
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    late_augmentation: AugmentationSettings = field(
        default_factory=lambda: AugmentationSettings(
            close_share=0.8, full_rotation_share=0.06, rotation_sd_deg=20.0, strength=0.5
        )
    )
    """Weaker augmentation of the middle epochs."""
    strong_augmentation_share: float = 0.66
    """Share of the epochs with `augmentation`."""
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
    """Augmentation of the last epochs: most crops are like those of a tracked hand."""
    tracking_augmentation_share: float = 0.15
    """Share of the epochs with `tracking_augmentation`."""


def lr_schedule(step: int, steps: int, settings: TrainSettings) -> float:
    """Return the learning rate of a step (from 0) over the peak learning rate.

    Linear warm-up, then cosine decay to a hundredth. A function of the step alone: unlike
    torch's schedulers it adds no state to the checkpoint.
    """
    warm_up = max(1, round(settings.warm_up_share * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))


def foreground_weight_in_epoch(epoch: int, settings: TrainSettings) -> float:
    """Return the extra weight of the pixels at a keypoint in an epoch (from 0)."""
    if epoch < round(settings.early_foreground_share * settings.epochs):
        return settings.early_foreground_weight
    return settings.late_foreground_weight


def augmentation_in_epoch(epoch: int, settings: TrainSettings) -> AugmentationSettings:
    """Return the augmentation of an epoch (from 0)."""
    if epoch < round(settings.strong_augmentation_share * settings.epochs):
        return settings.augmentation
    if epoch < round((1 - settings.tracking_augmentation_share) * settings.epochs):
        return settings.late_augmentation
    return settings.tracking_augmentation


def crop_size_in_epoch(epoch: int, size_divisor: int, settings: TrainSettings) -> int:
    """Return the side of the crops of an epoch (from 0), a multiple of `size_divisor`."""
    if epoch >= round(settings.small_crop_share * settings.epochs):
        return settings.size_px
    smaller = max(settings.size_px * 2 // 3 // size_divisor, 2) * size_divisor
    return min(smaller, settings.size_px)
