"""The loss: squared error of the final and of the supervised heatmaps.

Source: the P-MSDSNet paper, cited in `pmsdsnet`.
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
"""Weight of the penalty on saturated attention of the unsupervised, coarse scales; ours.
Without it their sums drift to large negative values, the sigmoid closes, and the layers behind it
get no gradient any more."""
MAX_UNPENALISED_SUM = 4.0
"""Heatmap sums up to this size keep the attention between 0.02 and 0.98."""


def targets(batch: Batch, size: tuple[int, int], stride: int = 1) -> Tensor:
    """Return the target heatmaps of a batch of crops of a size (height, width), in pixels.

    A hidden keypoint has a lower peak. The heatmaps of several hands are merged by their maximum.
    """
    height, width = (side // stride for side in size)
    merged = torch.zeros(())
    for position, peak in zip(
        batch.position_px.unbind(dim=1), batch.peak_value.unbind(dim=1), strict=True
    ):
        heatmap = encode(position, (height, width), stride) * peak[..., None, None]
        merged = torch.maximum(merged.to(heatmap), heatmap)
    # The layout of the predictions: a loss of tensors in two layouts takes twice as long.
    return merged.contiguous(memory_format=torch.channels_last)


def heatmap_loss(
    predicted: Tensor, target: Tensor, weight: Tensor, foreground_weight: float, stride: int = 1
) -> Tensor:
    """Return the weighted squared error, relative to that of an all-zero heatmap.

    Parameters
    ----------
    predicted, target
        Shape (n, keypoints, height, width).
    weight
        Of each keypoint; shape (n, keypoints).
    foreground_weight
        Extra weight of the pixels at a keypoint.
    stride
        Image pixels per heatmap pixel at which the targets were drawn, before any resizing.
    """
    error = (predicted - target).square() * (1 + foreground_weight * target)
    keypoint_error = error.sum(dim=(2, 3)) * weight
    # Sums of Y^2 and Y^3 for a Gaussian with peak value 1 and variance v: pi v and 2 pi v / 3.
    empty = math.pi * variance(stride) * (1 + foreground_weight * 2 / 3)
    return keypoint_error.sum() / weight.sum().clamp_min(1.0) / empty


def total_loss(
    predicted: Heatmaps,
    target: Tensor,
    weight: Tensor,
    *,
    alpha: float,
    foreground_weight: float,
    stride: int = 1,
) -> Tensor:
    """Return L = L_f + alpha * sum over stages and scales of L_ds (beta = gamma = 1).

    Scales without supervision are penalised, see `GATE_PENALTY_WEIGHT`. `target` has the size and
    the stride of the final heatmaps.
    """
    loss = heatmap_loss(predicted.final.float(), target, weight, foreground_weight, stride)
    smaller = {target.shape[-1]: target}
    for stage in predicted.supervised:
        for maps in stage[:SUPERVISED_SCALES]:
            width = maps.shape[-1]
            shrunk = target.shape[-1] // width
            if width not in smaller:
                smaller[width] = F.interpolate(
                    target, scale_factor=1 / shrunk, mode="bilinear", align_corners=False
                )
            term = heatmap_loss(maps.float(), smaller[width], weight, foreground_weight, stride)
            # A smaller heatmap has fewer pixels: scale its sum up accordingly.
            loss = loss + alpha * shrunk**2 * term
        for maps in stage[SUPERVISED_SCALES:]:
            beyond = F.relu(maps.float().sum(dim=1).abs() - MAX_UNPENALISED_SUM)
            loss = loss + GATE_PENALTY_WEIGHT * beyond.square().mean()
    return loss
