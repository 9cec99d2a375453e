"""Tests of tapscope benchmark."""

import re
import sys
from pathlib import Path
from shlex import quote

import pytest

from tapscope.errors import TapscopeError, VideoError
from tapscope.evaluation import speed
from tapscope.network import weights
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights
from tests.tapping import write_clip


def test_networks_are_benchmarked(tmp_path: Path) -> None:
    labelled_folder(tmp_path / "data" / "hands", count=8)
    finder, table = tmp_path / "finder.safetensors", tmp_path / "table.toml"
    weights.write(finder, tiny_weights().network, tiny_card())
    table.write_text(
        'train = ["hands"]\ntest = ["hands"]\nepochs = 1\nsize_px = 32\nseeds = [1]\n'
        '[[network]]\nname = "Tiny"\narguments = {stages = 1, widths = [4, 4]}\n'
    )
    done = run(
        "benchmark", "networks", table, "--data", tmp_path / "data", "--out", tmp_path / "out",
        "--finder", finder, "--device", "cpu",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "Tiny" in done.output
    assert (tmp_path / "out" / "table.md").read_text().startswith("**hands**")


def python_with(folder: Path, *, hands: str) -> Path:
    """Return a Python that imports a made-up MediaPipe, whose hands are an expression."""
    (folder / "mediapipe.py").write_text(
        "from contextlib import nullcontext\n"
        "from types import SimpleNamespace as N\n"
        f"solutions = N(hands=N(Hands=lambda **options: nullcontext({hands})))\n"
    )
    python = folder / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH={quote(str(folder))} exec {quote(sys.executable)} "$@"\n'
    )
    python.chmod(0o755)
    return python


def test_every_number_of_the_speed_comes_out(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a [clip].mp4", stamps_s=[n / 30 for n in range(15)])
    file = tmp_path / "tiny.safetensors"
    weights.write(file, tiny_weights().network, tiny_card())
    python = python_with(tmp_path, hands="N(process=lambda image: image)")
    done = run(
        "benchmark", "speed", clip, "--weights", file, "--device", "cpu", "--repeats", "1",
        "--mediapipe", python,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("a [clip].mp4"))
    frames, *rates = row.removeprefix("a [clip].mp4").split()
    assert (frames, len(rates)) == ("15", 5)
    assert all(float(rate) > 0 for rate in rates)
    facts = " ".join(done.stdout.split())
    for pattern in (
        r"engine openvino",
        r"network only ([\d.]+) crops of \d+ px a second \(median whole job / network [\d.]+\)",
        r"command ([\d.]+) frames a second over all videos",
        r"batch ([\d.]+) frames a second without the start-up; MediaPipe, one video after another, "
        r"([\d.]+) \(batch / MediaPipe ([\d.e-]+)\)",
        r"first row ([\d.]+) s after the start of the process, of which start-up [\d.]+ s",
        r"peak memory (\d+) MiB",
    ):
        found = re.search(pattern, facts)
        assert found, pattern
        assert all(float(number) > 0 for number in found.groups())


def test_a_python_without_mediapipe_is_refused(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", stamps_s=[n / 30 for n in range(5)])
    with pytest.raises(TapscopeError, match=r"AttributeError.*give a Python with mediapipe"):
        speed._mediapipe(python_with(tmp_path, hands="N()"), clip)
    with pytest.raises(TapscopeError, match="cannot be run"):
        speed._mediapipe(tmp_path / "none", clip)


def test_sample_videos_or_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(speed.sample_videos()) == 3
    monkeypatch.setattr(speed, "_SAMPLE", tmp_path)
    with pytest.raises(VideoError, match="tapscope benchmark speed VIDEO"):
        speed.sample_videos()
