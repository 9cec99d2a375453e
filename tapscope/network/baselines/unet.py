"""U-Net: down to a sixteenth of the size and up again, with a skip connection at every size.

Source: Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image
Segmentation", 2015. From there: two 3 x 3 convolutions at each of five sizes, channels doubled at
each of four poolings, 2 x 2 transposed convolutions back, concatenation with the encoder's maps.

Ours: 23 channels at full size instead of the paper's 64 (4.0 M parameters), batch normalisation,
and padding so that the heatmaps have the size of the image.
"""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tapscope.network.pmsdsnet import HeatmapNetwork, Heatmaps, conv_block

CHANNELS = 23
POOLINGS = 4


class UNet(HeatmapNetwork):
    """See the module's text.

    Parameters
    ----------
    keypoints
        The number of heatmaps.
    """

    stride = 1
    size_divisor = 2**POOLINGS

    def __init__(self, *, keypoints: int = 21) -> None:
        super().__init__()
        widths = [CHANNELS * 2**level for level in range(POOLINGS + 1)]
        self.down = nn.ModuleList(
            conv_block(before, width, layers=2)
            for before, width in zip([3, *widths], widths, strict=False)
        )
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in widths[:-1]
        )
        self.up = nn.ModuleList(conv_block(2 * width, width, layers=2) for width in widths[:-1])
        self.answer = nn.Conv2d(CHANNELS, keypoints, 1)

    def forward(self, image: Tensor) -> Heatmaps:
        """Return the heatmaps, see `HeatmapNetwork.forward`; only the final ones."""
        x: Tensor = self.down[0](image)
        skips = [x]
        for block in list(self.down)[1:]:
            x = block(F.max_pool2d(x, 2))
            skips.append(x)
        for level in reversed(range(POOLINGS)):
            x = self.up[level](torch.cat([skips[level], self.enlarge[level](x)], dim=1))
        return Heatmaps(self.answer(x), [])
