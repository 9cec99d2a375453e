"""Stacked Hourglass: the image is pooled down and enlarged again, several times in a row.

Source: Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", 2016. From
there: the stem that quarters the size; residual blocks; four poolings with a branch at each size;
nearest-neighbour enlargement; heatmaps of every stack, fed into the next one and supervised.

Ours: two stacks of 288 channels (8.3 M parameters); batch normalisation after a convolution, not
before it; loss and targets are those of all networks here.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.baselines.residual import Bottleneck
from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

STACKS = 2
CHANNELS = 288
DEPTH = 4
"""Poolings in an hourglass."""


def _residual(inputs: int, outputs: int) -> Bottleneck:
    return Bottleneck(inputs, outputs // 2, outputs)


class Hourglass(nn.Module):
    """One hourglass; inner sizes are hourglasses themselves."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.beside = _residual(channels, channels)
        self.before = _residual(channels, channels)
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else _residual(channels, channels)
        self.after = _residual(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the shape of `x`."""
        small = self.after(self.inner(self.before(F.max_pool2d(x, 2))))
        enlarged = F.interpolate(small, scale_factor=2.0, mode="nearest")
        beside: Tensor = self.beside(x)
        return enlarged + beside


class StackedHourglass(HeatmapNetwork):
    """See the module's text.

    Parameters
    ----------
    keypoints
        The number of heatmaps.
    """

    stride = 4
    size_divisor = 4 * 2**DEPTH

    def __init__(self, *, keypoints: int = 21) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_block(3, 64, kernel=7, stride=2),
            _residual(64, 128),
            nn.MaxPool2d(2),
            _residual(128, 128),
            _residual(128, CHANNELS),
        )
        self.hourglass = nn.ModuleList(Hourglass(CHANNELS, DEPTH) for _ in range(STACKS))
        self.feature = nn.ModuleList(
            nn.Sequential(_residual(CHANNELS, CHANNELS), conv_block(CHANNELS, CHANNELS, kernel=1))
            for _ in range(STACKS)
        )
        self.answer = nn.ModuleList(nn.Conv2d(CHANNELS, keypoints, 1) for _ in range(STACKS))
        self.feature_back = nn.ModuleList(
            nn.Conv2d(CHANNELS, CHANNELS, 1) for _ in range(STACKS - 1)
        )
        self.answer_back = nn.ModuleList(
            nn.Conv2d(keypoints, CHANNELS, 1) for _ in range(STACKS - 1)
        )

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; every stack is supervised."""
        x = self.stem(image)
        answers: list[Tensor] = []
        for number in range(STACKS):
            seen = self.feature[number](self.hourglass[number](x))
            answers.append(self.answer[number](seen))
            if number + 1 < STACKS:
                x = x + self.feature_back[number](seen) + self.answer_back[number](answers[-1])
        return Heatmaps(answers[-1], [[answer] for answer in answers[:-1]])
