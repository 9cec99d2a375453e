"""Adaptive depth: images with clear heatmaps end early, and nothing else changes."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tapscope.errors import WeightsError
from tapscope.network.pmsdsnet import PMSDSNet
from tapscope.network.torch_engine import TorchEngine
from tapscope.network.weights import Weights
from tests.bench.adaptive_engine import AdaptiveEngine, answer, arithmetic
from tests.hands import tiny_card, tiny_weights

EVERY = list(range(21))
ARGUMENTS = {"keypoints": 21, "stages": 4, "widths": [4, 4, 4]}


@pytest.fixture
def given() -> Weights:
    torch.manual_seed(0)
    card = dataclasses.replace(tiny_card(), network=ARGUMENTS)
    return Weights(PMSDSNet(**ARGUMENTS).eval(), card, Path("w.safetensors"))  # type: ignore[arg-type]


def test_a_threshold_out_of_reach_changes_nothing(given: Weights) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    engine = AdaptiveEngine(given, 1e9)
    assert np.allclose(engine.heatmaps(pixels), TorchEngine(given).heatmaps(pixels), atol=1e-5)
    assert engine.stages == [4, 4, 4]


def test_stages_that_agree_end_it(given: Weights) -> None:
    network = given.network
    assert isinstance(network, PMSDSNet)
    calls: list[int] = []

    class Fixed(torch.nn.Module):
        def __init__(self, column: int, height: float) -> None:
            super().__init__()
            self.column, self.height = column, height

        def forward(
            self, x: list[Tensor], base: list[Tensor], *, return_heatmaps: bool
        ) -> tuple[list[Tensor], list[Tensor]]:
            calls.append(self.column)
            heat = torch.zeros(1, 21, 32, 32)
            heat[..., 16, self.column] = self.height
            return x, [heat]

    network.stage = torch.nn.ModuleList(
        [Fixed(5, 0.9), Fixed(20, 0.9), Fixed(20, 0.6), Fixed(20, 0.9)]
    )
    network.last = torch.nn.Identity()
    image = torch.zeros(1, 3, 32, 32)
    heat, stages = answer(network, image, 0.5, EVERY)
    assert (stages, calls) == (3, [5, 20, 20])
    assert heat[0, 0, 16, 20] == pytest.approx(0.6)
    # The third is not high enough: the last stage is no early end.
    assert answer(network, image, 0.7, EVERY)[1] == 4


def test_keypoints_that_do_not_matter_keep_nothing_waiting(given: Weights) -> None:
    network = given.network
    assert isinstance(network, PMSDSNet)

    class Wandering(torch.nn.Module):
        def __init__(self, column: int) -> None:
            super().__init__()
            self.column = column

        def forward(
            self, x: list[Tensor], base: list[Tensor], *, return_heatmaps: bool
        ) -> tuple[list[Tensor], list[Tensor]]:
            heat = torch.zeros(1, 21, 32, 32)
            heat[:, 4, 16, 16] = 0.9
            heat[:, 5, 16, self.column] = 0.9
            return x, [heat]

    network.stage = torch.nn.ModuleList([Wandering(c) for c in (2, 12, 22, 30)])
    network.last = torch.nn.Identity()
    image = torch.zeros(1, 3, 32, 32)
    assert answer(network, image, 0.5, [4])[1] == 2
    assert answer(network, image, 0.5, [4, 5])[1] == 4


def test_the_engine_watches_the_keypoints_named(given: Weights) -> None:
    assert AdaptiveEngine(given, 0.5, ["index_tip"]).watched == [8]
    assert AdaptiveEngine(given, 0.5).watched == EVERY


def test_arithmetic_grows_to_the_whole(given: Weights) -> None:
    network = given.network
    assert isinstance(network, PMSDSNet)
    shares = arithmetic(network, 32)
    assert len(shares) == 4
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert 0 < shares[0] < 0.5


def test_too_shallow_a_network_is_refused() -> None:
    with pytest.raises(WeightsError, match="three stages"):
        AdaptiveEngine(tiny_weights(), 0.5)
