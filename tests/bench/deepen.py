"""Add stages to weights of P-MSDSNet that hardly change its output, to be trained further.

    python -m tests.bench.deepen WEIGHTS OUT --stages M --data FOLDER

Copies of the last stage do not work: they read the maps of another stage and predict no keypoint.
A stage added here passes on its input (Chen, Goodfellow and Shlens 2016, "Net2Net", arXiv
1511.05641): the three convolutions of each scale are the identity, the maps from the coarser scale
are computed as in the last stage, and the attention is one half everywhere, which the weights
compensate. The mean attention of the last stage and the batch statistics are measured on the images
of FOLDER, except those marked as test.
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

MAX_IMAGES = 128


@torch.no_grad()
def deepen(given: PMSDSNet, deeper: PMSDSNet, image: Tensor) -> None:
    """Fill `deeper` with the stages of `given`, followed by stages that pass on their input.

    Parameters
    ----------
    image
        Normalised images, shape (n, 3, size, size).
    """
    known = given.state_dict()
    deeper.load_state_dict(
        {name: known.get(name, value) for name, value in deeper.state_dict().items()}
    )
    x, base = given.entry_maps(image)
    heatmaps: list[Tensor] = []
    for stage in given.stage:
        x, heatmaps = stage(x, base, return_heatmaps=True)
    attention = [float(torch.sigmoid(z.sum(dim=1)).mean()) for z in heatmaps]
    last = given.stage[-1]
    assert isinstance(last, Stage)
    for stage in list(deeper.stage)[len(given.stage) :]:
        assert isinstance(stage, Stage)
        stage.load_state_dict(last.state_dict())
        _make_identity(stage, attention)
        x = _set_statistics(stage, x, base)


def _make_identity(stage: Stage, attention: list[float]) -> None:
    """Make a copy of a stage, whose mean attention by scale is given, pass on its input."""
    for scale, conv_ds in enumerate(stage.conv_ds):
        assert isinstance(conv_ds, nn.Conv2d) and conv_ds.bias is not None
        conv_ds.weight.zero_()  # an attention of one half for any input
        conv_ds.bias.zero_()
        if scale + 1 < stage.scales:
            convolution, norm, _ = stage.conv_up[scale]
            convolution.weight /= 2 * attention[scale + 1]
            norm.weight *= 2 * attention[scale]
            norm.bias *= 2 * attention[scale]
    for block in stage.conv_x:
        for convolution in block[::3]:
            nn.init.dirac_(convolution.weight)
        block[0].weight *= 2


def _set_statistics(stage: Stage, x: list[Tensor], base: list[Tensor]) -> list[Tensor]:
    """Set the batch statistics of the identity to those of its maps; return the stage's output."""

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
    crops = validation_crops(images, given.card.input_size_px, most=MAX_IMAGES)
    image = normalise(torch.stack([torch.from_numpy(crop.pixels) for crop in crops]))
    deepen(old, network, image)
    with torch.no_grad():
        change = (network.final(image) - old.final(image)).abs()
    print(
        f"heatmaps differ by {float(change.mean()):.2g} on average, {float(change.max()):.2g} max"
    )
    notes = f"{given.name} with {options.stages} stages (tests.bench.deepen). {given.card.notes}"
    weights.write(options.out, network, replace(given.card, network=arguments, notes=notes))


if __name__ == "__main__":
    main()
