"""Muon for the convolutions, Adam for everything else.

Source: Jordan and others, "Muon: an optimizer for hidden layers in neural networks", 2024, with the
coefficients given there. A convolution's momentum is brought to the nearest matrix whose singular
values are all alike, so that directions that the loss rarely speaks of (which finger a tip belongs
to) are learned as fast as those that it always speaks of (what is skin).
`torch.optim.Muon` takes matrices only; convolutions are what this network is made of.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
MUON_MOMENTUM = 0.95
ADAM_BETAS = (0.9, 0.99)
ADAM_EPSILON = 1e-8


def orthogonalised(matrices: Sequence[Tensor], *, steps: int = 5) -> list[Tensor]:
    """Return matrices of the same singular vectors, their singular values all near 1.

    Parameters
    ----------
    matrices
        Each of shape (rows, columns); those whose shorter sides are alike are worked on at once.
    steps
        Of the quintic Newton-Schulz iteration; after 5 the values lie between about 0.7 and 1.2.
    """
    a, b, c = NEWTON_SCHULZ
    wide = [m.T if m.shape[0] > m.shape[1] else m for m in matrices]
    wide = [m / (m.norm() + 1e-7) for m in wide]
    of_side: dict[int, list[int]] = {}
    for place, matrix in enumerate(wide):
        of_side.setdefault(len(matrix), []).append(place)
    answers = list(wide)
    for places in of_side.values():
        # Every step multiplies by a polynomial of the Gram matrix from the left; the polynomials
        # commute, so that the iteration can be done on the small square matrices alone.
        gram = torch.stack([wide[place] @ wide[place].T for place in places])
        identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        product = torch.baddbmm(a * identity + b * gram, gram, gram, alpha=c)
        factor = product
        for _ in range(steps - 1):
            gram = factor @ gram @ factor
            factor = torch.baddbmm(a * identity + b * gram, gram, gram, alpha=c)
            product = factor @ product
        for place, polynomial in zip(places, product, strict=True):
            answers[place] = polynomial @ wide[place]
    return [
        answer.T if matrix.shape[0] > matrix.shape[1] else answer
        for answer, matrix in zip(answers, matrices, strict=True)
    ]


class MuonAdam(torch.optim.Optimizer):
    """One optimiser for a whole network.

    Parameters
    ----------
    network
        Its parameters with four axes are stepped by Muon, the others by Adam.
    muon_lr, adam_lr
        Peak learning rates, kept in each group as "peak"; "lr" is what a schedule changes.
    weight_decay
        Decoupled, of the convolutions only.
    """

    def __init__(
        self, network: nn.Module, *, muon_lr: float, adam_lr: float, weight_decay: float
    ) -> None:
        kernels = [p for p in network.parameters() if p.ndim == 4]
        others = [p for p in network.parameters() if p.ndim != 4]
        groups: list[dict[str, Any]] = [
            {"params": kernels, "muon": True, "peak": muon_lr, "weight_decay": weight_decay},
            {"params": others, "muon": False, "peak": adam_lr, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": adam_lr})
        self.set_lr_scale(1.0)

    def set_lr_scale(self, share: float) -> None:
        """Let every group step at this share of its peak rate."""
        for group in self.param_groups:
            group["lr"] = share * group["peak"]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; a closure is not supported."""
        if closure is not None:
            raise ValueError("MuonAdam takes no closure")
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            for parameter in parameters:
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
            move = self._muon if group["muon"] else self._adam
            move(parameters, group["lr"])

    def _muon(self, parameters: list[Tensor], rate: float) -> None:
        wanted = [self._with_momentum(p).reshape(len(p), -1) for p in parameters]
        for parameter, direction in zip(parameters, orthogonalised(wanted), strict=True):
            stretch = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
            parameter.sub_(direction.reshape(parameter.shape), alpha=rate * stretch)

    def _with_momentum(self, parameter: Tensor) -> Tensor:
        """Return the gradient, most of it remembered (Nesterov)."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(parameter.grad, 1 - MUON_MOMENTUM)
        return parameter.grad.lerp(momentum, MUON_MOMENTUM)

    def _adam(self, parameters: list[Tensor], rate: float) -> None:
        first, second = ADAM_BETAS
        for parameter in parameters:
            assert parameter.grad is not None
            state = self.state[parameter]
            if not state:
                state["step"] = torch.zeros(())
                state["mean"] = torch.zeros_like(parameter)
                state["square"] = torch.zeros_like(parameter)
            state["step"] += 1
            state["mean"].lerp_(parameter.grad, 1 - first)
            state["square"].lerp_(parameter.grad.square(), 1 - second)
            count = float(state["step"])
            mean = state["mean"] / (1 - first**count)
            scale = (state["square"] / (1 - second**count)).sqrt() + ADAM_EPSILON
            parameter.sub_(rate * mean / scale)
