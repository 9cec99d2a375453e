"""Muon makes steps whose singular values are alike; Adam is Adam; both remember through a file."""

import torch
from torch import nn

from tapscope.training.muon import MuonAdam, orthogonalised


def test_singular_values_come_near_one_and_directions_stay() -> None:
    torch.manual_seed(0)
    shapes = [(16, 144), (144, 16), (21, 21), (3, 900), (16, 16)]
    matrices = [torch.randn(shape) for shape in shapes]
    for matrix, made in zip(matrices, orthogonalised(matrices), strict=True):
        values = torch.linalg.svdvals(made)
        assert values.min() > 0.4
        assert values.max() < 1.3
        assert (made * matrix).sum() > 0.63 * made.norm() * matrix.norm()


def test_size_of_the_gradient_does_not_matter_to_convolutions() -> None:
    torch.manual_seed(0)
    gradient = torch.randn(8, 4, 3, 3)
    steps = []
    for scale in (1e-3, 1e3):
        layer = nn.Conv2d(4, 8, 3, bias=False)
        start = layer.weight.detach().clone()
        layer.weight.grad = scale * gradient
        MuonAdam(layer, muon_lr=0.1, adam_lr=0.0, weight_decay=0.0).step()
        steps.append(start - layer.weight.detach())
    assert torch.allclose(steps[0], steps[1], atol=1e-4)
    assert 0.05 < float(torch.linalg.matrix_norm(steps[0].reshape(8, -1), 2)) < 0.15


def test_other_parameters_are_stepped_as_by_torchs_adam() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.BatchNorm1d(5), nn.BatchNorm1d(5)
    mine = MuonAdam(ours, muon_lr=0.0, adam_lr=0.01, weight_decay=0.0)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(0.9, 0.99))
    for _ in range(5):
        for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            parameter.grad = torch.randn_like(parameter)
            other.grad = parameter.grad.clone()
        mine.step()
        reference.step()
    for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(parameter, other, atol=1e-6)


def test_share_scales_every_groups_peak() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimiser = MuonAdam(network, muon_lr=0.02, adam_lr=0.004, weight_decay=0.0)
    optimiser.set_lr_scale(0.5)
    assert [group["lr"] for group in optimiser.param_groups] == [0.01, 0.002]
