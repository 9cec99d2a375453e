"""Residual blocks of several baselines.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def normalised(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return a convolution, padded to keep the size at stride 1, and batch normalisation."""
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
    )


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.first = normalised(inputs, outputs, stride=stride, dilation=dilation)
        self.second = normalised(outputs, outputs, dilation=dilation)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = normalised(inputs, outputs, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of shape (n, outputs, height / stride, width / stride)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class Bottleneck(nn.Module):
    """A 3 x 3 convolution of few channels between two of 1 x 1, beside a shortcut."""

    def __init__(self, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        self.narrow = normalised(inputs, middle, 1)
        self.look = normalised(middle, middle)
        self.widen = normalised(middle, outputs, 1)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs:
            self.shortcut = normalised(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of shape (n, outputs, height, width)."""
        middle = F.relu(self.look(F.relu(self.narrow(x))))
        return F.relu(self.widen(middle) + self.shortcut(x))
