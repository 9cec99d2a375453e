"""HigherHRNet: branches of several sizes side by side, heatmaps at a quarter and at half the size.

Source: Cheng, Xiao, Wang, Shi, Huang and Zhang, "HigherHRNet: Scale-Aware Representation Learning
for Bottom-Up Human Pose Estimation", 2020, on HRNet (Sun, Xiao, Liu and Wang, 2019). From there:
the stem that quarters the size, the stage of bottlenecks, stages of two, three and four branches
that exchange maps at their end; heatmaps from the finest branch; a transposed convolution of maps
and heatmaps, four residual blocks and heatmaps of twice the size; both supervised, and their mean
the answer.

Ours: 18 channels in the finest branch, one exchange a stage, four blocks a branch (3.3 M
parameters). Associative embedding, which assigns keypoints to people, is left out.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.baselines.residual import BasicBlock, Bottleneck, normalised
from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

CHANNELS = 18
BLOCKS = 4
BRANCHES = 4


class Exchange(nn.Module):
    """Residual blocks in every branch, then each following branch sums the maps of all."""

    def __init__(self, branches: int, going_on: int) -> None:
        super().__init__()
        widths = [CHANNELS * 2**b for b in range(branches)]
        self.blocks = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, width) for _ in range(BLOCKS))) for width in widths
        )
        self.hear = nn.ModuleList(
            nn.ModuleList(self._resize(widths, source, target) for source in range(branches))
            for target in range(going_on)
        )

    @staticmethod
    def _resize(widths: list[int], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:  # coarse to fine
            return nn.Sequential(
                normalised(widths[source], widths[target], 1),
                nn.Upsample(scale_factor=2.0 ** (source - target), mode="nearest"),
            )
        halved = [
            conv_block(widths[source], widths[source], stride=2) for _ in range(source, target - 1)
        ]
        return nn.Sequential(*halved, normalised(widths[source], widths[target], stride=2))

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        """Return one map for each following branch, the finest first."""
        features = [block(maps) for block, maps in zip(self.blocks, x, strict=True)]
        exchanged = []
        for resizes in self.hear:
            assert isinstance(resizes, nn.ModuleList)
            first, *others = (resize(maps) for resize, maps in zip(resizes, features, strict=True))
            exchanged.append(F.relu(sum(others, start=first)))
        return exchanged


class HigherHRNet(HeatmapNetwork):
    """See the module's text.

    Parameters
    ----------
    keypoints
        The number of heatmaps.
    """

    stride = 2
    size_divisor = 4 * 2 ** (BRANCHES - 1)

    def __init__(self, *, keypoints: int = 21) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            conv_block(3, 64, stride=2),
            conv_block(64, 64, stride=2),
            Bottleneck(64, 64, 256),
            *(Bottleneck(256, 64, 256) for _ in range(BLOCKS - 1)),
        )
        self.fine = conv_block(256, CHANNELS)
        self.coarser = nn.ModuleList(
            conv_block(256 if b == 1 else CHANNELS * 2 ** (b - 1), CHANNELS * 2**b, stride=2)
            for b in range(1, BRANCHES)
        )
        self.stages = nn.ModuleList(
            Exchange(branches, branches if branches < BRANCHES else 1)
            for branches in range(2, BRANCHES + 1)
        )
        self.low = nn.Conv2d(CHANNELS, keypoints, 1)
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(CHANNELS + keypoints, CHANNELS, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.ReLU(inplace=True),
            *(BasicBlock(CHANNELS, CHANNELS) for _ in range(BLOCKS)),
        )
        self.high = nn.Conv2d(CHANNELS, keypoints, 1)

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; both sizes are supervised."""
        stem = self.stem(image)
        x = [self.fine(stem), self.coarser[0](stem)]
        for number, stage in enumerate(self.stages):
            if number:
                x.append(self.coarser[number](x[-1]))
            x = stage(x)
        low = self.low(x[0])
        high = self.high(self.enlarge(torch.cat([x[0], low], dim=1)))
        enlarged = F.interpolate(low, scale_factor=2.0, mode="bilinear", align_corners=False)
        return Heatmaps((high + enlarged) / 2, [[high, low]])
