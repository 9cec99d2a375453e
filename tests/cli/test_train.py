"""Tests of tapscope train, and of tapscope evaluate on what it wrote."""

import json
from pathlib import Path

import pytest

from tapscope.errors import WeightsError
from tapscope.network import weights
from tests.cli.runner import run
from tests.hands import labelled_folder, tiny_card, tiny_weights


def test_train_then_evaluate(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "labels", count=8)
    start, out = tmp_path / "start.safetensors", tmp_path / "out.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    train = (
        "train", "--data", folder, "--init", start, "--out", out, "--epochs", "1", "--size", "64",
        "--device", "cpu",
    )  # fmt: skip
    trained = run(*train, "--batch", "4")
    assert trained.exit_code == 0, trained.output
    with pytest.raises(WeightsError, match=r"other settings \(batch_size\)"):
        run(*train, "--resume")
    assert "before" in trained.output
    assert "epoch 1: loss" in trained.output
    card = weights.read_card(out)
    assert card.input_size_px == 64
    assert [source.name for source in card.trained_on] == ["labels"]
    figures = tmp_path / "figures.json"
    done = run("evaluate", "--data", folder, "--weights", out, "--json", figures, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "all keypoints" in " ".join(done.output.replace("│", "").split())
    held_out = " ".join(trained.output.split()).split(" for validation")[0].split()[-1]
    validation = run(
        "evaluate", "--data", folder, "--weights", out, "--validation", "--device", "cpu",
        "--out", tmp_path / "scores",
    )  # fmt: skip
    assert validation.exit_code == 0, validation.output
    rows = (tmp_path / "scores" / "scores.csv").read_text().splitlines()
    assert rows[1].split(",")[4:6] == ["tips", str(2 * int(held_out))]
    both = run("evaluate", "--data", folder, "--validation", "--split", "test")
    assert both.exit_code == 2
    found = json.loads(figures.read_text())
    assert {"n", "found", "pck@5", "mpjpe@5", "all_keypoints", "groups"} <= set(found)


def test_model_together_with_init_is_refused(tmp_path: Path) -> None:
    start = tmp_path / "w.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    done = run("train", "--data", tmp_path, "--init", start, "--model", "u-net")
    assert done.exit_code == 2
    assert "--init brings its own architecture" in done.output
