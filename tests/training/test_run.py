"""Tests of training from folders; the training itself is tested in test_train."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from tapscope.datasets.annotations import LabelledSet
from tapscope.errors import AnnotationError, WeightsError
from tapscope.network import weights
from tapscope.training import run
from tapscope.training.epoch_log import EpochReport
from tapscope.training.loop import TrainResult
from tapscope.training.model_card import DEFAULT_CONFIDENCE
from tapscope.training.settings import TrainSettings
from tests.hands import labelled_folder, tiny_card, tiny_weights

SETTINGS = TrainSettings(epochs=1, size_px=32, batch_size=4, loader_workers=0)


def test_folders_given_or_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.folders_or_default([Path("x")]) == [Path("x")]
    with pytest.raises(AnnotationError, match="no folder annotations/ here"):
        run.folders_or_default([])
    Path("annotations").mkdir()
    assert run.folders_or_default([]) == [Path("annotations")]


def test_card_says_what_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = labelled_folder(tmp_path / "set", count=12)
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    content["info"] = {"licence": "CC0"}
    content["images"][0]["split"] = "test"
    without_test_images = sum(image["split"] != "test" for image in content["images"])
    file.write_text(json.dumps(content))
    start = tmp_path / "start.safetensors"
    earlier = weights.Source("earlier", "MIT", 9)
    old = replace(tiny_card(), trained_on=(earlier, weights.Source("set", "MIT", 3)))
    weights.write(start, tiny_weights().network, old)
    trained = run.train_weights(
        [folder], tmp_path / "out.safetensors", SETTINGS, init=start, size_px=32, device="cpu"
    )
    source, before = trained.card.trained_on
    assert before == earlier
    name = weights.read(start).name
    kept = f"The weights of {name}: no epoch of this run was better."
    beginning = kept if trained.result.kept_start else f"Started from {name}."
    assert trained.card.notes.startswith(beginning)
    assert (source.name, source.licence) == ("set", "CC0")
    assert source.images == trained.training_images
    assert 0 < trained.training_images <= without_test_images < 12
    assert set(trained.result.before) == {"set"}
    assert weights.read(trained.out).card == trained.card
    assert trained.card.input_size_px == 32


def test_last_epoch_is_kept_however_good_the_start_was(tmp_path: Path) -> None:
    folder, start = labelled_folder(tmp_path / "set", count=12), tmp_path / "start.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())

    def trained(keep: Literal["best", "last"]) -> run.Trained:
        settings = replace(SETTINGS, epochs=2, keep=keep)
        # Rates of nothing: no epoch can be better than the start.
        return run.train_weights(
            [folder], tmp_path / f"{keep}.safetensors", settings, init=start, size_px=32,
            lr_scale=0.0, device="cpu",
        )  # fmt: skip

    assert trained("best").result.kept_start
    last = trained("last")
    assert not last.result.kept_start
    assert [report.best for report in last.result.reports] == [True, True]
    assert last.card.notes.startswith("Started from")


def test_fine_tuning_keeps_the_batch_statistics(tmp_path: Path) -> None:
    folder, start = labelled_folder(tmp_path / "set", count=12), tmp_path / "start.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())

    def state(name: str, init: Path | None) -> dict[str, torch.Tensor]:
        out = tmp_path / f"{name}.safetensors"
        run.train_weights(
            [folder], out, replace(SETTINGS, keep="last"), init=init, size_px=32, lr_scale=1.0,
            device="cpu",
        )  # fmt: skip
        return weights.read(out).network.state_dict()

    before, after = weights.read(start).network.state_dict(), state("tuned", start)
    statistics = {name for name in before if "running_" in name}
    assert statistics
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    assert any(not torch.equal(before[name], after[name]) for name in set(before) - statistics)
    fresh = state("fresh", None)
    assert any(fresh[name].abs().sum() > 0 for name in fresh if name.endswith("running_mean"))


@pytest.mark.parametrize("better", [True, False])
def test_weights_that_no_epoch_improved_are_named_on_the_card(
    better: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, start = labelled_folder(tmp_path / "set"), tmp_path / "start.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    report = EpochReport(1, 3.0, 0.9, 0.9, 0.9, 0.9, better)
    result = TrainResult(
        tiny_weights().network, [report], {"set": 0.5}, {"set": 0.5}, 0.4, 0.6, np.zeros(3)
    )
    monkeypatch.setattr("tapscope.training.run.train", lambda *_, **__: result)
    trained = run.train_weights([folder], tmp_path / "out.safetensors", SETTINGS, init=start)
    assert ("no epoch of this run was better." in trained.card.notes) is not better
    # what is written on the card are figures of these weights, not of the epoch
    assert trained.card.metrics["validation_pck@0.05_tips"] == 0.4
    assert trained.card.metrics["validation_pck@0.1_tips"] == 0.6


def test_confidence_is_fitted_only_where_enough_keypoints_are_right_and_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, start = labelled_folder(tmp_path / "set"), tmp_path / "start.safetensors"
    weights.write(start, tiny_weights().network, tiny_card())
    fitted = np.array([1.0, -2.0, 3.0])

    def card(confidence: np.ndarray | None, init: Path | None) -> weights.Card:
        report = EpochReport(1, 3.0, 0.9, 0.9, 0.9, 0.9, True)
        network = tiny_weights().network
        result = TrainResult(network, [report], {"set": 0.5}, {"set": 0.5}, 0.4, 0.6, confidence)
        monkeypatch.setattr("tapscope.training.run.train", lambda *_, **__: result)
        return run.train_weights(
            [folder], tmp_path / "out.safetensors", SETTINGS, init=init, size_px=32
        ).card

    def numbers(card: weights.Card) -> tuple[float, float, float]:
        return card.confidence_slope, card.confidence_second_peak_slope, card.confidence_intercept

    assert numbers(card(fitted, start)) == tuple(fitted)
    assert "calibration" not in card(fitted, start).notes
    assert numbers(card(None, start)) == numbers(tiny_card())
    assert "that of the weights it started from" in card(None, start).notes
    assert numbers(card(None, None)) == DEFAULT_CONFIDENCE
    assert "the default" in card(None, None).notes


def test_folder_given_twice_is_drawn_twice_and_held_out_as_before(tmp_path: Path) -> None:
    once, often = (labelled_folder(tmp_path / name, count=12) for name in ("once", "often"))

    def steps_of(folders: list[Path]) -> tuple[run.Trained, int]:
        seen: list[int] = []
        trained = run.train_weights(
            folders, tmp_path / f"{len(folders)}.safetensors", SETTINGS,
            device="cpu", on_step=lambda step, steps, loss: seen.append(steps),
        )  # fmt: skip
        return trained, seen[-1]

    plain, few = steps_of([once, often])
    doubled, many = steps_of([once, often, often])
    assert many == round(1.5 * few)
    assert doubled.training_images == plain.training_images
    assert doubled.validation_images == plain.validation_images
    assert doubled.card.trained_on == plain.card.trained_on


def test_only_test_images_are_nothing_to_train_on(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", count=4)
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    for image in content["images"]:
        image["split"] = "test"
    file.write_text(json.dumps(content))
    with pytest.raises(AnnotationError, match="marked as test"):
        run.train_weights([folder], tmp_path / "out.safetensors", SETTINGS)


def test_size_must_suit_the_network(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "set", count=4)
    with pytest.raises(WeightsError, match="multiple of 16, such as --size 96"):
        run.train_weights([folder], tmp_path / "out.safetensors", SETTINGS, size_px=100)


def test_keypoints_that_the_weights_lack_are_refused() -> None:
    with pytest.raises(AnnotationError, match="keypoints elbow are not among"):
        run._with_keypoints_of(LabelledSet((), ("wrist", "elbow")), ("wrist",))


@pytest.mark.parametrize(
    ("tuned", "rate", "share"), [(False, None, 1.0), (True, None, 0.1), (True, 0.5, 0.5)]
)
def test_learning_rates_are_a_share_of_the_usual(
    tuned: bool, rate: float | None, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SeenError(Exception):
        """Carries the settings that training would have begun with."""

    def begin(*given: object, **_: object) -> None:
        raise SeenError(given[3])

    monkeypatch.setattr("tapscope.training.run.train", begin)
    folder, start = labelled_folder(tmp_path / "set"), None
    if tuned:
        start = tmp_path / "start.safetensors"
        weights.write(start, tiny_weights().network, tiny_card())
    with pytest.raises(SeenError) as seen:
        run.train_weights(
            [folder], tmp_path / "out.safetensors", SETTINGS, init=start, lr_scale=rate
        )
    settings = seen.value.args[0]
    assert settings.muon_lr == pytest.approx(share * SETTINGS.muon_lr)
    assert settings.adam_lr == pytest.approx(share * SETTINGS.adam_lr)
    assert (
        settings.early_foreground_share
        == settings.small_crop_share
        == settings.strong_augmentation_share
        == 0.0
    ) is tuned
    assert (settings.tracking_augmentation_share == 1.0) is tuned
