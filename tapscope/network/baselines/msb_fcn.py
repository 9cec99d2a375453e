"""MSB-FCN: deep maps pooled to a pyramid, whose levels exchange maps in both directions.

Source: Yang, Li, Cheng, Guo, Chen and Li, "Multi-Scale Bidirectional FCN for Object Skeleton
Extraction", 2018. From there: deep maps only, of a residual network; a pyramid of them; dense
connections from coarse to fine and from fine to coarse; attention that suppresses unreliable maps;
supervised heatmaps at every level; their fusion is the prediction.

Its layer table was not available. Ours: the trunk is an 18-layer residual network, not pretrained,
whose last two stages are dilated instead of strided; four levels of 160 channels (18.7 M
parameters); heatmaps are enlarged to a quarter of the image's size.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.baselines.residual import BasicBlock
from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

CHANNELS = 160
SIZES = 4
TRUNK_STRIDE = 8


class PyramidPass(nn.Module):
    """One pass through the pyramid: each level reads the previous ones, weighted by attention."""

    def __init__(self, sizes: range) -> None:
        super().__init__()
        self.order = list(sizes)
        self.conv = nn.ModuleList(
            conv_block(CHANNELS * (place + 1), CHANNELS) for place in range(len(sizes))
        )
        self.attention = nn.ModuleList(nn.Conv2d(CHANNELS, 1, 1) for _ in self.order[:-1])

    def forward(self, pyramid: list[Tensor]) -> list[Tensor]:
        """Return maps of the shapes of `pyramid`, finest first."""
        attended: list[Tensor] = []
        result = list(pyramid)
        for place, size in enumerate(self.order):
            own = pyramid[size]
            previous = [_resized(maps, own) for maps in attended]
            result[size] = self.conv[place](torch.cat([own, *previous], dim=1))
            if place < len(self.attention):  # no level reads the last one
                attended.append(result[size] * torch.sigmoid(self.attention[place](result[size])))
        return result


def _resized(maps: Tensor, like: Tensor) -> Tensor:
    # Python floats, not traced sizes: a traced network must keep the ratio for every image size.
    ratio = float(maps.shape[-1]) / float(like.shape[-1])
    if ratio > 1:
        return F.avg_pool2d(maps, round(ratio))
    return F.interpolate(maps, scale_factor=1 / ratio, mode="bilinear", align_corners=False)


class MSBFCN(HeatmapNetwork):
    """See the module's text.

    Parameters
    ----------
    keypoints
        The number of heatmaps.
    """

    stride = TRUNK_STRIDE // 2
    size_divisor = TRUNK_STRIDE * 2 ** (SIZES - 1)

    def __init__(self, *, keypoints: int = 21) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            conv_block(3, 64, kernel=7, stride=2),
            nn.MaxPool2d(3, 2, 1),
            BasicBlock(64, 64),
            BasicBlock(64, 64),
            BasicBlock(64, 128, stride=2),
            BasicBlock(128, 128),
            BasicBlock(128, 256, dilation=2),
            BasicBlock(256, 256, dilation=2),
            BasicBlock(256, 512, dilation=4),
            BasicBlock(512, 512, dilation=4),
        )
        self.entry = nn.ModuleList(conv_block(512, CHANNELS) for _ in range(SIZES))
        self.to_fine = PyramidPass(range(SIZES - 1, -1, -1))
        self.to_coarse = PyramidPass(range(SIZES))
        self.answer = nn.ModuleList(nn.Conv2d(2 * CHANNELS, keypoints, 1) for _ in range(SIZES))
        self.fusion = nn.Conv2d(keypoints * SIZES, keypoints, 1)

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; every level is supervised."""
        deep = self.trunk(image)
        pooled = [F.avg_pool2d(deep, 2**size) if size else deep for size in range(SIZES)]
        pyramid = [entry(maps) for entry, maps in zip(self.entry, pooled, strict=True)]
        both = zip(self.to_fine(pyramid), self.to_coarse(pyramid), strict=True)
        answers = []
        for size, (answer, maps) in enumerate(zip(self.answer, both, strict=True)):
            small = answer(torch.cat(maps, dim=1))
            answers.append(
                F.interpolate(
                    small, scale_factor=2.0 ** (size + 1), mode="bilinear", align_corners=False
                )
            )
        return Heatmaps(self.fusion(torch.cat(answers, dim=1)), [[maps] for maps in answers])
