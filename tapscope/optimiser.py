"""Muon for the convolutions, Adam for everything else.

Source: Jordan and others, "Muon: an optimizer for hidden layers in neural networks", 2024, with the
coefficients given there. A convolution's momentum is brought to the nearest matrix whose singular
values are all alike, so that directions that the loss rarely speaks of (which finger a tip belongs
to) are learned as fast as those that it always speaks of (what is skin).
`torch.optim.Muon` takes matrices only; convolutions are what this network is made of.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
MUON_MOMENTUM = 0.95
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-8


def orthogonalised(matrix: Tensor, *, steps: int = 5) -> Tensor:
    """Return a matrix of the same singular vectors, its singular values all near 1.

    Parameters
    ----------
    matrix
        Shape (rows, columns).
    steps
        Of the quintic Newton-Schulz iteration; after 5 the values lie between about 0.7 and 1.2.
    """
    a, b, c = NEWTON_SCHULZ
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    wide = wide / (wide.norm() + 1e-7)
    # Every step multiplies by a polynomial of the Gram matrix from the left; the polynomials
    # commute, so that the iteration can be done on the small square matrix alone.
    gram = wide @ wide.T
    product = identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    for _ in range(steps):
        factor = torch.addmm(a * identity + b * gram, gram, gram, alpha=c)
        product = factor @ product
        gram = factor @ gram @ factor
    answer: Tensor = product @ wide
    return answer.T if matrix.shape[0] > matrix.shape[1] else answer


class MuonAdam(torch.optim.Optimizer):
    """One optimiser for a whole network.

    Parameters
    ----------
    network
        Its parameters with four axes are stepped by Muon, the others by Adam.
    muon_rate, adam_rate
        Peak learning rates, kept in each group as "peak"; "lr" is what a schedule changes.
    weight_decay
        Decoupled, of the convolutions only.
    """

    def __init__(
        self, network: nn.Module, *, muon_rate: float, adam_rate: float, weight_decay: float
    ) -> None:
        kernels = [p for p in network.parameters() if p.ndim == 4]
        others = [p for p in network.parameters() if p.ndim != 4]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "muon": True, "peak": muon_rate, "weight_decay": weight_decay},
            {"params": others, "muon": False, "peak": adam_rate, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": adam_rate})
        self.set_share(1.0)

    def set_share(self, share: float) -> None:
        """Let every group step at this share of its peak rate."""
        for group in self.param_groups:
            group["lr"] = share * group["peak"]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; a closure is not supported."""
        if closure is not None:
            raise ValueError("MuonAdam takes no closure")
        for group in self.param_groups:
            move = self._muon if group["muon"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    move(parameter, parameter.grad, group["lr"])

    def _muon(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(gradient, 1 - MUON_MOMENTUM)
        matrix = gradient.lerp(momentum, MUON_MOMENTUM).reshape(len(parameter), -1)
        stretch = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        parameter.sub_(orthogonalised(matrix).reshape(parameter.shape), alpha=rate * stretch)

    def _adam(self, parameter: Tensor, gradient: Tensor, rate: float) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        first, second = ADAM_BETAS
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].lerp_(gradient.square(), 1 - second)
        count = float(state["step"])
        mean = state["mean"] / (1 - first**count)
        scale = (state["square"] / (1 - second**count)).sqrt() + ADAM_EPSILON
        parameter.sub_(rate * mean / scale)
