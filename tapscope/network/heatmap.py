"""Keypoints to heatmaps and back: Gaussian targets, sub-pixel decoding."""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

VARIANCE_PX2 = 3.0
"""Isotropic variance of a target; the paper prints the singular matrix [[3, 3], [3, 3]]."""
SECOND_PEAK_DISTANCE_PX = 6
"""Further from the peak than this, on either axis, another high place is another thing: three and a
half times the width of a target."""
LOCAL_PEAK_RADIUS_PX = 3
"""Nearer than this to a higher place, on both axes, is the same peak: about one width."""


class Peaks(NamedTuple):
    """The best place of every keypoint in its heatmap."""

    position_px: Tensor
    """x and y, centre of the top left pixel = 0; shape (n, keypoints, 2)."""
    peak_value: Tensor
    """Value of the heatmap at the highest pixel; shape (n, keypoints)."""
    second_peak: Tensor
    """Highest value further than `SECOND_PEAK_DISTANCE_PX` from it; shape (n, keypoints)."""


def variance(stride: int) -> float:
    """Return the variance of a target in pixels of its map: at least 1, not to fall between."""
    return max(VARIANCE_PX2 / stride**2, 1.0)


def encode(position_px: Tensor, size: tuple[int, int], stride: int = 1) -> Tensor:
    """Draw one Gaussian of height 1 for each keypoint.

    Parameters
    ----------
    position_px
        x and y, shape (n, keypoints, 2); NaN or far outside gives an empty map.
    size
        Height and width of the maps.
    stride
        Pixels of the image for one of the maps.

    Returns
    -------
    Tensor
        Shape (n, keypoints, height, width).
    """
    height, width = size
    place = torch.nan_to_num((position_px + 0.5) / stride - 0.5, nan=-1e4)
    twice = 2 * variance(stride)
    columns = torch.arange(width, device=place.device, dtype=place.dtype)
    rows = torch.arange(height, device=place.device, dtype=place.dtype)
    across = torch.exp(-((columns - place[..., 0:1]) ** 2) / twice)
    down = torch.exp(-((rows - place[..., 1:2]) ** 2) / twice)
    return down.unsqueeze(-1) * across.unsqueeze(-2)


def decode(heatmaps: Tensor, stride: int = 1) -> Peaks:
    """Find the highest pixel of every map and refine it below a pixel.

    The refinement is one Newton step on the logarithm of the map, which is exact for a Gaussian
    (distribution-aware decoding, Zhang et al. 2020, doi 10.1109/CVPR42600.2020.00712), here along
    each axis from the three values about the peak, and never more than a pixel.

    Parameters
    ----------
    heatmaps
        Shape (n, keypoints, height, width).
    stride
        Pixels of the image for one of the maps.
    """
    peak_value, index = heatmaps.flatten(2).max(dim=-1, keepdim=True)
    position = _refined(heatmaps, index, stride).squeeze(2)
    width = heatmaps.shape[-1]
    row, column = index.squeeze(2) // width, index.squeeze(2) % width
    # Outside a square is where the row is far or the column is: two projections hold both.
    second_peak = torch.maximum(
        _highest_away_from(row, heatmaps.amax(dim=-1)),
        _highest_away_from(column, heatmaps.amax(dim=-2)),
    )
    return Peaks(position, peak_value.squeeze(2), second_peak)


def local_peaks(heatmaps: Tensor, count: int, stride: int = 1) -> tuple[Tensor, Tensor]:
    """Find the highest places of every map that no place within `LOCAL_PEAK_RADIUS_PX` exceeds.

    Returns
    -------
    position, peak_value
        Refined as by `decode`, highest first; shapes (n, keypoints, count, 2) and
        (n, keypoints, count). Where a map has fewer peaks, the value of the rest is 0.
    """
    maps = heatmaps.flatten(0, 1).unsqueeze(1)  # a batch may be empty, channels may not
    width = (
        2 * LOCAL_PEAK_RADIUS_PX + 1
    )  # a square is a row of columns: 14 comparisons instead of 49
    around = F.max_pool2d(maps, (width, 1), stride=1, padding=(LOCAL_PEAK_RADIUS_PX, 0))
    around = F.max_pool2d(around, (1, width), stride=1, padding=(0, LOCAL_PEAK_RADIUS_PX))
    alone = torch.where(maps == around, maps, 0).view_as(heatmaps).flatten(2)
    peak_value, index = alone.topk(count, dim=-1)
    return _refined(heatmaps, index, stride), peak_value.clamp_min(0)


def _refined(heatmaps: Tensor, index: Tensor, stride: int) -> Tensor:
    """Return places (x, y) in the image about flat indices of shape (n, keypoints, count)."""
    height, width = heatmaps.shape[2:]
    row, column = index // width, index % width
    flat = heatmaps.flatten(2)

    def at(r: Tensor, c: Tensor) -> Tensor:
        value = flat.gather(2, r.clamp(0, height - 1) * width + c.clamp(0, width - 1))
        return value.clamp_min(1e-4).log()

    def step(before: Tensor, here: Tensor, after: Tensor, inside: Tensor) -> Tensor:
        curvature = (before - 2 * here + after).clamp_max(-1e-3)
        return (0.5 * (before - after) / curvature).clamp(-1, 1) * inside

    here = at(row, column)
    # At the rim a neighbour is missing, so that the whole pixel has to do.
    inside_x, inside_y = (column > 0) & (column < width - 1), (row > 0) & (row < height - 1)
    x = column + step(at(row, column - 1), here, at(row, column + 1), inside_x)
    y = row + step(at(row - 1, column), here, at(row + 1, column), inside_y)
    place = (torch.stack([x, y], dim=-1) + 0.5) * stride - 0.5
    return place.to(heatmaps.dtype)


def _highest_away_from(place: Tensor, projection: Tensor) -> Tensor:
    """Return the highest value of (n, keypoints, length) far from `place`, at least 0."""
    along = torch.arange(projection.shape[-1], device=place.device)
    far = (along - place[..., None]).abs() > SECOND_PEAK_DISTANCE_PX
    return (projection * far).amax(dim=-1).clamp_min(0)
