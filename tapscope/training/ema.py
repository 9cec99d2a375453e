"""Means of weights: over the steps of a run, and of what it began with and what came out."""

import copy

import torch
from torch import nn

from tapscope.network.pmsdsnet import HeatmapNetwork


@torch.no_grad()
def update_ema(average: HeatmapNetwork, network: HeatmapNetwork, decay: float) -> None:
    """Move the averaged weights, batch statistics included, a little towards the network's."""
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.lerp_(new, 1 - decay)
        else:
            old.copy_(new)


@torch.no_grad()
def interpolate_weights(old: HeatmapNetwork, new: HeatmapNetwork, share: float) -> HeatmapNetwork:
    """Return a network of which `share` is `new` and the rest `old`, from which `new` was trained.

    Between two such networks those in between are often better than either, and keep the skills of
    both: Wortsman and others 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
    """
    mixed = copy.deepcopy(old)
    update_ema(mixed, new, 1 - share)
    return mixed


def freeze_batchnorm(network: HeatmapNetwork) -> None:
    """Let a network in training normalise by the statistics that it has, and keep them.

    Those of a few frames of one person would make it worse on everyone else.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
