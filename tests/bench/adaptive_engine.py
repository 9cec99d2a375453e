"""Adaptive depth: an image with clear heatmaps after a stage skips the remaining stages.

The P-MSDSNet paper names it as future work. The finest supervised heatmaps Z(1, m) of every stage
are a prediction; an image ends at the first stage whose peaks are high and where those of the
previous stage were. Only chosen keypoints count: among all 21 one is nearly always hidden.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from tapscope.errors import WeightsError
from tapscope.network.heatmap import decode
from tapscope.network.pmsdsnet import PMSDSNet, normalise
from tapscope.network.torch_engine import TensorEngine
from tapscope.network.weights import Weights

AGREE_PX = 1.0
"""Largest distance of the peaks of two stages that agree."""


def answer(
    network: PMSDSNet, image: Tensor, threshold: float, watched: list[int]
) -> tuple[Tensor, int]:
    """Return the heatmaps of one image and the number of stages that it took.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        As for `PMSDSNet.forward`, one image.
    threshold
        Value that the peak of every watched keypoint must reach; above 1.2 no image ends early.
    watched
        Indices of the keypoints that count.
    """
    x, base = network.entry_maps(image)
    before: Tensor | None = None
    for number, stage in enumerate(network.stage, start=1):
        x, supervised = stage(x, base, return_heatmaps=True)
        peaks = decode(supervised[0])
        if before is not None and number < network.stages:
            moved = (peaks.position_px - before).norm(dim=-1)[:, watched].max()
            if moved <= AGREE_PX and peaks.peak_value[:, watched].min() >= threshold:
                return supervised[0], number
        before = peaks.position_px
    last: Tensor = network.last(x[0])
    return last, network.stages


def arithmetic(network: PMSDSNet, size_px: int) -> list[float]:
    """Return the share of all arithmetic for an image that ends after 1, 2 ... stages."""
    image = torch.zeros(1, 3, size_px, size_px)
    done = []
    with torch.no_grad():
        for stages in range(1, network.stages + 1):
            counter = FlopCounterMode(display=False)
            with counter:
                x, base = network.entry_maps(image)
                for stage in list(network.stage)[:stages]:
                    x, _ = stage(x, base, return_heatmaps=True)
                if stages == network.stages:
                    network.last(x[0])
            done.append(counter.get_total_flops())
    return [flops / done[-1] for flops in done]


class AdaptiveEngine(TensorEngine):
    """Plain torch with adaptive depth.

    Parameters
    ----------
    weights
        Of a P-MSDSNet with at least three stages.
    threshold
        See `answer`.
    watched
        Names of the keypoints that count; all by default.
    """

    def __init__(self, weights: Weights, threshold: float, watched: Sequence[str] = ()) -> None:
        super().__init__(weights)
        if not isinstance(weights.network, PMSDSNet) or weights.network.stages < 3:
            raise WeightsError(
                f"{weights.path}: adaptive depth needs a P-MSDSNet of three stages or more"
            )
        self.network = weights.network
        self.threshold = threshold
        self.watched = [
            weights.card.keypoints.index(name) for name in watched or weights.card.keypoints
        ]
        self.stages: list[int] = []
        """Number of stages of each image so far."""
        self.name = f"torch {torch.__version__} cpu, adaptive depth"
        self.batch_size = 1

    def tensor_heatmaps(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the heatmaps, see `TensorEngine.tensor_heatmaps`."""
        answers = []
        with torch.inference_mode():
            for one in pixels:
                image = normalise(torch.from_numpy(one[None]))
                heat, stages = answer(self.network, image, self.threshold, self.watched)
                answers.append(heat)
                self.stages.append(stages)
        return torch.cat(answers)
