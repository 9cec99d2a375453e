"""Keypoints to heatmaps and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tapscope.network.heatmap import VARIANCE_PX2, decode, encode, local_peaks


@given(st.floats(0, 63), st.floats(0, 47))
def test_round_trip_within_a_twentieth_of_a_pixel(x: float, y: float) -> None:
    position = torch.tensor([[[x, y]]], dtype=torch.float64)
    peaks = decode(encode(position, (48, 64)))
    inside = 1 <= x <= 62 and 1 <= y <= 46
    assert (peaks.position_px - position).abs().max() < (0.05 if inside else 0.51)
    assert 0.9 < peaks.peak_value.item() <= 1.0


@pytest.mark.parametrize("stride", [2, 4, 8])
@given(x=st.floats(8, 119), y=st.floats(8, 87))
def test_smaller_maps_answer_in_pixels_of_the_image(stride: int, x: float, y: float) -> None:
    position = torch.tensor([[[x, y]]], dtype=torch.float64)
    maps = encode(position, (96 // stride, 128 // stride), stride)
    assert (decode(maps, stride).position_px - position).abs().max() < 0.05 * stride
    alone, _ = local_peaks(maps, 1, stride)
    assert (alone[:, :, 0] - position).abs().max() < 0.05 * stride


def test_target_is_the_papers_gaussian() -> None:
    heat = encode(torch.tensor([[[10.0, 8.0]]]), (16, 20))[0, 0]
    assert heat[8, 10] == 1.0
    assert heat[8, 12].item() == torch.exp(torch.tensor(-4 / (2 * VARIANCE_PX2))).item()
    assert heat[11, 10] == heat[8, 13]


def test_keypoint_that_is_unknown_or_far_away_leaves_its_map_empty() -> None:
    heat = encode(torch.tensor([[[float("nan"), 3.0], [500.0, 3.0]]]), (8, 8))
    assert heat.max() == 0.0


def test_rival_is_the_highest_place_away_from_the_peak() -> None:
    position = torch.tensor([[[10.0, 8.0]]])
    alone = encode(position, (32, 32))
    assert decode(alone).second_peak.item() < 0.01
    for other in ([24.0, 8.0], [10.0, 25.0], [28.0, 30.0]):
        both = torch.maximum(alone, 0.7 * encode(torch.tensor([[other]]), (32, 32)))
        peaks = decode(both)
        assert peaks.position_px[0, 0].tolist() == pytest.approx([10.0, 8.0], abs=0.05)
        assert peaks.second_peak.item() == pytest.approx(0.7)
    near = torch.maximum(alone, 0.7 * encode(torch.tensor([[[14.0, 8.0]]]), (32, 32)))
    assert decode(near).second_peak.item() < 0.6


def test_flat_map_decodes_to_something_finite_inside() -> None:
    peaks = decode(torch.zeros(1, 2, 8, 8))
    assert torch.isfinite(peaks.position_px).all()
    assert peaks.peak_value.max() == 0.0


def test_step_is_never_more_than_a_pixel() -> None:
    torch.manual_seed(0)
    heat = torch.rand(3, 5, 9, 9)
    peaks = decode(heat)
    index = heat.reshape(3, 5, -1).argmax(dim=-1)
    whole = torch.stack([index % 9, index // 9], dim=-1)
    assert (peaks.position_px - whole).abs().max() <= 1.0


def test_local_peaks_are_every_hill_from_the_highest_down() -> None:
    places = torch.tensor([[[10.3, 8.0]], [[24.0, 8.4]], [[12.0, 25.0]]])
    hills = encode(places, (32, 32)) * torch.tensor([0.5, 0.9, 0.7])[:, None, None, None]
    heat = hills.amax(dim=0, keepdim=True)
    position, height = local_peaks(heat, 4)
    assert height[0, 0].tolist() == pytest.approx([0.9, 0.7, 0.5, 0.0], abs=0.03)
    assert position[0, 0, :3].flatten().tolist() == pytest.approx(
        [24.0, 8.4, 12.0, 25.0, 10.3, 8.0], abs=0.05
    )
