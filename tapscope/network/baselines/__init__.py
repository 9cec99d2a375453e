"""The networks that the P-MSDSNet paper compares itself with, one a file.

Each is written from the description in its own paper, with widths chosen so that it has the number
of parameters that the comparison states (at 21 keypoints, within 5 %). All are a
`pmsdsnet.HeatmapNetwork`, so that the same code trains and evaluates them.
"""

from tapscope.network.baselines.higherhrnet import HigherHRNet
from tapscope.network.baselines.hourglass import StackedHourglass
from tapscope.network.baselines.msb_fcn import MSBFCN
from tapscope.network.baselines.unet import UNet
from tapscope.network.baselines.yolse import YOLSE

__all__ = ["MSBFCN", "YOLSE", "HigherHRNet", "StackedHourglass", "UNet"]
