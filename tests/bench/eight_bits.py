"""What the network gains and loses where OpenVINO computes it with integers of eight bits.

    pip install nncf
    python -m tests.bench.eight_bits HANDS [--weights WEIGHTS]

HANDS holds the folders webcam, ti1k, fmr and synthetic of labelled hands. The network is quantised
after training on 200 of their crops (NNCF, activations asymmetric), which flatters it. Prints the
time of one crop on one thread, and the tips within 0.05 and 0.1 of the hand, in crops as tracking
takes them.
"""

import argparse
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from tapscope.datasets import annotations
from tapscope.hand import TIPS
from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.openvino_engine import OpenVinoEngine
from tapscope.network.openvino_runtime import openvino
from tapscope.training.dataset import ValidationCrop, tracked_crops

FOLDERS: Final = ("webcam", "ti1k", "fmr", "synthetic")
LEARNED_FROM: Final = 200
TESTED: Final = 300
TIMED: Final = 100


class Compiled:
    """A model for one crop on one thread."""

    def __init__(self, model: Any, inputs: list[np.ndarray]) -> None:
        options = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
        self._request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()
        self._rest = inputs

    def tips_px(self, crop: ValidationCrop, tips: list[int]) -> np.ndarray:
        """Return the tips that the model finds, shape (2, 2)."""
        found = self._request.infer([crop.pixels[None], *self._rest])
        return np.array(found[1][0][tips])

    def crop_ms(self, crops: list[ValidationCrop], tips: list[int]) -> float:
        """Return the time of one crop."""
        begin_s = time.perf_counter()
        for number in range(TIMED):
            self.tips_px(crops[number % len(crops)], tips)
        return 1000 * (time.perf_counter() - begin_s) / TIMED


def main() -> None:
    """Print the table."""
    import nncf  # noqa: PLC0415 - only this script needs it

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hands", type=Path)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    engine = OpenVinoEngine(weights.read(find_weights(options.weights)), threads=1)
    side, count = engine.card.input_size_px, len(engine.card.keypoints)
    tips = [engine.card.keypoints.index(name) for name in TIPS]
    model = engine._model.clone()
    maps = [1, count, side // engine.stride, side // engine.stride]
    model.reshape({0: [1, side, side, 3], 1: maps, 2: [1]})
    rest = [np.zeros(maps, np.float32), np.zeros(1, np.float32)]
    crops = {
        name: tracked_crops(annotations.load(options.hands / name), side, most=TESTED, seed=3)
        for name in FOLDERS
    }
    every = [crop for part in crops.values() for crop in part]
    step = len(every) // LEARNED_FROM
    sample = nncf.Dataset([(crop.pixels[None], *rest) for crop in every[::step]])
    eight_bits = nncf.quantize(
        model, sample, preset=nncf.QuantizationPreset.MIXED, subset_size=LEARNED_FROM
    )
    both = {"as it is": Compiled(model, rest), "eight bits": Compiled(eight_bits, rest)}
    for name, compiled in both.items():
        print(f"{name}: {compiled.crop_ms(every, tips):.1f} ms a crop")
        for folder, part in crops.items():
            error = np.array(
                [
                    np.linalg.norm(compiled.tips_px(crop, tips) - crop.position_px[tips], axis=1)
                    / crop.hand_px
                    for crop in part
                ]
            )
            known = error[np.isfinite(error)]
            shares = [f"{100 * np.mean(known < limit):.1f}" for limit in (0.05, 0.1)]
            print(f"  {folder}: {' / '.join(shares)} % of {len(known)} tips")


if __name__ == "__main__":
    main()
