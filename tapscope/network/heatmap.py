"""Keypoints to heatmaps and back: Gaussian targets, sub-pixel decoding."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

VARIANCE_PX2 = 3.0
"""Isotropic variance of a target; the paper prints the singular matrix [[3, 3], [3, 3]]."""
SECOND_PEAK_DISTANCE_PX = 6
"""The second peak lies further than this from the first, on either axis: 3.5 standard deviations
of a target."""
LOCAL_PEAK_RADIUS_PX = 3
"""Pixels within this distance of a higher pixel, on both axes, belong to its peak: 1.7 standard
deviations of a target."""

TIP_PEAKS: Final = 5
"""Peaks of each fingertip heatmap that are kept: the network may confuse any of the five tips."""


class Peaks(NamedTuple):
    """The highest peak of every keypoint's heatmap."""

    position_px: Tensor
    """x and y, centre of the top left pixel = 0; shape (n, keypoints, 2)."""
    peak_value: Tensor
    """Value of the heatmap at the highest pixel; shape (n, keypoints)."""
    second_peak: Tensor
    """Highest value further than `SECOND_PEAK_DISTANCE_PX` from that pixel; (n, keypoints)."""


class HeatmapPeaks(NamedTuple):
    """All peaks that an engine looks for; n images."""

    position_px: Tensor
    """See `Peaks`, as the next two."""
    peak_value: Tensor
    second_peak: Tensor
    tip_position_px: Tensor
    """Of the highest peaks of each fingertip; shape (n, fingertips, `TIP_PEAKS`, 2)."""
    tip_peak_value: Tensor
    """Shape (n, fingertips, `TIP_PEAKS`)."""


def variance(stride: int) -> float:
    """Return a target's variance in heatmap pixels: at least 1, or it would fall between pixels."""
    return max(VARIANCE_PX2 / stride**2, 1.0)


def encode(position_px: Tensor, size: tuple[int, int], stride: int = 1) -> Tensor:
    """Draw one Gaussian with a peak value of 1 for each keypoint.

    Parameters
    ----------
    position_px
        x and y, shape (n, keypoints, 2); NaN or far outside gives an empty map.
    size
        Height and width of the heatmaps.
    stride
        Image pixels per heatmap pixel, along each axis.

    Returns
    -------
    Tensor
        Shape (n, keypoints, height, width).
    """
    height, width = size
    position = torch.nan_to_num((position_px + 0.5) / stride - 0.5, nan=-1e4)
    twice = 2 * variance(stride)
    columns = torch.arange(width, device=position.device, dtype=position.dtype)
    rows = torch.arange(height, device=position.device, dtype=position.dtype)
    across = torch.exp(-((columns - position[..., 0:1]) ** 2) / twice)
    down = torch.exp(-((rows - position[..., 1:2]) ** 2) / twice)
    return down.unsqueeze(-1) * across.unsqueeze(-2)


def decode(heatmaps: Tensor, stride: int = 1) -> Peaks:
    """Find the highest pixel of every heatmap and refine its position to a fraction of a pixel.

    The refinement is one Newton step on the logarithm of the heatmap, which is exact for a
    Gaussian (distribution-aware decoding, Zhang et al. 2020, doi 10.1109/CVPR42600.2020.00712). It
    uses three values along each axis and moves by at most one pixel.

    Parameters
    ----------
    heatmaps
        Shape (n, keypoints, height, width).
    stride
        Image pixels per heatmap pixel, along each axis.
    """
    width = heatmaps.shape[-1]
    of_rows, of_columns = heatmaps.amax(dim=-1), heatmaps.amax(dim=-2)
    # The highest row, then the highest pixel in it: an index over all pixels takes OpenVINO a
    # quarter as long as the network.
    peak_value, row = of_rows.max(dim=-1, keepdim=True)
    line = heatmaps.gather(2, row[..., None].expand(-1, -1, -1, width)).squeeze(2)
    column = line.argmax(dim=-1, keepdim=True)
    position = _refined(heatmaps, row * width + column, stride).squeeze(2)
    # A pixel outside the square is far in its row or in its column: two projections cover both.
    second_peak = torch.maximum(
        _highest_away_from(row.squeeze(2), of_rows),
        _highest_away_from(column.squeeze(2), of_columns),
    )
    return Peaks(position, peak_value.squeeze(2), second_peak)


def local_peaks(heatmaps: Tensor, count: int, stride: int = 1) -> tuple[Tensor, Tensor]:
    """Find the `count` highest local maxima of every heatmap.

    A local maximum is not exceeded within `LOCAL_PEAK_RADIUS_PX`.

    Returns
    -------
    position, peak_value
        Refined as in `decode`, highest first; shapes (n, keypoints, count, 2) and
        (n, keypoints, count). Where a heatmap has fewer peaks, the remaining values are 0.
    """
    # A square maximum is a maximum of columns, then of rows: 14 comparisons instead of 49.
    width = 2 * LOCAL_PEAK_RADIUS_PX + 1
    around = F.max_pool2d(heatmaps, (width, 1), stride=1, padding=(LOCAL_PEAK_RADIUS_PX, 0))
    around = F.max_pool2d(around, (1, width), stride=1, padding=(0, LOCAL_PEAK_RADIUS_PX))
    alone = torch.where(heatmaps == around, heatmaps, 0)
    # No two of them lie in one block of this side: the highest blocks hold the highest peaks.
    side = LOCAL_PEAK_RADIUS_PX + 1
    blocks = F.max_pool2d(alone, side, ceil_mode=True)
    peak_value, block = blocks.flatten(2).topk(count, dim=-1)
    index = _index_in_blocks(alone, block, blocks.shape[-1], side)
    return _refined(heatmaps, index, stride), peak_value.clamp_min(0)


def _index_in_blocks(maps: Tensor, block: Tensor, blocks_a_row: int, side: int) -> Tensor:
    """Return the flat index of the highest pixel of some blocks.

    Parameters
    ----------
    maps
        Shape (n, keypoints, height, width), divided into squares of `side` pixels.
    block
        Flat indices of blocks; shape (n, keypoints, count).
    """
    height, width = maps.shape[2:]
    within = torch.arange(side * side, device=maps.device)
    # The last blocks may be cut off: their last row and column stand for what is missing.
    rows = (block // blocks_a_row * side)[..., None] + within // side
    columns = (block % blocks_a_row * side)[..., None] + within % side
    index = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
    values = maps.flatten(2).gather(2, index.flatten(2)).view(index.shape)
    return index.gather(3, values.argmax(dim=-1, keepdim=True)).squeeze(3)


def find_peaks(heatmaps: Tensor, fingertips: Sequence[int], stride: int) -> HeatmapPeaks:
    """Find the peaks of all keypoints, and several of those that are fingertips.

    Parameters
    ----------
    heatmaps
        Shape (n, keypoints, height, width).
    fingertips
        Their indices among the keypoints; may be empty.
    stride
        Image pixels per heatmap pixel, along each axis.
    """
    peaks = decode(heatmaps, stride)
    if not fingertips:
        none = heatmaps.new_zeros(len(heatmaps), 0, TIP_PEAKS)
        return HeatmapPeaks(*peaks, none[..., None].expand(-1, -1, -1, 2), none)
    return HeatmapPeaks(*peaks, *local_peaks(heatmaps[:, fingertips], TIP_PEAKS, stride))


def _refined(heatmaps: Tensor, index: Tensor, stride: int) -> Tensor:
    """Return sub-pixel image positions (x, y) of flat indices of shape (n, keypoints, count)."""
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
    # At the edge a neighbour is missing: keep the whole pixel there.
    inside_x, inside_y = (column > 0) & (column < width - 1), (row > 0) & (row < height - 1)
    x = column + step(at(row, column - 1), here, at(row, column + 1), inside_x)
    y = row + step(at(row - 1, column), here, at(row + 1, column), inside_y)
    position = (torch.stack([x, y], dim=-1) + 0.5) * stride - 0.5
    return position.to(heatmaps.dtype)


def _highest_away_from(peak: Tensor, projection: Tensor) -> Tensor:
    """Return the highest value of (n, keypoints, length) far from `peak`, or 0 if it is lower."""
    along = torch.arange(projection.shape[-1], device=peak.device)
    far = (along - peak[..., None]).abs() > SECOND_PEAK_DISTANCE_PX
    return (projection * far).amax(dim=-1).clamp_min(0)
