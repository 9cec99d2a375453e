"""Averages of weights: over the steps of a run, and of the weights before and after it.

torch's `AveragedModel` wraps the network, has a fixed decay and averages counters, too; for a decay
that warms up and a plain copy of the counters it would need more code than `update_ema` has.
"""

import copy

import torch
from torch import nn

from tapscope.network.pmsdsnet import HeatmapNetwork


@torch.no_grad()
def update_ema(average: HeatmapNetwork, network: HeatmapNetwork, decay: float) -> None:
    """Update the exponential moving average of the weights and of the batch statistics."""
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


@torch.no_grad()
def interpolate_weights(old: HeatmapNetwork, new: HeatmapNetwork, share: float) -> HeatmapNetwork:
    """Return a network with the weights (1 - share) * old + share * new.

    `new` must have been fine-tuned from `old`. The mean of two such networks is often better than
    either (Wortsman and others 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903).
    """
    mixed = copy.deepcopy(old)
    update_ema(mixed, new, 1 - share)
    return mixed


def freeze_batchnorm(network: HeatmapNetwork) -> None:
    """Use and keep the present batch statistics of a network in training mode.

    Statistics of a few frames of one person would make it worse on everyone else.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
