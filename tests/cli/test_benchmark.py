"""Tests of tapscope benchmark."""

from pathlib import Path

from tapscope.network import weights
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights


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
