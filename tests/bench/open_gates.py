"""Open gates of P-MSDSNet weights that closed in training, without changing what they answer.

    python -m tests.bench.open_gates WEIGHTS OUT

Until `loss.OPEN_GATES` nothing kept the sums that gate the unsupervised, coarser scales from
wandering: in weights of nine hours they stood at -40 and let nothing through. Here a gate whose sum
is that far off is set to one half, and what the next stage reads through it to zero, so that it can
be learned by training on; one that is far off on both sides is made softer.
"""

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from tapscope.network import weights
from tapscope.network.pmsdsnet import PMSDSNet, Stage

CLOSED = -10.0
SOFTER = 0.1


@torch.no_grad()
def open_gates(network: PMSDSNet, image: torch.Tensor) -> list[str]:
    """Open closed gates in place, by what they do with some images; say which."""
    done = []
    x, base = network.enter(image)
    stages = [stage for stage in network.stage if isinstance(stage, Stage)]
    for number, (stage, after) in enumerate(pairwise(stages), start=1):
        before = x
        x, answers = stage(before, base, answering=True)
        for scale, answer in enumerate(answers):
            total, conv = answer.sum(dim=1), stage.conv_ds[scale]
            if total.mean() < CLOSED:
                conv.weight.zero_()
                conv.bias.zero_()
                after.conv_x[scale][0].weight[:, : stage.outputs[scale]] = 0
                if scale + 1 < stage.scales:
                    after.conv_down[scale][0].weight[:, : stage.outputs[scale]] = 0
                done.append(f"stage {number}, scale {scale + 1}: opened")
            elif total.std() > -CLOSED:
                conv.weight.mul_(SOFTER)
                conv.bias.mul_(SOFTER)
                done.append(f"stage {number}, scale {scale + 1}: softer")
        x, _ = stage(before, base, answering=True)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    given = weights.read(options.weights)
    network = given.network
    assert isinstance(network, PMSDSNet)
    side = given.card.input_size_px
    noise = np.random.default_rng(0).normal(size=(16, 3, side // 8, side // 8))
    image = torch.nn.functional.interpolate(torch.from_numpy(noise).float(), scale_factor=8.0)
    before = network.final(image)
    for line in open_gates(network, image):
        print(line)
    print(f"answers differ by {float((network.final(image) - before).abs().max()):.2g} at most")
    card = replace(given.card, notes=f"{given.card.notes} Closed gates opened (open_gates.py).")
    weights.write(options.out, network, card)


if __name__ == "__main__":
    main()
