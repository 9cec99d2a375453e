"""How well a network in training places the keypoints of images that it does not learn from."""

from collections.abc import Sequence

import numpy as np
import torch

from tapscope.hand import KEYPOINTS
from tapscope.network.heatmap import decode
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.training.dataset import ValidationCrop
from tapscope.training.metrics import pck


@torch.no_grad()
def validate(
    network: HeatmapNetwork, views: Sequence[ValidationCrop], device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Run the validation views.

    Returns
    -------
    error
        Over the hand's longer side, shape (views, keypoints); NaN without label.
    peak_values
        Of the peaks and of their second peaks; shape (views, keypoints, 2).
    """
    network.eval()
    errors, peak_values = [], []
    for start in range(0, len(views), 16):
        part = views[start : start + 16]
        pixels = torch.from_numpy(np.stack([v.pixels for v in part])).to(device)
        peaks = decode(network(normalise(pixels)).final.float(), network.stride)
        place = peaks.position_px.cpu().numpy()
        truth = np.stack([v.position_px for v in part])
        hand = np.array([v.hand_px for v in part])
        errors.append(np.linalg.norm(place - truth, axis=2) / hand[:, None])
        peak_values.append(torch.stack([peaks.peak_value, peaks.second_peak], dim=2).cpu().numpy())
    return np.concatenate(errors), np.concatenate(peak_values)


def by_dataset(error: np.ndarray, views: Sequence[ValidationCrop]) -> dict[str, float]:
    """Return PCK@0.1 of each dataset."""
    names = np.array([v.dataset for v in views])
    result = {}
    for name in sorted(set(names)):
        result[str(name)] = share_within(error[names == name], 0.1)
    return result


def share_within(error: np.ndarray, limit: float) -> float:
    """Return PCK of the labelled keypoints."""
    return pck(error[np.isfinite(error)], limit)


def area_within(error: np.ndarray, limit: float) -> float:
    """Return the area under the PCK curve from 0 to `limit`, over `limit`, for labelled keypoints.

    1 where all are placed exactly. Unlike PCK it tells two networks apart on a few images, too;
    NaN without any.
    """
    known = error[np.isfinite(error)]
    return float(1 - np.minimum(known, limit).mean() / limit) if len(known) else float("nan")


def keypoint_indices(keypoints: Sequence[str], wanted: Sequence[int]) -> list[int]:
    """Return where some keypoints of a hand stand among `keypoints`; all where none is there."""
    found = [
        keypoints.index(KEYPOINTS[keypoint])
        for keypoint in wanted
        if KEYPOINTS[keypoint] in keypoints
    ]
    return found or list(range(len(keypoints)))
