"""YOLSE: a plain convolutional network that combines its maps of every size at full size.

Source: Wu, Li, Cheng, Zhang and Jin, "YOLSE: Egocentric Fingertip Detection from Single RGB
Images", 2017. From there: a fully convolutional network, one full-resolution heatmap
("fingermap") per fingertip, regressed by squared error, empty for a fingertip out of sight.

Its layer table was not available. Ours: two 3 x 3 convolutions at each of five sizes; each size
contributes 64 maps, enlarged and concatenated for a last pair of convolutions; 2.9 M parameters.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

WIDTHS = (32, 64, 128, 256, 296)
MAPS_PER_SIZE = 64


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
        self.give = nn.ModuleList(conv_block(width, MAPS_PER_SIZE, kernel=1) for width in WIDTHS)
        self.answer = nn.Sequential(
            conv_block(MAPS_PER_SIZE * len(WIDTHS), MAPS_PER_SIZE),
            nn.Conv2d(MAPS_PER_SIZE, keypoints, 1),
        )

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; only the final ones."""
        x = image
        gathered: list[Tensor] = []
        for level, (block, give) in enumerate(zip(self.down, self.give, strict=True)):
            x = block(F.max_pool2d(x, 2) if level else x)
            maps = give(x)
            if level:
                maps = F.interpolate(
                    maps, scale_factor=2.0**level, mode="bilinear", align_corners=False
                )
            gathered.append(maps)
        return Heatmaps(self.answer(torch.cat(gathered, dim=1)), [])
