"""Inference engines: one interface to a network, whatever device it runs on.

A GPU runs torch in bfloat16. A CPU runs OpenVINO, which fuses the many small layers and is several
times faster than plain torch. Plain torch in single precision is the reference for both. Torch is
not imported here: on a CPU it takes longer to load than OpenVINO takes for a recording.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapscope.errors import WeightsError
from tapscope.hand import FINGERTIPS, TIPS, Measured
from tapscope.network.device import choose_device
from tapscope.network.weights import Weights, confidence
from tapscope.records import FloatArray


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


class Look(NamedTuple):
    """What an engine sees in some images."""

    heatmaps: Any
    """As the engine holds them, on its device; indexed by image. None if they were not kept."""
    peaks: list[FloatArray]
    """The fields of `heatmap.HeatmapPeaks`."""


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
    stride: int
    size_divisor: int

    def __init__(self, weights: Weights) -> None:
        self.card = weights.card
        self.weights_name = weights.name
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
    def heatmaps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the final heatmaps.

        Parameters
        ----------
        pixels
            RGB, shape (n, height, width, 3); sides are multiples of `size_divisor`.

        Returns
        -------
        ndarray
            Shape (n, keypoints, height / stride, width / stride).
        """

    @abstractmethod
    def _look(self, pixels: NDArray[np.uint8], *, keeps_heatmaps: bool) -> Look:
        """Return the peaks of images, and their heatmaps if they are to be kept."""

    @abstractmethod
    def _look_again(self, mirrored: NDArray[np.uint8], heatmaps: Any) -> list[FloatArray]:
        """Return the peaks of the mean of two heatmaps, in the image that is not mirrored.

        Parameters
        ----------
        mirrored
            The mirror images.
        heatmaps
            Those of the images themselves, as `_look` gave them.
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
        seen = self._look(pixels, keeps_heatmaps=sure > 0)
        predicted = self._predicted(seen.peaks)
        if not sure:
            return predicted
        tip_confidence = predicted.confidence[:, self._tips].min(axis=1, initial=1.0)
        uncertain = np.flatnonzero(tip_confidence <= sure)
        if uncertain.size:
            mirrored = np.ascontiguousarray(pixels[uncertain, :, ::-1])
            averaged = self._predicted(self._look_again(mirrored, seen.heatmaps[uncertain]))
            for values, replacement in zip(predicted, averaged, strict=True):
                values[uncertain] = replacement
        return predicted

    def confidence(self, peak_value: FloatArray, second_peak: FloatArray) -> FloatArray:
        """Return the calibrated confidence of peaks with these values, see `weights.confidence`."""
        return confidence(self.card, peak_value, second_peak)

    def _predicted(self, peaks: list[FloatArray]) -> KeypointPrediction:
        position, peak_value, second_peak, tip_position, tip_peak_value = peaks
        chance = confidence(self.card, peak_value, second_peak)
        return KeypointPrediction(position, chance, peak_value, tip_position, tip_peak_value)


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
        A GPU is asked for and there is none, or the tensors do not fit the architecture.
    """
    # Each engine is imported where it is used, because both libraries take long to load.
    if device not in ("auto", "cpu", "cuda", "reference"):
        raise WeightsError(f"device {device!r} is none of auto, cpu, cuda, reference")
    if device == "reference" or choose_device(device) == "cuda":
        from tapscope.network.torch_engine import TorchEngine  # noqa: PLC0415

        return TorchEngine(weights, "cpu" if device == "reference" else "cuda")
    from tapscope.network.openvino_engine import OpenVinoEngine  # noqa: PLC0415

    return OpenVinoEngine(weights, threads)
