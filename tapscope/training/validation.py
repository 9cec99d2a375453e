"""Accuracy of a network in training on images that it does not learn from."""

from collections.abc import Sequence

import numpy as np
import torch

from tapscope.network.heatmap import decode
from tapscope.network.pmsdsnet import HeatmapNetwork, normalise
from tapscope.training.dataset import ValidationCrop
from tapscope.training.metrics import pck


@torch.no_grad()
def validate(
    network: HeatmapNetwork, crops: Sequence[ValidationCrop], device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Predict the keypoints of the validation crops.

    Returns
    -------
    error
        Distance from the label over the hand's longer side, shape (crops, keypoints); NaN without
        label and where the keypoint is hidden, because its place can only be guessed.
    peak_values
        Values of the first and of the second peak; shape (crops, keypoints, 2).
    """
    network.eval()
    errors, peak_values = [], []
    for start in range(0, len(crops), 16):
        part = crops[start : start + 16]
        pixels = torch.from_numpy(np.stack([crop.pixels for crop in part])).to(device)
        peaks = decode(network(normalise(pixels)).final.float(), network.stride)
        position = peaks.position_px.cpu().numpy()
        truth = np.stack([crop.position_px for crop in part])
        hand = np.array([crop.hand_px for crop in part])
        error = np.linalg.norm(position - truth, axis=2) / hand[:, None]
        hidden = np.stack([crop.hidden for crop in part])
        errors.append(np.where(hidden, np.nan, error))
        peak_values.append(torch.stack([peaks.peak_value, peaks.second_peak], dim=2).cpu().numpy())
    return np.concatenate(errors), np.concatenate(peak_values)


def by_dataset(error: np.ndarray, crops: Sequence[ValidationCrop]) -> dict[str, float]:
    """Return PCK@0.1 of each dataset."""
    names = np.array([crop.dataset for crop in crops])
    result = {}
    for name in sorted(set(names)):
        result[str(name)] = share_within(error[names == name], 0.1)
    return result


def share_within(error: np.ndarray, limit: float) -> float:
    """Return the share of labelled keypoints with an error under a limit."""
    return pck(error[np.isfinite(error)], limit)


def area_within(error: np.ndarray, limit: float) -> float:
    """Return the area under the PCK curve from 0 to `limit`, over `limit`, of labelled keypoints.

    It is 1 where all errors are 0, and NaN without labelled keypoints. Unlike PCK it distinguishes
    two networks on a few images, too.
    """
    known = error[np.isfinite(error)]
    return float(1 - np.minimum(known, limit).mean() / limit) if len(known) else float("nan")


def keypoint_indices(keypoints: Sequence[str], names: Sequence[str]) -> list[int]:
    """Return the indices of the keypoints with these names; of all where none has such a name."""
    found = [keypoints.index(name) for name in names if name in keypoints]
    return found or list(range(len(keypoints)))
