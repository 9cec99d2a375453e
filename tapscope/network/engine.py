"""The network behind one call, wherever it runs.

On a GPU torch in bfloat16; on a CPU OpenVINO, which fuses the many small layers (several times
faster than plain torch); plain torch in single precision is the reference for both.
"""

import warnings
from abc import ABC, abstractmethod
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tapscope.errors import WeightsError
from tapscope.hand import FINGERTIPS, Measured
from tapscope.network.heatmap import decode, local_peaks
from tapscope.network.openvino_runtime import openvino
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.network.weights import Weights, confidence
from tapscope.records import FloatArray

TIP_PEAKS = 5
"""A fingertip may be taken for any of the five."""


class KeypointPrediction(NamedTuple):
    """The network's answer for some images, decoded."""

    position_px: NDArray[np.float64]
    """x and y, centre of the top left pixel = 0; shape (n, keypoints, 2)."""
    confidence: NDArray[np.float64]
    """Calibrated chance of a good keypoint; shape (n, keypoints)."""
    peak_value: NDArray[np.float64]
    """Value of the peak: how surely some such keypoint is there, be it on the wrong finger; shape
    (n, keypoints)."""
    tip_position_px: NDArray[np.float64]
    """Where each fingertip may be, its highest peaks; shape (n, fingertips, peaks, 2), none of
    the five unless the network places them all."""
    tip_peak_value: NDArray[np.float64]
    """Values of these peaks, falling; shape (n, fingertips, peaks)."""


class PixelsToHeatmaps(nn.Module):
    """uint8 images to final heatmaps: what is traced and compiled."""

    def __init__(self, network: HeatmapNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Return heatmaps, see `Engine.heatmaps`."""
        return self.network.final(normalise(pixels))


class Engine(ABC):
    """Runs one set of weights."""

    name: str
    """What computes, for the record."""
    batch_size: int
    """How many images are worth giving at once."""

    def __init__(self, weights: Weights) -> None:
        self.card = weights.card
        self.weights_name = weights.name
        self.stride = weights.network.stride
        self.size_divisor = weights.network.size_divisor
        self._path = weights.path
        keypoints = weights.card.keypoints
        has_all = set(FINGERTIPS) <= set(keypoints)
        self.fingertips = [keypoints.index(name) for name in FINGERTIPS] if has_all else []
        self._leading = [keypoints.index(n) for n in ("thumb_tip", "index_tip") if n in keypoints]

    @cached_property
    def measured(self) -> Measured:
        """Where the measured keypoints stand among those placed.

        Raises
        ------
        WeightsError
            The network places them not all.
        """
        try:
            return Measured.among(self.card.keypoints)
        except ValueError as problem:
            raise WeightsError(
                f"{self._path}: the weights place no {problem}, without which a hand can neither "
                "be followed nor measured; use weights trained on frames with these keypoints"
            ) from problem

    @abstractmethod
    def heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the final heatmaps, on the device where they are computed.

        Parameters
        ----------
        pixels
            RGB, shape (n, height, width, 3); sides multiples of the network's largest stride.

        Returns
        -------
        Tensor
            float32, shape (n, keypoints, height / stride, width / stride).
        """

    def keypoints(self, pixels: NDArray[np.uint8], *, sure: float = 0.0) -> KeypointPrediction:
        """Return the decoded keypoints of images as in `heatmaps`.

        Where the confidence of thumb or index tip is not above `sure`, the image is seen
        mirrored, too, and the mean of both answers is decoded; 1 is every image.
        """
        heat = self.heatmaps(pixels)
        seen = self._decoded(heat)
        tips = seen.confidence[:, self._leading].min(axis=1, initial=1.0)
        again = np.flatnonzero(tips <= sure)
        if again.size:
            mirrored = np.ascontiguousarray(pixels[again, :, ::-1])
            better = self._decoded((heat[again] + self.heatmaps(mirrored).flip(-1)) / 2)
            for values, some in zip(seen, better, strict=True):
                values[again] = some
        return seen

    def confidence(self, peak_value: FloatArray, second_peak: FloatArray) -> FloatArray:
        """Return the calibrated chance that peaks of these values are good keypoints."""
        return confidence(self.card, peak_value, second_peak)

    def _decoded(self, heatmaps: Tensor) -> KeypointPrediction:
        tips = local_peaks(heatmaps[:, self.fingertips], TIP_PEAKS, self.stride)
        peaks = [*decode(heatmaps, self.stride), *tips]
        place, peak_value, second_peak, tip_place, tip_peak_value = (
            p.double().cpu().numpy() for p in peaks
        )
        sure = confidence(self.card, peak_value, second_peak)
        return KeypointPrediction(place, sure, peak_value, tip_place, tip_peak_value)


class TorchEngine(Engine):
    """Plain torch: the reference on the CPU, the fast way on a GPU (bfloat16)."""

    def __init__(self, weights: Weights, device: str = "cpu") -> None:
        super().__init__(weights)
        self._device = torch.device(device)
        self._network = PixelsToHeatmaps(weights.network).eval()
        self._network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.name = f"torch {torch.__version__} {device}"
        self.batch_size = 1 if device == "cpu" else 64

    def heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the final heatmaps, see `Engine.heatmaps`."""
        with (
            torch.inference_mode(),
            torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda"),
        ):
            answer: Tensor = self._network(torch.from_numpy(pixels).to(self._device)).float()
        return answer


class OpenVinoEngine(Engine):
    """OpenVINO on the CPU; one compiled network per image size, one image a request.

    Requests run side by side, one thread each: small maps do not fill two cores, and a fixed
    division of work gives the same bits every time.
    """

    def __init__(self, weights: Weights, threads: int = 0) -> None:
        super().__init__(weights)
        self._core = openvino.Core()
        side = 64 // self.size_divisor * self.size_divisor or self.size_divisor
        example = torch.zeros((1, side, side, 3), dtype=torch.uint8)
        with warnings.catch_warnings():
            # Tracing is deprecated, but takes a third of the time of torch.export for the same
            # network, bit for bit; what warns of shapes is a check that has done its work by then.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                PixelsToHeatmaps(weights.network).eval(), example, check_trace=False
            )
        self._converted = openvino.convert_model(traced, example_input=example)
        self._compiled: dict[tuple[int, int], openvino.AsyncInferQueue] = {}
        self._threads = threads or torch.get_num_threads()
        self.name = f"openvino {openvino.__version__.split('-')[0]} cpu"
        # Not by the number of cores: what shares a window must not depend on the machine.
        self.batch_size = 8

    def _queue(self, size: tuple[int, int]) -> openvino.AsyncInferQueue:
        if size not in self._compiled:
            model = self._converted.clone()
            model.reshape([1, *size, 3])
            compiled = self._core.compile_model(
                model,
                "CPU",
                {
                    "PERFORMANCE_HINT": "THROUGHPUT",
                    "NUM_STREAMS": self._threads,
                    "INFERENCE_NUM_THREADS": self._threads,
                },
            )
            self._compiled[size] = openvino.AsyncInferQueue(compiled, self._threads)
        return self._compiled[size]

    def heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the final heatmaps, see `Engine.heatmaps`."""
        count, height, width = pixels.shape[:3]
        queue = self._queue((height, width))
        size = (height // self.stride, width // self.stride)
        answer = np.empty((count, len(self.card.keypoints), *size), dtype=np.float32)

        def store(request: openvino.InferRequest, index: int) -> None:
            answer[index] = request.get_output_tensor(0).data[0]

        queue.set_callback(store)
        for index in range(count):
            queue.start_async({0: pixels[index : index + 1]}, index)
        queue.wait_all()
        return torch.from_numpy(answer)


def make_engine(weights: Weights, device: str = "auto", threads: int = 0) -> Engine:
    """Return the engine for a device.

    Parameters
    ----------
    device
        "auto" (a GPU where there is one), "cpu" (OpenVINO), "cuda", or "reference" (plain torch).
    threads
        Threads on a CPU; 0 for as many as there are cores.

    Raises
    ------
    WeightsError
        A GPU is asked for and there is none.
    """
    if device not in ("auto", "cpu", "cuda", "reference"):
        raise WeightsError(f"device {device!r} is none of auto, cpu, cuda, reference")
    if device == "reference":
        return TorchEngine(weights)
    has_gpu = torch.cuda.is_available()
    if device == "cuda" and not has_gpu:
        raise WeightsError(
            "--device cuda: torch finds no CUDA GPU on this machine; use --device cpu or auto"
        )
    if has_gpu and device != "cpu":
        return TorchEngine(weights, "cuda")
    return OpenVinoEngine(weights, threads)
