"""Inference engines: one interface to a network, whatever device it runs on.

A GPU runs torch in bfloat16. A CPU runs OpenVINO, which fuses the many small layers and is several
times faster than plain torch. Plain torch in single precision is the reference for both.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tapscope.errors import WeightsError
from tapscope.hand import FINGERTIPS, TIPS, Measured
from tapscope.network.device import choose_device
from tapscope.network.heatmap import decode, local_peaks
from tapscope.network.openvino_runtime import openvino
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.network.weights import Weights, confidence
from tapscope.records import FloatArray

TIP_PEAKS = 5
"""Peaks of each fingertip heatmap that are kept: the network may confuse any of the five tips."""


class KeypointPrediction(NamedTuple):
    """Keypoints decoded from the heatmaps of some images."""

    position_px: NDArray[np.float64]
    """x and y, centre of the top left pixel = 0; shape (n, keypoints, 2)."""
    confidence: NDArray[np.float64]
    """Calibrated probability that the keypoint is within 0.1 of the hand; shape (n, keypoints)."""
    peak_value: NDArray[np.float64]
    """Heatmap value at the peak; shape (n, keypoints). Unlike the confidence it is high, too,
    where two fingers have a peak each."""
    tip_position_px: NDArray[np.float64]
    """Candidate positions of each fingertip: its highest peaks; shape (n, fingertips, peaks, 2).
    There are five fingertips, or none where the network does not predict all five."""
    tip_peak_value: NDArray[np.float64]
    """Values of these peaks, highest first; shape (n, fingertips, peaks)."""


class HeatmapPeaks(NamedTuple):
    """The peaks of some heatmaps; n images."""

    position_px: Tensor
    """Of the highest peak, see `heatmap.Peaks`; shape (n, keypoints, 2)."""
    peak_value: Tensor
    """Shape (n, keypoints)."""
    second_peak: Tensor
    """Shape (n, keypoints)."""
    tip_position_px: Tensor
    """Of the highest peaks of each fingertip; shape (n, fingertips, `TIP_PEAKS`, 2)."""
    tip_peak_value: Tensor
    """Shape (n, fingertips, `TIP_PEAKS`)."""


def find_peaks(heatmaps: Tensor, fingertips: Sequence[int], stride: int) -> HeatmapPeaks:
    """Find the peaks of heatmaps of shape (n, keypoints, height, width)."""
    if not fingertips:
        return HeatmapPeaks(*decode(heatmaps, stride), *_no_tips(len(heatmaps)))
    tips = local_peaks(heatmaps[:, fingertips], TIP_PEAKS, stride)
    return HeatmapPeaks(*decode(heatmaps, stride), *tips)


def _no_tips(images: int) -> tuple[Tensor, Tensor]:
    """Return positions and values of the peaks of no fingertip."""
    return torch.zeros(images, 0, TIP_PEAKS, 2), torch.zeros(images, 0, TIP_PEAKS)


class PixelsToHeatmaps(nn.Module):
    """The network with its input normalisation, from uint8 pixels to final heatmaps."""

    def __init__(self, network: HeatmapNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the heatmaps, see `Engine.heatmaps`."""
        return self.network.final(normalise(pixels))


class PixelsToPeaks(PixelsToHeatmaps):
    """The same, and the peaks of the heatmaps, to be compiled together.

    Without fingertips their fields are missing: OpenVINO takes no empty tensors.
    """

    def __init__(self, network: HeatmapNetwork, fingertips: Sequence[int]) -> None:
        super().__init__(network)
        self._fingertips = list(fingertips)

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Return the heatmaps, then the fields of `HeatmapPeaks`."""
        heatmaps = super().forward(pixels)
        peaks = find_peaks(heatmaps, self._fingertips, self.network.stride)
        return (heatmaps, *(peaks if self._fingertips else peaks[:3]))


class Engine(ABC):
    """Runs one set of weights.

    Parameters
    ----------
    weights
        The network and its card.

    Attributes
    ----------
    card, weights_name
        The card of the weights, and their file name with the first digits of the hash.
    stride
        Image pixels per heatmap pixel, along each axis.
    size_divisor
        Sides of an image must be multiples of it.
    fingertips
        Indices of the five fingertips, thumb first; empty where the network lacks one.
    """

    name: str
    """Library, version and device, for the provenance."""
    batch_size: int
    """Number of images at which a call is efficient."""

    def __init__(self, weights: Weights) -> None:
        self.card = weights.card
        self.weights_name = weights.name
        self.stride = weights.network.stride
        self.size_divisor = weights.network.size_divisor
        self._path = weights.path
        keypoints = weights.card.keypoints
        has_all = set(FINGERTIPS) <= set(keypoints)
        self.fingertips = [keypoints.index(name) for name in FINGERTIPS] if has_all else []
        self._tips = [keypoints.index(name) for name in TIPS if name in keypoints]

    @cached_property
    def measured(self) -> Measured:
        """Indices of the measured keypoints among those that the network predicts.

        Raises
        ------
        WeightsError
            The network does not predict all of them.
        """
        try:
            return Measured.among(self.card.keypoints)
        except ValueError as problem:
            raise WeightsError(
                f"{self._path}: the weights place no {problem}; a hand cannot be tracked or "
                "measured without them; use weights trained on frames with these keypoints"
            ) from problem

    @abstractmethod
    def heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the final heatmaps, on the device where they are computed.

        Parameters
        ----------
        pixels
            RGB, shape (n, height, width, 3); sides are multiples of `size_divisor`.

        Returns
        -------
        Tensor
            float32, shape (n, keypoints, height / stride, width / stride).
        """

    def keypoints(self, pixels: NDArray[np.uint8], *, sure: float = 0.0) -> KeypointPrediction:
        """Predict the keypoints of images, with a flip test for uncertain ones.

        The flip test decodes the mean of the heatmaps of the image and of its mirror image.

        Parameters
        ----------
        pixels
            See `heatmaps`.
        sure
            Images whose thumb or index tip has a confidence up to this get the flip test: 0 none,
            1 all.
        """
        heat, peaks = self._heatmaps_and_peaks(pixels)
        predicted = self._predicted(peaks)
        tip_confidence = predicted.confidence[:, self._tips].min(axis=1, initial=1.0)
        uncertain = np.flatnonzero(tip_confidence <= sure)
        if uncertain.size:
            mirrored = np.ascontiguousarray(pixels[uncertain, :, ::-1])
            mean = (heat[uncertain] + self.heatmaps(mirrored).flip(-1)) / 2
            averaged = self._predicted(find_peaks(mean, self.fingertips, self.stride))
            for values, replacement in zip(predicted, averaged, strict=True):
                values[uncertain] = replacement
        return predicted

    def confidence(self, peak_value: FloatArray, second_peak: FloatArray) -> FloatArray:
        """Return the calibrated confidence of peaks with these values, see `weights.confidence`."""
        return confidence(self.card, peak_value, second_peak)

    def _heatmaps_and_peaks(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, HeatmapPeaks]:
        """Return the heatmaps of images and their peaks."""
        heat = self.heatmaps(pixels)
        return heat, find_peaks(heat, self.fingertips, self.stride)

    def _predicted(self, peaks: HeatmapPeaks) -> KeypointPrediction:
        position, peak_value, second_peak, tip_position, tip_peak_value = (
            p.double().cpu().numpy() for p in peaks
        )
        chance = confidence(self.card, peak_value, second_peak)
        return KeypointPrediction(position, chance, peak_value, tip_position, tip_peak_value)


class TorchEngine(Engine):
    """Plain torch: the reference on a CPU, the fast engine on a GPU (bfloat16)."""

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
            heatmaps: Tensor = self._network(torch.from_numpy(pixels).to(self._device)).float()
        return heatmaps


class OpenVinoEngine(Engine):
    """OpenVINO on the CPU; one compiled network per image size, one image per request.

    The peaks of the heatmaps are found in the compiled network: in torch they would take longer
    than the network itself on a processor that computes in bfloat16.

    Requests run in parallel on one thread each: small heatmaps do not keep two cores busy, and a
    fixed division of work gives the same bits every time.
    """

    def __init__(self, weights: Weights, threads: int = 0) -> None:
        super().__init__(weights)
        self._core = openvino.Core()
        side = 64 // self.size_divisor * self.size_divisor or self.size_divisor
        example = torch.zeros((1, side, side, 3), dtype=torch.uint8)
        with warnings.catch_warnings():
            # Tracing is deprecated, but three times as fast as torch.export for the same bits. The
            # shape warning comes from the check of the image's sides, which has passed by then.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            traced = torch.jit.trace(  # type: ignore[no-untyped-call]
                PixelsToPeaks(weights.network, self.fingertips).eval(), example, check_trace=False
            )
        self._converted = openvino.convert_model(traced, example_input=example)
        self._compiled: dict[tuple[int, int], openvino.AsyncInferQueue] = {}
        self._threads = threads or torch.get_num_threads()
        self.name = f"openvino {openvino.__version__.split('-')[0]} cpu"
        # Fixed, because what shares a batch must not depend on the machine's cores.
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
        return self._heatmaps_and_peaks(pixels)[0]

    def _heatmaps_and_peaks(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, HeatmapPeaks]:
        count, height, width = pixels.shape[:3]
        queue = self._queue((height, width))
        answers: list[list[Tensor]] = [[] for _ in range(count)]

        def store(request: openvino.InferRequest, index: int) -> None:
            # copied, because the next request uses the same memory
            answers[index] = [torch.from_numpy(one.data.copy()) for one in request.output_tensors]

        queue.set_callback(store)
        for index in range(count):
            queue.start_async({0: pixels[index : index + 1]}, index)
        queue.wait_all()
        heatmaps, *peaks = (torch.cat(parts) for parts in zip(*answers, strict=True))
        return heatmaps, HeatmapPeaks(*peaks, *(() if self.fingertips else _no_tips(count)))


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
    if choose_device(device) == "cuda":
        return TorchEngine(weights, "cuda")
    return OpenVinoEngine(weights, threads)
