"""What training makes small: squared error on heatmaps, at the end and wherever it is supervised.

Source: the P-MSDSNet paper, named in `network`.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tapscope.network.heatmap import encode, variance
from tapscope.network.pmsdsnet import Heatmaps
from tapscope.training.dataset import Batch

SUPERVISED_SCALES = 3
"""The paper supervises the three finest scales."""
GATE_PENALTY_WEIGHT = 0.01
"""Weight of the squared distance of an unsupervised scale's sum from where its gate is open; ours.
Nothing else holds these sums: without it those of the coarse scales wandered to -40, their gates
let nothing through, and what is behind a closed gate learns nothing any more."""
MAX_UNPENALISED_SUM = 4.0
"""A sum of this size leaves a gate between 0.02 and 0.98."""


def targets(batch: Batch, size: tuple[int, int], stride: int = 1) -> Tensor:
    """Return what a network should answer to views of a size; hands are merged by maximum."""
    height, width = (side // stride for side in size)
    hands = batch.position_px.unbind(dim=1)
    merged = encode(hands[0], (height, width), stride)
    for hand in hands[1:]:
        merged = torch.maximum(merged, encode(hand, (height, width), stride))
    # As the answers lie: the loss of two layouts takes twice as long.
    return merged.contiguous(memory_format=torch.channels_last)


def heatmap_loss(
    answer: Tensor, target: Tensor, weight: Tensor, foreground_weight: float, stride: int = 1
) -> Tensor:
    """Return the weighted squared error over that of an empty answer to one keypoint in view.

    `stride` is that of the targets as they were drawn, however small they were made since.
    """
    error = (answer - target).square() * (1 + foreground_weight * target)
    keypoint_error = error.sum(dim=(2, 3)) * weight
    # Sums of Y^2 and Y^3 for a Gaussian of height 1: pi * v and 2 pi v / 3.
    empty = math.pi * variance(stride) * (1 + foreground_weight * 2 / 3)
    return keypoint_error.sum() / weight.sum().clamp_min(1.0) / empty


def total_loss(
    answer: Heatmaps,
    target: Tensor,
    weight: Tensor,
    *,
    alpha: float,
    foreground_weight: float,
    stride: int = 1,
) -> Tensor:
    """Return L = L_f + alpha * sum over stages and scales of L_ds (beta = gamma = 1).

    Besides, gates of unsupervised scales are kept open, see `GATE_PENALTY_WEIGHT`. `target` has
    the size of the final heatmaps, and was drawn for their stride.
    """
    loss = heatmap_loss(answer.final.float(), target, weight, foreground_weight, stride)
    smaller = {target.shape[-1]: target}
    for stage in answer.supervised:
        for maps in stage[:SUPERVISED_SCALES]:
            width = maps.shape[-1]
            shrunk = target.shape[-1] // width
            if width not in smaller:
                smaller[width] = F.interpolate(
                    target, scale_factor=1 / shrunk, mode="bilinear", align_corners=False
                )
            term = heatmap_loss(maps.float(), smaller[width], weight, foreground_weight, stride)
            # A coarser map has fewer pixels: its sum is brought to the same footing.
            loss = loss + alpha * shrunk**2 * term
        for maps in stage[SUPERVISED_SCALES:]:
            beyond = F.relu(maps.float().sum(dim=1).abs() - MAX_UNPENALISED_SUM)
            loss = loss + GATE_PENALTY_WEIGHT * beyond.square().mean()
    return loss
