"""Tests of tapscope evaluate."""

from pathlib import Path

import pytest

from tapscope.errors import WeightsError
from tapscope.network import weights
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights


def test_tips_of_a_baseline_are_trained_and_measured(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "labels", count=20, groups=1)
    tips = ("--joint", "thumb_tip", "--joint", "index_tip")
    out, finder = tmp_path / "w.safetensors", tmp_path / "finder.safetensors"
    weights.write(finder, tiny_weights().network, tiny_card())
    trained = run(
        "train", "--data", folder, "--model", "higherhrnet", *tips, "--tenths", "3", "--out", out,
        "--epochs", "1", "--size", "32", "--device", "cpu",
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    assert "12 images for training, 2 for" in " ".join(trained.output.split())
    card = weights.read_card(out)
    assert (card.architecture, card.keypoints) == ("higherhrnet", ("thumb_tip", "index_tip"))
    measure = ("evaluate", "--data", folder, "--tenths", "3", *tips, "--device", "cpu")
    done = run(
        *measure, "--finder", finder, "--weights", out, "--weights", out, "--size", "64",
        "--out", tmp_path / "scores",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert (tmp_path / "scores" / "curves-labels.png").is_file()
    rows = (tmp_path / "scores" / "scores.csv").read_text().splitlines()
    assert rows[1].split(",")[4:6] == ["tips", "2"]  # one of fifteen hands
    with pytest.raises(WeightsError, match="place no wrist, middle_mcp"):
        run(*measure, "--weights", out)
    both = run(*measure, "--weights", out, "--weights", finder, "--json", tmp_path / "x.json")
    assert both.exit_code == 2
    assert "--json" in both.output
    with pytest.raises(WeightsError, match="give a multiple of 32"):
        run(*measure, "--finder", finder, "--weights", out, "--size", "48")
