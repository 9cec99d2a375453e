"""Folded networks answer as the others do."""

import copy

import pytest
import torch
from torch import nn

from tapscope.network.folding import folded
from tapscope.network.registry import MODELS, build


@pytest.mark.parametrize("name", MODELS)
def test_a_folded_network_has_the_same_heatmaps_and_fewer_normalisations(name: str) -> None:
    torch.manual_seed(0)
    model = MODELS[name]
    network = build(model.architecture, {"keypoints": 3, **model.arguments}).eval()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:  # as training leaves them, not as they begin
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.uniform_(-0.5, 0.5)
        norm.running_var.uniform_(0.5, 2.0)
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        nn.init.uniform_(norm.bias, -0.5, 0.5)
    before = copy.deepcopy(network.state_dict())
    image = torch.randn(2, 3, network.size_divisor, 2 * network.size_divisor)
    with torch.inference_mode():
        expected, found = network.final(image), folded(network).final(image)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    left = sum(isinstance(module, nn.BatchNorm2d) for module in folded(network).modules())
    assert left < len(norms) / 3
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
