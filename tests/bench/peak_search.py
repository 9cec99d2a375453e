"""Which share of a look the search for peaks takes, on one thread.

    python -m tests.bench.peak_search [--weights WEIGHTS]

Times the compiled network with the search, as `analyze` runs it, and without, in turns.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.openvino_engine import OpenVinoEngine
from tapscope.network.openvino_runtime import openvino
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise

ROUNDS: Final = 9
LOOKS: Final = 40


class HeatmapsOnly(nn.Module):
    """The network with its input normalisation."""

    def __init__(self, network: HeatmapNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the heatmaps of uint8 RGB images."""
        return self._network.final(normalise(pixels))


def look_ms(request: openvino.InferRequest, inputs: list[np.ndarray]) -> float:
    """Return the time of one look."""
    begin_s = time.perf_counter()
    for _ in range(LOOKS):
        request.infer(inputs, share_inputs=True)
    return 1000 * (time.perf_counter() - begin_s) / LOOKS


def main() -> None:
    """Print both times and the share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    read = weights.read(find_weights(options.weights))
    engine = OpenVinoEngine(read, threads=1)
    side, count = read.card.input_size_px, len(read.card.keypoints)
    maps = [1, count, side // engine.stride, side // engine.stride]
    image = np.random.default_rng(1).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    whole = engine._model.clone()
    whole.reshape({0: list(image.shape), 1: maps, 2: [1]})
    example = torch.from_numpy(image)
    traced = torch.jit.trace(HeatmapsOnly(read.network).eval(), example, check_trace=False)
    alone = openvino.convert_model(traced, example_input=example)
    alone.reshape({0: list(image.shape)})
    compiled = [
        openvino.Core().compile_model(
            model, "CPU", {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
        ).create_infer_request()
        for model in (whole, alone)
    ]  # fmt: skip
    inputs = [[image, np.zeros(maps, np.float32), np.zeros(1, np.float32)], [image]]
    times = [[look_ms(*pair) for pair in zip(compiled, inputs, strict=True)] for _ in range(ROUNDS)]
    with_ms, without_ms = (median(column) for column in zip(*times[1:], strict=True))
    print(
        f"with the search {with_ms:.2f} ms, without {without_ms:.2f} ms: "
        f"it takes {100 * (with_ms / without_ms - 1):.1f} % of the network's time"
    )


if __name__ == "__main__":
    main()
