"""What training makes small: squared error on heatmaps, at the end and at every stage.

Source: the P-MSDSNet paper, named in `network`.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tapscope.heatmap import VARIANCE_PX2, encode
from tapscope.network import Heatmaps
from tapscope.views import Batch

SUPERVISED_SCALES = 3
"""The paper supervises the three finest scales."""


def targets(batch: Batch, size: tuple[int, int]) -> Tensor:
    """Return target heatmaps, shape (n, joints, height, width); hands are merged by maximum."""
    hands = batch.position_px.shape[1]
    merged = encode(batch.position_px[:, 0], size)
    for hand in range(1, hands):
        merged = torch.maximum(merged, encode(batch.position_px[:, hand], size))
    return merged


def heatmap_loss(
    answer: Tensor, target: Tensor, weight: Tensor, foreground_weight: float
) -> Tensor:
    """Return the weighted squared error over that of an empty answer to one joint in view."""
    error = (answer - target).square() * (1 + foreground_weight * target)
    joint_error = error.sum(dim=(2, 3)) * weight
    # Sums of Y^2 and Y^3 for a Gaussian of height 1: pi * v and 2 pi v / 3.
    empty = math.pi * VARIANCE_PX2 * (1 + foreground_weight * 2 / 3)
    return joint_error.sum() / weight.sum().clamp_min(1.0) / empty


def total_loss(
    answer: Heatmaps, target: Tensor, weight: Tensor, *, alpha: float, foreground_weight: float
) -> Tensor:
    """Return L = L_f + alpha * sum over stages and scales of L_ds (beta = gamma = 1)."""
    final = answer.final.float()
    loss = heatmap_loss(final, target, weight, foreground_weight)
    for scale in range(SUPERVISED_SCALES):
        small = target
        if scale:
            small = F.interpolate(
                target, scale_factor=0.5**scale, mode="bilinear", align_corners=False
            )
        for stage in answer.supervised:
            term = heatmap_loss(stage[scale].float(), small, weight, foreground_weight)
            # A coarser map has a fourth of the pixels: its sum is brought to the same footing.
            loss = loss + alpha * 4**scale * term
    return loss
