"""Training: the loss means what it says, runs repeat and resume exactly, collapse is seen."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tapscope.datasets.annotations import LabelledSet, load, only_keypoints
from tapscope.datasets.split import split_by_group
from tapscope.errors import WeightsError
from tapscope.hand import INDEX_TIP, KEYPOINTS, MIDDLE_MCP, THUMB_TIP, WRIST
from tapscope.network import weights
from tapscope.network.heatmap import encode
from tapscope.network.pmsdsnet import Heatmaps, PMSDSNet
from tapscope.network.registry import Model
from tapscope.training import checkpoint
from tapscope.training.dataset import Batch
from tapscope.training.ema import update_ema
from tapscope.training.loop import TrainResult, keypoint_weights, train
from tapscope.training.loss import GATE_PENALTY_WEIGHT, heatmap_loss, targets, total_loss
from tapscope.training.model_card import make_card
from tapscope.training.settings import (
    TrainSettings,
    augmentation_in_epoch,
    crop_size_in_epoch,
    foreground_weight_in_epoch,
    lr_schedule,
)
from tests.hands import labelled_folder

SETTINGS = TrainSettings(
    epochs=2, size_px=32, batch_size=4, loader_workers=0, early_foreground_share=1.0, seed=3
)
ARGUMENTS = {"keypoints": 21, "stages": 1, "widths": [4, 6, 8]}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelledSet, LabelledSet]:
    images = load(labelled_folder(tmp_path_factory.mktemp("labelled") / "set"))
    return split_by_group(images, validation_share=0.25, seed=1)


def fresh(seed: int = 0) -> PMSDSNet:
    torch.manual_seed(seed)
    return PMSDSNet(**ARGUMENTS)  # type: ignore[arg-type]


def run(
    sets: tuple[LabelledSet, LabelledSet],
    out: Path,
    settings: TrainSettings = SETTINGS,
    **more: object,
) -> TrainResult:
    options: dict[str, object] = {"network": fresh(), "device": CPU} | more
    return train(*sets, out, settings, **options)  # type: ignore[arg-type]


def same(a: PMSDSNet, b: PMSDSNet) -> bool:
    return all(
        torch.equal(x, y)
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_all_zero_heatmaps_cost_one() -> None:
    target = encode(torch.full((2, 3, 2), 16.0), (32, 32))
    weight = torch.tensor([[1.0, 1.0, 0.0], [0.5, 1.0, 0.0]])
    loss = heatmap_loss(torch.zeros_like(target), target, weight, 50.0)
    assert loss.item() == pytest.approx(1.0, rel=0.01)


def test_unlabelled_keypoint_costs_nothing_and_has_no_gradient() -> None:
    target = encode(torch.full((1, 2, 2), 16.0), (32, 32))
    answer = torch.rand_like(target).requires_grad_()
    heatmap_loss(answer, target, torch.tensor([[1.0, 0.0]]), 50.0).backward()  # type: ignore[no-untyped-call]
    assert answer.grad is not None
    assert answer.grad[0, 1].abs().max() == 0
    assert answer.grad[0, 0].abs().max() > 0


def test_deep_supervision_adds_alpha_for_each_stage_and_scale() -> None:
    target = encode(torch.full((1, 1, 2), 16.0), (32, 32))
    zeros = [torch.zeros(1, 1, 32 // 2**s, 32 // 2**s) for s in range(4)]
    answer = Heatmaps(torch.zeros_like(target), [zeros, zeros])
    weights_of = {"alpha": 0.1, "foreground_weight": 50.0}
    loss = total_loss(answer, target, torch.ones(1, 1), **weights_of)
    # Coarser targets are smoother, so that their terms are below one each.
    assert 1 + 0.1 * 2 * 1.5 < loss.item() < 1 + 0.1 * 2 * 3
    alone = total_loss(
        Heatmaps(torch.zeros_like(target), []), target, torch.ones(1, 1), **weights_of
    )
    assert alone.item() == pytest.approx(1.0, rel=0.01)


def test_saturated_attention_of_unsupervised_scales_is_penalised() -> None:
    target = encode(torch.full((1, 2, 2), 16.0), (32, 32))
    weights_of = {"alpha": 0.1, "foreground_weight": 1.0}

    def loss(level: float) -> float:
        stage = [torch.zeros(1, 2, 32 // 2**s, 32 // 2**s) for s in range(3)]
        coarse = torch.full((1, 2, 4, 4), level, requires_grad=True)
        total = total_loss(
            Heatmaps(torch.zeros_like(target), [[*stage, coarse]]), target, torch.ones(1, 2),
            **weights_of,
        )  # fmt: skip
        total.backward()  # type: ignore[no-untyped-call]
        assert coarse.grad is not None
        # Two keypoints: a sum of twice the level, free up to 4.
        assert (coarse.grad.sum() > 0) == (level > 2)
        assert (coarse.grad.sum() < 0) == (level < -2)
        return float(total.detach())

    open_gate = loss(0.0)
    assert loss(1.9) == loss(-1.9) == open_gate
    assert loss(-20.0) == loss(20.0) == pytest.approx(open_gate + GATE_PENALTY_WEIGHT * 36**2)


def test_targets_of_two_hands_are_merged() -> None:
    nan = float("nan")
    position = torch.tensor([[[[5.0, 5.0]], [[20.0, 20.0]]], [[[8.0, 8.0]], [[nan, nan]]]])
    batch = Batch(torch.zeros(2, 32, 32, 3), position, torch.ones(2, 2, 1), torch.ones(2, 1))
    heat = targets(batch, (32, 32))
    assert heat[0, 0, 5, 5] == heat[0, 0, 20, 20] == 1
    assert heat[1, 0].sum() == pytest.approx(heat[0, 0].sum().item() / 2, rel=0.01)


def test_learning_rate_warms_up_and_decays_to_a_hundredth() -> None:
    shares = [lr_schedule(s, 100, SETTINGS) for s in range(100)]
    assert shares[0] < shares[1] < max(shares)
    assert max(shares) == pytest.approx(1.0)
    assert shares[-1] == pytest.approx(0.01, rel=0.1)


def test_crops_are_small_at_first_and_suit_the_network() -> None:
    settings = replace(SETTINGS, epochs=5, size_px=96, small_crop_share=0.4)
    assert [crop_size_in_epoch(e, 16, settings) for e in range(5)] == [64, 64, 96, 96, 96]
    assert crop_size_in_epoch(0, 16, replace(settings, size_px=32)) == 32
    assert crop_size_in_epoch(0, 16, replace(settings, small_crop_share=0.0)) == 96


def test_foreground_weight_falls_after_the_early_epochs() -> None:
    settings = replace(SETTINGS, epochs=4, early_foreground_share=0.5)
    weights_of = [foreground_weight_in_epoch(e, settings) for e in range(4)]
    assert weights_of == [50.0, 50.0, 1.0, 1.0]


def test_augmentation_weakens_and_ends_with_that_of_tracking() -> None:
    settings = replace(
        SETTINGS, epochs=4, strong_augmentation_share=0.5, tracking_augmentation_share=0.25
    )
    seen = [augmentation_in_epoch(e, settings) for e in range(4)]
    assert seen == [
        settings.augmentation, settings.augmentation, settings.late_augmentation,
        settings.tracking_augmentation,
    ]  # fmt: skip
    assert settings.late_augmentation.strength < settings.augmentation.strength
    assert (
        augmentation_in_epoch(
            0, replace(settings, strong_augmentation_share=0, tracking_augmentation_share=1)
        )
        == seen[3]
    )


def test_average_moves_by_its_decay() -> None:
    old, new = fresh(0), fresh(1)
    expected = 0.9 * old.last.weight + 0.1 * new.last.weight
    update_ema(old, new, 0.9)
    assert torch.allclose(old.last.weight, expected)


def test_learns_and_repeats(sets: tuple[LabelledSet, LabelledSet], tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=6)
    first = run(sets, tmp_path / "a.safetensors", settings)
    again = run(sets, tmp_path / "b.safetensors", settings)
    assert first.reports[-1].loss < first.reports[0].loss
    assert same(first.network, again.network)
    assert first.confidence is again.confidence is None  # of too few keypoints
    assert (tmp_path / "a.log.csv").read_bytes() == (tmp_path / "b.log.csv").read_bytes()
    assert len((tmp_path / "a.log.csv").read_text().splitlines()) == 7


def test_tips_weigh_more_than_other_keypoints(
    sets: tuple[LabelledSet, LabelledSet], tmp_path: Path
) -> None:
    def trained(tip_weight: float, keypoints: tuple[str, ...]) -> PMSDSNet:
        training, validation = (only_keypoints(images, keypoints) for images in sets)
        settings = replace(SETTINGS, epochs=1, tip_weight=tip_weight)
        torch.manual_seed(0)
        network = PMSDSNet(**ARGUMENTS | {"keypoints": len(keypoints)})  # type: ignore[arg-type]
        return run((training, validation), tmp_path / "x", settings, network=network).network

    tips, more = ("thumb_tip", "index_tip"), ("thumb_tip", "index_tip", "wrist")
    assert not same(trained(1.0, more), trained(4.0, more))
    assert same(trained(1.0, tips), trained(4.0, tips))  # nothing to weigh more than


def test_tips_and_palm_have_the_weights_of_the_settings() -> None:
    weight = keypoint_weights(KEYPOINTS, TrainSettings()).tolist()
    assert weight[THUMB_TIP] == weight[INDEX_TIP] == 4
    assert weight[WRIST] == weight[MIDDLE_MCP] == 3
    assert sum(weight) == 2 * 4 + 2 * 3 + 17
    assert keypoint_weights(("ring_tip", "index_tip"), TrainSettings()).tolist() == [1, 4]


class PowerCutError(Exception):
    """Stands for a machine that goes down."""


def test_resumed_run_ends_where_an_uninterrupted_one_does(
    sets: tuple[LabelledSet, LabelledSet], tmp_path: Path
) -> None:
    settings = replace(SETTINGS, epochs=3)
    whole = run(sets, tmp_path / "whole.safetensors", settings)

    def stop(report: object, network: PMSDSNet) -> None:
        raise PowerCutError

    out = tmp_path / "cut.safetensors"
    with pytest.raises(PowerCutError):
        run(sets, out, settings, on_epoch=stop)
    resumed = run(sets, out, settings, network=fresh(9), resume=True)
    assert same(resumed.network, whole.network)
    assert resumed.reports == whole.reports


def test_resuming_needs_the_same_run(sets: tuple[LabelledSet, LabelledSet], tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="no checkpoint"):
        run(sets, out, resume=True)
    run(sets, out)
    with pytest.raises(WeightsError, match=r"other settings .*seed"):
        run(sets, out, replace(SETTINGS, seed=4), resume=True)
    with pytest.raises(WeightsError, match="another network"):
        run(sets, out, network=PMSDSNet(widths=(4, 4)), resume=True)
    checkpoint.path_of(out).write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="damaged"):
        run(sets, out, resume=True)


def test_fine_tuning_to_keep_the_best_never_returns_worse(
    sets: tuple[LabelledSet, LabelledSet], tmp_path: Path
) -> None:
    wild = replace(SETTINGS, muon_lr=3.0, adam_lr=3.0, keep="best")
    result = run(sets, tmp_path / "w.safetensors", wild, network=fresh(2), fine_tuning=True)
    assert set(result.before) == set(result.after) == {"set"}
    assert result.after["set"] >= result.before["set"]


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_fine_tuning_returns_a_share_of_the_start(
    sets: tuple[LabelledSet, LabelledSet], tmp_path: Path, share: float
) -> None:
    def tuned(share: float, **more: object) -> dict[str, torch.Tensor]:
        settings, out = (
            replace(SETTINGS, weight_interpolation=share),
            tmp_path / f"{share}.safetensors",
        )
        more |= {"network": fresh(2), "fine_tuning": True}
        return run(sets, out, settings, **more).network.state_dict()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    start, whole, mixed = fresh(2).state_dict(), tuned(0.0), tuned(share)
    for name in (name for name, value in start.items() if value.is_floating_point()):
        expected = share * start[name] + (1 - share) * whole[name]
        assert torch.allclose(mixed[name], expected, atol=1e-6), name
    assert any(not torch.equal(start[name], whole[name]) for name in start)
    with pytest.raises(KeyboardInterrupt):
        tuned(share, on_epoch=interrupt)
    resumed = tuned(share, resume=True)
    assert all(torch.equal(mixed[name], resumed[name]) for name in mixed)


def test_card_says_where_the_weights_come_from(
    sets: tuple[LabelledSet, LabelledSet], tmp_path: Path
) -> None:
    out = tmp_path / "w.safetensors"
    result = run(sets, out)
    card = make_card(
        result,
        model=Model("p-msdsnet", ARGUMENTS),
        settings=SETTINGS,
        training=sets[0],
        sources=(weights.Source("set", "CC0", len(sets[0])),),
        command="tapscope train --data set",
        version="0.1",
    )
    weights.write(out, result.network, card)
    found = weights.read(out)
    assert same(found.network, result.network)
    assert found.card.trained_on[0].images == len(sets[0])
    assert "validation_pck@0.1_set" in found.card.metrics
    assert np.isfinite([found.card.confidence_slope, found.card.confidence_intercept]).all()
    json.dumps(dict(found.card.metrics))
