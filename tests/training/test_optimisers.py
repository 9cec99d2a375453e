"""Muon makes steps with equal singular values, as torch's does for matrices; rates are scaled."""

import pytest
import torch
from torch import nn

from tapscope.training.optimisers import Muon, make_optimisers, orthogonalised, set_lr_scale


def test_singular_values_come_near_one_and_directions_stay() -> None:
    torch.manual_seed(0)
    shapes = [(16, 144), (144, 16), (21, 21), (3, 900), (16, 16)]
    matrices = [torch.randn(shape) for shape in shapes]
    for matrix, made in zip(matrices, orthogonalised(matrices), strict=True):
        values = torch.linalg.svdvals(made)
        assert values.min() > 0.4
        assert values.max() < 1.3
        assert (made * matrix).sum() > 0.63 * made.norm() * matrix.norm()


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (40, 2, 3, 3)])
def test_kernels_are_stepped_as_matrices_by_torchs_muon(shape: tuple[int, ...]) -> None:
    """Up to bfloat16, in which torch's iterates: 8 bits."""
    torch.manual_seed(0)
    kernel = nn.Parameter(torch.randn(shape))
    matrix = nn.Parameter(kernel.detach().flatten(1).clone())
    ours = Muon([kernel], lr=0.1, weight_decay=0.2)
    theirs = torch.optim.Muon([matrix], lr=0.1, weight_decay=0.2)
    for _ in range(3):
        kernel.grad = torch.randn(shape)
        matrix.grad = kernel.grad.flatten(1).clone()
        start = kernel.detach().clone()
        ours.step()
        theirs.step()
        moved = (kernel - start).norm()
        assert (kernel.flatten(1) - matrix).norm() < 0.05 * moved


def test_size_of_the_gradient_does_not_matter_to_convolutions() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(8, 4, 3, 3)
    steps = []
    for scale in (1e-3, 1e3):
        layer = nn.Conv2d(4, 8, 3, bias=False)
        start = layer.weight.detach().clone()
        layer.weight.grad = scale * gradient
        Muon(layer.parameters(), lr=0.1, weight_decay=0.0).step()
        steps.append(start - layer.weight.detach())
    assert torch.allclose(steps[0], steps[1], atol=1e-4)
    assert 0.05 < float(torch.linalg.matrix_norm(steps[0].reshape(8, -1), 2)) < 0.15


def test_every_parameter_has_one_optimiser_and_only_kernels_decay() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    muon, adam = make_optimisers(network, muon_lr=0.02, adam_lr=0.004, weight_decay=0.01)
    stepped = [p for o in (muon, adam) for group in o.param_groups for p in group["params"]]
    assert {id(p) for p in stepped} == {id(p) for p in network.parameters()}
    assert [p.ndim for p in muon.param_groups[0]["params"]] == [4]
    assert (muon.param_groups[0]["weight_decay"], adam.param_groups[0]["weight_decay"]) == (0.01, 0)


def test_scale_is_that_of_every_peak_learning_rate() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimisers = make_optimisers(network, muon_lr=0.02, adam_lr=0.004, weight_decay=0.0)
    for scale in (0.25, 0.5):
        set_lr_scale(optimisers, scale)
    assert [o.param_groups[0]["lr"] for o in optimisers] == [0.01, 0.002]
