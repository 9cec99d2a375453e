"""The optimisers: Muon for the convolutions, torch's Adam for all other parameters.

Source of Muon: Jordan and others, "Muon: an optimizer for hidden layers in neural networks", 2024,
with the coefficients given there. The step of a convolution is its momentum with all singular
values made equal, so that directions with small gradients (which finger a tip belongs to) are
learned as fast as those with large ones (what is skin).

`torch.optim.Muon` takes the same steps, but only of matrices, one at a time and in bfloat16: for
these kernels twice the time, and more on a CPU that emulates bfloat16.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
MUON_MOMENTUM = 0.95
ADAM_BETAS = (0.9, 0.99)


def orthogonalised(matrices: Sequence[Tensor], *, steps: int = 5) -> list[Tensor]:
    """Return matrices with the same singular vectors and all singular values near 1.

    Parameters
    ----------
    matrices
        Each of shape (rows, columns); those with equal shorter sides are computed together.
    steps
        Of the quintic Newton-Schulz iteration; 5 give values between about 0.7 and 1.2.
    """
    a, b, c = NEWTON_SCHULZ
    wide = [m.T if m.shape[0] > m.shape[1] else m for m in matrices]
    wide = [m / (m.norm() + 1e-7) for m in wide]
    of_side: dict[int, list[int]] = {}
    for place, matrix in enumerate(wide):
        of_side.setdefault(len(matrix), []).append(place)
    results = list(wide)
    for places in of_side.values():
        # Every step multiplies from the left by a polynomial of the Gram matrix. The polynomials
        # commute, so the iteration needs only the small square matrices.
        gram = torch.stack([wide[place] @ wide[place].T for place in places])
        identity = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device)
        product = torch.baddbmm(a * identity + b * gram, gram, gram, alpha=c)
        factor = product
        for _ in range(steps - 1):
            gram = factor @ gram @ factor
            factor = torch.baddbmm(a * identity + b * gram, gram, gram, alpha=c)
            product = factor @ product
        for place, polynomial in zip(places, product, strict=True):
            results[place] = polynomial @ wide[place]
    return [
        result.T if matrix.shape[0] > matrix.shape[1] else result
        for result, matrix in zip(results, matrices, strict=True)
    ]


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov momentum and decoupled weight decay.

    Parameters
    ----------
    kernels
        Of convolutions, each a matrix of one row per output channel.
    """

    def __init__(self, kernels: Iterable[Tensor], *, lr: float, weight_decay: float) -> None:
        super().__init__(kernels, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every kernel that has a gradient."""
        for group in self.param_groups:
            kernels = [kernel for kernel in group["params"] if kernel.grad is not None]
            wanted = [self._nesterov(kernel).reshape(len(kernel), -1) for kernel in kernels]
            for kernel, direction in zip(kernels, orthogonalised(wanted), strict=True):
                stretch = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
                kernel.mul_(1 - group["lr"] * group["weight_decay"])
                kernel.sub_(direction.reshape(kernel.shape), alpha=group["lr"] * stretch)

    def _nesterov(self, kernel: Tensor) -> Tensor:
        """Update the momentum of a kernel and return the Nesterov gradient."""
        assert kernel.grad is not None
        state = self.state[kernel]
        if not state:
            state["momentum"] = torch.zeros_like(kernel)
        momentum: Tensor = state["momentum"]
        momentum.lerp_(kernel.grad, 1 - MUON_MOMENTUM)
        return kernel.grad.lerp(momentum, MUON_MOMENTUM)


def make_optimisers(
    network: nn.Module, *, muon_lr: float, adam_lr: float, weight_decay: float
) -> tuple[torch.optim.Optimizer, ...]:
    """Return Muon for the convolutions of a network, with weight decay, and Adam for the rest."""
    kernels = [p for p in network.parameters() if p.ndim == 4]
    others = [p for p in network.parameters() if p.ndim != 4]
    optimisers = (
        Muon(kernels, lr=muon_lr, weight_decay=weight_decay),
        torch.optim.Adam(others, lr=adam_lr, betas=ADAM_BETAS),
    )
    for group in (group for optimiser in optimisers for group in optimiser.param_groups):
        group["initial_lr"] = group["lr"]  # the name that torch's own schedulers use
    return optimisers


def set_lr_scale(optimisers: Iterable[torch.optim.Optimizer], scale: float) -> None:
    """Set every learning rate to `scale` times its peak."""
    for group in (group for optimiser in optimisers for group in optimiser.param_groups):
        group["lr"] = scale * group["initial_lr"]
