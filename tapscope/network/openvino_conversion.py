"""From a network in torch to a model of OpenVINO."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tapscope.network.heatmap import find_peaks
from tapscope.network.openvino_runtime import openvino
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise


class PixelsToPeaks(nn.Module):
    """The network with its input normalisation, and the peaks of its heatmaps."""

    def __init__(self, network: HeatmapNetwork, fingertips: Sequence[int]) -> None:
        super().__init__()
        self._network = network
        self._fingertips = list(fingertips)

    def forward(self, pixels: Tensor, other: Tensor, share: Tensor) -> tuple[Tensor, ...]:
        """Return the averaged heatmaps and their peaks, see `openvino_model`."""
        heatmaps = self._network.final(normalise(pixels)) * (1 - share) + other * share
        peaks = find_peaks(heatmaps, self._fingertips, self._network.stride)
        return (heatmaps, *(peaks if self._fingertips else peaks[:3]))


def convert(network: HeatmapNetwork, fingertips: Sequence[int]) -> openvino.Model:
    """Return the model of a network, see `openvino_model`."""
    side = 64 // network.size_divisor * network.size_divisor or network.size_divisor
    image = torch.zeros((1, side, side, 3), dtype=torch.uint8)
    with torch.inference_mode():
        other = torch.zeros_like(network.final(normalise(image)))
    example = (image, other, torch.zeros(1))
    with warnings.catch_warnings():
        # Tracing is deprecated (FutureWarning from torch 2.14 on), but three times as fast as
        # torch.export for the same bits. The shape warning comes from the check of the image's
        # sides, which has passed by then.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            PixelsToPeaks(network, fingertips).eval(), example, check_trace=False
        )
    return openvino.convert_model(traced, example_input=example)
