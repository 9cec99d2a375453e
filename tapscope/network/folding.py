"""Batch normalisation as part of the convolutions before it: less to read and write."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tapscope.network.pmsdsnet import HeatmapNetwork


def folded(network: HeatmapNetwork) -> HeatmapNetwork:
    """Return a copy of a network for inference, with the same heatmaps.

    Where a batch normalisation follows a convolution, its factors and offsets become those of the
    convolution (Jacob et al. 2018, doi 10.1109/CVPR.2018.00286, section 3.2). Others stay.
    """
    result = copy.deepcopy(network).eval()
    for block in list(result.modules()):
        if not isinstance(block, nn.Sequential):
            continue
        for (name, conv), (next_name, norm) in pairwise(list(block.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(block, name, fuse_conv_bn_eval(conv, norm))
                setattr(block, next_name, nn.Identity())
    return result
