"""The network's shape, size and variants."""

import pytest
import torch

from tapscope.network.pmsdsnet import PMSDSNet, Stage, normalise, parameter_count


@pytest.mark.parametrize("fusion", ["cyclic", "down", "up"])
@pytest.mark.parametrize("shared", [False, True])
def test_every_variant_answers_at_full_resolution(fusion: str, shared: bool) -> None:
    network = PMSDSNet(
        keypoints=5,
        stages=3,
        widths=(4, 6, 8),
        fusion=fusion,
        shared_stages=shared,  # type: ignore[arg-type]
    )
    answer = network(torch.zeros(2, 3, 24, 32))
    assert answer.final.shape == (2, 5, 24, 32)
    assert [[tuple(z.shape[1:]) for z in stage] for stage in answer.supervised] == [
        [(5, 24, 32), (5, 12, 16), (5, 6, 8)]
    ] * 3


def test_fusion_arms_are_really_left_out() -> None:
    counts = {
        fusion: parameter_count(PMSDSNet(widths=(4, 6, 8), fusion=fusion))  # type: ignore[arg-type]
        for fusion in ("cyclic", "down", "up")
    }
    assert counts["down"] < counts["cyclic"]
    assert counts["up"] < counts["cyclic"]


def test_shared_stages_share() -> None:
    arguments = {"widths": (4, 6, 8), "shared_stages": True}
    three = parameter_count(PMSDSNet(stages=3, **arguments))  # type: ignore[arg-type]
    six = parameter_count(PMSDSNet(stages=6, **arguments))  # type: ignore[arg-type]
    assert three == six


def test_without_deep_supervision_only_the_final_maps_answer() -> None:
    torch.manual_seed(0)
    with_it = PMSDSNet(widths=(4, 6, 8)).eval()
    torch.manual_seed(0)
    without = PMSDSNet(widths=(4, 6, 8), deep_supervision=False).eval()
    image = torch.rand(1, 3, 16, 16)
    assert without(image).supervised == []
    assert torch.allclose(without(image).final, with_it(image).final, atol=1e-6)
    assert torch.allclose(with_it.final(image), with_it(image).final, atol=1e-6)


def test_information_flows_both_ways_between_scales() -> None:
    """A change in one corner reaches the opposite one only through the coarse scales."""
    torch.manual_seed(0)
    network = PMSDSNet(keypoints=2, stages=1).eval()
    image = torch.zeros(1, 3, 80, 80)
    changed = image.clone()
    changed[..., :16, :16] = 3.0
    difference = (network(changed).final - network(image).final).abs()
    assert difference[..., -1, -1].max() > 0


def test_attention_is_the_sum_over_keypoints_through_a_sigmoid() -> None:
    torch.manual_seed(0)
    stage = PMSDSNet(keypoints=3, stages=1, widths=(4, 6)).eval().stage[0]
    assert isinstance(stage, Stage)
    maps = [torch.rand(1, 4, 8, 8), torch.rand(1, 6, 4, 4)]
    attended, answers = stage(maps, maps, return_heatmaps=True)
    for seen, answer, q in zip(attended, answers, stage.fuse(maps), strict=True):
        assert torch.allclose(seen, torch.sigmoid(answer.sum(dim=1, keepdim=True)) * q)


def test_odd_sizes_and_empty_architectures_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        PMSDSNet(widths=(4, 4, 4))(torch.zeros(1, 3, 18, 16))
    with pytest.raises(ValueError, match="a stage"):
        PMSDSNet(stages=0)
    with pytest.raises(ValueError, match="sideways"):
        PMSDSNet(fusion="sideways")  # type: ignore[arg-type]


def test_normalise_puts_channels_first_and_centres() -> None:
    pixels = torch.tensor([[[[0, 127, 255]]]], dtype=torch.uint8)
    result = normalise(pixels)
    assert result.shape == (1, 3, 1, 1)
    assert result.flatten().tolist() == pytest.approx([-127.5 / 64, -0.5 / 64, 127.5 / 64])
