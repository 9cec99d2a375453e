"""Weights and their cards: what was written comes back, what does not fit is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tapscope.errors import WeightsError
from tapscope.network import weights
from tapscope.network.pmsdsnet import PMSDSNet
from tapscope.network.weights import Source, card_path, confidence
from tests.hands import TINY, tiny_card


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    torch.manual_seed(5)
    weights.write(path, PMSDSNet(**TINY), tiny_card())  # type: ignore[arg-type]
    return path


def test_round_trip(file: Path) -> None:
    torch.manual_seed(5)
    original = PMSDSNet(**TINY).eval()  # type: ignore[arg-type]
    found = weights.read(file)
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(found.network(image).final, original(image).final)
    assert found.name == f"small@{found.card.sha256[:12]}"
    assert not any(p.requires_grad for p in found.network.parameters())


def test_shared_stages_survive(tmp_path: Path) -> None:
    shared = {**TINY, "stages": 3, "shared_stages": True}
    network = PMSDSNet(**shared).eval()  # type: ignore[arg-type]
    card = weights.Card(**{**_fields(), "network": shared})
    weights.write(tmp_path / "w.safetensors", network, card)
    found = weights.read(tmp_path / "w.safetensors").network
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(found(image).final, network(image).final)


def test_sources_survive(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    card = weights.Card(**{**_fields(), "trained_on": (Source("ti1k", "MIT", 900),)})
    assert weights.write(path, PMSDSNet(**TINY), card).trained_on == card.trained_on  # type: ignore[arg-type]


def _fields() -> dict[str, object]:
    card = tiny_card()
    return {name: getattr(card, name) for name in card.__slots__}


def test_damaged_tensors_are_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        weights.read(file)


def test_missing_file_or_card_is_named(file: Path) -> None:
    card = card_path(file).read_text()
    card_path(file).unlink()
    with pytest.raises(WeightsError, match="card must be in the folder"):
        weights.read(file)
    card_path(file).write_text(card)
    file.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        weights.read(file)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stages = 1", "stages = 2", "do not fit"),
        ("stages = 1", "floors = 1", "do not fit"),
        ("seed = 0", "", "seed: found None, expected this key"),
        ("seed = 0", 'seed = "0"', "seed: found '0', expected a whole number"),
        ("seed = 0", "seed = 0\nseeds = 1", "seeds: found 1, expected one of the keys network"),
        ("keypoints = 21", "keypoints = 20", "names 21 keypoints"),
        ("seed = 0", "seed = = 0", "no valid TOML"),
    ],
)
def test_card_that_does_not_fit_is_refused(file: Path, old: str, new: str, message: str) -> None:
    text = card_path(file).read_text()
    assert old in text
    card_path(file).write_text(text.replace(old, new))
    with pytest.raises(WeightsError, match=message):
        weights.read(file).network  # noqa: B018


def test_confidence_follows_the_cards_curve() -> None:
    peak_value, second_peak = np.array([0.0, 0.5, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 0.5])
    assert confidence(tiny_card(), peak_value, second_peak).tolist() == pytest.approx(
        [0.0067, 0.5, 0.9933, 0.9526], abs=1e-4
    )
