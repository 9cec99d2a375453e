"""The networks that the P-MSDSNet paper compares itself with, one a file.

Each is written from the idea of its own paper; depth and widths are chosen so that it has the
number of parameters that the comparison gives it (at 21 keypoints, within 5 %). All keep the
contract of `network.HeatmapNetwork`, so that one path trains and measures them.
"""

from tapscope.network.baselines.higherhrnet import HigherHRNet
from tapscope.network.baselines.hourglass import StackedHourglass
from tapscope.network.baselines.msb_fcn import MSBFCN
from tapscope.network.baselines.unet import UNet
from tapscope.network.baselines.yolse import YOLSE

__all__ = ["MSBFCN", "YOLSE", "HigherHRNet", "StackedHourglass", "UNet"]
