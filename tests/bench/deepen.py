"""Add stages to weights of P-MSDSNet that change next to nothing, to be trained on.

    python -m tests.bench.deepen WEIGHTS OUT --stages M --data FOLDER

Copies of the last stage would be of no use: they read maps that another stage made, and what
comes out places no keypoint. A stage added here hands on the maps that it gets (Chen, Goodfellow
and Shlens 2016, "Net2Net", arXiv 1511.05641): the three convolutions of each scale are the
identity, what comes from the coarser scale is made as in the last stage, and its gates stand at
one half, which is made good. The images of FOLDER, but for those marked as test, tell where the
gates of the last stage stand, and the batch statistics.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from tapscope.datasets import annotations
from tapscope.network import weights
from tapscope.network.pmsdsnet import PMSDSNet, Stage, normalise
from tapscope.network.registry import build
from tapscope.training.dataset import validation_crops

PICTURES = 128


@torch.no_grad()
def deepen(given: PMSDSNet, deeper: PMSDSNet, image: Tensor) -> None:
    """Fill `deeper` with the stages of `given` and, behind them, such as hand on what they get.

    Parameters
    ----------
    image
        Some images as the networks take them.
    """
    known = given.state_dict()
    deeper.load_state_dict(
        {name: known.get(name, value) for name, value in deeper.state_dict().items()}
    )
    x, base = given.entry_maps(image)
    answers: list[Tensor] = []
    for stage in given.stage:
        x, answers = stage(x, base, return_heatmaps=True)
    gates = [float(torch.sigmoid(z.sum(dim=1)).mean()) for z in answers]
    last = given.stage[-1]
    assert isinstance(last, Stage)
    for stage in list(deeper.stage)[len(given.stage) :]:
        assert isinstance(stage, Stage)
        stage.load_state_dict(last.state_dict())
        _hand_on(stage, gates)
        x = _with_statistics(stage, x, base)


def _hand_on(stage: Stage, gates: list[float]) -> None:
    """Let a copy of a stage, whose gates stand at `gates` in the mean, hand on what it gets."""
    for scale, answer in enumerate(stage.conv_ds):
        assert isinstance(answer, nn.Conv2d) and answer.bias is not None
        answer.weight.zero_()  # the gates stand at a half, whatever comes
        answer.bias.zero_()
        if scale + 1 < stage.scales:
            convolution, norm, _ = stage.conv_up[scale]
            convolution.weight /= 2 * gates[scale + 1]
            norm.weight *= 2 * gates[scale]
            norm.bias *= 2 * gates[scale]
    for block in stage.conv_x:
        for convolution in block[::3]:
            nn.init.dirac_(convolution.weight)
        block[0].weight *= 2


def _with_statistics(stage: Stage, x: list[Tensor], base: list[Tensor]) -> list[Tensor]:
    """Let the batch statistics of the identity be those of its maps, and nothing be changed."""

    def learn(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None
        norm.running_var, norm.running_mean = torch.var_mean(inputs[0], dim=(0, 2, 3))
        norm.weight.copy_((norm.running_var + norm.eps).sqrt())
        norm.bias.copy_(norm.running_mean)

    norms = [module for module in stage.conv_x.modules() if isinstance(module, nn.BatchNorm2d)]
    handles = [norm.register_forward_pre_hook(learn) for norm in norms]
    x, _ = stage(x, base, return_heatmaps=False)
    for handle in handles:
        handle.remove()
    return x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stages", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    given = weights.read(options.weights)
    arguments = {**given.card.network, "stages": options.stages}
    network, old = build(given.card.architecture, arguments).eval(), given.network
    assert isinstance(network, PMSDSNet) and isinstance(old, PMSDSNet)
    images = annotations.without_test_images(annotations.load(options.data), options.data)
    views = validation_crops(images, given.card.input_size_px, most=PICTURES)
    image = normalise(torch.stack([torch.from_numpy(view.pixels) for view in views]))
    deepen(old, network, image)
    with torch.no_grad():
        away = (network.final(image) - old.final(image)).abs()
    print(f"answers differ by {float(away.mean()):.2g} on average, {float(away.max()):.2g} at most")
    notes = f"{given.name} with {options.stages} stages (tests.bench.deepen). {given.card.notes}"
    weights.write(options.out, network, replace(given.card, network=arguments, notes=notes))


if __name__ == "__main__":
    main()
