"""Hold the confidence of followed tips against the truth of rendered recordings.

    tapscope analyze FOLDER/videos --out FEATURES.csv
    python -m tests.bench.tracked_confidence FOLDER FEATURES.csv
        [--fit WEIGHTS OUT --data LABELLED [--data LABELLED ...]]

FOLDER holds truth/NAME.json for each recording, see `tests.bench.clinic`. A tip is right within 0.1
of the hand's longer side; a hidden one is never right. Prints how often tips of a confidence are
right, within the true task. With --fit it writes WEIGHTS, with which the table was made, with a
card whose confidence is fitted anew (a logistic regression on the logit of the old one): the
recordings have half of the say, the validation images of the LABELLED folders the other half.
Recordings alone would be too easy, single images of hands in any pose too hard.
"""

import argparse
import csv
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from tapscope.datasets import annotations, split
from tapscope.hand import KEYPOINTS, TIPS
from tapscope.network import weights
from tapscope.network.bundled_weights import find_weights
from tapscope.network.engine import make_engine
from tapscope.records import FloatArray
from tests.bench import confidence as still_confidence
from tests.bench.study import column, read_rows

RIGHT = 0.1
EDGES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0001)


def tips_of(truth: Path, keypoints: Path) -> tuple[FloatArray, FloatArray]:
    """Return confidence (0 to 1) and rightness (0 or 1) of the tips within the task."""
    true, rows = json.loads(truth.read_text()), read_rows(keypoints)
    frame = column(rows, "frame").astype(int)
    place = np.array([[column(rows, f"{name}_{axis}") for axis in "xy"] for name in KEYPOINTS])
    extent_px = np.ptp(place, axis=0).max(axis=0)
    size_px = float(np.median(extent_px[np.isfinite(extent_px)]))
    tips = np.array([[column(rows, f"{name}_{axis}") for axis in "xy"] for name in TIPS])
    confidence = np.array([column(rows, f"{name}_confidence") for name in TIPS]).T
    error = np.linalg.norm(tips.transpose(2, 0, 1) - np.array(true["tips_px"])[frame], axis=2)
    visible = np.array(true["tips_visible"], dtype=bool)[frame]
    time_s = np.array(true["frame_times_s"])[frame]
    asked = (time_s >= true["task_s"][0]) & (time_s <= true["task_s"][1])
    known = asked[:, None] & np.isfinite(error)
    right = (error / size_px < RIGHT) & visible
    return confidence[known], right[known].astype(float)


def still_tips(source: Path, folders: list[Path]) -> tuple[FloatArray, FloatArray]:
    """Return the same as `tips_of` of the validation images of labelled folders."""
    engine = make_engine(weights.read(find_weights(source)), "cpu")
    found = []
    for folder in folders:
        images = annotations.without_test_images(annotations.load(folder), folder)
        tips = still_confidence.tips_of(engine, split.held_out(images)[1])
        right = np.nan_to_num(tips.error, nan=np.inf) < RIGHT
        found.append((tips.confidence, right.astype(float)))
    confidence, right = (np.concatenate(part) for part in zip(*found, strict=True))
    return confidence, right


def fitted(groups: list[tuple[FloatArray, FloatArray]]) -> tuple[float, float]:
    """Return factor and offset of the logit of the confidence that fit best; groups count alike."""

    def loss(guess: FloatArray) -> float:
        losses = []
        for confidence, right in groups:
            old = logit(np.clip(confidence, 1e-3, 1 - 1e-3))
            new = np.clip(expit(guess[0] * old + guess[1]), 1e-9, 1 - 1e-9)
            losses.append(-np.mean(right * np.log(new) + (1 - right) * np.log(1 - new)))
        return float(np.mean(losses))

    factor, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(factor), float(offset)


def main() -> None:
    """Print the table; write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--fit", type=Path, nargs=2, metavar=("WEIGHTS", "OUT"))
    parser.add_argument("--data", type=Path, action="append", default=[])
    options = parser.parse_args()
    with options.features.open(newline="") as file:
        names = [row["recording"] for row in csv.DictReader(file)]
    results = options.features.with_suffix(".tapscope")
    pairs = [
        tips_of(options.folder / "truth" / f"{name}.json", results / f"{name}.keypoints.csv")
        for name in names
    ]
    confidence, right = (np.concatenate(part) for part in zip(*pairs, strict=True))
    print("confidence   tips   right, %")
    for low, high in pairwise(EDGES):
        here = (confidence >= low) & (confidence < high)
        share = f"{100 * right[here].mean():.1f}" if here.any() else "-"
        print(f"{low:.1f} to {min(high, 1):.1f}  {here.sum():6}   {share:>6}")
    groups = [(confidence, right)]
    if options.fit and options.data:
        groups.append(still_tips(options.fit[0], options.data))
    factor, offset = fitted(groups)
    print(f"fits best: logistic({factor:.3f} * logit(confidence) + {offset:.3f})")
    if options.fit:
        source, out = options.fit
        old = weights.read(find_weights(source))
        card = replace(
            old.card,
            confidence_slope=factor * old.card.confidence_slope,
            confidence_second_peak_slope=factor * old.card.confidence_second_peak_slope,
            confidence_intercept=factor * old.card.confidence_intercept + offset,
        )
        weights.write(out, old.network, card)


if __name__ == "__main__":
    main()
