"""Converted networks are kept in a cache, which never answers for other weights or other code."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tapscope.network import openvino_conversion, openvino_model, weights
from tapscope.network.openvino_engine import OpenVinoEngine
from tapscope.network.weights import Weights
from tests.hands import tiny_weights

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of cached networks."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(openvino_model, "user_cache_path", lambda _name: folder)
    return folder / "networks"


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each conversion."""
    done: list[int] = []
    convert = openvino_conversion.convert

    def counted(*arguments: object) -> object:
        done.append(1)
        return convert(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(openvino_conversion, "convert", counted)
    return done


def written(path: Path, seed: int) -> Weights:
    torch.manual_seed(seed)
    tiny = tiny_weights()
    weights.write(path, tiny.network, tiny.card)
    return weights.read(path)


def test_a_cached_network_gives_the_same_bits(
    tmp_path: Path, cache: Path, conversions: list[int]
) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    first = OpenVinoEngine(given, threads=1)
    second = OpenVinoEngine(weights.read(given.path), threads=1)
    assert len(conversions) == len(list(cache.iterdir())) == 1
    assert np.array_equal(first.heatmaps(PIXELS), second.heatmaps(PIXELS))
    for ours, theirs in zip(
        first.keypoints(PIXELS, sure=1.0), second.keypoints(PIXELS, sure=1.0), strict=True
    ):
        assert np.array_equal(ours, theirs)
    assert (first.stride, first.size_divisor) == (second.stride, second.size_divisor)


def test_other_weights_and_other_code_are_converted_anew(
    tmp_path: Path, cache: Path, conversions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    before = OpenVinoEngine(given, threads=1).heatmaps(PIXELS)
    other = written(tmp_path / "w.safetensors", 2)
    assert not np.allclose(OpenVinoEngine(other, threads=1).heatmaps(PIXELS), before)
    assert len(conversions) == 2
    monkeypatch.setattr(openvino_model, "version", lambda _library: "another")
    OpenVinoEngine(other, threads=1)
    assert len(conversions) == len(list(cache.iterdir())) == 3
    renamed = replace(other.card, keypoints=other.card.keypoints[::-1])
    OpenVinoEngine(replace(other, card=renamed), threads=1)
    assert len(conversions) == 4


def test_what_was_not_used_for_longest_leaves_the_cache(
    tmp_path: Path, cache: Path, conversions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    for n in range(10):
        for folder in cache.glob("*"):
            earlier = folder.stat().st_mtime - 60
            os.utime(folder, (earlier, earlier))
        monkeypatch.setattr(openvino_model, "version", lambda _library, n=n: f"{n}")
        OpenVinoEngine(given, threads=1)
        monkeypatch.setattr(openvino_model, "version", lambda _library: "0")
        OpenVinoEngine(given, threads=1)
    assert len(list(cache.iterdir())) == 8
    assert len(conversions) == 10  # the first, used each time, stayed


@pytest.mark.parametrize("damage", ["model.bin", "model.xml", "about.json"])
def test_a_damaged_cache_costs_the_conversion_only(
    tmp_path: Path, cache: Path, conversions: list[int], damage: str
) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    before = OpenVinoEngine(given, threads=1).heatmaps(PIXELS)
    (file,) = cache.glob(f"*/{damage}")
    file.write_bytes(file.read_bytes()[:-9])
    assert np.array_equal(OpenVinoEngine(given, threads=1).heatmaps(PIXELS), before)
    OpenVinoEngine(given, threads=1)
    assert len(conversions) == 2  # mended


def test_without_a_place_for_a_cache_it_works_as_well(
    tmp_path: Path, conversions: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setattr(openvino_model, "user_cache_path", lambda _name: blocked)
    given = written(tmp_path / "w.safetensors", 1)
    for _ in range(2):
        assert np.isfinite(OpenVinoEngine(given, threads=1).heatmaps(PIXELS)).all()
    assert len(conversions) == 2
    assert blocked.read_text() == "no folder"


def test_a_network_that_is_no_files_is_not_cached(
    tmp_path: Path, cache: Path, conversions: list[int]
) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    torch.manual_seed(3)
    changed = replace(given, made=tiny_weights().network)
    OpenVinoEngine(changed, threads=1)
    assert len(conversions) == 1
    assert not cache.exists()


def test_torch_is_not_loaded_to_run_a_cached_network(tmp_path: Path) -> None:
    given = written(tmp_path / "w.safetensors", 1)
    code = (
        "import sys; from pathlib import Path; from tapscope.network import engine, weights;"
        f"found = weights.read(Path({str(given.path)!r})); engine.make_engine(found, 'cpu', 1);"
        "import tapscope.pipeline.recording, tapscope.pose.tracker; print('torch' in sys.modules)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    environment["HOME"] = str(tmp_path)
    loaded = [
        subprocess.run(
            [sys.executable, "-c", code], env=environment, check=True, capture_output=True
        ).stdout.split()[-1]
        for _ in range(2)
    ]
    assert loaded == [b"True", b"False"]
