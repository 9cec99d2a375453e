"""YOLSE: a plain convolutional network whose maps of every size speak together at full size.

Source: Wu, Li, Cheng, Zhang and Jin, "YOLSE: Egocentric Fingertip Detection from Single RGB
Images", 2017. From there: no part of it needs a fixed size, one heatmap ("fingermap") a fingertip
at full resolution, regressed by squared error, empty for a fingertip out of sight.

Its layer table was not at hand. Ours: two 3 x 3 convolutions at each of five sizes, of which each
gives 64 maps, enlarged and laid side by side for a last pair of convolutions; 2.9 M parameters.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

WIDTHS = (32, 64, 128, 256, 296)
GIVEN = 64
"""Maps that each size gives."""


class YOLSE(HeatmapNetwork):
    """See the module's text.

    Parameters
    ----------
    keypoints
        The number of heatmaps.
    """

    stride = 1
    size_divisor = 2 ** (len(WIDTHS) - 1)

    def __init__(self, *, keypoints: int = 21) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            conv_block(before, width, layers=2)
            for before, width in zip([3, *WIDTHS], WIDTHS, strict=False)
        )
        self.give = nn.ModuleList(conv_block(width, GIVEN, kernel=1) for width in WIDTHS)
        self.answer = nn.Sequential(
            conv_block(GIVEN * len(WIDTHS), GIVEN), nn.Conv2d(GIVEN, keypoints, 1)
        )

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; nothing but the end is supervised."""
        x = image
        given: list[Tensor] = []
        for level, (block, give) in enumerate(zip(self.down, self.give, strict=True)):
            x = block(F.max_pool2d(x, 2) if level else x)
            maps = give(x)
            if level:
                maps = F.interpolate(
                    maps, scale_factor=2.0**level, mode="bilinear", align_corners=False
                )
            given.append(maps)
        return Heatmaps(self.answer(torch.cat(given, dim=1)), [])
