"""Plain torch: the reference on a CPU, the fast engine on a GPU."""

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tapscope.network.engine import Engine, Look
from tapscope.network.folding import folded
from tapscope.network.heatmap import find_peaks
from tapscope.network.pmsdsnet import normalise
from tapscope.network.weights import Weights
from tapscope.records import FloatArray


class TensorEngine(Engine):
    """An engine whose heatmaps are torch's, and stay on their device."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        self.stride = weights.network.stride
        self.size_divisor = weights.network.size_divisor

    @abstractmethod
    def tensor_heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the heatmaps, see `Engine.heatmaps`, as float32 on their device."""

    def heatmaps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the heatmaps, see `Engine.heatmaps`."""
        heatmaps: NDArray[np.float32] = self.tensor_heatmaps(pixels).cpu().numpy()
        return heatmaps

    def _look(self, pixels: NDArray[np.uint8], *, keeps_heatmaps: bool) -> Look:
        heatmaps = self.tensor_heatmaps(pixels)
        return Look(heatmaps if keeps_heatmaps else None, self._peaks(heatmaps))

    def _look_again(self, mirrored: NDArray[np.uint8], heatmaps: Tensor) -> list[FloatArray]:
        return self._peaks((heatmaps + self.tensor_heatmaps(mirrored).flip(-1)) / 2)

    def _peaks(self, heatmaps: Tensor) -> list[FloatArray]:
        peaks = find_peaks(heatmaps, self.fingertips, self.stride)
        return [values.double().cpu().numpy() for values in peaks]


class TorchEngine(TensorEngine):
    """The network as torch runs it.

    Parameters
    ----------
    weights
        The network and its card.
    device
        "cpu" or "cuda".
    precision
        Of weights and maps: by default single on a CPU, which is the reference, and bfloat16 on a
        GPU.
    """

    def __init__(
        self, weights: Weights, device: str = "cpu", precision: torch.dtype | None = None
    ) -> None:
        super().__init__(weights)
        self._device = torch.device(device)
        self._precision = precision or (torch.float32 if device == "cpu" else torch.bfloat16)
        self._network = folded(weights.network)
        self._network.to(self._device, self._precision, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name = f"torch {torch.__version__} {device}"
        self.batch_size = 1 if device == "cpu" else 64

    def tensor_heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the heatmaps, see `Engine.heatmaps`, on the device."""
        with torch.inference_mode():
            images = normalise(torch.from_numpy(pixels).to(self._device)).to(self._precision)
            heatmaps: Tensor = self._network.final(images).float()
        return heatmaps
