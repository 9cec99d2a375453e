"""The networks of the comparison: their sizes, their contract, that they learn and are kept."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tapscope.errors import WeightsError
from tapscope.network import weights
from tapscope.network.heatmap import decode, encode
from tapscope.network.openvino_engine import OpenVinoEngine
from tapscope.network.pmsdsnet import HeatmapNetwork, parameter_count
from tapscope.network.registry import MODELS, build, model_named
from tapscope.network.torch_engine import TorchEngine
from tapscope.network.weights import Weights
from tapscope.training.loss import total_loss
from tests.hands import tiny_card

PAPER = {
    "p-msdsnet-3": (2.8, 0.03),
    "p-msdsnet-6": (5.0, 0.03),
    "hourglass": (8.3, 0.05),
    "u-net": (4.0, 0.05),
    "higherhrnet": (3.4, 0.05),
    "yolse": (2.9, 0.05),
    "msb-fcn": (18.7, 0.05),
}
RIVALS = [name for name in MODELS if not name.startswith("p-")]


def of(name: str, keypoints: int = 2) -> HeatmapNetwork:
    torch.manual_seed(0)
    model = model_named(name)
    return build(model.architecture, {"keypoints": keypoints, **model.arguments})


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_those_of_the_paper(name: str) -> None:
    millions, tolerance = PAPER[name]
    assert parameter_count(of(name, 21)) / 1e6 == pytest.approx(millions, rel=tolerance)


@pytest.mark.parametrize("name", RIVALS)
def test_shapes_keep_the_contract(name: str) -> None:
    network = of(name).eval()
    side = network.size_divisor
    image = torch.randn(1, 3, side, 2 * side)
    with torch.no_grad():
        answer = network(image)
        assert answer.final.shape == (1, 2, side // network.stride, 2 * side // network.stride)
        assert torch.equal(network.final(image), answer.final)
    for stage in answer.supervised:
        for maps in stage:
            assert answer.final.shape[-1] % maps.shape[-1] == 0


@pytest.mark.parametrize("name", RIVALS)
def test_every_parameter_is_learned(name: str) -> None:
    network = of(name).train()
    side = network.size_divisor
    place = torch.full((2, 2, 2), side / 2)
    size = (side // network.stride,) * 2
    target = encode(place, size, network.stride)
    answer = network(torch.randn(2, 3, side, side))
    loss = total_loss(
        answer, target, torch.ones(2, 2), alpha=0.5, foreground_weight=1.0, stride=network.stride
    )
    loss.backward()  # type: ignore[no-untyped-call]
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_one_image_is_learned_by_heart() -> None:
    network = of("hourglass").train()
    generator = torch.Generator().manual_seed(1)
    image = torch.randn(2, 3, 64, 64, generator=generator)
    place = torch.tensor([[[20.0, 30.0], [41.0, 12.0]], [[50.0, 50.0], [11.0, 33.0]]])
    target = encode(place, (16, 16), network.stride)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(40):
        loss = total_loss(
            network(image), target, torch.ones(2, 2), alpha=0.5, foreground_weight=1.0,
            stride=network.stride,
        )  # fmt: skip
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        found = decode(network(image).final, network.stride).position_px
    assert (found - place).norm(dim=-1).max() < 2.0


@pytest.mark.parametrize("name", RIVALS)
def test_weights_of_a_rival_are_kept_and_run_alike(tmp_path: Path, name: str) -> None:
    network = of(name, 21).eval()
    card = dataclasses.replace(
        tiny_card(), architecture=name, network={"keypoints": 21}, input_size_px=64
    )
    weights.write(tmp_path / "w.safetensors", network, card)
    found = weights.read(tmp_path / "w.safetensors")
    assert type(found.network) is type(network)
    ours, theirs = OpenVinoEngine(found, threads=1), TorchEngine(found)
    generator = np.random.default_rng(0)
    for size in (64, 128):  # the CPU's engine makes one network of each size of one export
        pixels = generator.integers(0, 256, (1, size, size, 3), dtype=np.uint8)
        heat = theirs.heatmaps(pixels)
        assert np.abs(ours.heatmaps(pixels) - heat).max() < 0.02 * np.abs(heat).max()
        assert theirs.keypoints(pixels).position_px.max() > size / 2  # in the image, not its map


def test_card_of_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    network = of("u-net", 21)
    card = dataclasses.replace(tiny_card(), architecture="v-net", network={"keypoints": 21})
    weights.write(tmp_path / "w.safetensors", network, card)
    with pytest.raises(WeightsError, match="'v-net' is none of p-msdsnet"):
        weights.read(tmp_path / "w.safetensors").network  # noqa: B018


def test_weights_without_the_palm_cannot_follow_a_hand() -> None:
    card = dataclasses.replace(
        tiny_card(),
        architecture="u-net",
        network={"keypoints": 2},
        keypoints=("thumb_tip", "index_tip"),
    )
    engine = TorchEngine(Weights(of("u-net"), card, Path("tips.safetensors")))
    with pytest.raises(WeightsError, match=r"tips.safetensors: .* wrist, middle_mcp"):
        engine.measured  # noqa: B018


def test_unknown_model_is_named() -> None:
    with pytest.raises(WeightsError, match=r"no network 'x'; take one of p-msdsnet-3"):
        model_named("x")
